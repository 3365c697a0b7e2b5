"""Numbers on paper, as people fill them in: uv run python -m benchmarks.reading.papers [--fields FOLDER]

`strips` and `grids` are drawn by tests/support/sheets.py from MNIST's test digits: amounts on patterned paper, and grids with
half of their cells empty, flat or photographed at an angle. A strip or a cell is right if every digit is right and nothing else
was found.

With --fields, real pictures are read too, from a folder with labels.json. This file is a list of
{"file": "amounts/1.jpg", "kind": "string", "text": "1500"} and
{"file": "sudoku/1.jpg", "kind": "grid", "grid": [["5", "3", ...], ...], "corners": [[x, y], ...]}; "0" is an empty cell, and
cells of several characters are not counted. A row is named after the folder of its files. The rows KIND-table are the same grids
read as tables (`mnistlab read --table`): a cell is right only if the reader finds its row and column too. Nothing is ever trained
or chosen on these pictures.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.command import (
    Command,
    Row,
    SkipError,
    data_option,
    json_option,
    measure_rows,
    only_option,
    record_option,
)
from benchmarks.reading.model import Images, Labels, describe, mnist_test, model_option
from benchmarks.timing import percent
from mnistlab.reading.page import Page
from mnistlab.reading.reader import Reader
from tests.support import sheets

STRIPS, GRIDS = 300, 40


def in_order(page: Page) -> str:
    """All digits of a page, line by line."""
    return "".join(str(digit.value) for digit in page.digits)


def count_string(counts: Counter[str], page: Page, text: str) -> None:
    right = in_order(page) == text
    sure = bool(page.digits) and all(digit.accepted for digit in page.digits)
    counts.update(of=1, right=right, accepted=sure, accepted_wrong=sure and not right)


def count_cells(counts: Counter[str], page: Page, sheet: sheets.Sheet) -> None:
    found = [(d.box[0] + d.box[2] / 2, d.box[1] + d.box[3] / 2, str(d.value)) for d in page.digits]
    right, full, found_in_blank, blank = sheet.cells_right(found)
    counts.update(right=right, of=full, blank_found=found_in_blank, blank=blank)


def measure_strips(reader: Reader, test: tuple[Images, Labels]) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    for number in range(STRIPS):
        sheet = sheets.amount(np.random.default_rng((1, number)), *test)
        count_string(counts, reader.read(sheet.picture), sheet.text)
    return dict(counts)


def measure_grids(reader: Reader, test: tuple[Images, Labels]) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    for number in range(GRIDS):
        random = np.random.default_rng((2, number))
        rows, columns = (int(n) for n in random.integers(2, 21, 2))
        sheet = sheets.grid(
            random, *test, rows=rows, columns=columns, line=int(random.integers(1, 5)), dark=random.uniform(0, 0.85),
            full=0.5, tilt=float(number % 2), cell=random.uniform(24, 90), grain=random.uniform(1, 6),
        )  # fmt: skip
        count_cells(counts, reader.read(sheet.picture), sheet)
    return dict(counts)


def measure_fields(reader: Reader, folder: Path | None, kind: str) -> dict[str, Any]:
    """Read the pictures of one kind, and count what is right."""
    counts: Counter[str] = Counter()
    seconds = []
    for row in rows_of(folder, kind):
        start = time.perf_counter()
        page = reader.read(folder / row["file"])
        seconds.append(time.perf_counter() - start)
        if row["kind"] == "string":
            count_string(counts, page, row["text"])
        else:
            sheet = sheets.Sheet(
                np.empty(0, np.uint8), cells=cells_of(row), corners=np.array(row["corners"], np.float32)
            )
            count_cells(counts, page, sheet)
    return {**counts, "pictures": len(seconds), "seconds_each": round(float(np.median(seconds)), 3)}


def measure_table(reader: Reader, folder: Path | None, kind: str) -> dict[str, Any]:
    """Read the pictures of one kind as tables, and count what is right."""
    counts: Counter[str] = Counter()
    seconds = []
    for row in rows_of(folder, kind):
        cells = cells_of(row)
        start = time.perf_counter()
        table = reader.read(folder / row["file"], table=True).table
        seconds.append(time.perf_counter() - start)
        found = table is not None and (table.rows, table.columns) == (len(cells), len(cells[0]))
        counts.update(grids=found)
        held = {(cell.row, cell.column): cell for cell in table.cells} if table is not None and found else {}
        for r, line in enumerate(cells):
            for c, text in enumerate(line):
                if text == "?":
                    continue
                cell = held.get((r, c))
                read = "".join(str(digit.value) for digit in cell.digits) if cell is not None else None
                if text:
                    counts.update(of=1, right=read == text)
                else:
                    counts.update(blank=1, blank_found=bool(read))
    return {**counts, "pictures": len(seconds), "seconds_each": round(float(np.median(seconds)), 3)}


def rows_of(folder: Path | None, kind: str) -> list[dict[str, Any]]:
    """The labels of the pictures of one kind. Raises `SkipError` if there are none."""
    if folder is None or not (folder / "labels.json").is_file():
        raise SkipError("name the folder of labels.json with --fields (see --help)")
    rows = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    own = [row for row in rows if Path(row["file"]).parent.name == kind]
    if not own:
        raise SkipError(f"there is no picture of {kind} in that folder")
    return own


def cells_of(row: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    """The content of a grid's cells: "" for empty ones, "?" for those with several candidates."""
    return tuple(tuple("" if text == "0" else text if len(text) == 1 else "?" for text in line) for line in row["grid"])


def tell(result: dict[str, Any]) -> list[str]:
    lines = [f"{percent(result['right'], result['of'])} right (n = {result['of']})"]
    if "accepted" in result:
        lines.append(f"every digit accepted in {result['accepted']}, of these wrong {result['accepted_wrong']}")
    if "blank" in result:
        lines.append(f"empty cells with a find: {result['blank_found']} of {result['blank']}")
    if "grids" in result:
        lines.append(f"rows and columns right in {result['grids']} of {result['pictures']} pictures")
    return [*lines, *([f"{result['seconds_each']:.2f} s a picture (median)"] if "seconds_each" in result else [])]


KINDS = ("amounts", "sudoku", "newspaper-printed", "newspaper-completed")
TABLES = {f"{kind}-table": kind for kind in KINDS[1:]}


@click.command(cls=Command, help=__doc__)
@only_option("strips", "grids", *KINDS, *TABLES)
@model_option
@click.option(
    "--fields", type=click.Path(path_type=Path, exists=True, file_okay=False), help="The folder of labels.json."
)
@data_option
@json_option
@record_option("reader")
def main(only: list[str], model: Path | None, fields: Path | None, data_dir: Path, as_json: bool, record: bool) -> None:
    reader, test = Reader(model), mnist_test(data_dir)
    rows = {
        "strips": Row(lambda: measure_strips(reader, test), tell),
        "grids": Row(lambda: measure_grids(reader, test), tell),
        **{kind: Row(partial(measure_fields, reader, fields, kind), tell) for kind in KINDS},
        **{name: Row(partial(measure_table, reader, fields, kind), tell) for name, kind in TABLES.items()},
    }
    measure_rows("reader", {name: rows[name] for name in only}, model=describe(reader))


if __name__ == "__main__":
    main()
