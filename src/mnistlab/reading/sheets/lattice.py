"""A table on the levelled sheet: which lines of its grid exist, and where exactly."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.sheets.level import Lines
from mnistlab.reading.sheets.lines import Floats

__all__ = ["Flat", "Points"]

Points = NDArray[np.float64]
LARGEST = 2800
"""The most pixels per side of the table on the levelled sheet."""
SEEN = 1.0
"""Lines are seen where they are at least this dark, in standard deviations of the noise."""
THIN = 11
"""At this distance from a line, in pixels, the line is no longer seen."""
PARTS, LOOKED_AT = 8, 5
"""Into how many parts a line is divided, and how many of these count: those in which it is seen best."""
STANDS_OUT = 0.2
"""The share of a line's length along which it is seen must exceed the share seen just beside the line by this much."""
WHOLE, WALL = 0.95, 0.75
"""A part of a line must be seen along these shares of its length: to count in the line's favour, and to separate two cells."""
FEWEST = 0.4
"""A line of the table must be seen along at least this share of its length; where cells are merged, part of a line is missing."""
SMOOTH = 0.1
"""Before the search for lines, darkness is averaged over this share of a line part's length, as noise makes gaps in lines."""
STRAIGHT = 0.7
"""A line is taken to be straight unless a fitted curve's residual is less than this share of a fitted straight line's."""
SAMPLES = 40
"""At how many places along a line the exact position of the line is searched for."""
AROUND = 3
"""How many pixels on each side of a line's expected position are searched, because paper bends."""


