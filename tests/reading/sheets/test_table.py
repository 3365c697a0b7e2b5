"""Tables read: every cell, blank ones blank, merged ones reported, and digits where they are in the picture."""

from __future__ import annotations

import csv
import io
import json

import cv2
import numpy as np
import pytest

from mnistlab import Page, Reader
from mnistlab.reading.sheets.flat import erased
from mnistlab.reading.sheets.table import Table
from tests.support.forms import Filled, Hand, filled_table


@pytest.fixture(scope="module")
def drawn(hand: Hand) -> Filled:
    return filled_table(np.random.default_rng(11), hand, rows=6, columns=4, merged=0.2)


@pytest.fixture(scope="module")
def page(reader: Reader, drawn: Filled) -> Page:
    return reader.read(drawn.picture, table=True)


@pytest.fixture(scope="module")
def table(page: Page) -> Table:
    assert page.table is not None
    return page.table


def test_every_cell_of_a_photo_is_read(table: Table, drawn: Filled) -> None:
    assert table.texts == [[text or "" for text in row] for row in drawn.cells]
    assert any(text == "" for row in drawn.cells for text in row)


def test_merged_cells_are_told(table: Table, drawn: Filled) -> None:
    merged = {(r, c - 1) for r, row in enumerate(drawn.cells) for c, text in enumerate(row) if text is None}
    assert {(cell.row, cell.column) for cell in table.cells if cell.columns == 2} == merged
    assert merged
    assert sum(cell.rows * cell.columns for cell in table.cells) == table.rows * table.columns == 24


def test_digits_and_cells_are_where_they_stand_in_the_picture(table: Table) -> None:
    for cell in table.cells:
        outline = np.array(cell.corners, np.float32)
        for digit in cell.digits:
            x, y, width, height = digit.box
            assert cv2.pointPolygonTest(outline, (x + width / 2, y + height / 2), True) > 0


def test_the_lines_of_a_page_with_a_table_are_its_rows(page: Page, table: Table) -> None:
    assert [digit for line in page.lines for digit in line.digits] == [d for cell in table.cells for d in cell.digits]


def test_csv_and_json_hold_what_was_read(page: Page, table: Table) -> None:
    assert list(csv.reader(io.StringIO(table.to_csv()))) == table.texts
    told = json.loads(json.dumps(page.to_dict()))["table"]
    assert (told["rows"], told["columns"]) == (6, 4)
    assert [cell["text"] for cell in told["cells"]] == [cell.text for cell in table.cells]
    assert set(told["cells"][0]) == {"row", "column", "rows", "columns", "text", "corners", "digits"}


def test_without_a_table_all_of_the_picture_is_read(reader: Reader, clean: np.ndarray) -> None:
    page = reader.read(clean, table=True)
    assert page.table is None
    assert page == reader.read(clean)
    assert page.lines
    assert "table" not in page.to_dict()


@pytest.fixture(scope="module")
def clean(hand: Hand) -> np.ndarray:
    """Two digits on white."""
    picture = np.full((80, 120), 255, np.uint8)
    for n, image in enumerate(hand.images[:2]):
        picture[20:48, 20 + 40 * n : 48 + 40 * n] = 255 - image
    return picture


def test_lines_are_taken_out_and_strokes_that_cross_them_stay() -> None:
    sheet = np.full((80, 200), 220, np.uint8)
    sheet[39:42] = 60
    sheet[10:70, 100:106] = 20
    clean = erased(sheet, [(40.0, 0.0, 200.0, 0.0)], [])
    assert clean[:, :90].min() > 210
    assert clean[12:68, 101:105].max() < 60
    assert np.array_equal(erased(sheet, [], []), sheet)
