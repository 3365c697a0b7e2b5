"""Sheets to measure reading on: amounts on cheques and grids, as scans and photos. Shares no code with training.

sheet = amount(random, images, labels)
sheet.picture       # uint8 (H, W, 3)
sheet.text          # the digits, from left to right; or
sheet.cells         # (rows, columns) of text, with sheet.corners to find them by
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[Any]
SheetOfLight = NDArray[Any]
Random = np.random.Generator


@dataclass(frozen=True)
class Sheet:
    """A picture, and what is on it."""

    picture: Picture
    text: str = ""
    cells: tuple[tuple[str, ...], ...] = ()
    corners: NDArray[np.float32] = field(default_factory=lambda: np.zeros((4, 2), np.float32))
    """float32 (4, 2): the grid's corners in the picture, clockwise from the top left one."""

    def cell_of(self, x: float, y: float) -> tuple[int, int]:
        """Row and column of the cell that contains a point of the picture; outside the grid they are out of range."""
        rows, columns = len(self.cells), len(self.cells[0])
        flat = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
        u, v, w = cv2.getPerspectiveTransform(self.corners, flat) @ (x, y, 1)
        return int(np.floor(v / w)), int(np.floor(u / w))

    def cells_right(self, found: list[tuple[float, float, str]]) -> tuple[int, int, int, int]:
        """Count, from what was found (x, y, text): full cells read right, full cells, empty cells that were read, empty cells.

        Cells that hold "?" are not counted.
        """
        held: dict[tuple[int, int], str] = {}
        for x, y, text in sorted(found):
            held[self.cell_of(x, y)] = held.get(self.cell_of(x, y), "") + text
        every = [(held.get((r, c), ""), text) for r, row in enumerate(self.cells) for c, text in enumerate(row)]
        full, blank = [pair for pair in every if pair[1] not in ("", "?")], [pair for pair in every if not pair[1]]
        return sum(a == b for a, b in full), len(full), sum(bool(a) for a, _ in blank), len(blank)


def stamp(sheet: SheetOfLight, image: Picture, box: tuple[float, float, float, float], shade: float, grow: int) -> None:
    """Write a digit of MNIST into the box (x, y, width, height) of a sheet, whose values are lightness."""
    rows, columns = np.flatnonzero((image > 60).any(1)), np.flatnonzero((image > 60).any(0))
    ink = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    x, y, width, height = (round(value) for value in box)
    large = cv2.resize(
        ink, (max(2, width), max(2, height)), interpolation=cv2.INTER_CUBIC if height > 20 else cv2.INTER_AREA
    )
    alpha: Picture = np.clip((large.astype(np.float32) - 90) / 90, 0, 1)
    if grow:
        kernel = np.ones((abs(grow) + 1,) * 2, np.uint8)
        alpha = cv2.dilate(alpha, kernel) if grow > 0 else cv2.erode(alpha, kernel)
    x0, y0, x1, y1 = (
        max(x, 0),
        max(y, 0),
        min(x + alpha.shape[1], sheet.shape[1]),
        min(y + alpha.shape[0], sheet.shape[0]),
    )
    if x1 > x0 and y1 > y0:
        part = sheet[y0:y1, x0:x1]
        part -= alpha[y0 - y : y1 - y, x0 - x : x1 - x] * (part - np.minimum(part, shade))


def natural(image: Picture) -> float:
    """Width over height of a digit's ink."""
    rows, columns = np.flatnonzero((image > 60).any(1)), np.flatnonzero((image > 60).any(0))
    return float((columns[-1] - columns[0] + 1) / (rows[-1] - rows[0] + 1))


