"""Tables: their rows and columns, and the content of their cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.marks import Mark
from mnistlab.reading.page import UNKNOWN, Digit
from mnistlab.reading.paper import Gray
from mnistlab.reading.sheets.closely import CELL_HEIGHT, marks_on
from mnistlab.reading.sheets.flat import Flattened, Points, Segment, erased, laid_flat
from mnistlab.reading.sheets.grid import Grid, find_grid

if TYPE_CHECKING:
    from mnistlab.reading.reader import Reader

__all__ = ["Cell", "Table", "read_table"]

LARGEST = 6000
"""The most pixels per side of a flattened table."""
ROOM = 4
"""By how many pixels a part of a line is extended beyond the crossings at its ends."""
NARROWEST = 12
"""The least height of a flattened row, and the least width of a flattened column, in pixels."""


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes
    ----------
    row, column : int
        The row and column of the cell's top left corner, counted from 0.
    rows, columns : int
        How many rows and columns the cell spans: more than 1 if cells are merged.
    digits : tuple of Digit
        The digits, from left to right.
    corners : tuple of (float, float)
        The cell's four corners in the picture, in pixels, clockwise from the top left one.
    text : str
        The digits, with "?" for those that are not accepted; empty if the cell has no digits.
    """

    row: int
    column: int
    rows: int
    columns: int
    digits: tuple[Digit, ...]
    corners: tuple[tuple[float, float], ...]

    @property
    def text(self) -> str:
        """The digits, with "?" for those that are not accepted; empty if the cell has no digits."""
        return "".join(str(digit.value) if digit.accepted else UNKNOWN for digit in self.digits)

    def to_dict(self) -> dict[str, Any]:
        """The content in plain types, for JSON.

        Returns
        -------
        dict
            row, column, rows, columns, text, corners (in pixels, rounded to tenths), and digits (as in `Digit.to_dict`).
        """
        return {
            "row": self.row, "column": self.column, "rows": self.rows, "columns": self.columns, "text": self.text,
            "corners": [[round(x, 1), round(y, 1)] for x, y in self.corners],
            "digits": [digit.to_dict() for digit in self.digits],
        }  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table that was found in a picture.

    Attributes
    ----------
    rows, columns : int
        How many rows and columns the table has.
    cells : tuple of Cell
        The cells, row by row; a merged cell is listed once.
    texts : list of list of str
        A list of texts for each row; a merged cell's text is in its first row and column; the rest of the cell is empty.
    """

    rows: int
    columns: int
    cells: tuple[Cell, ...]

    @property
    def texts(self) -> list[list[str]]:
        """A list of texts for each row; a merged cell's text is in its first row and column; the rest of the cell is empty."""
        shown = [[""] * self.columns for _ in range(self.rows)]
        for cell in self.cells:
            shown[cell.row][cell.column] = cell.text
        return shown

    @property
    def by_row(self) -> list[tuple[Digit, ...]]:
        """The digits of each row, from left to right; the digits of a merged cell are in the cell's first row."""
        return [
            tuple(digit for cell in self.cells if cell.row == row for digit in cell.digits) for row in range(self.rows)
        ]

    def to_csv(self) -> str:
        """The table as CSV, a line for each row, in a form that spreadsheets open.

        Returns
        -------
        str
            The CSV text, with commas between columns and a line feed after each line.
        """
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(self.texts)
        return text.getvalue()

    def to_dict(self) -> dict[str, Any]:
        """The content in plain types, for JSON.

        Returns
        -------
        dict
            rows, columns, and cells as in `Cell.to_dict`.
        """
        return {"rows": self.rows, "columns": self.columns, "cells": [cell.to_dict() for cell in self.cells]}


def read_table(reader: Reader, picture: Gray, raise_if_cancelled: Callable[[], None] = lambda: None) -> Table | None:
    """Read the largest table in a picture, uint8 (H, W) or (H, W, 3), or return None if there is no table."""
    grid = find_grid(picture)
    raise_if_cancelled()
    if grid is None:
        return None
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture
    places = Places.of(grid)
    flat = laid_flat(gray, places.to_picture, places.size)
    clean = erased(flat.gray, *places.lines())
    raise_if_cancelled()
    marks = marks_on(reader, clean, raise_if_cancelled)
    size = (gray.shape[1], gray.shape[0])
    return Table(grid.rows, grid.columns, tuple(places.cells(marks, lambda mark: told(reader, flat, mark, size))))


def told(reader: Reader, flat: Flattened, mark: Mark, size: tuple[int, int]) -> Digit:
    """The digit to report for a mark on a flattened part of a picture; `size` is the picture's width and height."""
    return reader._digit(mark, flat.box_in_picture(mark.box, size))


