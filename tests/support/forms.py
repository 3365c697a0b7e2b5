"""Forms and tables to measure reading on, each filled in by one writer, as scans and photos. Shares no code with training.

hand = Hand(images, labels)                 # one writer's digits
form = filled_form(random, hand)
form.picture        # uint8 (H, W, 3)
form.texts          # {"account": "04718", ...}; form.matrix takes the flat sheet's pixels to the picture's
table = filled_table(random, hand, rows=9, columns=4)
table.cells         # (rows, columns) of text, "" for blank ones; None if a cell is merged with the one before
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.support.sheets import natural, stamp

Picture = NDArray[Any]
Random = np.random.Generator
SHEET = (1000, 1400)
"""Width and height of a form in pixels, flat."""
FIELDS = {
    "account": (0.10, 0.20, 0.42, 0.05),
    "amount": (0.52, 0.36, 0.38, 0.045),
    "meter": (0.12, 0.55, 0.34, 0.04),
    "code": (0.46, 0.76, 0.44, 0.055),
}
"""x, y, width, height of each field's frame, as fractions of the sheet."""
HEADINGS = ("Order form", "Account", "Amount in cents", "Meter reading", "Code")


@dataclass(frozen=True)
class Hand:
    """The digits of one writer."""

    images: Picture
    labels: NDArray[np.int64]

    def write(self, random: Random, text: str) -> list[Picture]:
        """An image for each digit."""
        return [self.images[random.choice(np.flatnonzero(self.labels == int(digit)))] for digit in text]


def hands(images: Picture, labels: NDArray[np.int64], writers: NDArray[np.int16]) -> list[Hand]:
    """The writers who wrote all ten digits."""
    each = [Hand(images[writers == writer], labels[writers == writer]) for writer in sorted(set(writers.tolist()))]
    return [hand for hand in each if len(set(hand.labels.tolist())) == 10]


@dataclass(frozen=True)
class Pen:
    """The pen that a sheet is written with."""

    shade: float
    """The lightness of its ink."""
    grow: int
    """How much wider than MNIST's its strokes are: -1 to 1."""

    @classmethod
    def any(cls, random: Random, paper: float) -> Pen:
        """A pen for paper of that lightness."""
        return cls(paper * random.uniform(0.05, 0.45), int(random.choice([-1, 0, 0, 1])))


@dataclass(frozen=True)
class Filled:
    """A picture, and what is on it."""

    picture: Picture
    texts: dict[str, str] = field(default_factory=dict)
    cells: tuple[tuple[str | None, ...], ...] = ()
    matrix: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    """float64 (3, 3): from the flat sheet's pixels to the picture's."""
    lines: tuple[list[int], list[int]] = ([], [])
    """The y of a table's horizontal lines and the x of its vertical ones, in pixels of the flat sheet."""


def empty_form(line: int = 2, lightness: float = 0.2, paper: float = 255.0) -> Picture:
    """The form before anybody writes on it, float32 (1400, 1000); its frames have that width and lightness (0 black, 1 paper)."""
    width, height = SHEET
    sheet = np.full((height, width), round(paper), np.uint8)
    dark = round(paper * 0.15)
    cv2.putText(sheet, HEADINGS[0], (100, 120), cv2.FONT_HERSHEY_DUPLEX, 1.6, dark, 2, cv2.LINE_AA)
    for heading, (x, y, _, _) in zip(HEADINGS[1:], FIELDS.values(), strict=True):
        at = (round(x * width), round(y * height) - 12)
        cv2.putText(sheet, heading, at, cv2.FONT_HERSHEY_DUPLEX, 0.7, dark, 1, cv2.LINE_AA)
    small = "Please write clearly, one figure after the other, in black or blue ink."
    cv2.putText(sheet, small, (100, 1330), cv2.FONT_HERSHEY_SIMPLEX, 0.6, dark, 1, cv2.LINE_AA)
    for box in FIELDS.values():
        left, top, right, bottom = corners(box)
        cv2.rectangle(sheet, (left, top), (right, bottom), round(paper * lightness), line)
    return sheet.astype(np.float32)