def background(random: Random, height: int, width: int) -> SheetOfLight:
    """Cheque paper: bundles of fine curves on grey, or dots."""
    base = random.uniform(130, 235)
    sheet = np.full((height, width), base, np.float32)
    if random.random() < 0.6:
        canvas = np.zeros((height, width), np.uint8)
        for _ in range(int(random.integers(12, 50))):
            centre = random.uniform((-width, -2 * height), (2 * width, 3 * height))
            radius = random.uniform(0.3, 2.5) * width
            cv2.circle(canvas, tuple(int(c) for c in centre), int(radius), 255, 1, cv2.LINE_AA)
        sheet -= canvas * np.float32(random.uniform(0.05, 0.25))
    elif random.random() < 0.7:
        tile = random.standard_normal((3, 3)) * random.uniform(3, 16)
        sheet += np.tile(tile, (height // 3 + 1, width // 3 + 1))[:height, :width].astype(np.float32)
    return sheet


def photographed(random: Random, sheet: SheetOfLight, grain: float = 3.0, blur: float = 0.8) -> Picture:
    """The sheet as a photo in RGB, with uneven light, blur, grain and JPEG's losses."""
    height, width = sheet.shape
    ramp = np.linspace(random.uniform(0.75, 1), random.uniform(0.75, 1), width, dtype=np.float32)
    sheet = cv2.GaussianBlur(sheet * ramp, (0, 0), max(0.2, blur))
    sheet = sheet + random.normal(0, grain, (height, width))
    tint = random.uniform(0.9, 1, 3)
    picture = np.clip(sheet[..., None] * tint, 0, 255).astype(np.uint8)
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1], cv2.IMREAD_COLOR))


def amount(random: Random, images: Picture, labels: NDArray[np.int64]) -> Sheet:
    """An amount cut from a cheque: 2 to 8 digits that may touch, thousands' points, a dash or comma at the end, rules."""
    size = random.uniform(22, 44)
    height = round(size * random.uniform(1.25, 2))
    chosen = random.integers(0, len(labels), int(random.integers(2, 9)))
    sheet = background(random, height, round(size * (len(chosen) + 4)))
    shade, grow = random.uniform(0.1, 0.6) * float(sheet.mean()), int(random.choice([-1, 0, 0, 1]))
    gap, x, base = (
        random.uniform(-0.12, 0.35),
        size * random.uniform(0.05, 0.6),
        height - size * random.uniform(0.1, 0.3),
    )
    if random.random() < 0.4:
        y = height - random.uniform(1, 8)
        cv2.line(
            sheet,
            (0, round(y)),
            (sheet.shape[1], round(y + random.uniform(-3, 3))),
            shade * 1.2,
            int(random.integers(1, 3)),
        )
    points = random.random() < 0.5
    uneven, zeros = (0.55, 1.1) if random.random() < 0.4 else (0.8, 1.05), random.uniform(0.55, 1)
    for place, number in enumerate(chosen):
        own = size * random.uniform(*uneven) * (zeros if labels[number] == 0 else 1)
        wide = own * natural(images[number]) * random.uniform(0.85, 1.15)
        stamp(sheet, images[number], (x, base - own + random.normal(0, 0.04) * size, wide, own), shade, grow)
        x += wide + size * (gap + random.normal(0, 0.04))
        if points and (len(chosen) - place) % 3 == 1 and place < len(chosen) - 1:
            cv2.circle(sheet, (round(x + 0.05 * size), round(base)), max(1, round(0.06 * size)), shade, -1, cv2.LINE_AA)
            x += 0.25 * size
    if random.random() < 0.3:
        cv2.line(
            sheet, (round(x + 5), round(base - size / 2)), (round(x + 5 + 0.5 * size), round(base - size / 2)), shade, 2
        )
        x += 0.6 * size
    sheet = sheet[:, : round(x + size * random.uniform(0.05, 0.5))]
    return Sheet(
        photographed(random, sheet, random.uniform(1, 5), random.uniform(0.3, 1)),
        "".join(str(labels[n]) for n in chosen),
    )


def printed(digit: int, font: str, side: int = 60) -> Picture:
    """A printed digit like MNIST's: uint8, 255 on 0."""
    drawn = Image.new("L", (side * 2, side * 2))
    ImageDraw.Draw(drawn).text((side, side), str(digit), fill=255, font=ImageFont.truetype(font, side), anchor="mm")
    return np.array(drawn)