@dataclass(frozen=True)
class Places:
    """Where a grid's lines are in the flattened picture."""

    grid: Grid
    x: Points
    """float64 (columns + 1,): the positions of the vertical lines."""
    y: Points
    """float64 (rows + 1,): the positions of the horizontal lines."""
    matrix: NDArray[np.float64]
    """float64 (3, 3): maps the flattened grid to the picture as closely as a single matrix can."""
    beside: Points
    """float64 (rows + 1, columns + 1, 2): how far the crossings are from where the matrix puts them, x and y."""
    margin: float

    @classmethod
    def of(cls, grid: Grid) -> Places:
        """Where the lines of `grid` are once it has been flattened with its proportions kept.

        The median row is `CELL_HEIGHT` pixels high, or less if the flattened table would otherwise be too large.
        """
        points = grid.points
        high = np.linalg.norm(np.diff(points, axis=0), axis=2).mean(1)
        wide = np.linalg.norm(np.diff(points, axis=1), axis=2).mean(0)
        scale = CELL_HEIGHT / float(np.median(high))
        scale = min(scale, LARGEST / max(high.sum(), wide.sum()))
        margin = 0.5 * CELL_HEIGHT
        y, x = (
            margin + np.concatenate([[0.0], np.cumsum(np.maximum(NARROWEST, scale * sides))]) for sides in (high, wide)
        )
        flat = np.stack(np.meshgrid(x, y), 2).reshape(-1, 2)
        matrix, _ = cv2.findHomography(flat, points.reshape(-1, 2), 0)
        beside = points.reshape(-1, 2) - cv2.perspectiveTransform(flat[None], matrix)[0]
        return cls(grid, x, y, np.asarray(matrix, np.float64), beside.reshape(points.shape), margin)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the flattened picture, in pixels."""
        return round(float(self.x[-1] + self.margin)), round(float(self.y[-1] + self.margin))

    def to_picture(self, points: Points) -> Points:
        """Points, float64 (N, 2), in the flattened picture, converted to the original picture's coordinates."""
        moved = cv2.perspectiveTransform(points[None], self.matrix)[0]
        part = []
        for n, at in enumerate((self.x, self.y)):
            place = np.interp(points[:, n], at, np.arange(len(at)))
            first = np.minimum(place.astype(int), len(at) - 2)
            part.append((first, (place - first)[:, None]))
        (column, right), (row, below) = part
        upper = self.beside[row, column] * (1 - right) + self.beside[row, column + 1] * right
        lower = self.beside[row + 1, column] * (1 - right) + self.beside[row + 1, column + 1] * right
        return np.asarray(moved + upper * (1 - below) + lower * below)

    def lines(self) -> tuple[list[Segment], list[Segment]]:
        """The parts of the grid's lines that no merged cell removes: the horizontal parts, and the vertical ones."""
        rows, columns = self.grid.rows, self.grid.columns
        below = np.vstack([np.ones((1, columns), bool), self.grid.below, np.ones((1, columns), bool)])
        beside = np.hstack([np.ones((rows, 1), bool), self.grid.beside, np.ones((rows, 1), bool)]).T
        return parts_of(below, self.y, self.x), parts_of(beside, self.x, self.y)

    def cells(self, marks: Sequence[Mark], tell: Callable[[Mark], Digit]) -> list[Cell]:
        """The cells, each with the digits that `tell` makes of the marks whose centres lie in the cell."""
        held: dict[tuple[int, int], list[Mark]] = {}
        spans = self.grid.spans()
        owner = {(r, c): span[:2] for span in spans for r in range(span[0], span[2]) for c in range(span[1], span[3])}
        for mark in sorted(marks, key=lambda mark: mark.box[0] + mark.box[2] / 2):
            middle = mark.box[0] + mark.box[2] / 2, mark.box[1] + mark.box[3] / 2
            column, row = (
                int(np.searchsorted(at, at_middle)) - 1 for at, at_middle in zip((self.x, self.y), middle, strict=True)
            )
            if (row, column) in owner:
                held.setdefault(owner[row, column], []).append(mark)
        found = []
        for top, left, bottom, right in spans:
            corners = tuple(
                tuple(self.grid.points[at].tolist())
                for at in ((top, left), (top, right), (bottom, right), (bottom, left))
            )
            digits = tuple(tell(mark) for mark in held.get((top, left), []))
            found.append(Cell(top, left, bottom - top, right - left, digits, corners))
        return found


def parts_of(there: NDArray[np.bool_], at: Points, along: Points) -> list[Segment]:
    """The line parts for which `there` is true, as segments that extend `ROOM` pixels further at both ends."""
    return [
        (float(at[line]), float(along[part]) - ROOM, float(along[part + 1]) + ROOM, 0.0)
        for line, part in zip(*(places.tolist() for places in np.nonzero(there)), strict=True)
    ]
