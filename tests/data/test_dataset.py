from __future__ import annotations

import bz2
import hashlib
import math
import struct
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
from mnistlab.data.dataset import DATASETS, Dataset, DatasetSpec, find_spec, open_dataset
from mnistlab.data.formats import CorruptFileError, parse, raw_size
from mnistlab.data.splits import validation_mask
from mnistlab.errors import UserError

EVERY = pytest.mark.parametrize("spec", DATASETS.values(), ids=DATASETS)
EMNIST = [name for name in DATASETS if name.startswith("emnist-")]


def idx(array: NDArray[Any]) -> bytes:
    """The IDX file of an array, uint8 or int32."""
    kind = {"uint8": 8, "int32": 12}[array.dtype.name]
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def libsvm(labels: list[int], pixels: NDArray[np.float64]) -> bytes:
    """USPS's file format: bz2 of a line per image."""
    lines = [
        f"{label} " + " ".join(f"{i}:{value:.4f}" for i, value in enumerate(row, 1)) + " \n"
        for label, row in zip(labels, pixels, strict=True)
    ]
    return bz2.compress("".join(lines).encode())


def small(name: str, train: int = 6, test: int = 4) -> DatasetSpec:
    """The dataset's row with fewer images and without sums."""
    spec = find_spec(name)
    counts = [train] * len(spec.part_files("train")) + [test] * len(spec.part_files("test"))
    return replace(spec, files=tuple(replace(f, count=n, sha256=None) for f, n in zip(spec.files, counts, strict=True)))


def write_raw(spec: DatasetSpec, root: Path, seed: int = 0) -> Path:
    """Random raw files for a row of IDX files, where torchvision wants them; returns their folder."""
    random = np.random.default_rng(seed)
    folder = root / spec.folder
    folder.mkdir(parents=True)
    for file in spec.files:
        if file.kind == "images":
            array: NDArray[Any] = random.integers(0, 256, (file.count, *spec.image_size), np.uint8)
        else:
            array = random.integers(0, len(spec.classes), file.count, np.uint8) + np.uint8(spec.first_label)
            if file.name.endswith("idx2-int"):
                others = random.integers(0, 1 << 30, (file.count, 7), np.int32)
                array = np.column_stack([array.astype(np.int32), others])
        (folder / file.name).write_bytes(idx(array))
    return folder


@pytest.fixture(scope="module")
def mnist(data_dir: Path) -> Dataset:
    return open_dataset("mnist", data_dir)


# The table


def test_every_dataset_with_mnist_s_interface_is_there() -> None:
    assert set(DATASETS) == {
        "mnist", "fashion", "kmnist", "qmnist", "usps", *(f"emnist-{s}" for s in torchvision.datasets.EMNIST.splits)
    }  # fmt: skip


@EVERY
def test_a_row_is_found_by_its_name(spec: DatasetSpec) -> None:
    assert DATASETS[spec.name] is spec
    assert find_spec(spec.name) is spec


@EVERY
def test_a_row_is_complete(spec: DatasetSpec) -> None:
    assert spec.title
    assert 0 < spec.mean < 1
    assert 0 < spec.std < 1
    assert len(spec.classes) == len(set(spec.classes)) >= 10
    names = [file.name for file in spec.files]
    assert len(set(names)) == len(names)
    kinds = ["both", "both"] if len(names) == 2 else ["images", "labels", "images", "labels"]
    assert [file.kind for file in spec.files] == kinds
    for part in ("train", "test"):
        assert len({file.count for file in spec.part_files(part)}) == 1
    assert spec.part_files("train") + spec.part_files("test") == spec.files
    for file in spec.files:
        assert file.count > 0
        assert file.sha256 is None or len(bytes.fromhex(file.sha256)) == 32


def test_no_two_files_have_the_same_sum() -> None:
    sums = [file.sha256 for spec in DATASETS.values() for file in spec.files if file.sha256]
    assert len(sums) == len(set(sums)) == 8


@EVERY
def test_folders_are_torchvision_s(spec: DatasetSpec) -> None:
    cls = getattr(torchvision.datasets, spec.torchvision_class)
    assert spec.folder == ("" if cls is torchvision.datasets.USPS else f"{cls.__name__}/raw")


def torchvision_names(spec: DatasetSpec) -> set[str]:
    """The names of the raw files that torchvision gives a dataset."""
    cls = getattr(torchvision.datasets, spec.torchvision_class)
    if cls is torchvision.datasets.USPS:
        return {row[1] for row in cls.split_list.values()}
    if cls is torchvision.datasets.QMNIST:
        return {Path(url).stem for part in ("train", "test") for url, _ in cls.resources[part]}
    if cls is torchvision.datasets.EMNIST:
        dataset = object.__new__(cls)  # its paths need no data
        dataset.root, dataset.split = "", spec.torchvision_arguments["split"]
        names = set()
        for dataset.train in (True, False):
            names |= {Path(dataset.images_file).name, Path(dataset.labels_file).name}
        return names
    return {Path(name).stem for name, _ in cls.resources}


