from __future__ import annotations

import shutil
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mnistlab.data.dataset import Dataset, open_dataset
from mnistlab.data.splits import SPLITS, read_split
from mnistlab.errors import UserError
from mnistlab.messages.sentences import counted


@pytest.fixture(scope="module")
def digits(data_dir: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The first 300 test digits of MNIST."""
    images, labels = open_dataset("mnist", data_dir).read("test")
    return images[:300], labels[:300]


def export(images: NDArray[np.uint8], labels: NDArray[np.int64], root: Path) -> None:
    """Each image as a PNG in its class's folder, its index as its name."""
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        folder = root / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{index:04}.png")


def two_classes(root: Path, count: int = 1) -> Path:
    """A folder of white dots on black: classes "a" and "b" with `count` pictures each."""
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        for index in range(count):
            dot(index).save(root / name / f"{index}.png")
    return root


def dot(index: int = 0) -> Image.Image:
    pixels = np.zeros((28, 28), np.uint8)
    pixels[14, 4 + index % 20] = 255
    return Image.fromarray(pixels)


def only_picture(root: Path, picture: Image.Image, name: str = "0.png", **options: Any) -> NDArray[np.uint8]:
    """The picture as mnistlab reads it."""
    two_classes(root)
    (root / "a" / "0.png").unlink()
    picture.save(root / "a" / name, **options)
    image: NDArray[np.uint8] = open_dataset(str(root)).read("train")[0][0]
    assert (image.shape, image.dtype) == ((28, 28), np.uint8)
    return image


def by_class(dataset: Dataset, part: Any) -> dict[int, set[bytes]]:
    images, labels = dataset.read(part)
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64
    assert len(images) == len(labels)
    return {label: {image.tobytes() for image in images[labels == label]} for label in np.unique(labels).tolist()}


def test_exported_digits_come_back_pixel_for_pixel(
    digits: tuple[NDArray[np.uint8], NDArray[np.int64]], tmp_path: Path
) -> None:
    images, labels = digits
    export(images, labels, tmp_path)
    dataset = open_dataset(str(tmp_path))
    assert dataset.spec.classes == tuple("0123456789")
    train, test = by_class(dataset, "train"), by_class(dataset, "test")
    for label in range(10):
        assert train[label] | test[label] == {image.tobytes() for image in images[labels == label]}
        assert not train[label] & test[label]


def test_about_one_picture_in_six_is_for_testing_whatever_comes_later(
    digits: tuple[NDArray[np.uint8], NDArray[np.int64]], tmp_path: Path
) -> None:
    images, labels = digits
    export(images, labels, tmp_path)
    before = by_class(open_dataset(str(tmp_path)), "test")
    assert all(before.values())  # every class has some
    assert 0.1 < sum(map(len, before.values())) / len(images) < 0.25

    for label in range(10):  # a newcomer that sorts before all others, in each class
        Image.fromarray(np.full((28, 28), label, np.uint8)).save(tmp_path / str(label) / "0.png")
    after = by_class(open_dataset(str(tmp_path)), "test")
    for label in range(10):
        assert before[label] == after[label] - {np.full((28, 28), label, np.uint8).tobytes()}


def test_sub_folders_train_and_test_are_the_parts(
    digits: tuple[NDArray[np.uint8], NDArray[np.int64]], tmp_path: Path
) -> None:
    images, labels = digits
    export(images[:200], labels[:200], tmp_path / "train")
    export(images[200:], labels[200:], tmp_path / "test")
    dataset = open_dataset(str(tmp_path))
    assert dataset.spec.classes == tuple("0123456789")
    assert len(dataset.read("train")[0]) == 200
    test = by_class(dataset, "test")
    for label in range(10):
        assert test[label] == {image.tobytes() for image in images[200:][labels[200:] == label]}


def names_of(arrays: tuple[NDArray[np.uint8], NDArray[np.int64]]) -> set[tuple[int, int]]:
    """(label, number) of each of the pictures that `numbered` made."""
    images, labels = arrays
    return {(int(label), int(image[14, 14])) for image, label in zip(images, labels, strict=True)}


def numbered(root: Path, numbers: range) -> set[tuple[int, int]]:
    """Classes "a" and "b" of pictures that carry their number, 1 to 127, as a shade."""
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        for number in numbers:
            pixels = np.zeros((28, 28), np.uint8)
            pixels[10:18, 10:18] = number
            Image.fromarray(pixels).save(root / name / f"{number:03}.png")
    return {(label, number) for label in (0, 1) for number in numbers}


@pytest.mark.parametrize(
    "names",
    [("train", "val", "test"), ("training", "validation", "testing"), ("Train", "Valid", "TEST"), ("train", None, "test"),
     ("training", None, "testing"), ("train", "val", None), ("Training", "Validation", None),
     ("train", None, None)],
)  # fmt: skip
def test_the_parts_that_a_folder_gives_are_the_splits(
    names: tuple[str, str | None, str | None], tmp_path: Path
) -> None:
    """A given `val` is the validation split; a missing test split is taken only from the training pictures."""
    train, val, test = (
        numbered(tmp_path / name, numbers) if name else None
        for name, numbers in zip(names, (range(1, 61), range(61, 81), range(81, 101)), strict=True)
    )
    for junk in ("__MACOSX", ".cache", "@eaDir"):
        (tmp_path / junk / "a").mkdir(parents=True)
    (tmp_path / ".DS_Store").write_bytes(b"x")
    dataset = open_dataset(str(tmp_path))
    assert dataset.spec.classes == ("a", "b")
    splits = {split: names_of(read_split(dataset, split)) for split in SPLITS}

    assert train is not None
    if test is None:
        assert 0.1 < len(splits["test"]) / len(train) < 0.25
        assert splits["test"] < train
        test = splits["test"]
    assert splits["test"] == test
    assert splits["train+val"] == (train | (val or set())) - test
    assert splits["train"] == splits["train+val"] - splits["val"]
    if val is None:
        assert len(splits["val"]) == len(splits["train+val"]) // 12
    else:
        assert splits["val"] == val


def test_a_test_split_that_is_kept_back_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("train", "val"):
        two_classes(tmp_path / name, 6)
    with caplog.at_level("INFO", "mnistlab.data"):
        open_dataset(str(tmp_path))
    assert f"one in six of the pictures in {tmp_path / 'train'} is held back for testing" in caplog.text


def test_folders_beside_the_parts_are_left_out_and_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("train", "val", "test", "docs/old"):
        two_classes(tmp_path / name, 12)
    (tmp_path / "foo").mkdir()
    dot().save(tmp_path / "foo" / "0.png")
    dot().save(tmp_path / "test" / "overview.png")
    with caplog.at_level("INFO", "mnistlab.data"):
        dataset = open_dataset(str(tmp_path))
        sizes = [len(read_split(dataset, split)[1]) for split in SPLITS]
    assert dataset.spec.classes == ("a", "b")
    assert sizes == [24, 24, 48, 24, 24, 24]
    assert caplog.messages == [
        f"{tmp_path} has a folder named train, so these folders beside it are ignored: docs, foo"
    ]


def test_classes_may_be_called_as_parts_are(tmp_path: Path) -> None:
    for name in ("train", "bus"):
        (tmp_path / name).mkdir()
        dot().save(tmp_path / name / "0.png")
    assert open_dataset(str(tmp_path)).spec.classes == ("bus", "train")


@pytest.mark.parametrize("below", ["", "train"])
def test_an_unpacked_archive_is_taken_as_meant(below: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    two_classes(tmp_path / "digits" / below, 12)
    two_classes(tmp_path / "__MACOSX" / "digits" / below, 1)
    (tmp_path / "README.txt").write_text("x")
    with caplog.at_level("INFO", "mnistlab.data"):
        spec = open_dataset(str(tmp_path)).spec
    assert (spec.name, spec.classes) == (str(tmp_path / "digits"), ("a", "b"))
    assert caplog.messages[0] == f"{tmp_path} holds only one folder, digits: the sub-folders of digits are used"


def test_a_single_class_is_no_archive(tmp_path: Path) -> None:
    two_classes(tmp_path / "outer" / "inner")
    with pytest.raises(UserError, match="has 1 sub-folder, but a classifier needs at least two classes"):
        open_dataset(str(tmp_path))
    shutil.rmtree(tmp_path / "outer" / "inner" / "b")
    (tmp_path / "outer" / "inner").rename(tmp_path / "cat")
    shutil.rmtree(tmp_path / "outer")
    dot().save(tmp_path / "cat" / "0.png")
    with pytest.raises(UserError, match="has 1 sub-folder, but a classifier needs at least two classes"):
        open_dataset(str(tmp_path))


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        (["val", "test"], ["train is missing beside", "test"]),
        (["testing"], ["train is missing beside", "testing"]),
        (["train", "training", "test"], ["both train and training"]),
        (["train", "val", "valid"], ["both val and valid"]),
    ],
)
def test_parts_that_cannot_be_told_are_named(folders: list[str], words: list[str], tmp_path: Path) -> None:
    for name in folders:
        two_classes(tmp_path / name)
    with pytest.raises(UserError) as caught:
        open_dataset(str(tmp_path))
    assert caught.value.remedy
    for word in words:
        assert word in caught.value.message


