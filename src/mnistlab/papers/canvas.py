"""A sheet to draw on: its pixels, and a record of what was drawn where."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.papers.glyphs import FONT_SIZE, SIDE, Shape
from mnistlab.pictures.fonts import opened

__all__ = ["Canvas", "Mark", "Pen", "Size"]

Floats = NDArray[np.float32]


class Size(Enum):
    """Whether the network should find a scene's digits, given their height: the network knows digits of about one height only."""

    USUAL = "is to be found"
    UNUSUAL = "may be found"
    BEYOND = "is not to be found: a large digit's loop is not a zero, and several small digits are not one large one"


@dataclass(frozen=True)
class Mark:
    """A digit or another mark on a sheet, and the bounding box of its ink in pixels."""

    kind: int
    """The index of the mark's kind in the finder's `CLASSES`."""
    x: float
    """`x` and `y` are the centre of the bounding box, in pixels."""
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Pen:
    """A pen: its colour, 0 (black) to 255, its opacity, 0 to 1, and its radius in pixels.

    If the radius is None, the strokes keep their own width, plus `bolder` pixels at each edge.
    """

    colour: float
    cover: float
    radius: float | None = None
    bolder: float = 0.0


@dataclass
class Canvas:
    """A sheet that may lie at an angle.

    `turn`, float64 (2, 2), maps an offset from the middle of the level sheet to the offset from the middle of the canvas.
    """

    pixels: Floats
    """float32 (H, W), 0 to 255."""
    turn: NDArray[np.float64]
    digits: Floats = field(init=False)
    """float32 (H, W), 0 to 1: how much of each pixel is the ink of digits."""
    ignored: NDArray[np.bool_] = field(init=False)
    """bool (H, W): where detections do not count: what is drawn there looks like a digit, is cut off or has an unusual size."""
    marks: list[Mark] = field(default_factory=list)
    size: Size = Size.USUAL
    """How large the writing looks to the network."""

    def __post_init__(self) -> None:
        self.digits = np.zeros_like(self.pixels)
        self.ignored = np.zeros(self.pixels.shape, bool)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the level sheet lies on the canvas, in pixels. Sheet and canvas have the same middle."""
        height, width = self.pixels.shape
        a, b = self.turn @ (x - width / 2, y - height / 2)
        return float(a + width / 2), float(b + height / 2)

    def placed(self, points: Iterable[Sequence[float] | NDArray[np.float64]]) -> NDArray[np.float64]:
        """Where points of the level sheet lie on the canvas: float64 (N, 2)."""
        return np.array([self.place(*point) for point in points])

    def cover(self, alpha: Floats, left: int, top: int, pen: Pen) -> tuple[slice, slice, Floats] | None:
        """Lay ink, `alpha` float32 (h, w), 0 to 1, on the canvas, with its top left corner at (left, top).

        Returns the rows and columns of the canvas that `alpha` covers, and the part of `alpha` that lies on the canvas; None if
        no part does.
        """
        height, width = self.pixels.shape
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + alpha.shape[1], width), min(top + alpha.shape[0], height)
        if x1 <= x0 or y1 <= y0:
            return None
        rows, columns = slice(y0, y1), slice(x0, x1)
        part = alpha[y0 - top : y1 - top, x0 - left : x1 - left]
        here = self.pixels[rows, columns]
        here += part * pen.cover * (np.minimum(here, pen.colour) - here)
        return rows, columns, part

    def glyph(
        self, shape: Shape, kind: int | None, at: tuple[float, float], size: NDArray[np.float64], pen: Pen
    ) -> float:
        """Draw a shape, centred at a point of the level sheet; the matrix `size` (2, 2) maps the shape's pixels to the sheet's.

        `kind` is the kind of mark that the finder should detect at this place, or None if detections there do not count. Returns
        the x at which the ink ends on the right.
        """
        matrix = self.turn @ size
        corners = np.abs(matrix) @ (shape.width / 2 + 3, shape.height / 2 + 3)
        middle = self.place(*at)
        left, top = int(np.floor(middle[0] - corners[0])), int(np.floor(middle[1] - corners[1]))
        w, h = int(2 * corners[0]) + 3, int(2 * corners[1]) + 3
        back = np.linalg.inv(matrix)
        offset = np.array([SIDE / 2 - 0.5, SIDE / 2 - 0.5]) - back @ (middle[0] - left, middle[1] - top)
        distances = shape.edge if pen.radius is None else shape.middle
        warped = cv2.warpAffine(
            distances,
            np.column_stack([back, offset]),
            (w, h),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=-99.0 if pen.radius is None else 99.0,
        )
        scale = abs(np.linalg.det(matrix)) ** 0.5
        alpha = warped * scale + (0.5 + pen.bolder) if pen.radius is None else (pen.radius + 0.5) - warped * scale
        alpha = np.clip(alpha, 0, 1).astype(np.float32)
        self.note(alpha, left, top, kind, pen)
        return at[0] + float(np.abs(size[0]) @ (shape.width / 2, shape.height / 2))

    def note(self, alpha: Floats, left: int, top: int, kind: int | None, pen: Pen) -> None:
        """Lay ink on the canvas, and record it as a mark of this `kind`, or as a place to be ignored.

        The place is ignored if `kind` is None, if too much of the ink is off the canvas, or if `self.size` is `Size.UNUSUAL`.
        If `self.size` is `Size.BEYOND`, nothing is recorded.
        """
        inked = alpha > 0.4
        rows, columns = np.flatnonzero(inked.any(1)), np.flatnonzero(inked.any(0))
        if not len(rows):
            return
        x0, x1, y0, y1 = left + columns[0], left + columns[-1] + 1, top + rows[0], top + rows[-1] + 1
        laid = self.cover(alpha, left, top, pen)
        if laid is None or self.size is Size.BEYOND:
            return
        height, width = self.pixels.shape
        seen = (min(x1, width) - max(x0, 0)) * (min(y1, height) - max(y0, 0)) / ((x1 - x0) * (y1 - y0))
        rows_, columns_, part = laid
        if kind is not None and kind < 10:
            np.maximum(self.digits[rows_, columns_], part, out=self.digits[rows_, columns_])
        if kind is None or seen < 0.85 or self.size is Size.UNUSUAL:
            self.ignored[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = True
        else:
            self.marks.append(Mark(kind, (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0))

    def line(self, start: tuple[float, float], end: tuple[float, float], width: float, pen: Pen) -> None:
        """Draw a straight line, `width` pixels wide, between two points of the level sheet."""
        self.lines([(start, end)], width, pen)

    def lines(self, ends: Sequence[tuple[tuple[float, float], tuple[float, float]]], width: float, pen: Pen) -> None:
        """Draw one straight line for each pair of points of the level sheet."""
        self.strokes([self.placed(pair) for pair in ends], width, pen)

    def strokes(self, lines: list[NDArray[np.float64]], width: float, pen: Pen, kind: int | None = -1) -> None:
        """Draw lines, each through points of the canvas, (N, 2).

        All the lines together are recorded as one mark of `kind` (see `note`), or not recorded if `kind` is -1.
        """
        if not lines:
            return
        thick = max(1, int(width))
        points = np.concatenate(lines)
        left, top = (int(v) for v in np.floor(points.min(0)) - thick - 1)
        right, bottom = (int(v) for v in np.ceil(points.max(0)) + thick + 2)
        mask = np.zeros((bottom - top, right - left), np.uint8)  # all of the lines, even what is off the sheet
        fixed = [np.round((line - (left, top)) * 16).astype(np.int32) for line in lines]
        cv2.polylines(mask, fixed, False, 255, thick, cv2.LINE_AA, shift=4)
        alpha = mask.astype(np.float32) * (min(1.0, width / thick) / 255)
        if kind == -1:
            self.cover(alpha, left, top, pen)
        else:
            self.note(alpha, left, top, kind, pen)

    def fill(self, corners: Sequence[tuple[float, float]], pen: Pen) -> None:
        """Draw a filled polygon with these corners on the level sheet."""
        self.polygon(self.placed(corners), pen)

    def polygon(self, points: NDArray[np.float64], pen: Pen) -> None:
        """Draw a filled polygon with these corners, (N, 2), on the canvas."""
        mask = np.zeros(self.pixels.shape, np.uint8)
        cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
        self.cover((mask / np.float32(255)).astype(np.float32, copy=False), 0, 0, pen)

    def words(self, text: str, font: Path, height: float, at: tuple[float, float], pen: Pen) -> None:
        """Draw printed words, in which nothing should be found, with their top left corner at a point of the level sheet."""
        drawn = printed(text, font)
        if not drawn.size:
            return
        scale = height / FONT_SIZE
        matrix = self.turn * scale
        x, y = self.place(*at)
        corners = matrix @ np.array([[0, drawn.shape[1], 0, drawn.shape[1]], [0, 0, drawn.shape[0], drawn.shape[0]]])
        low, high = corners.min(1), corners.max(1)
        moved = np.column_stack([matrix, -low])
        size = (min(int(high[0] - low[0]) + 2, 4 * self.pixels.shape[1]), int(high[1] - low[1]) + 2)
        if scale < 0.5:  # blurred first, because warpAffine looks at only four pixels
            drawn = np.asarray(cv2.blur(drawn, (max(1, int(0.7 / scale)),) * 2), np.uint8)
        alpha = cv2.warpAffine(drawn, moved, size, flags=cv2.INTER_LINEAR).astype(np.float32) / np.float32(255)
        self.cover(np.asarray(alpha, np.float32), int(x + low[0]), int(y + low[1]), pen)


@functools.lru_cache(maxsize=2000)
def printed(text: str, font: Path) -> NDArray[np.uint8]:
    """The ink of words printed in a font at a size of 80 pixels: uint8 (h, w), 0 to 255."""
    mask = opened(font, FONT_SIZE).getmask(text)
    return np.frombuffer(bytes(mask), np.uint8).reshape(mask.size[::-1])
