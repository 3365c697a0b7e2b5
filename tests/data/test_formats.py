from __future__ import annotations

import bz2
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torchvision.datasets
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from mnistlab.data.catalog import FileSpec
from mnistlab.data.dataset import DATASETS, DatasetSpec, find_spec
from mnistlab.data.formats import CorruptFileError, parse, raw_size
from tests.support.raw_files import idx, libsvm, small, write_raw

EVERY = pytest.mark.parametrize("spec", DATASETS.values(), ids=DATASETS)
EMNIST = [name for name in DATASETS if name.startswith("emnist-")]

IMAGES = npst.arrays(np.uint8, npst.array_shapes(min_dims=3, max_dims=3, max_side=6))


@given(IMAGES, st.booleans())
def test_images_come_back_as_they_were_written(images: NDArray[np.uint8], transposed: bool) -> None:
    file = FileSpec("x-images-idx3-ubyte", "images", len(images))
    size = images.shape[1:]
    spec = replace(find_spec("mnist"), files=(file,), image_size=size, transposed=transposed and size[0] == size[1])
    (read,) = parse(spec, file, idx(images))
    assert np.array_equal(read, images.transpose(0, 2, 1) if spec.transposed else images)
    assert read.dtype == np.uint8
    assert read.flags.c_contiguous
    assert raw_size(spec, file) == len(idx(images))


@given(st.data(), st.integers(0, 3), st.integers(1, 200), st.sampled_from(["labels-idx1-ubyte", "labels-idx2-int"]))
def test_labels_come_back_as_they_were_written(data: st.DataObject, first: int, classes: int, name: str) -> None:
    labels = data.draw(npst.arrays(np.uint8, st.integers(1, 30), elements=st.integers(first, first + classes - 1)))
    file = FileSpec(name, "labels", len(labels))
    spec = replace(find_spec("mnist"), files=(file,), classes=tuple(map(str, range(classes))), first_label=first)
    array: NDArray[Any] = labels
    if name.endswith("int"):
        array = np.zeros((len(labels), 8), np.int32)
        array[:, 0], array[:, 1:] = labels, 1 << 20
    (read,) = parse(spec, file, idx(array))
    assert read.tolist() == [int(label) - first for label in labels]
    assert read.dtype == np.int64
    assert raw_size(spec, file) == len(idx(array))


@EVERY
def test_raw_sizes_are_those_of_the_real_files(spec: DatasetSpec) -> None:
    for file in spec.files:
        expected = {
            "mnist": {"train-images-idx3-ubyte": 47_040_016, "train-labels-idx1-ubyte": 60_008,
                      "t10k-images-idx3-ubyte": 7_840_016, "t10k-labels-idx1-ubyte": 10_008},
            "qmnist": {"qmnist-train-labels-idx2-int": 1_920_012, "qmnist-test-labels-idx2-int": 1_920_012},
            "usps": {"usps.bz2": None, "usps.t.bz2": None},
        }.get(spec.name, {})  # fmt: skip
        if file.name in expected:
            assert raw_size(spec, file) == expected[file.name]
        else:
            assert raw_size(spec, file) == file.count * (784 if file.kind == "images" else 1) + (
                16 if file.kind == "images" else 8
            )


SPEC = small("kmnist")
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, _ = SPEC.files
GOOD_IMAGES = idx(np.arange(6 * 784, dtype=np.uint32).astype(np.uint8).reshape(6, 28, 28))
GOOD_LABELS = idx(np.array([0, 1, 2, 3, 8, 9], np.uint8))


def reason(spec: DatasetSpec, file: FileSpec, content: bytes) -> str:
    with pytest.raises(CorruptFileError) as caught:
        parse(spec, file, content)
    assert str(caught.value).startswith(f"{file.name} ")
    return str(caught.value).removeprefix(f"{file.name} ")


def test_the_good_files_of_the_next_tests_are_good() -> None:
    assert parse(SPEC, TRAIN_IMAGES, GOOD_IMAGES)[0].shape == (6, 28, 28)
    assert parse(SPEC, TRAIN_LABELS, GOOD_LABELS)[0].tolist() == [0, 1, 2, 3, 8, 9]


@pytest.mark.parametrize("file", SPEC.files, ids=lambda f: f.name)
def test_an_empty_file_is_named_so(file: FileSpec) -> None:
    assert reason(SPEC, file, b"") == "is empty"
    assert reason(small("usps"), small("usps").files[0], b"") == "is empty"


@pytest.mark.parametrize("cut", [1, 100, len(GOOD_IMAGES) - 16])
def test_a_truncated_file_is_named_so(cut: int) -> None:
    assert reason(SPEC, TRAIN_IMAGES, GOOD_IMAGES[:-cut]) == f"is truncated: {4720 - cut:,} bytes, not 4,720"


def test_a_file_that_is_too_long_is_named_so() -> None:
    assert reason(SPEC, TRAIN_LABELS, GOOD_LABELS + b"\0") == "is longer than 14 bytes"


