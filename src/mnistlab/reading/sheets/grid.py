"""The grid of a table's lines in a photo: where they cross, and between which cells there is a line."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.paper import Gray, resized
from mnistlab.reading.sheets.lattice import Flat, Points
from mnistlab.reading.sheets.level import Lines, gathered, level_sheet, on_level_sheet
from mnistlab.reading.sheets.lines import Floats, Segments, darker, level_segments, upright_segments

__all__ = ["Grid", "find_grid"]

LONGEST = 1400
"""Before lines are searched for, the picture is scaled down so that its longer side has at most this many pixels."""
REACH = 0.02
"""A line may end short of the line that it should meet, by at most this share of the picture's longer side."""
SPAN = 0.3
"""In the first search for a table, a line counts as the table's only if its parts together cover at least this share of the
table's width or height."""
LED_TO = 0.5
"""The least share of the crossing lines that must reach a table's outermost line."""


@dataclass(frozen=True)
class Grid:
    """A table's grid.

    Attributes
    ----------
    points : ndarray of float64, shape (rows + 1, columns + 1, 2)
        Where the grid's lines cross, x and y in pixels of the picture, even where cells are merged and a line is missing.
    below : ndarray of bool, shape (rows - 1, columns)
        Whether there is a line between a cell and the one below it.
    beside : ndarray of bool, shape (rows, columns - 1)
        Whether there is a line between a cell and the one to its right.
    """

    points: Points
    below: NDArray[np.bool_]
    beside: NDArray[np.bool_]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.points) - 1

    @property
    def columns(self) -> int:
        """The number of columns."""
        return int(self.points.shape[1] - 1)

    def spans(self) -> list[tuple[int, int, int, int]]:
        """The cells, row by row: the first row and column of each, and the row and column after its last ones.

        Cells without a line between them are merged if together they form a rectangle.
        """
        apart = np.zeros((2 * self.rows - 1, 2 * self.columns - 1), np.uint8)  # cells, and what is between them
        apart[::2, ::2] = 1
        apart[1::2, ::2] = ~self.below
        apart[::2, 1::2] = ~self.beside
        count, labels = cv2.connectedComponents(apart, connectivity=4)
        of = labels[::2, ::2]
        found = []
        for number in range(1, count):
            rows, columns = np.nonzero(of == number)
            top, left, bottom, right = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
            if len(rows) == (bottom - top) * (right - left):
                found.append((int(top), int(left), int(bottom), int(right)))
            else:
                found += [(int(r), int(c), int(r) + 1, int(c) + 1) for r, c in zip(rows, columns, strict=True)]
        return sorted(found)


def find_grid(picture: Gray) -> Grid | None:
    """The largest table in a picture, uint8 (H, W) or (H, W, 3); None if no lines form a table with at least two cells."""
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture
    shrink = min(1.0, LONGEST / max(gray.shape))
    dark = darker(resized(gray, shrink))
    level, upright = both_ways(dark)
    if len(level.slope) < 2 or len(upright.slope) < 2:
        return None
    matrix = level_sheet(level, upright, dark.shape)
    side = float(max(dark.shape))
    across, down = (
        gathered(*on_level_sheet(level, matrix, False), side),
        gathered(*on_level_sheet(upright, matrix, True), side),
    )
    across, down = table_of(across, down, REACH * side)
    if len(across.at) < 2 or len(down.at) < 2:
        return None
    flat = Flat.of(dark, matrix, across, down)
    rows, columns = flat.lattice()
    if len(rows) < 2 or len(columns) < 2 or len(rows) + len(columns) < 5:
        return None
    points = flat.crossings(rows, columns)
    level_walls, upright_walls = flat.level_walls(points), flat.upright_walls(points)
    inner = table_only(level_walls, upright_walls)
    if inner is None:
        return None
    own_rows, own_columns = inner
    points = points[own_rows, own_columns]
    back = cv2.perspectiveTransform(points.reshape(1, -1, 2), np.linalg.inv(flat.matrix)).reshape(points.shape)
    below = level_walls[own_rows, own_columns][1:-1, :-1]
    beside = upright_walls[own_rows, own_columns][:-1, 1:-1]
    return Grid((back + 0.5) / shrink - 0.5, below, beside)


def table_only(level: NDArray[np.bool_], upright: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """Which lines are the table's; `level` and `upright`, bool (rows + 1, columns + 1), say which parts of them exist.

    A line that too few others reach, such as one below a heading, is not the table's. None if fewer than two cells are left.
    """
    top, bottom, left, right = 0, len(level) - 1, 0, level.shape[1] - 1
    while True:
        if bottom - top < 1 or right - left < 1 or (bottom - top) * (right - left) < 2:
            return None
        if upright[top, left : right + 1].mean() < LED_TO:
            top += 1
        elif upright[bottom - 1, left : right + 1].mean() < LED_TO:
            bottom -= 1
        elif level[top : bottom + 1, left].mean() < LED_TO:
            left += 1
        elif level[top : bottom + 1, right - 1].mean() < LED_TO:
            right -= 1
        else:
            return slice(top, bottom + 1), slice(left, right + 1)


def both_ways(dark: Floats) -> tuple[Segments, Segments]:
    """The horizontal and vertical lines, even the short ones across a table that is long and narrow."""
    level, upright = level_segments(dark), upright_segments(dark)
    if len(level.slope) >= 2 > len(upright.slope):
        upright = upright_segments(dark, half_the_way(level))
    elif len(upright.slope) >= 2 > len(level.slope):
        level = level_segments(dark, half_the_way(upright))
    return level, upright


def half_the_way(lines: Segments) -> int:
    """Half the distance in pixels from the first of the lines to the last, but at least 16."""
    return max(16, int(np.ptp(lines.middle[:, 1])) // 2)


def table_of(across: Lines, down: Lines, reach: float) -> tuple[Lines, Lines]:
    """The lines of the table with the most crossings; lines linked by crossings, directly or not, belong to one table."""
    if not len(across.at) or not len(down.at):
        return across, down
    meets = (
        np.array([down.covering(y, reach) for y in across.at])
        & np.array([across.covering(x, reach) for x in down.at]).T
    )
    best: tuple[int, NDArray[np.bool_], NDArray[np.bool_]] | None = None
    left = np.ones(len(across.at), bool)
    while left.any():
        rows = np.zeros(len(across.at), bool)
        rows[np.flatnonzero(left)[0]] = True
        while True:
            columns = meets[rows].any(0)
            more = rows | meets[:, columns].any(1)
            if (more == rows).all():
                break
            rows = more
        count = int(meets[np.ix_(rows, columns)].sum())
        if best is None or count > best[0]:
            best = (count, rows, columns)
        left &= ~rows
    assert best is not None  # noqa: S101 - there is a line
    _, rows, columns = best
    return pruned(across.kept(rows), down.kept(columns), meets[np.ix_(rows, columns)])


def pruned(across: Lines, down: Lines, meets: NDArray[np.bool_]) -> tuple[Lines, Lines]:
    """The lines, without those that are too short for the table or cross fewer than two of the others."""
    while meets.any():
        wide, high = float(np.ptp(down.at)), float(np.ptp(across.at))
        rows = (meets.sum(1) >= 2) & (across.lengths >= SPAN * wide)
        columns = (meets.sum(0) >= 2) & (down.lengths >= SPAN * high)
        if rows.all() and columns.all():
            return across, down
        across, down, meets = across.kept(rows), down.kept(columns), meets[np.ix_(rows, columns)]
    return across.kept(np.zeros(len(across.at), bool)), down.kept(np.zeros(len(down.at), bool))
