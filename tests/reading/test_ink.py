"""Ink: whatever the light, the paper, the pen and the size are, the same digits are found."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from mnistlab import Reader
from mnistlab.data.dataset import open_dataset
from mnistlab.data.splits import read_split
from mnistlab.reading.assembly import cuts, join
from mnistlab.reading.ink import find_ink
from mnistlab.reading.mnist_form import SIDE, normalise
from mnistlab.reading.page import Digit, Page
from mnistlab.reading.pieces import Piece, find_pieces
from tests.support.drawing import Array, draw, framed, written
from tests.support.pages import EFFECTS, PAPERS, RULINGS, make_page
from tests.support.waiting import LIMIT

Digits = tuple[Array, Array]
HEIGHT = 60
few = settings(max_examples=20, derandomize=True)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(threads=1)


@pytest.fixture(scope="module")
def digits(data_dir: Path) -> Digits:
    """Images and labels of validation digits."""
    return read_split(open_dataset("mnist", data_dir), "val")


@pytest.fixture(scope="module")
def clear(digits: Digits, reader: Reader) -> Digits:
    """Those that leave no doubt."""
    images, labels = digits[0][:1000], digits[1][:1000]
    found, probabilities = reader.classify(images)
    sure = (found == labels) & (probabilities.max(1) >= np.quantile(probabilities.max(1), 0.3))
    return images[sure], labels[sure]


class Note:
    """Two lines of digits, as ink, and what is read from them in black on white."""

    def __init__(self, ink: Array, page: Page) -> None:
        self.ink, self.page = ink, page

    def __repr__(self) -> str:
        return "a note"


@pytest.fixture(scope="module")
def note(clear: Digits, reader: Reader) -> Note:
    """0 to 4 and, below, 5 to 9, `HEIGHT` pixels high: uint8, 255 on 0."""
    images = [clear[0][clear[1] == digit][0] for digit in range(10)]
    rows = [written([draw(image, HEIGHT) for image in images[start : start + 5]]) for start in (0, 5)]
    width = max(row.shape[1] for row in rows)
    ink = np.vstack([np.pad(row, ((0, 0), (0, width - row.shape[1]))) for row in rows])
    page = reader.read(255 - ink)
    assert page.text == "01234\n56789"
    return Note(ink, page)


def values(page: Page) -> list[list[int | str]]:
    return [[digit.value for digit in line.digits] for line in page.lines]


def assert_same(page: Page, plain: Page, scale: float = 1, move: tuple[int, int] = (0, 0), within: float = 2) -> None:
    """The same digits in the same lines, each box at the place that it was scaled and moved to."""
    assert values(page) == values(plain)
    for found, expected in zip(page.digits, plain.digits, strict=True):
        x, y, width, height = (scale * number for number in expected.box)
        assert found.box == pytest.approx((x + move[0], y + move[1], width, height), abs=within)


def only(page: Page) -> Digit | None:
    """The digit, where there is one and no other."""
    return page.digits[0] if len(page.digits) == 1 else None


def count_right(reader: Reader, digits: Digits, picture: Callable[[Array], Array], count: int) -> int:
    """Of the first digits, how many are read as one digit and the right one."""
    right = 0
    for image, label in zip(digits[0][:count], digits[1][:count], strict=True):
        digit = only(reader.read(picture(image)))
        right += digit is not None and digit.value == label
    return right


# one digit


@pytest.mark.parametrize(
    ("height", "stroke", "count", "least"),
    [
        (8, 1, 40, 34), (12, 1.5, 40, 37), (20, 1.2, 40, 37), (20, 4, 40, 34), (50, 1.5, 40, 37), (50, 5, 40, 38),
        (50, 10, 40, 33), (120, 3, 30, 27), (120, 12, 30, 28), (300, 30, 15, 14), (1000, 25, 6, 5), (1000, 110, 6, 5),
    ],
)  # fmt: skip
def test_a_digit_of_any_size_and_any_pen(
    reader: Reader, digits: Digits, height: int, stroke: float, count: int, least: int
) -> None:
    """From a thin ballpoint to a thick marker."""
    right = count_right(
        reader, digits, lambda image: 255 - framed(draw(image, height, stroke), max(12, height // 2)), count
    )
    assert right >= least


def test_mnists_own_pictures_come_through_as_they_are(reader: Reader, digits: Digits) -> None:
    images = digits[0][:300]
    expected, _ = reader.classify(images)
    pages = [reader.read(image) for image in images]
    found = [only(page) for page in pages]

    same = [digit is not None and digit.value == value for digit, value in zip(found, expected, strict=True)]
    assert sum(same) >= 297
    apart = [
        np.abs(digit.image.astype(int) - image).mean()
        for digit, image in zip(found, images, strict=True)
        if digit is not None
    ]
    assert np.mean(apart) < 10  # of 255: less than moving them by a pixel (about 20)


@pytest.mark.parametrize("times", [2, 3, 5])
def test_mnists_own_pictures_enlarged(reader: Reader, digits: Digits, times: int) -> None:
    def enlarged(image: Array) -> Array:
        return np.asarray(cv2.resize(image, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC))

    assert count_right(reader, digits, enlarged, 100) >= 96


@few
@given(index=st.integers(0, 499), height=st.floats(10, 300), share=st.floats(0.03, 0.16))
def test_normalise_makes_what_mnist_is_made_of(digits: Digits, index: int, height: float, share: float) -> None:
    ink = draw(digits[0][index], height, max(1.0, share * height))
    image = normalise(Piece(3, 4, ink))

    assert (image.shape, image.dtype) == ((SIDE, SIDE), np.uint8)
    assert image.max() >= 240
    rows, columns = np.nonzero(image.max(1) > 40)[0], np.nonzero(image.max(0) > 40)[0]
    tall, wide = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    assert 17 <= max(tall, wide) <= 21
    longest = max(ink.shape)
    assert tall == pytest.approx(20 * ink.shape[0] / longest, abs=2.5)
    assert wide == pytest.approx(20 * ink.shape[1] / longest, abs=2.5)
    mass = image.astype(float)
    across, down = mass.sum(0) @ np.arange(SIDE) / mass.sum(), mass.sum(1) @ np.arange(SIDE) / mass.sum()
    assert (across, down) == pytest.approx((14, 14), abs=1)


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
    """Ink takes light away, of each colour another share; chalk adds it."""
    pen = [c + part * (255 - c) if light else part * c for c, part in zip(paper, share, strict=True)]
    assume(abs(np.dot(paper, (0.3, 0.6, 0.1)) - np.dot(pen, (0.3, 0.6, 0.1))) > 60)
    assert_same(reader.read(coloured(note.ink, paper, pen)), note.page)


COLOURS = {
    "yellow": (255, 255, 0), "red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "magenta": (255, 0, 255),
}  # fmt: skip


@pytest.mark.parametrize(("pen", "paper"), [("blue", "yellow"), ("red", "yellow"), ("magenta", "yellow")])
def test_screens_have_stronger_colours(reader: Reader, note: Note, pen: str, paper: str) -> None:
    """Where ink may be the lighter one in one colour and the darker one in another."""
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


def differences(one: str, other: str) -> int:
    """Characters to change, add or leave out (Levenshtein)."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row = row, [i]
        for j, b in enumerate(other, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b)))
    return row[-1]