def askew(random: Random, sheet: Picture, points: Picture, tilt: float, table: float) -> tuple[Picture, Picture]:
    """The sheet rotated and in perspective on a table of that lightness, and where its points, float32 (N, 2), are then."""
    high, long = sheet.shape
    frame = np.array([[0, 0], [long, 0], [long, high], [0, high]], np.float32)
    angle = np.deg2rad(tilt * random.uniform(-12, 12))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shifted = tilt * random.uniform(-0.06, 0.06, (4, 2)) * (long, high)
    moved = (frame - frame.mean(0)) @ turn.T + frame.mean(0) + shifted
    moved = (moved - moved.min(0)).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(frame, moved)
    size = tuple(int(side) + 1 for side in moved.max(0))
    warped = cv2.warpPerspective(sheet, matrix, size, borderMode=cv2.BORDER_CONSTANT, borderValue=table)
    return warped, cv2.perspectiveTransform(points[None], matrix)[0]


def grid(
    random: Random, images: Picture, labels: NDArray[np.int64], *,
    rows: int = 9, columns: int = 9, line: int = 1, dark: float = 0.2,
    fonts: tuple[str, ...] = (), full: float = 0.7, tilt: float = 0.0, cell: float = 44.0, grain: float = 2.0, most: int = 1,
    table: float = 0.6, written: float = 1.0,
) -> Sheet:  # fmt: skip
    """A grid in which a share `full` of the cells have up to `most` digits; with `fonts`, some digits are printed.

    `dark` is the lightness of the lines, 0 black to 1 paper; `tilt` how far the grid is rotated and put in perspective, 0 flat to
    1 much; `table` the lightness of the table, 1 like the sheet; `written` the size of handwriting, 1 like print.
    """
    wide, margin = cell * (1 + 0.55 * (most - 1)), round(1.2 * cell)
    height, width = round(rows * cell), round(columns * wide)
    sheet = np.full((height + 2 * margin, width + 2 * margin), random.uniform(180, 250), np.float32)
    paper = float(sheet[0, 0])
    for n in range(rows + 1):
        level = margin + round(n * cell)
        cv2.line(sheet, (margin, level), (margin + width, level), paper * dark, line * (2 if n % 3 == 0 else 1))
    for n in range(columns + 1):
        upright = margin + round(n * wide)
        cv2.line(sheet, (upright, margin), (upright, margin + height), paper * dark, line * (2 if n % 3 == 0 else 1))
    shade, texts = random.uniform(0.05, 0.45) * paper, []
    for row in range(rows):
        texts.append([""] * columns)
        for column in range(columns):
            if random.random() > full:
                continue
            size = cell * random.uniform(0.5, 0.75)
            font = fonts[random.integers(len(fonts))] if fonts and random.random() < 0.5 else None
            size *= written if font is None else 1
            x: float = margin + column * wide + wide / 2
            y: float = margin + row * cell + cell / 2 - size / 2
            shapes = []
            for _ in range(int(random.integers(1, most + 1))):
                number = int(random.integers(len(labels)))
                digit = int(labels[number])
                shapes.append((digit, images[number] if font is None else printed(digit, font)))
            each = [size * natural(shape) for _, shape in shapes]
            x += -(sum(each) + 0.12 * size * (len(each) - 1)) / 2 + random.normal(0, 0.04) * cell
            for (digit, shape), own in zip(shapes, each, strict=True):
                stamp(sheet, shape, (x, y + random.normal(0, 0.03) * cell, own, size), shade, 0)
                x += own + 0.12 * size
                texts[-1][column] += str(digit)
    flat = np.array(
        [[margin, margin], [margin + width, margin], [margin + width, margin + height], [margin, margin + height]],
        np.float32,
    )
    warped, corners = askew(random, sheet, flat, tilt, paper * table)
    return Sheet(photographed(random, warped, grain, 0.7), cells=tuple(tuple(row) for row in texts), corners=corners)