@pytest.mark.parametrize("part", ["val", "test"])
@pytest.mark.parametrize(
    ("change", "words"),
    [({"a": "c"}, "(missing: a; not in training: c)"), ({"b": None}, "(missing: b)"), ({None: "c"}, "(not in training: c)"),
     ({"a": None, "b": None}, "(missing: a, b)")],
)  # fmt: skip
def test_parts_of_other_classes_are_named(
    part: str, change: dict[str | None, str | None], words: str, tmp_path: Path
) -> None:
    for name in ("train", "val", "test"):
        two_classes(tmp_path / name)
    for old, new in change.items():
        if old and new:
            (tmp_path / part / old).rename(tmp_path / part / new)
        elif old:
            shutil.rmtree(tmp_path / part / old)
        elif new:
            (tmp_path / part / new).mkdir()
    with pytest.raises(UserError) as caught:
        open_dataset(str(tmp_path))
    assert caught.value.message == f"{tmp_path / part} has different classes from {tmp_path / 'train'} {words}."


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_what_programs_leave_behind_is_no_class(part: str, tmp_path: Path) -> None:
    for name in ("train", "val", "test"):
        two_classes(tmp_path / name, 12)
    for junk in ("__MACOSX", ".ipynb_checkpoints", "@eaDir"):
        (tmp_path / part / junk / "a").mkdir(parents=True)
        dot().save(tmp_path / part / junk / "0.png")
    for junk in (".DS_Store", "Thumbs.db", "desktop.ini", "._0.png"):
        (tmp_path / part / "a" / junk).write_bytes(b"not a picture")
    dataset = open_dataset(str(tmp_path))
    assert dataset.spec.classes == ("a", "b")
    assert [len(read_split(dataset, split)[1]) for split in SPLITS] == [24, 24, 48, 24, 24, 24]