@pytest.mark.parametrize(
    ("ruling", "paper"), [*(("plain", paper) for paper in PAPERS), ("squared", "white"), ("squared", "blackboard")]
)
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


def specks(count: int, size: tuple[int, int], seed: int = 0) -> Array:
    """A sheet with so many dark specks of one to three pixels."""
    rng = np.random.default_rng(seed)
    sheet = np.full(size, 250, np.uint8)
    for y, x, side in zip(
        rng.integers(0, size[0] - 3, count),
        rng.integers(0, size[1] - 3, count),
        rng.integers(1, 4, count),
        strict=True,
    ):
        sheet[y : y + side, x : x + side] = 40
    return sheet


def test_a_digit_is_found_among_2000_specks(reader: Reader, clear: Digits) -> None:
    right, others = 0, 0
    for number in range(5):
        picture = specks(2000, (1200, 900), number)
        ink = draw(clear[0][number], 120)
        part = picture[500 : 500 + ink.shape[0], 400 : 400 + ink.shape[1]]
        np.minimum(part, 255 - ink, out=part)
        accepted = [digit for digit in reader.read(picture).digits if digit.accepted]
        own = [digit for digit in accepted if digit.box[3] > 100]
        right += [digit.value for digit in own] == [clear[1][number]]
        others += len(accepted) - len(own)
    assert right >= 4
    assert others <= 1


