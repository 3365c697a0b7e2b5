"""Pictures with what was read in them: everything is where the digits are, and readable at any size."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mnistlab.errors import UserError
from mnistlab.messages.sentences import Clause
from mnistlab.reading.annotation import ON_DARK, ON_LIGHT, Palette, Style, annotate, percents_of, value_of
from mnistlab.reading.page import Digit, Line, Page
from mnistlab.reading.sheets.fields import Entry

Array = NDArray[Any]
Box = tuple[int, int, int, int]
NOTHING = np.zeros((28, 28), np.uint8)


def digit(box: Box, value: int | str = 7, probability: float = 0.98, accepted: bool = True) -> Digit:
    return Digit(value, probability, box, accepted, NOTHING, np.zeros(10, np.float32))


def page(picture: Array, *lines: list[Digit]) -> Page:
    return Page(tuple(Line(tuple(line)) for line in lines), (picture.shape[1], picture.shape[0]))


def paper(*boxes: Box, size: tuple[int, int] = (300, 200), light: bool = True) -> Array:
    """Width and height; each box is filled with grey ink."""
    picture = np.full((size[1], size[0]), 250 if light else 20, np.uint8)
    for x, y, width, height in boxes:
        picture[y : y + height, x : x + width] = 100 if light else 170
    return picture


def drawn(image: Image.Image) -> Array:
    """Where a palette's colours are: bool (H, W)."""
    values = np.asarray(image).astype(int)
    return np.abs(values.max(2) - values.min(2)) > 60  # paper and ink are grey