def test_a_validation_folder_without_pictures_is_named(tmp_path: Path) -> None:
    for name in ("train", "val", "test"):
        two_classes(tmp_path / name)
    for path in (tmp_path / "val").rglob("*.png"):
        path.unlink()
    with pytest.raises(UserError, match="holds no pictures to validate with") as caught:
        open_dataset(str(tmp_path)).read("train")
    assert "FOLDER/val" in caught.value.remedy


def test_mean_and_std_are_those_of_the_training_pictures(
    digits: tuple[NDArray[np.uint8], NDArray[np.int64]], tmp_path: Path
) -> None:
    images, labels = digits
    export(images, labels, tmp_path)
    dataset = open_dataset(str(tmp_path))
    pixels = dataset.read("train")[0] / 255
    assert dataset.spec.mean == pytest.approx(pixels.mean(), abs=1e-4)
    assert dataset.spec.std == pytest.approx(pixels.std(), abs=1e-4)
    assert dataset.spec.image_size == (28, 28)


def test_blank_pictures_can_be_normalised(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.new("L", (28, 28)).save(tmp_path / name / "0.png")
    assert open_dataset(str(tmp_path)).spec.std > 0


def test_the_row_is_named_by_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two_classes(tmp_path / "pets")
    monkeypatch.chdir(tmp_path)
    spec = open_dataset("pets").spec
    assert spec.name == str((tmp_path / "pets").resolve())
    assert "pets" in spec.title
    assert spec.classes == ("a", "b")


def test_pictures_are_read_once(tmp_path: Path) -> None:
    dataset = open_dataset(str(two_classes(tmp_path)))
    assert dataset.read("train")[0] is dataset.read("train")[0]


def test_dark_ink_on_bright_paper_is_turned_around(
    digits: tuple[NDArray[np.uint8], NDArray[np.int64]], tmp_path: Path
) -> None:
    digit = digits[0][0]
    assert np.array_equal(only_picture(tmp_path, Image.fromarray(255 - digit)), digit)


def test_a_scan_on_greyish_paper_is_turned_around(tmp_path: Path) -> None:
    pixels = np.full((28, 28), 200, np.uint8)
    pixels[10:18, 13:15] = 20
    image = only_picture(tmp_path, Image.fromarray(pixels))
    assert image[14, 14] == 235
    assert image[0, 0] == 55


def test_ink_that_touches_the_edge_is_still_ink(tmp_path: Path) -> None:
    pixels = np.zeros((28, 28), np.uint8)
    pixels[:, 12:16] = 255
    assert np.array_equal(only_picture(tmp_path, Image.fromarray(pixels)), pixels)


@pytest.mark.parametrize(
    ("mode", "ending"), [*[(mode, "tif") for mode in ("L", "RGB", "1", "P", "CMYK")], ("L", "pgm"), ("RGB", "ppm")]
)
def test_any_mode_of_colour_is_read(mode: str, ending: str, tmp_path: Path) -> None:
    image = only_picture(tmp_path, dot().convert(mode), f"0.{ending}")
    assert np.argwhere(image > 200).tolist() == [[14, 4]]


def test_a_16_bit_picture_keeps_its_shades(tmp_path: Path) -> None:
    shades = np.zeros((28, 28), np.uint8)
    shades[8:20, 8:20] = np.arange(12) * 20
    image = only_picture(tmp_path, Image.fromarray(shades.astype(np.uint16) * 257))
    assert np.abs(image.astype(int) - shades).max() <= 1


def test_light_ink_on_nothing_is_ink_too(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (28, 28), "white")
    picture.putalpha(dot())
    assert np.array_equal(only_picture(tmp_path, picture), np.asarray(dot()))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_is_paper(mode: str, tmp_path: Path) -> None:
    """Black ink on transparent, as drawing programs save it: the colour below the transparency is black too."""
    digit = np.asarray(dot())
    picture = Image.new(mode, (28, 28), 0)
    picture.putalpha(Image.fromarray(digit))
    assert np.array_equal(only_picture(tmp_path, picture), digit)


def test_a_transparent_palette_colour_is_paper(tmp_path: Path) -> None:
    pixels = np.zeros((28, 28), np.uint8)
    pixels[14, 4] = 1
    picture = Image.fromarray(pixels)
    picture.putpalette([0, 0, 0, 0, 0, 0])
    assert picture.mode == "P"
    image = only_picture(tmp_path, picture, transparency=0)
    assert np.argwhere(image > 200).tolist() == [[14, 4]]


def test_a_photo_is_turned_as_its_exif_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn by 90 degrees clockwise
    image = only_picture(tmp_path, dot(), "0.png", exif=exif)
    assert np.array_equal(image, np.rot90(np.asarray(dot()), -1))


def extent(image: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """First and last row, first and last column with ink."""
    rows, columns = np.flatnonzero((image > 127).any(1)), np.flatnonzero((image > 127).any(0))
    return rows[0], rows[-1], columns[0], columns[-1]


def test_a_larger_picture_is_scaled_whole(tmp_path: Path) -> None:
    picture = Image.new("L", (280, 280))
    picture.paste(255, (40, 80, 120, 240))
    assert extent(only_picture(tmp_path, picture)) == (8, 23, 4, 11)


@pytest.mark.parametrize(("size", "blank"), [((280, 140), "rows"), ((140, 280), "columns")])
def test_the_aspect_is_kept(size: tuple[int, int], blank: str, tmp_path: Path) -> None:
    """A wide or tall picture gets paper on both sides; a square in it stays a square."""
    picture = Image.new("L", size, 30)
    middle = (size[0] // 2, size[1] // 2)
    picture.paste(255, (middle[0] - 50, middle[1] - 50, middle[0] + 50, middle[1] + 50))
    image = only_picture(tmp_path, picture)
    top, bottom, left, right = extent(image)
    assert (bottom - top + 1, right - left + 1) == (10, 10)
    assert (top, left) == (9, 9)
    edges = image if blank == "rows" else image.T
    assert np.all(edges[:6] == 30)
    assert np.all(edges[-6:] == 30)


def test_a_smaller_picture_is_enlarged(tmp_path: Path) -> None:
    picture = Image.new("L", (7, 7))
    picture.paste(255, (2, 2, 5, 5))
    assert extent(only_picture(tmp_path, picture)) == (8, 19, 8, 19)


def test_a_picture_of_one_pixel_is_read(tmp_path: Path) -> None:
    assert only_picture(tmp_path, Image.new("L", (1, 1), 9)).tolist() == [[9] * 28] * 28


def test_jpeg_keeps_the_digit_recognisable(digits: tuple[NDArray[np.uint8], NDArray[np.int64]], tmp_path: Path) -> None:
    image = only_picture(tmp_path, Image.fromarray(digits[0][0]), "0.JPG", quality=95)
    assert np.abs(image.astype(int) - digits[0][0]).mean() < 4


def test_other_files_and_hidden_ones_are_passed_over(tmp_path: Path) -> None:
    two_classes(tmp_path, 2)
    (tmp_path / "a" / "notes.txt").write_text("not a picture")
    (tmp_path / "a" / ".hidden.png").write_text("not a picture")
    (tmp_path / ".git").mkdir()
    (tmp_path / "README.md").write_text("not a class")
    dataset = open_dataset(str(tmp_path))
    assert dataset.spec.classes == ("a", "b")
    assert len(dataset.read("train")[0]) == 4


# What cannot be read


@pytest.mark.parametrize("classes", [[], ["a"]])
def test_fewer_than_two_classes_are_no_dataset(classes: list[str], tmp_path: Path) -> None:
    for name in classes:
        (tmp_path / name).mkdir()
        dot().save(tmp_path / name / "0.png")
    with pytest.raises(
        UserError, match=f"{counted(len(classes), 'sub-folder')}, but a classifier needs at least two"
    ) as caught:
        open_dataset(str(tmp_path))
    assert str(tmp_path) in caught.value.message
    assert "FOLDER/cat/1.png" in caught.value.remedy


def test_a_class_without_pictures_is_named(tmp_path: Path) -> None:
    two_classes(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("x")
    with pytest.raises(UserError, match="holds no pictures") as caught:
        open_dataset(str(tmp_path))
    assert str(tmp_path / "empty") in caught.value.message


def test_too_few_pictures_to_test_with_are_named(tmp_path: Path) -> None:
    dataset = open_dataset(str(two_classes(tmp_path, 5)))
    assert len(dataset.read("train")[0]) == 10
    with pytest.raises(UserError, match=r"holds no pictures to test with\. Give at least 12 pictures per class\."):
        dataset.read("test")


def png_header(width: int, height: int) -> bytes:
    """A PNG file that claims a size but holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def refusal(root: Path, content: bytes) -> str:
    """The error of reading a folder in which b/0.png has this content."""
    two_classes(root)
    path = root / "b" / "0.png"
    path.write_bytes(content)
    dataset = open_dataset(str(root))
    with pytest.raises(UserError) as caught:
        dataset.read("train")
    assert str(path) in caught.value.message
    assert caught.value.remedy
    return caught.value.message


def png() -> bytes:
    buffer = BytesIO()
    Image.effect_noise((64, 64), 50).save(buffer, "png")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty"), (b"not a picture", "is not a PNG"), (png()[: len(png()) // 2], "incomplete"), (png()[:20], "incomplete"),
     (png()[:100] + b"\xff" * 200 + png()[300:], "damaged"), (b"GIF89a", "incomplete")],
    ids=["empty", "text", "half", "header", "damaged", "magic only"],
)  # fmt: skip
def test_a_broken_picture_is_named(content: bytes, words: str, tmp_path: Path) -> None:
    assert words in refusal(tmp_path, content)


@pytest.mark.parametrize(
    ("side", "words"),
    [(9_000, "9,000 x 9,000 pixels"), (60_000, "too many pixels"), (2_000_000_000, "too many pixels")],
)
def test_a_huge_picture_is_refused_before_it_is_decoded(side: int, words: str, tmp_path: Path) -> None:
    assert words in refusal(tmp_path, png_header(side, side))


def test_a_folder_named_like_a_picture_is_named(tmp_path: Path) -> None:
    two_classes(tmp_path)
    (tmp_path / "a" / "1.png").mkdir()
    with pytest.raises(UserError, match=r"1\.png"):
        open_dataset(str(tmp_path)).read("train")


@pytest.mark.parametrize("names", [("a", "train"), ("test", "train"), ("testing", "validation")])
def test_classes_may_be_called_like_parts(names: tuple[str, str], tmp_path: Path) -> None:
    two_classes(tmp_path)
    for old, new in zip(("a", "b"), names, strict=True):
        (tmp_path / old).rename(tmp_path / new)
    assert open_dataset(str(tmp_path)).spec.classes == names