@EVERY
def test_files_are_torchvision_s(spec: DatasetSpec) -> None:
    assert {file.name for file in spec.files} == torchvision_names(spec)


@EVERY
def test_classes_are_torchvision_s(spec: DatasetSpec) -> None:
    cls = getattr(torchvision.datasets, spec.torchvision_class)
    if cls is torchvision.datasets.EMNIST:
        theirs = cls.classes_split_dict[spec.torchvision_arguments["split"]]
        assert theirs[: spec.first_label] == ["N/A"] * spec.first_label
        assert list(spec.classes) == theirs[spec.first_label :]
    elif cls is torchvision.datasets.USPS:
        assert list(spec.classes) == list("0123456789")
    elif cls in (torchvision.datasets.MNIST, torchvision.datasets.QMNIST):
        assert list(spec.classes) == [name.partition(" - ")[0] for name in cls.classes]
    else:
        assert list(spec.classes) == cls.classes


@pytest.mark.parametrize("name", EMNIST)
def test_only_emnist_s_letters_start_at_one(name: str) -> None:
    assert find_spec(name).first_label == (name == "emnist-letters")
    assert find_spec(name).transposed


def test_corrected_test_labels_are_indices_of_mnist_s_test_set() -> None:
    wrong = find_spec("mnist").corrected_test_labels
    assert len(set(wrong)) == len(wrong) == 15
    assert all(0 <= index < 10_000 for index in wrong)
    assert not any(spec.corrected_test_labels for name, spec in DATASETS.items() if name != "mnist")


def test_only_mnist_is_bundled() -> None:
    assert [name for name, spec in DATASETS.items() if spec.bundled] == ["mnist"]