def corners(box: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in pixels of the flat sheet."""
    width, height = SHEET
    return (
        round(box[0] * width), round(box[1] * height), round((box[0] + box[2]) * width), round((box[1] + box[3]) * height),
    )  # fmt: skip


def write_number(random: Random, sheet: Picture, hand: Hand, text: str, box: tuple[float, ...], pen: Pen) -> None:
    """Write the digits into the box (left, top, right, bottom) in pixels, as large as fits."""
    left, top, right, bottom = box
    high = bottom - top
    size = high * random.uniform(0.5, 0.72)
    shapes = hand.write(random, text)
    gap = random.uniform(0.08, 0.35)
    own = [size * random.uniform(0.9, 1.08) for _ in text]
    wide = [tall * natural(shape) for tall, shape in zip(own, shapes, strict=True)]
    whole = sum(wide) + gap * size * (len(text) - 1)
    shrink = min(1.0, 0.94 * (right - left) / whole)
    spare = (right - left) - shrink * whole
    x = left + min(spare, random.uniform(0.03 * (right - left), max(0.04 * (right - left), spare)))
    base = (top + bottom) / 2 + shrink * size / 2 + random.normal(0, 0.03) * high
    grow = pen.grow if size > 36 else max(pen.grow, 0)
    for shape, full_height, full_width in zip(shapes, own, wide, strict=True):
        tall, broad = shrink * full_height, shrink * full_width
        stamp(sheet, shape, (x, base - tall + random.normal(0, 0.02) * high, broad, tall), pen.shade, grow)
        x += broad + shrink * size * (gap + random.normal(0, 0.03))


def filled_form(
    random: Random, hand: Hand, *, photo: bool, lengths: dict[str, tuple[int, int]] | None = None
) -> Filled:
    """The form with each field filled in, with 4 to 8 digits or as many as `lengths` says."""
    paper = random.uniform(190, 252)
    sheet = empty_form(int(random.integers(1, 4)), random.uniform(0, 0.85), paper)
    pen, texts = Pen.any(random, paper), {}
    for name, box in FIELDS.items():
        low, high = (lengths or {}).get(name, (4, 8))
        texts[name] = "".join(str(d) for d in random.integers(0, 10, int(random.integers(low, high + 1))))
        write_number(random, sheet, hand, texts[name], corners(box), pen)
    picture, matrix = photographed(random, sheet, 15.0) if photo else scanned(random, sheet)
    return Filled(picture, texts=texts, matrix=matrix)


def filled_table(
    random: Random, hand: Hand, *, rows: int, columns: int, full: float = 0.8, merged: float = 0.0, tilt: float = 15.0
) -> Filled:
    """A table with 1 to 3 digits per cell, some pairs of cells merged, as a photo."""
    cell = float(min(random.uniform(44, 90), 1500 / rows, 1600 / (columns * 1.6)))
    wide, margin = cell * random.uniform(1.5, 2.4), 90
    width, height = round(columns * wide), round(rows * cell)
    paper = random.uniform(190, 252)
    sheet = np.full((height + 2 * margin, width + 2 * margin), paper, np.float32)
    line, lightness = int(random.integers(1, 4)), random.uniform(0, 0.85)
    x = [margin + round(n * wide) for n in range(columns + 1)]
    y = [margin + round(n * cell) for n in range(rows + 1)]
    joined = np.zeros((rows, columns), bool)  # with the cell to the left
    for row, column in np.ndindex(rows, columns - 1):
        if random.random() < merged and not joined[row, column]:
            joined[row, column + 1] = True
    for level in y:
        cv2.line(sheet, (x[0], level), (x[-1], level), paper * lightness, line)
    for row in range(rows):
        for column in range(columns + 1):
            if column == columns or not joined[row, column]:
                cv2.line(sheet, (x[column], y[row]), (x[column], y[row + 1]), paper * lightness, line)
    pen = Pen.any(random, paper)
    cells: list[list[str | None]] = []
    for row in range(rows):
        cells.append([])
        for column in range(columns):
            if joined[row, column]:
                cells[-1].append(None)
                continue
            text = ""
            if random.random() < full:
                text = "".join(str(d) for d in random.integers(0, 10, int(random.integers(1, 4))))
                inside = (x[column] + 4, y[row] + 2, x[column + 1] - 4, y[row + 1] - 2)
                write_number(random, sheet, hand, text, inside, pen)
            cells[-1].append(text)
    picture, matrix = photographed(random, sheet, tilt)
    return Filled(picture, cells=tuple(map(tuple, cells)), matrix=matrix, lines=(y, x))


def scanned(random: Random, sheet: Picture) -> tuple[Picture, NDArray[np.float64]]:
    """The sheet as scanned: rotated by up to 3 degrees, under a black, grey or white lid."""
    height, width = sheet.shape
    angle = random.uniform(-3, 3)
    turned = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1), [0, 0, 1]])
    matrix = placed(turned, sheet.shape, 4)
    lid = random.choice([20.0, 120.0, 250.0])
    return developed(random, *warped(sheet, matrix, lid, 4), random.uniform(0.5, 2.5), random.uniform(0.2, 0.8))


def photographed(random: Random, sheet: Picture, most: float) -> tuple[Picture, NDArray[np.float64]]:
    """The sheet as photographed: on a darker table, in uneven light, by a camera tilted by up to `most` degrees."""
    height, width = sheet.shape
    tilt, towards, spin = (
        np.deg2rad(random.uniform(0, most)),
        random.uniform(0, 2 * np.pi),
        np.deg2rad(random.uniform(-6, 6)),
    )
    axis = tilt * np.array([np.cos(towards), np.sin(towards), 0.0])
    rotation = cv2.Rodrigues(axis)[0] @ cv2.Rodrigues(np.array([0.0, 0.0, spin]))[0]
    far = 1.3 * float(np.hypot(width, height))
    middle = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
    plane = np.column_stack([rotation[:, 0], rotation[:, 1], [0, 0, far]])
    camera = np.diag([far, far, 1.0])
    matrix = placed(camera @ plane @ middle, sheet.shape, 60)
    picture, matrix = warped(sheet, matrix, float(sheet.max()) * random.uniform(0.2, 0.7), 60)
    high, long = picture.shape
    across = np.linspace(random.uniform(0.7, 1), random.uniform(0.7, 1), long, dtype=np.float32)
    down = np.linspace(random.uniform(0.8, 1), random.uniform(0.8, 1), high, dtype=np.float32)
    return developed(random, picture * across * down[:, None], matrix, random.uniform(1, 4), random.uniform(0.4, 1.0))


def placed(matrix: NDArray[np.float64], shape: tuple[int, ...], margin: int) -> NDArray[np.float64]:
    """The matrix, shifted so that the whole sheet is in the picture, `margin` pixels from its edges."""
    height, width = shape
    ends = cv2.perspectiveTransform(np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64), matrix)[
        0
    ]
    left, top = ends.min(0) - margin
    return np.asarray(np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]]) @ matrix)


def warped(
    sheet: Picture, matrix: NDArray[np.float64], table: float, margin: int
) -> tuple[Picture, NDArray[np.float64]]:
    """The sheet transformed by the matrix, on a table of that lightness."""
    height, width = sheet.shape
    ends = cv2.perspectiveTransform(np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64), matrix)[
        0
    ]
    size = tuple(int(side) + margin for side in ends.max(0))
    return cv2.warpPerspective(sheet, matrix, size, flags=cv2.INTER_AREA, borderValue=table), matrix


def developed(
    random: Random, sheet: Picture, matrix: NDArray[np.float64], grain: float, blur: float
) -> tuple[Picture, NDArray[np.float64]]:
    """The picture in RGB, with blur, grain, a tint and JPEG's losses; and the matrix, unchanged."""
    soft = cv2.GaussianBlur(sheet, (0, 0), blur)
    soft = soft + random.normal(0, grain, soft.shape)
    picture = np.clip(soft[..., None] * random.uniform(0.92, 1, 3), 0, 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(75, 95))])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)), matrix