BOUNDED = """
import json, resource, sys, time
import numpy as np
from mnistlab import Reader
picture = np.load(sys.argv[1])
reader = Reader(threads=1)
reader.read(np.full((100, 100), 255, np.uint8))
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
page = reader.read(picture)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps([time.process_time() - start, peak / 1024, len(page.digits)]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the peak of memory has another unit")
def test_50000_specks_take_bounded_time_and_memory(tmp_path: Path) -> None:
    """Seconds of the processor, and MiB over what the reader has when it has read something else."""
    path = tmp_path / "specks.npy"
    np.save(path, specks(50_000, (2000, 1500)))
    command = [sys.executable, "-c", BOUNDED, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, mebibytes, digits = json.loads(result.stdout)
    assert seconds < LIMIT
    assert mebibytes < 600
    assert digits <= 2000


def test_what_shines_through_from_the_back_is_not_read(reader: Reader, clear: Digits) -> None:
    rows = [written([draw(image, HEIGHT) for image in clear[0][start : start + 8]]) for start in (0, 8)]
    height, width = max(row.shape[0] for row in rows), max(row.shape[1] for row in rows)
    front, back = (np.pad(row, ((0, height - row.shape[0]), (0, width - row.shape[1]))) for row in rows)
    behind = cv2.GaussianBlur(back[:, ::-1], (0, 0), 2.5)
    sheet = np.vstack([250 - 0.8 * front, 250 - 0.12 * behind, 250 - 0.12 * np.roll(behind, 40, 1)])
    page = reader.read(sheet.astype(np.uint8))

    assert [str(digit.value) for digit in page.digits if digit.accepted] == [str(v) for v in clear[1][:8]]
    assert len(page.lines) == 1


# pieces


@few
@given(index=st.integers(0, 499), other=st.integers(0, 499), x=st.integers(-60, 60), y=st.integers(-60, 60))
def test_joined_pieces_hold_all_their_ink(digits: Digits, index: int, other: int, x: int, y: int) -> None:
    first, second = Piece(100, 100, draw(digits[0][index], 50)), Piece(100 + x, 100 + y, draw(digits[0][other], 40))
    both = join(first, second)

    assert (both.x, both.y) == (min(first.x, second.x), min(first.y, second.y))
    assert (both.right, both.bottom) == (max(first.right, second.right), max(first.bottom, second.bottom))
    sheet = np.zeros((300, 300), np.uint8)
    for piece in (first, second):
        part = sheet[piece.y : piece.bottom, piece.x : piece.right]
        np.maximum(part, piece.strength, out=part)
    assert np.array_equal(both.strength, sheet[both.y : both.bottom, both.x : both.right])
    assert np.array_equal(both.strength, join(second, first).strength)


@few
@given(left=st.integers(0, 499), right=st.integers(0, 499), overlap=st.integers(0, 8))
def test_cut_pieces_hold_the_ink_of_the_whole(digits: Digits, left: int, right: int, overlap: int) -> None:
    whole = Piece(7, 9, pushed(draw(digits[0][left], 50), draw(digits[0][right], 50), overlap))
    ways = cuts(whole)
    assert ways
    for pair in ways:
        sheet = np.zeros((200, 300), np.uint8)
        for piece in pair:
            sheet[piece.y : piece.bottom, piece.x : piece.right] += piece.strength
        own = sheet[whole.y : whole.bottom, whole.x : whole.right]
        dark = whole.strength > 100
        assert np.array_equal(own[dark], whole.strength[dark])
        assert pair[0].x < pair[1].x


def pushed(left: Array, right: Array, overlap: int) -> Array:
    """Two digits on one foot, moved together until their ink has `overlap` pixels in common in some row."""
    height = max(left.shape[0], right.shape[0])
    left, right = (np.pad(ink, ((height - ink.shape[0], 0), (0, 0))) for ink in (left, right))
    ends = np.where((left > 100).any(1), left.shape[1] - (left > 100)[:, ::-1].argmax(1), -1000)
    starts = np.where((right > 100).any(1), (right > 100).argmax(1), 1000)
    shift = int((ends - starts).max()) - overlap
    sheet = np.zeros((height, max(shift + right.shape[1], left.shape[1])), np.uint8)
    sheet[:, : left.shape[1]] = left
    start = max(0, shift)
    part = sheet[:, start : start + right.shape[1]]
    np.maximum(part, right[:, : part.shape[1]], out=part)
    return sheet


def test_a_pictures_ink_is_found_in_its_place(note: Note) -> None:
    ink = find_ink(255 - note.ink)
    assert not ink.whole
    assert ink.strength.dtype == np.uint8
    across, down = (ink.to_picture @ np.array([0, 0, 1.0])).round(6)
    assert -1 < across < 1
    assert -1 < down < 1
    pieces = find_pieces(ink)
    assert len(pieces) == 10
    assert all(piece.strength.shape == (piece.height, piece.width) for piece in pieces)


def test_a_picture_of_mnists_size_is_one_digit(digits: Digits) -> None:
    ink = find_ink(digits[0][0])
    assert ink.whole
    assert len(find_pieces(ink)) == 1
    assert find_pieces(find_ink(np.zeros((28, 28), np.uint8))) == []


def test_touching_digits_are_read_as_two(reader: Reader, clear: Digits) -> None:
    right, two = 0, 0
    for number in range(50):
        inks = [draw(clear[0][2 * number + k], HEIGHT, 5) for k in (0, 1)]
        picture = 255 - framed(pushed(*inks, overlap=1 + number % 3), 40)
        found = [digit.value for digit in reader.read(picture).digits]
        two += len(found) == 2
        right += found == clear[1][2 * number : 2 * number + 2].tolist()
    assert two >= 30
    assert right >= 25


@pytest.mark.parametrize("gap", [1, 2, 3])
@pytest.mark.parametrize("company", [0, 2])
def test_a_digit_with_a_gap_is_one(reader: Reader, clear: Digits, gap: int, company: int) -> None:
    """Cut through at about half of its height, askew; alone and among others."""
    others = [draw(image, HEIGHT, 5) for image in clear[0][40 : 40 + company]]
    one, right = 0, 0
    for number in range(30):
        ink = draw(clear[0][number], HEIGHT, 5)
        y, x = np.mgrid[: ink.shape[0], : ink.shape[1]]
        away = y + 0.3 * (x - ink.shape[1] / 2) - (0.35 + 0.01 * number) * ink.shape[0]
        broken = np.where(np.abs(away) <= gap / 2, 0, ink).astype(np.uint8)
        found = [digit.value for digit in reader.read(255 - written([*others, broken])).digits]
        one += len(found) == company + 1
        right += found == [*clear[1][40 : 40 + company], clear[1][number]]
    assert one >= 21
    assert right >= 20


def five(gap: int) -> Array:
    """A 5 drawn by two strokes, the bar `gap` pixels away from the rest."""
    sheet = np.zeros((140, 120), np.uint8)
    cv2.polylines(sheet, [np.array([(42, 30), (38, 60)])], False, 255, 6, cv2.LINE_AA)
    cv2.ellipse(sheet, (55, 80), (27, 24), 0, -125, 140, 255, 6, cv2.LINE_AA)
    cv2.line(sheet, (45 + gap + 3, 28), (85 + gap, 26), 255, 6, cv2.LINE_AA)
    return sheet


@pytest.mark.parametrize("gap", [0, 2, 4, 6])
def test_the_bar_of_a_5_belongs_to_it(reader: Reader, gap: int) -> None:
    digit = only(reader.read(255 - five(gap)))
    assert digit is not None
    assert digit.value == 5


def test_a_detached_bar_beside_other_digits_belongs_to_its_5(reader: Reader, clear: Digits) -> None:
    rest = [draw(clear[0][clear[1] == value][0], 85, 6) for value in (2, 7)]
    ink = five(3)
    ink = ink[np.ix_(ink.any(1), ink.any(0))]
    page = reader.read(255 - written([rest[0], ink, rest[1]]))
    assert values(page) == [[2, 5, 7]]


# lines


@pytest.mark.parametrize("slope", [-15, -10, -5, 5, 10, 15])
def test_a_number_written_on_a_slope_is_one_line(reader: Reader, clear: Digits, slope: int) -> None:
    right = 0
    for first in range(0, 25, 5):
        picture = 255 - written([draw(image, HEIGHT) for image in clear[0][first : first + 5]], 0.3, slope=slope)
        right += values(reader.read(picture)) == [clear[1][first : first + 5].tolist()]
    assert right >= 4


def test_two_columns_are_read_across(reader: Reader, clear: Digits) -> None:
    """Numbers that stand beside each other are on one line, with a space between them."""
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


@pytest.mark.parametrize("tilt", [-10, -6, -3, 3, 6, 10])
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