@pytest.mark.parametrize(
    "content",
    [b"\0", b"\0\0\x08", GOOD_IMAGES[:10], b"<html><body>404 Not Found</body></html>", b"\x1f\x8b" + GOOD_IMAGES,
     b"\0\0\x0d" + GOOD_IMAGES[3:], b"\0\0\x08\x04" + GOOD_IMAGES[4:], b"\0\0\x08\0" + GOOD_IMAGES[4:]],
    ids=["one byte", "three bytes", "half a header", "html", "gzip", "float", "4 dimensions", "0 dimensions"],
)  # fmt: skip
def test_what_is_no_idx_file_is_named_so(content: bytes) -> None:
    assert reason(SPEC, TRAIN_IMAGES, content) == "is not an IDX file"


def test_swapped_images_and_labels_are_named_so() -> None:
    assert reason(SPEC, TRAIN_IMAGES, GOOD_LABELS) == "holds labels where images belong (swapped?)"
    assert reason(SPEC, TRAIN_LABELS, GOOD_IMAGES) == "holds images where labels belong (swapped?)"


def test_a_wrong_count_is_named() -> None:
    assert reason(SPEC, TEST_IMAGES, GOOD_IMAGES) == "holds 6 images, not 4"
    assert reason(find_spec("kmnist"), find_spec("kmnist").files[1], GOOD_LABELS) == "holds 6 labels, not 60,000"


def test_a_wrong_image_size_is_named() -> None:
    content = idx(np.zeros((6, 28, 27), np.uint8))
    assert reason(SPEC, TRAIN_IMAGES, content) == "holds images of 28x27 pixels, not 28x28"


def test_a_wrong_pixel_type_is_named() -> None:
    assert "not 28x28" not in reason(SPEC, TRAIN_IMAGES, idx(np.zeros((6, 28, 28), np.int32)))


def test_a_wrong_number_of_label_columns_is_named() -> None:
    spec = small("qmnist")
    assert reason(spec, spec.files[1], idx(np.zeros((6, 7), np.int32))) == "holds labels of 7 columns, not 8"


@pytest.mark.parametrize(
    ("name", "labels", "words"),
    [
        ("kmnist", [0, 1, 2, 3, 4, 10], "holds labels from 0 to 10, not 0 to 9"),
        ("emnist-letters", [0, 1, 2, 3, 4, 5], "holds labels from 0 to 5, not 1 to 26"),
        ("emnist-letters", [1, 2, 3, 4, 5, 27], "holds labels from 1 to 27, not 1 to 26"),
        ("emnist-balanced", [0, 1, 2, 3, 4, 47], "holds labels from 0 to 47, not 0 to 46"),
    ],
)
def test_labels_out_of_range_are_named(name: str, labels: list[int], words: str) -> None:
    spec = small(name)
    assert reason(spec, spec.files[1], idx(np.array(labels, np.uint8))) == words


def test_negative_labels_are_named() -> None:
    spec = small("qmnist")
    labels = np.zeros((6, 8), np.int32)
    labels[2, 0] = -1
    assert reason(spec, spec.files[1], idx(labels)) == "holds labels from -1 to 0, not 0 to 9"


def test_mnist_s_files_are_not_taken_for_kmnist_s(data_dir: Path) -> None:
    kmnist = find_spec("kmnist")
    for file in kmnist.files:
        content = (data_dir / "MNIST" / "raw" / file.name).read_bytes()
        assert reason(kmnist, file, content) == f"is {file.name} of mnist, not {file.name} of kmnist"


def test_mnist_s_files_are_not_taken_for_fashion_s_which_have_sums_of_their_own(data_dir: Path) -> None:
    fashion = find_spec("fashion")
    content = (data_dir / "MNIST" / "raw" / fashion.files[3].name).read_bytes()
    expected = "is t10k-labels-idx1-ubyte of mnist, not t10k-labels-idx1-ubyte of fashion"
    assert reason(fashion, fashion.files[3], content) == expected


def test_a_single_flipped_bit_is_seen_where_the_sum_is_known(data_dir: Path) -> None:
    mnist = find_spec("mnist")
    content = bytearray((data_dir / "MNIST" / "raw" / mnist.files[3].name).read_bytes())
    content[100] ^= 1
    assert reason(mnist, mnist.files[3], bytes(content)).startswith("has SHA-256 ")


def test_a_recorded_sum_is_checked() -> None:
    digest = hashlib.sha256(GOOD_LABELS).hexdigest()
    assert len(parse(SPEC, TRAIN_LABELS, GOOD_LABELS, digest)[0]) == 6
    with pytest.raises(CorruptFileError, match="has SHA-256"):
        parse(SPEC, TRAIN_LABELS, idx(np.zeros(6, np.uint8)), digest)


@given(st.binary(max_size=80))
def test_any_bytes_are_arrays_or_corrupt(content: bytes) -> None:
    """Nothing but CorruptFileError comes out of a wrong file."""
    for spec in (SPEC, small("qmnist"), small("usps")):
        for file in spec.files[:2]:
            with pytest.raises(CorruptFileError):
                parse(spec, file, content)


# Other datasets, as torchvision reads them