@dataclass(frozen=True)
class Flat:
    """A table on the levelled sheet, where its lines are horizontal and vertical."""

    dark: Floats
    """float32 (H, W): the result of `darker` for the table and a little around it."""
    matrix: Points
    """float64 (3, 3): the mapping to points of `dark` from those of the picture that was searched for lines."""

    @classmethod
    def of(cls, dark: Floats, matrix: Points, across: Lines, down: Lines) -> Flat:
        """The part of the sheet that the lines reach, with a margin, levelled by `matrix`."""
        # One line may be missing.
        wide, high = (1.2 * float(np.median(np.diff(lines.at))) + 3 * THIN for lines in (down, across))
        left, top = min(across.first, float(down.at[0])) - wide, min(down.first, float(across.at[0])) - high
        right, bottom = max(across.last, float(down.at[-1])) + wide, max(down.last, float(across.at[-1])) + high
        moved = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]]) @ matrix
        size = (min(LARGEST, int(right - left) + 1), min(LARGEST, int(bottom - top) + 1))
        return cls(np.asarray(cv2.warpPerspective(dark, moved, size, flags=cv2.INTER_LINEAR, borderValue=0)), moved)

    @property
    def turned(self) -> Flat:
        """The table transposed."""
        return Flat(np.ascontiguousarray(self.dark.T), self.matrix)

    def lattice(self) -> tuple[Points, Points]:
        """The y of the table's horizontal lines, and the x of its vertical ones."""
        rows, columns = self.candidates(), self.turned.candidates()
        for _ in range(3):
            if len(rows) < 2 or len(columns) < 2:
                break
            rows, columns = self.kept(rows, columns), self.turned.kept(columns, rows)
        return rows, columns

    def candidates(self) -> Points:
        """The y of possible horizontal lines: at each y, a line is seen along more of the width than at nearby heights."""
        parts = self.seen(np.linspace(0, self.dark.shape[1], PARTS + 1).astype(int))
        share = np.sort(parts, 0)[-LOOKED_AT:].mean(0)  # the parts outside the table say nothing
        beside = (
            np.minimum(np.roll(share, THIN), np.roll(share, -THIN)) / 2
            + (np.roll(share, THIN) + np.roll(share, -THIN)) / 4
        )
        stands_out = cv2.blur((share - beside)[:, None], (1, 5))[:, 0]
        peak = (stands_out >= cv2.dilate(stands_out[:, None], np.ones((2 * THIN + 1, 1), np.uint8))[:, 0]) & (
            stands_out > STANDS_OUT
        )
        peak[: THIN + 1] = peak[-THIN - 1 :] = False
        at = np.flatnonzero(peak)
        return at[np.diff(at, prepend=-THIN) >= THIN].astype(np.float64)  # the first pixel of a flat peak

    def seen(self, bounds: NDArray[Any], around: int = 2) -> Floats:
        """At each height, the share of each part (between two bounds in x) along which a line is seen: float32 (parts, H)."""
        window = int(
            np.clip(SMOOTH * float(np.median(np.diff(bounds)[::2])), 3, 9)
        )  # not so wide that a stroke fills a small cell
        smooth = cv2.blur(self.dark, (window, 1))
        there = (smooth > SEEN).astype(np.float32)
        sums = np.pad(np.cumsum(there, 1), ((0, 0), (1, 0)))
        parts = [(sums[:, b] - sums[:, a]) / max(1, b - a) for a, b in itertools.pairwise(bounds)]
        return np.asarray(cv2.dilate(np.array(parts, np.float32), np.ones((1, 2 * around + 1), np.uint8)))

    def kept(self, rows: Points, columns: Points) -> Points:
        """The horizontal lines that are seen along enough of the parts between the vertical ones."""
        seen = self.seen(between(columns))[::2]  # without the crossings themselves
        at = rows.astype(int)
        is_whole = seen[:, at] >= WHOLE
        is_thin = seen[:, at] - (seen[:, at - THIN] + seen[:, at + THIN]) / 2 > STANDS_OUT
        wide = np.diff(columns)
        return np.asarray(rows[((is_whole & is_thin) * wide[:, None]).sum(0) >= FEWEST * wide.sum()])

    def crossings(self, rows: Points, columns: Points) -> Points:
        """Where the lines cross, float64 (rows, columns, 2), found near their expected positions."""
        x, y = np.meshgrid(columns, rows)
        y = y + self.shifts(rows, columns)
        x = x + self.turned.shifts(columns, rows).T
        return np.stack([x, y], 2)

    def shifts(self, rows: Points, columns: Points) -> Points:
        """By how many pixels the horizontal lines are lower than `rows` at each column: a smooth curve, because paper bends."""
        window = 17
        smooth = cv2.blur(self.dark, (window, 1), borderType=cv2.BORDER_CONSTANT)
        bounds = np.linspace(columns[0], columns[-1], SAMPLES)
        places = np.clip(bounds.astype(int), 0, smooth.shape[1] - 1)
        found = np.zeros((len(rows), len(columns)))
        for number, row in enumerate(rows.astype(int)):
            at = np.clip(np.arange(row - AROUND, row + AROUND + 1), 0, smooth.shape[0] - 1)
            dark = np.maximum(smooth[at][:, places] - SEEN / 2, 0)
            clear = dark.max(0) > SEEN / 2
            middle = (dark * np.arange(-AROUND, AROUND + 1)[:, None]).sum(0) / np.maximum(dark.sum(0), 1e-6)
            found[number] = bent(bounds, middle, clear, columns)
        return found

    def level_walls(self, points: Points) -> NDArray[np.bool_]:
        """Which parts of horizontal lines exist, from crossing to crossing: bool (rows, columns), False in the last column."""
        seen = self.seen(between(points[..., 0].mean(0)), 1)[::2]
        found = np.zeros(points.shape[:2], bool)
        for row, line in enumerate(points):
            middle = ((line[1:, 1] + line[:-1, 1]) / 2).round().astype(int)
            places = np.clip(middle[:, None] + np.arange(-2, 3), 0, seen.shape[1] - 1)
            found[row, :-1] = np.take_along_axis(seen, places, 1).max(1) >= WALL
        return found

    def upright_walls(self, points: Points) -> NDArray[np.bool_]:
        """Which parts of vertical lines, from one crossing to the next, exist: bool (rows, columns), False in the last row."""
        return self.turned.level_walls(points.transpose(1, 0, 2)[..., ::-1]).T


def bent(at: Points, values: Points, known: NDArray[np.bool_], wanted: Points) -> Points:
    """A straight line or parabola that follows most of the known values, evaluated at the wanted places."""
    if known.sum() < 6:
        return np.full(len(wanted), float(np.median(values[known])) if known.any() else 0.0)
    x, y = (at[known] - at[0]) / np.ptp(at), values[known]
    straight, left_by_it = fitted(x, y, 1)
    curve, left = fitted(x, y, 2)
    if left > STRAIGHT * left_by_it:
        curve = straight
    return np.asarray(np.polyval(curve, (wanted - at[0]) / np.ptp(at)))


def fitted(x: Points, y: Points, degree: int) -> tuple[Points, float]:
    """The polynomial of degree `degree` that follows most of the points, and the mean distance of all the points from it."""
    curve, weight = np.zeros(degree + 1), np.ones(len(x))
    for _ in range(6):
        curve = np.polyfit(x, y, degree, w=weight)
        weight = 1 / (1 + np.abs(y - np.polyval(curve, x)) / 0.3)
    return curve, float(np.abs(y - np.polyval(curve, x)).mean())


def between(places: Points) -> NDArray[np.int64]:
    """Bounds that delimit, alternately, the part between two neighbouring `places` and the surroundings of one of them."""
    room = 0.1 * np.diff(places)
    return np.stack([places[:-1] + room, places[1:] - room], 1).round().astype(np.int64).reshape(-1)
