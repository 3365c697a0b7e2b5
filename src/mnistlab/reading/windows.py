"""Choose the parts of a picture that the finder looks at, since most of a page is blank."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.finder import CELL

__all__ = ["HALO", "Boxes", "Window", "grown", "of_boxes", "windows"]

Boxes = NDArray[np.float64]
"""float64 (N, 4): x, y, width, height."""

HALO = 4
"""The network also sees this many cells on each side of a window, so that digits at the window's edge have surroundings."""
TILE = 16
"""Windows are made from squares of this many cells per side."""
START = 64
"""The cost, in cells, of looking at one more window."""


class Window(NamedTuple):
    """A rectangle, in cells: its first column and row, and the column and row after its last ones."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def cost(self) -> int:
        """How many cells the network computes for the window, plus what one more call costs, in cells."""
        return (self.right - self.left + 2 * HALO) * (self.bottom - self.top + 2 * HALO) + START

    @property
    def cells(self) -> tuple[slice, slice]:
        """The window's rows and columns, counted in cells."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def pixels(self) -> tuple[slice, slice]:
        """The window's rows and columns, counted in pixels."""
        return slice(CELL * self.top, CELL * self.bottom), slice(CELL * self.left, CELL * self.right)

    def within(self, other: Window, times: int = 1) -> tuple[slice, slice]:
        """The window's rows and columns, relative to `other`, a window that contains it.

        The unit is such that a cell has `times` units per side.
        """
        rows = slice(times * (self.top - other.top), times * (self.bottom - other.top))
        return rows, slice(times * (self.left - other.left), times * (self.right - other.left))

    def with_halo(self, shape: tuple[int, ...]) -> Window:
        """The window and what the network sees around it in the picture; `shape` is the picture's (rows, columns), in cells."""
        right, bottom = min(self.right + HALO, shape[1]), min(self.bottom + HALO, shape[0])
        return Window(max(0, self.left - HALO), max(0, self.top - HALO), right, bottom)

    def together(self, other: Window) -> Window:
        """The smallest window that contains both this one and `other`."""
        right, bottom = max(self.right, other.right), max(self.bottom, other.bottom)
        return Window(min(self.left, other.left), min(self.top, other.top), right, bottom)


def grown(boxes: Boxes, by: float | NDArray[np.float64]) -> Boxes:
    """The boxes, float64 (N, 4), each extended by the distance `by` on all sides."""
    by = np.broadcast_to(by, len(boxes))
    return boxes + np.stack([-by, -by, 2 * by, 2 * by], 1)


def of_boxes(boxes: Boxes, scale: float, frame: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which cells of a scaled picture with a frame of `frame` pixels lie at least partly in boxes of the original picture.

    The result is a bool array of shape `shape`.
    """
    cells = np.zeros(shape, bool)
    for x, y, width, height in boxes.tolist():
        left, top = (max(0, int((scale * start + frame) / CELL)) for start in (x, y))
        right, bottom = (int(np.ceil((scale * end + frame) / CELL)) for end in (x + width, y + height))
        cells[top:bottom, left:right] = True
    return cells


def windows(wanted: NDArray[np.bool_]) -> list[Window]:
    """Windows that cover all wanted cells, bool (h, w), and few others; two are merged if one around both costs no more."""
    found: list[Window] = []
    for top in range(0, wanted.shape[0], TILE):
        for left in range(0, wanted.shape[1], TILE):
            down, across = np.nonzero(wanted[top : top + TILE, left : left + TILE])
            if not len(down):
                continue
            new = Window(
                left + int(across.min()), top + int(down.min()), left + int(across.max()) + 1, top + int(down.max()) + 1
            )
            while found:
                gains = [one.cost + new.cost - one.together(new).cost for one in found]
                best = int(np.argmax(gains))
                if gains[best] < 0:
                    break
                new = new.together(found.pop(best))
            found.append(new)
    return found