def spans(mask: Array) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is marked."""
    y, x = np.nonzero(mask)
    return int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1


@pytest.mark.parametrize("light", [True, False])
@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("height", [8, 12, 20, 60, 200])
def test_the_box_is_around_the_digit(height: int, accepted: bool, light: bool) -> None:
    box = (height, height, height // 2, height)
    picture = paper(box, size=(3 * height, 3 * height), light=light)
    image = annotate(picture, page(picture, [digit(box, accepted=accepted)]))
    values = np.asarray(image).astype(int)
    scale = max(1.0, 14 / 0.34 / height)
    assert image.mode == "RGB"
    assert 1 <= image.width / (3 * height * scale) <= 3

    coloured = drawn(image)
    ink = (
        ~coloured & ((values[..., 0] < 170) if light else (values[..., 0] > 100)) & (values.max(2) - values.min(2) < 10)
    )
    middle = ink[:, image.width // 2 - 2 : image.width // 2 + 2].any(1)
    left, top, right, bottom = spans(ink if height >= 60 else ink & middle[:, None])
    frame = spans(coloured)
    assert frame[0] <= left
    assert right <= frame[2]
    assert bottom <= frame[3]
    assert frame[3] - bottom <= max(4, 0.12 * height * scale)
    assert frame[1] < top  # the label
    assert top - frame[1] <= max(30, 0.75 * height * scale)


def test_one_huge_digit() -> None:
    """Its label stays small, and nothing is enlarged."""
    picture = paper((100, 100, 1000, 2000), size=(1200, 2200))
    image = annotate(picture, page(picture, [digit((100, 100, 1000, 2000))]))
    coloured = (np.asarray(image) == ON_LIGHT.sure).all(2)
    left, _, right, bottom = spans(coloured)
    margin = (image.width - 1200) // 2
    assert margin < 200
    assert -40 < left - (margin + 100) < 0
    assert 0 < right - (margin + 1100) < 40
    assert 0 < bottom - (margin + 2100) < 40
    assert coloured.mean() < 0.05


def test_labels_cover_neither_their_digit_nor_each_other() -> None:
    """Ones are so close that their labels would overlap."""
    boxes: list[Box] = [(60 + 45 * n, 80, 6, 50) for n in range(8)]
    picture = paper(*boxes, size=(480, 200))
    digits = [digit(box, value=1, probability=1.0) for box in boxes]
    image = annotate(picture, page(picture, digits))
    style = Style(50, 480)
    places = [style.around(box, 1) for box in boxes]
    lefts = style.places(digits, places, image.width)
    widths = [sum(style.widths(one)) for one in digits]
    assert all(left + width <= later for (left, later), width in zip(itertools.pairwise(lefts), widths, strict=False))
    grey = np.asarray(image)[style.margin : style.margin + 200, style.margin : style.margin + 480]
    for x, y, width, height in boxes:
        assert (grey[y : y + height, x : x + width] == 100).all()


def test_the_labels_of_digits_read_from_right_to_left_are_over_their_own_digits() -> None:
    """As on a form that lies upside down."""
    boxes: list[Box] = [(60 + 40 * n, 80, 20, 50) for n in range(4)]
    picture = paper(*boxes)
    digits = [digit(box, value=n) for n, box in enumerate(boxes)]
    forwards, backwards = (annotate(picture, page(picture, line)) for line in (digits, digits[::-1]))
    assert np.array_equal(np.asarray(forwards), np.asarray(backwards))


def test_fields_are_outlined_and_named_and_those_to_check_are_dashed_in_another_colour() -> None:
    picture = paper()
    corners = [
        ((40.0, 40.0), (200.0, 52.0), (198.0, 90.0), (38.0, 78.0)),
        ((40.0, 120.0), (280.0, 120.0), (280.0, 190.0), (40.0, 190.0)),
    ]
    entries = (Entry("sure", (), corners[0]), Entry("doubtful", (), corners[1], (Clause("reading.ink_unread"),)))
    whole = annotate(picture, replace(page(picture), entries=entries))
    inside = np.asarray(whole)
    margin = (whole.width - 300) // 2
    for colour, (_, right, last, first), least, most in (
        (ON_LIGHT.sure, corners[0], 0.9, 1.0),
        (ON_LIGHT.doubtful, corners[1], 0.3, 0.7),
    ):
        is_there = (inside == colour).all(2)
        ends = np.linspace(right, last, 100) + margin  # the right side, where no name is
        seen = [is_there[round(y), round(x) - 1 : round(x) + 2].any() for x, y in ends]
        assert least <= np.mean(seen) <= most
        left, foot = round(first[0]) + margin, round(last[1]) + margin
        assert is_there[foot + 3 : foot + 20, left : left + 40].mean() > 0.3  # the name


def test_labels_of_the_outermost_digits_are_in_the_picture() -> None:
    boxes: list[Box] = [(0, 0, 20, 60), (280, 0, 20, 60), (0, 140, 20, 60), (280, 140, 20, 60)]
    picture = paper(*boxes)
    image = annotate(picture, page(picture, [digit(box) for box in boxes[:2]], [digit(box) for box in boxes[2:]]))
    left, top, right, bottom = spans(drawn(image))
    assert left >= 0
    assert top >= 1
    assert right <= image.width
    assert bottom <= image.height - 1


def test_a_page_without_digits_is_the_picture(tmp_path: Path) -> None:
    picture = paper(size=(64, 48))
    image = annotate(picture, page(picture))
    assert not drawn(image).any()
    left = (image.width - 64) // 2
    top = (image.height - 48) // 2
    assert np.array_equal(np.asarray(image)[top : top + 48, left : left + 64, 0], picture)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (28, 28)])
def test_tiny_pictures(size: tuple[int, int]) -> None:
    picture = paper(size=size)
    box = (0, 0, *size)
    assert annotate(picture, page(picture, [digit(box)])).width <= 6000


def test_the_margin_has_the_papers_colour_and_colours_stay() -> None:
    picture = np.full((90, 120, 3), (240, 230, 140), np.uint8)
    image = annotate(picture, page(picture))
    assert (np.asarray(image) == (240, 230, 140)).all()


def test_files_are_annotated_too(tmp_path: Path) -> None:
    picture = paper((50, 50, 30, 60))
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture).transpose(Image.Transpose.ROTATE_90).save(tmp_path / "a.png", exif=exif)
    read = page(picture, [digit((50, 50, 30, 60))])
    assert np.array_equal(np.asarray(annotate(tmp_path / "a.png", read)), np.asarray(annotate(picture, read)))


def test_the_page_of_another_picture_is_refused() -> None:
    with pytest.raises(UserError, match="300 x 200 pixels, not 200 x 300"):
        annotate(paper(size=(200, 300)), page(paper()))


def test_what_the_labels_say() -> None:
    box = (0, 0, 1, 1)
    assert value_of(digit(box, value=3)) == "3"
    assert value_of(digit(box, value=3, accepted=False)) == "3?"
    assert value_of(digit(box, value="T-shirt/top and more")) == "T-shirt/top…"
    assert [percents_of(digit(box, probability=p)) for p in (0.0, 0.994, 0.996, 1.0)] == ["0%", "99%", "99%", "99%"]


def test_what_is_not_accepted_is_dashed_in_another_colour() -> None:
    picture = paper((60, 80, 30, 60), (160, 80, 30, 60))
    for palette, light in ((ON_LIGHT, True), (ON_DARK, False)):
        picture = paper((60, 80, 30, 60), (160, 80, 30, 60), light=light)
        read = page(picture, [digit((60, 80, 30, 60)), digit((160, 80, 30, 60), accepted=False)])
        values = np.asarray(annotate(picture, read))
        counts = [int((values == colour).all(2).sum()) for colour in (palette.sure, palette.doubtful)]
        assert min(counts) > 300
        below = values.shape[0] // 2 + 20  # the frame's sides, without the labels
        sides = [int((values[below:] == colour).all(2).sum()) for colour in (palette.sure, palette.doubtful)]
        assert 0.3 * sides[0] < sides[1] < 0.8 * sides[0]


SEEN = {
    "with red-blind eyes": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "with green-blind eyes": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "with blue-blind eyes": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
    "with all colours": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
}
"""What linear RGB looks like: Machado, Oliveira and Fernandes 2009, severity 1."""


def linear(colour: tuple[int, int, int]) -> Array:
    value = np.array(colour) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("eyes", SEEN)
@pytest.mark.parametrize("palette", [ON_LIGHT, ON_DARK], ids=["light", "dark"])
def test_the_colours_are_told_apart_by_all(palette: Palette, eyes: str) -> None:
    """By 50 units of CIELAB; 2 are just seen."""
    seen = [np.clip(np.array(SEEN[eyes]) @ linear(colour), 0, 1) for colour in (palette.sure, palette.doubtful)]
    as_srgb = [np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055).astype(np.float32) for v in seen]
    first, second = (cv2.cvtColor(v[None, None], cv2.COLOR_RGB2LAB)[0, 0] for v in as_srgb)
    assert np.linalg.norm(first - second) > 50


@pytest.mark.parametrize("palette", [ON_LIGHT, ON_DARK], ids=["light", "dark"])
def test_the_text_is_read_on_its_colour(palette: Palette) -> None:
    """WCAG's contrast, 4.5 for normal text."""
    light = [
        float(linear(colour) @ (0.2126, 0.7152, 0.0722)) + 0.05
        for colour in (palette.text, palette.sure, palette.doubtful)
    ]
    for background in light[1:]:
        assert max(light[0], background) / min(light[0], background) > 4.5