@pytest.mark.parametrize("name", ["nist", "", "MNIST", "mnist "])
def test_an_unknown_name_is_answered_with_the_known_ones(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Unknown dataset") as caught:
        open_dataset(name or "no-such-folder", tmp_path)
    assert all(known in caught.value.remedy for known in DATASETS)


def test_a_name_of_the_table_goes_before_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mnist").mkdir()
    monkeypatch.chdir(tmp_path)
    assert open_dataset("mnist", "data").spec is DATASETS["mnist"]


def test_opening_reads_and_writes_nothing(tmp_path: Path) -> None:
    open_dataset("mnist", tmp_path / "data")
    assert not (tmp_path / "data").exists()


# MNIST itself


@pytest.mark.parametrize(("part", "count"), [("train", 60_000), ("test", 10_000)])
def test_mnist_s_arrays(mnist: Dataset, part: Any, count: int) -> None:
    images, labels = mnist.read(part)
    assert (images.shape, images.dtype) == ((count, 28, 28), np.uint8)
    assert (labels.shape, labels.dtype) == ((count,), np.int64)
    assert set(labels) == set(range(10))


def test_mnist_s_first_labels(mnist: Dataset) -> None:
    assert mnist.read("train")[1][:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert mnist.read("test")[1][:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_mnist_s_class_counts(mnist: Dataset) -> None:
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(mnist.read("train")[1]).tolist() == counts


def moments(images: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean and std of the pixels scaled to [0, 1], from exact sums."""
    squares = (np.arange(256) ** 2).astype(np.uint16)
    mean = int(images.sum(dtype=np.int64)) / images.size
    mean_of_squares = int(squares[images].sum(dtype=np.int64)) / images.size
    return mean / 255, math.sqrt(mean_of_squares - mean**2) / 255


def test_mnist_s_mean_and_std_are_those_of_its_training_pixels(mnist: Dataset) -> None:
    mean, std = moments(mnist.read("train")[0])
    assert (round(mean, 4), round(std, 4)) == (0.1307, 0.3081)
    assert (mnist.spec.mean, mnist.spec.std) == (0.1307, 0.3081)


def test_mnist_is_what_torchvision_reads(mnist: Dataset, data_dir: Path) -> None:
    theirs = torchvision.datasets.MNIST(str(data_dir), train=False)
    images, labels = mnist.read("test")
    assert np.array_equal(images, theirs.data.numpy())
    assert np.array_equal(labels, theirs.targets.numpy())


def test_ink_is_bright_on_dark(mnist: Dataset) -> None:
    images, _ = mnist.read("test")
    assert images[:, 0].mean() < 1
    assert images[:, 8:20, 8:20].mean() > 50


def test_a_part_is_read_once(mnist: Dataset) -> None:
    assert mnist.read("train")[0] is mnist.read("train")[0]


# The validation split

MASK_SHA256 = "3db020e64ad2257fb7674dce0d70a58460d7da3fc966a0de2626167e16fd3664"


def test_mnist_s_validation_split_stays_what_it_is(mnist: Dataset) -> None:
    """Every figure that was ever measured on the validation split depends on this."""
    mask = validation_mask(mnist.read("train")[1], 10)
    assert hashlib.sha256(mask.tobytes()).hexdigest() == MASK_SHA256


def test_mnist_s_validation_split_is_5000_and_stratified(mnist: Dataset) -> None:
    labels = mnist.read("train")[1]
    mask = validation_mask(labels, 10)
    assert (mask.shape, mask.dtype) == ((60_000,), np.bool_)
    assert mask.sum() == 5000
    assert np.abs(np.bincount(labels[mask]) - np.bincount(labels) / 12).max() < 1


@given(st.data(), st.integers(1, 12))
def test_any_validation_split_is_a_twelfth_and_stratified(data: st.DataObject, classes: int) -> None:
    labels = np.array(data.draw(st.lists(st.integers(0, classes - 1), min_size=12, max_size=300)), np.int64)
    mask = validation_mask(labels, classes)
    total = len(labels) // 12
    assert mask.sum() == total
    counts = np.bincount(labels, minlength=classes)
    taken = np.bincount(labels[mask], minlength=classes)
    assert np.all(np.abs(taken - counts * total / len(labels)) < 1)
    assert np.array_equal(mask, validation_mask(labels.copy(), classes))


@given(st.integers(1, 40), st.integers(2, 5))
def test_each_class_gives_examples_from_all_along_the_file(share: int, classes: int) -> None:
    labels = np.arange(12 * share * classes) % classes
    chosen = np.flatnonzero(validation_mask(labels, classes))
    for label in range(classes):
        places = chosen[labels[chosen] == label] // classes
        assert np.array_equal(places, np.arange(share) * 12 + 6)


def test_fewer_than_twelve_examples_cannot_be_split() -> None:
    with pytest.raises(UserError, match="11 training examples cannot be split: that takes 12"):
        validation_mask(np.zeros(11, np.int64), 2)


# Raw files

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
    assert reason(SPEC, TRAIN_LABELS, GOOD_LABELS + b"\0") == "is too long: 15 bytes, not 14"


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
        ("kmnist", [0, 1, 2, 3, 4, 10], "holds labels 0 to 10, not 0 to 9"),
        ("emnist-letters", [0, 1, 2, 3, 4, 5], "holds labels 0 to 5, not 1 to 26"),
        ("emnist-letters", [1, 2, 3, 4, 5, 27], "holds labels 1 to 27, not 1 to 26"),
        ("emnist-balanced", [0, 1, 2, 3, 4, 47], "holds labels 0 to 47, not 0 to 46"),
    ],
)
def test_labels_out_of_range_are_named(name: str, labels: list[int], words: str) -> None:
    spec = small(name)
    assert reason(spec, spec.files[1], idx(np.array(labels, np.uint8))) == words


def test_negative_labels_are_named() -> None:
    spec = small("qmnist")
    labels = np.zeros((6, 8), np.int32)
    labels[2, 0] = -1
    assert reason(spec, spec.files[1], idx(labels)) == "holds labels -1 to 0, not 0 to 9"


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


@pytest.mark.parametrize("name", [name for name in DATASETS if name != "usps"])
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
    assert reason(USPS, USPS.files[0], bz2.compress(LINE + b"11" + LINE[1:])) == "holds labels 1 to 11, not 1 to 10"
    assert reason(USPS, USPS.files[0], bz2.compress(b"0" + LINE[1:] + LINE)) == "holds labels 0 to 1, not 1 to 10"


def test_an_infinite_usps_label_is_corrupt() -> None:
    assert reason(USPS, USPS.files[0], bz2.compress(LINE + b"inf" + LINE[1:]))


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("value", [b"2", b"-7.5", b"nan"])
def test_usps_s_pixels_out_of_range_are_corrupt(value: bytes) -> None:
    assert reason(USPS, USPS.files[0], bz2.compress(LINE + LINE.replace(b"9:0.5", b"9:" + value, 1)))


def test_what_is_neither_a_name_nor_a_path_is_refused() -> None:
    with pytest.raises(
        UserError, match=r"^dataset None is not a path\. Choose one of mnist, .* or give a folder of pictures"
    ):
        open_dataset(None)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"^data_dir None is not a path\. Give text or a pathlib\.Path\.$"):
        open_dataset("mnist", None)  # type: ignore[arg-type]