@pytest.mark.parametrize("name", [name for name, spec in DATASETS.items() if spec.torchvision_class and name != "usps"])
@pytest.mark.parametrize("part", ["train", "test"])
def test_images_and_labels_are_those_that_torchvision_reads(name: str, part: Any, tmp_path: Path) -> None:
    spec = small(name)
    folder = write_raw(spec, tmp_path)
    read = [parse(spec, file, (folder / file.name).read_bytes())[0] for file in spec.part_files(part)]
    cls = getattr(torchvision.datasets, spec.torchvision_class)
    theirs = cls(root=str(tmp_path), train=part == "train", **spec.torchvision_arguments)
    images = np.stack([np.asarray(theirs[i][0]) for i in range(len(theirs))])
    labels = [theirs[i][1] for i in range(len(theirs))]
    # torchvision leaves EMNIST's images lying on their side, and its letters starting at 1
    assert np.array_equal(read[0], images.transpose(0, 2, 1) if name in EMNIST else images)
    assert read[1].tolist() == [label - (name == "emnist-letters") for label in labels]


def test_emnist_s_images_are_put_upright() -> None:
    spec = small("emnist-digits")
    lying = np.zeros((6, 28, 28), np.uint8)
    lying[:, 3, 20] = 255
    (upright,) = parse(spec, spec.files[0], idx(lying))
    assert np.argwhere(upright[0]).tolist() == [[20, 3]]


def test_emnist_s_letters_are_0_to_25() -> None:
    spec = small("emnist-letters", train=26)
    (labels,) = parse(spec, spec.files[1], idx(np.arange(1, 27, dtype=np.uint8)))
    assert labels.tolist() == list(range(26))
    assert [spec.classes[label] for label in labels[:3]] == ["a", "b", "c"]


def test_qmnist_s_label_is_the_first_of_eight_columns() -> None:
    spec = small("qmnist")
    table = np.array([[digit, 4, 99, 5, 6, 7, 8, 9] for digit in (3, 1, 4, 1, 5, 9)], np.int32)
    (labels,) = parse(spec, spec.files[1], idx(table))
    assert labels.tolist() == [3, 1, 4, 1, 5, 9]


@pytest.mark.parametrize("part", ["train", "test"])
def test_usps_is_what_torchvision_reads(part: Any, tmp_path: Path) -> None:
    spec = small("usps")
    (file,) = spec.part_files(part)
    random = np.random.default_rng(0)
    content = libsvm([1, 10, 5, 6, 2, 3][: file.count], random.uniform(-1, 1, (file.count, 256)))
    (tmp_path / file.name).write_bytes(content)
    images, labels = parse(spec, file, content)
    theirs = torchvision.datasets.USPS(str(tmp_path), train=part == "train")
    assert np.array_equal(images, theirs.data)
    assert labels.tolist() == theirs.targets == [0, 9, 4, 5, 1, 2][: file.count]
    assert (images.shape, images.dtype, labels.dtype) == ((file.count, 16, 16), np.uint8, np.int64)


def test_usps_s_values_from_minus_1_to_1_become_0_to_255() -> None:
    spec = small("usps", train=2)
    pixels = np.full((2, 256), -1.0)
    pixels[1] = 1
    images, _ = parse(spec, spec.files[0], libsvm([1, 2], pixels))
    assert (images[0].max(), images[1].min()) == (0, 255)


USPS = small("usps", train=2)
LINE = b"1 " + b" ".join(b"%d:0.5" % i for i in range(1, 257)) + b"\n"


@pytest.mark.parametrize(
    "content",
    [b"BZh91AY", bz2.compress(LINE * 2)[:-20], bz2.compress(b"hello world\nfoo\n"), bz2.compress(b"1 1:0.5\n2 1:x\n"),
     bz2.compress(LINE + b"2 1:0.5\n"), bz2.compress(b"\xff\xfe"), bz2.compress(b"\n\n"), b"plain text"],
    ids=["magic only", "truncated", "words", "no number", "ragged", "binary", "blank lines", "plain"],
)  # fmt: skip
def test_what_is_not_usps_s_text_is_named_so(content: bytes) -> None:
    assert reason(USPS, USPS.files[0], content).startswith("is not a bz2 file of LIBSVM lines")


def test_usps_s_count_and_labels_are_checked() -> None:
    assert reason(USPS, USPS.files[0], bz2.compress(LINE * 3)) == "holds 3 images, not 2"
    assert (
        reason(USPS, USPS.files[0], bz2.compress(LINE + b"11" + LINE[1:])) == "holds labels from 1 to 11, not 1 to 10"
    )
    assert reason(USPS, USPS.files[0], bz2.compress(b"0" + LINE[1:] + LINE)) == "holds labels from 0 to 1, not 1 to 10"


def test_an_infinite_usps_label_is_corrupt() -> None:
    assert reason(USPS, USPS.files[0], bz2.compress(LINE + b"inf" + LINE[1:]))


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("value", [b"2", b"-7.5", b"nan"])
def test_usps_s_pixels_out_of_range_are_corrupt(value: bytes) -> None:
    assert reason(USPS, USPS.files[0], bz2.compress(LINE + LINE.replace(b"9:0.5", b"9:" + value, 1)))
