"""The grid of a table: found however faint its lines and however tilted the photo, and never where there is none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mnistlab.reading.sheets.grid import Grid, find_grid
from tests.support.forms import Filled, Hand, Picture, empty_form, filled_table


def in_picture(table: Filled) -> Picture:
    """Where the lines of the table cross in the picture: float (rows + 1, columns + 1, 2)."""
    y, x = table.lines
    flat = np.stack(np.meshgrid(np.array(x, np.float64), np.array(y, np.float64)), 2)
    moved = cv2.perspectiveTransform(flat.reshape(1, -1, 2), table.matrix)
    return np.asarray(moved.reshape(flat.shape))


def ruled(rows: int = 4, columns: int = 3, line: int = 2, lightness: float = 0.2) -> Picture:
    """A table of empty cells, 60 by 100 pixels each: uint8."""
    sheet = np.full((rows * 60 + 120, columns * 100 + 120), 235, np.uint8)
    for n in range(rows + 1):
        cv2.line(sheet, (60, 60 + 60 * n), (60 + 100 * columns, 60 + 60 * n), round(235 * lightness), line)
    for n in range(columns + 1):
        cv2.line(sheet, (60 + 100 * n, 60), (60 + 100 * n, 60 + 60 * rows), round(235 * lightness), line)
    return sheet


def found(picture: Picture) -> Grid:
    grid = find_grid(picture)
    assert grid is not None
    return grid


@pytest.mark.parametrize(("rows", "columns"), [(3, 3), (12, 5), (4, 9)])
def test_rows_and_columns_of_photos_are_found_where_they_are(hand: Hand, rows: int, columns: int) -> None:
    table = filled_table(np.random.default_rng((5, rows)), hand, rows=rows, columns=columns)
    grid = found(table.picture)
    assert (grid.rows, grid.columns) == (rows, columns)
    assert np.abs(grid.points - in_picture(table)).max() < 4
    assert grid.below.all()
    assert grid.beside.all()


@pytest.mark.parametrize("line", [1, 2, 3])
@pytest.mark.parametrize("lightness", [0.0, 0.5, 0.85])
def test_lines_of_every_thickness_and_darkness_are_seen(line: int, lightness: float) -> None:
    grid = found(ruled(line=line, lightness=lightness))
    assert (grid.rows, grid.columns) == (4, 3)


def test_a_table_is_found_in_colour_and_where_it_is_large() -> None:
    large = cv2.resize(ruled(), None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC)
    grid = found(np.repeat(large[..., None], 3, 2))
    assert (grid.rows, grid.columns) == (4, 3)
    assert grid.points[0, 0] == pytest.approx([60 * 6, 60 * 6], abs=6)


def test_cells_without_a_line_between_them_are_one() -> None:
    sheet = ruled()
    sheet[60 + 4 : 120 - 3, 160 - 5 : 160 + 6] = 235  # between the first two cells of the first row
    sheet[180 - 5 : 180 + 6, 260 + 4 : 360 - 3] = 235  # between the second and third of the last column
    assert [span for span in found(sheet).spans() if span[2] - span[0] + span[3] - span[1] > 2] == [
        (0, 0, 1, 2),
        (1, 2, 3, 3),
    ]


def test_cells_that_are_open_in_a_corner_stay_apart() -> None:
    """Three cells around a corner do not form a rectangle: which of them would be merged?"""
    sheet = ruled()
    sheet[60 + 4 : 120 - 3, 160 - 5 : 160 + 6] = 235
    sheet[120 - 5 : 120 + 6, 60 + 4 : 160 - 3] = 235
    assert all(bottom - top == right - left == 1 for top, left, bottom, right in found(sheet).spans())


def test_a_rule_below_a_heading_is_no_row() -> None:
    sheet = np.vstack([np.full((90, 420), 235, np.uint8), ruled()])
    cv2.line(sheet, (60, 60), (360, 60), 40, 2)
    assert found(sheet).rows == 4


@pytest.mark.parametrize("what", ["nothing", "a frame", "a form", "rules", "a cross"])
def test_where_there_is_no_table_none_is_found(what: str) -> None:
    sheet = np.full((500, 500), 235, np.uint8)
    if what == "a frame":
        cv2.rectangle(sheet, (50, 50), (450, 450), 40, 2)
    elif what == "a form":
        sheet = empty_form().astype(np.uint8)[200:600]
    elif what == "rules":
        sheet[50::50] = 40
    elif what == "a cross":
        sheet[248:252, 50:450] = sheet[50:450, 248:252] = 40
    assert find_grid(sheet) is None


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (5, 5), (29, 31), (40, 3000)])
def test_pictures_of_any_size_are_looked_at(size: tuple[int, int]) -> None:
    assert find_grid(np.full(size, 200, np.uint8)) is None
    assert find_grid(np.random.default_rng(0).integers(0, 256, size, np.uint8)) is None
