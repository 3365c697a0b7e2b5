"""Ink: whatever the light, the paper, the pen and the size, the same digits are found."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from mnistlab import Reader
from mnistlab.reading.mnist_form import SIDE
from mnistlab.reading.page import Page
from tests.support.drawing import Array, draw, written
from tests.support.notes import HEIGHT, Digits, Note, assert_same, differences, values
from tests.support.pages import EFFECTS, RULINGS, make_page

few = settings(max_examples=20, derandomize=True)

# the same page, seen in another way


@pytest.mark.parametrize("colour", [False, True])
def test_inverting_changes_nothing(reader: Reader, note: Note, colour: bool) -> None:
    picture = np.dstack([note.ink] * 3) if colour else note.ink
    assert_same(reader.read(picture), note.page)


@few
@given(scale=st.floats(0.5, 4))
def test_scaling_changes_nothing(reader: Reader, note: Note, scale: float) -> None:
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = round(note.ink.shape[1] * scale), round(note.ink.shape[0] * scale)
    picture = cv2.resize(255 - note.ink, size, interpolation=method)
    assert_same(reader.read(picture), note.page, size[0] / note.ink.shape[1], within=1 + 2 * scale)


margins = st.integers(0, 400)


@few
@given(left=margins, right=margins, top=margins, bottom=margins, light=st.booleans())
def test_paper_around_it_changes_nothing(
    reader: Reader, note: Note, left: int, right: int, top: int, bottom: int, light: bool
) -> None:
    padded = np.pad(note.ink, ((top, bottom), (left, right)))
    assert_same(reader.read(padded if light else 255 - padded), note.page, move=(left, top))


def test_very_wide_margins_change_nothing(reader: Reader, note: Note) -> None:
    padded = 255 - np.pad(note.ink, ((1500, 900), (2200, 700)))
    assert_same(reader.read(padded), note.page, move=(2200, 1500))
    strip = 255 - np.pad(note.ink, ((0, 0), (5000, 5000)))
    assert_same(reader.read(strip), note.page, move=(5000, 0))


@few
@given(dark=st.integers(0, 180), contrast=st.integers(60, 255), light=st.booleans())
def test_brightness_and_contrast_change_nothing(
    reader: Reader, note: Note, dark: int, contrast: int, light: bool
) -> None:
    high = min(255, dark + contrast)
    ink = note.ink if light else 255 - note.ink
    picture = (dark + ink / 255 * (high - dark) + 0.5).astype(np.uint8)
    assert_same(reader.read(picture), note.page)


level = st.integers(0, 255)
colours = st.tuples(level, level, level)


def coloured(ink: Array, paper: Any, pen: Any) -> Array:
    """RGB, uint8."""
    cover = ink[..., None] / 255
    return np.asarray((np.array(paper) * (1 - cover) + np.array(pen) * cover + 0.5).astype(np.uint8))


@few
@given(paper=colours, share=st.tuples(*[st.floats(0, 1)] * 3), light=st.booleans())
def test_coloured_paper_and_ink_change_nothing(
    reader: Reader, note: Note, paper: tuple[int, ...], share: tuple[float, ...], light: bool
) -> None:
    """Ink absorbs light, a different share of each colour; chalk adds it."""
    pen = [c + part * (255 - c) if light else part * c for c, part in zip(paper, share, strict=True)]
    assume(abs(np.dot(paper, (0.3, 0.6, 0.1)) - np.dot(pen, (0.3, 0.6, 0.1))) > 60)
    assert_same(reader.read(coloured(note.ink, paper, pen)), note.page)


COLOURS = {
    "yellow": (255, 255, 0), "red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "magenta": (255, 0, 255),
}  # fmt: skip


@pytest.mark.parametrize(("pen", "paper"), [("blue", "yellow"), ("red", "yellow"), ("magenta", "yellow")])
def test_screens_have_stronger_colours(reader: Reader, note: Note, pen: str, paper: str) -> None:
    """Ink that may be lighter than paper in one colour and darker in another."""
    assert_same(reader.read(coloured(note.ink, COLOURS[paper], COLOURS[pen])), note.page)


@pytest.mark.parametrize("angle", range(0, 360, 45))
@pytest.mark.parametrize("darkest", [0.75, 0.4])
def test_light_from_one_side_changes_nothing(reader: Reader, note: Note, angle: int, darkest: float) -> None:
    y, x = np.mgrid[-1 : 1 : note.ink.shape[0] * 1j, -1 : 1 : note.ink.shape[1] * 1j]
    side = np.cos(np.radians(angle)) * x + np.sin(np.radians(angle)) * y
    light = darkest + (1 - darkest) * (side - side.min()) / np.ptp(side)
    picture = ((250 - note.ink * 0.8) * light).astype(np.uint8)
    assert_same(reader.read(picture), note.page)


def test_an_edge_of_shadow_changes_nothing(reader: Reader, note: Note) -> None:
    y, x = np.mgrid[: note.ink.shape[0], : note.ink.shape[1]]
    shadow = 1 - 0.4 / (1 + np.exp(-(x - 0.5 * y - 0.4 * note.ink.shape[1]) / 3))
    assert_same(reader.read(((250 - note.ink * 0.8) * shadow).astype(np.uint8)), note.page)


@pytest.mark.parametrize("paper", [0, 90, 255])
def test_what_is_transparent_is_paper(reader: Reader, note: Note, paper: int) -> None:
    """Ink on a canvas: alpha holds the strokes, and the colour below it is anything."""
    colour = np.where(note.ink[..., None] > 0, 0, paper)
    picture = np.dstack([np.broadcast_to(colour, (*note.ink.shape, 3)), note.ink]).astype(np.uint8)
    assert_same(reader.read(picture), note.page)
    assert_same(reader.read(Image.fromarray(picture, "RGBA")), note.page)


def test_light_strokes_on_nothing(reader: Reader, note: Note) -> None:
    picture = np.dstack([np.full((*note.ink.shape, 3), 255, np.uint8), note.ink])
    assert_same(reader.read(picture), note.page)


def test_other_depths_change_nothing(reader: Reader, note: Note) -> None:
    picture = 255 - note.ink
    for other in (
        picture.astype(np.uint16) * 257,
        picture.astype(np.uint16) * 16,
        picture.astype(np.float32) / 255,
        picture.astype(np.float64),
        picture > 127,
        picture[..., None],
    ):
        assert_same(reader.read(other), note.page)


@pytest.mark.parametrize(
    ("orientation", "format_"), [*((n, "JPEG") for n in range(1, 9)), (6, "PNG"), (3, "TIFF"), (6, "TIFF"), (6, "WEBP")]
)
def test_a_turned_picture_that_says_so_changes_nothing(
    reader: Reader, note: Note, orientation: int, format_: str
) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    image = Image.fromarray(255 - note.ink)
    if orientation in undo:
        image = image.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = io.BytesIO()
    image.save(stored, format_, exif=exif, **({"quality": 95} if format_ in ("JPEG", "WEBP") else {}))
    page = reader.read(stored.getvalue())
    assert_same(page, note.page)
    assert page.size == note.ink.shape[::-1]


# paper that is not empty, and paper that is


@pytest.mark.parametrize("ruling", RULINGS)
def test_rules_are_not_read(reader: Reader, clear: Digits, ruling: str) -> None:
    without = [effect for effect in EFFECTS if effect != "texture"]
    page = make_page(
        3, clear[0][:30], clear[1][:30], size=(1000, 800), paper="white", ruling=ruling, pen="blue ballpoint", tilt=0,
        without=without,
    )  # fmt: skip
    found = reader.read(page.picture).text.replace("\n", "").replace(" ", "")
    assert differences(found, "".join(page.lines)) <= 1


@pytest.mark.parametrize(
    ("ruling", "paper"),
    [*(("plain", paper) for paper in ("white", "recycled grey", "yellow pad", "blackboard")), ("squared", "white"),
     ("squared", "blackboard")],
)  # fmt: skip
def test_on_an_empty_sheet_nothing_is_read(reader: Reader, paper: str, ruling: str) -> None:
    blank = np.zeros((30, SIDE, SIDE), np.uint8)
    without = ("show-through", "dust")
    page = make_page(1, blank, [0] * 30, size=(1000, 750), paper=paper, ruling=ruling, without=without)
    found = reader.read(page.picture)
    if ruling == "plain":
        assert_nothing(found)
    else:  # what is left of a rule can look like a one, where there is no ink to compare it with
        assert {digit.value for digit in found.digits if digit.accepted} <= {1}
        assert len(found.digits) <= 5


def assert_nothing(page: Page) -> None:
    assert [digit for digit in page.digits if digit.accepted] == []
    assert len(page.digits) <= 3


y, x = np.mgrid[:600, :800]
noise = np.random.default_rng(0)
EMPTY = {
    "white": np.full((600, 800), 255),
    "black": np.zeros((600, 800)),
    "a little noise": noise.normal(225, 2, (600, 800)),
    "grain": noise.normal(200, 15, (600, 800)),
    "noise": noise.integers(0, 256, (600, 800)),
    "coloured noise": noise.integers(0, 256, (600, 800, 3)),
    "light from the left": 255 * x / 800,
    "light from above": 60 + 190 * y / 600,
    "a lamp": 255 - np.hypot(x - 400, y - 300) / 3,
    "two halves": np.where(x < 400, 255, 60),
    "rules": np.where(y % 40 < 2, 120, 250),
    "dark squares": np.where((y % 40 < 2) | (x % 40 < 2), 30, 250),
    "white squares": np.where((y % 40 < 2) | (x % 40 < 2), 230, 30),
    "a frame": np.where((x < 6) | (y < 6) | (x >= 794) | (y >= 594), 20, 250),
    "the table around it": np.where((x > 60) & (x < 760) & (y > 30) & (y < 580), 245, 70),
}


@pytest.mark.parametrize("name", EMPTY)
def test_where_nothing_is_written_nothing_is_read(reader: Reader, name: str) -> None:
    assert_nothing(reader.read(np.clip(EMPTY[name], 0, 255).astype(np.uint8)))


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 2), (1, 5000), (5000, 1), (3, 3000), (28, 28), (29, 28)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_tiny_and_narrow_pictures_of_one_colour(reader: Reader, shape: tuple[int, int], value: int) -> None:
    page = reader.read(np.full(shape, value, np.uint8))
    assert page.digits == []
    assert page.text == ""
    assert page.size == shape[::-1]


@few
@given(
    width=st.integers(1, 60),
    height=st.integers(1, 60),
    seed=st.integers(0, 1000),
    kind=st.sampled_from(["noise", "bits", "dots"]),
    channels=st.sampled_from([1, 3]),
)
def test_any_picture_is_read_without_an_error(
    reader: Reader, width: int, height: int, seed: int, kind: str, channels: int
) -> None:
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (height, width, channels))
    if kind == "bits":
        picture = (picture > 127) * 255
    if kind == "dots":
        picture = (picture > 4) * 255
    for x, y, wide, high in (digit.box for digit in reader.read(picture.astype(np.uint8)).digits):
        assert 0 <= x < x + wide <= width
        assert 0 <= y < y + high <= height


# lines


@pytest.mark.parametrize("slope", [-15, -10, -5, 5, 10, 15])
def test_a_number_written_on_a_slope_is_one_line(reader: Reader, clear: Digits, slope: int) -> None:
    right = 0
    for first in range(0, 25, 5):
        picture = 255 - written([draw(image, HEIGHT) for image in clear[0][first : first + 5]], 0.3, slope=slope)
        right += values(reader.read(picture)) == [clear[1][first : first + 5].tolist()]
    assert right >= 4


def test_two_columns_are_read_across(reader: Reader, clear: Digits) -> None:
    """Numbers side by side are on one line, with a space between them."""
    lines = []
    for row in range(4):
        inks = [draw(image, HEIGHT) for image in clear[0][6 * row : 6 * row + 6]]
        columns = [written(inks[start : start + 3], 0.3)[: 2 * HEIGHT] for start in (0, 3)]
        places = [
            np.pad(column, ((0, 2 * HEIGHT - len(column)), (0, 7 * HEIGHT - column.shape[1]))) for column in columns
        ]
        lines.append(np.hstack(places))
    page = reader.read(255 - np.vstack(lines))
    assert values(page) == clear[1][:24].reshape(4, 6).tolist()
    for line in page.lines:
        assert [len(part) for part in line.text.split(" ")] == [3, 3]


@pytest.mark.parametrize("tilt", [-10, -3, 6, 10])
def test_tilted_lines_are_read_in_order(reader: Reader, clear: Digits, tilt: float) -> None:
    page = make_page(
        5, clear[0][:40], clear[1][:40], size=(1100, 900), paper="white", ruling="plain", pen="black gel", height=50,
        tilt=tilt, per_line=8, without=EFFECTS,
    )  # fmt: skip
    found = reader.read(page.picture)
    assert [len(line.digits) for line in found.lines] == [8] * 5
    got = "".join(str(digit.value) for digit in found.digits)
    assert differences(got, "".join(page.lines)) <= 1


def test_sizes_on_a_line_may_differ(reader: Reader, clear: Digits) -> None:
    rng = np.random.default_rng(4)
    right = 0
    for first in range(0, 40, 8):
        inks = [draw(image, HEIGHT * rng.uniform(0.7, 1.4), 6) for image in clear[0][first : first + 8]]
        found = reader.read(255 - written(inks))
        right += values(found) == [clear[1][first : first + 8].tolist()]
    assert right >= 4
