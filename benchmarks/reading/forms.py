"""Forms and tables, each filled in by one hand: uv run python -m benchmarks.reading.forms --forms 200 --tables 40

tests/support draws them with the digits of MNIST's validation writers. A form has four fields of 4 to 8 digits, in frames whose
lines are 1 to 3 pixels wide, from faint to black; half of the forms are scanned and rotated by up to 3 degrees, the others
photographed and tilted by up to 15. `fields` are single fields of 1 to 6 digits in a frame, in boxes or on a comb, rotated by up
to 2.5 degrees; the layout's box is up to 12 pixels larger than the field on each side, and the layout gives no pattern or range
for the field. A table has 3x3 to 30x12 cells with up to 3 digits and is photographed; every second table has merged cells. A
field or a cell is right if its text is exactly what was written, accepted or not; it is flagged if the answer says that a person
should check it. The classifier has seen some of these writers' digits in its training, as single digits.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np

from benchmarks.command import Command, Row, data_option, json_option, measure_rows, only_option, record_option
from benchmarks.reading.model import describe, model_option
from benchmarks.timing import percent
from mnistlab.data.dataset import open_dataset
from mnistlab.data.splits import read_split, split_writers
from mnistlab.errors import UserError
from mnistlab.reading.page import Digit
from mnistlab.reading.reader import Reader
from mnistlab.reading.sheets.layout import Field, Layout
from tests.support.fields import KINDS, ruled_field
from tests.support.forms import FIELDS, Hand, empty_form, filled_form, filled_table, hands

LAYOUT = Layout(
    tuple(Field(name, box, pattern=r"\d{4,8}") for name, box in FIELDS.items()),
    form=empty_form().astype(np.uint8),
    form_name="empty.png",
)


def validation_hands(data_dir: Path) -> list[Hand]:
    """MNIST's validation writers who wrote all ten digits."""
    dataset = open_dataset("mnist", data_dir)
    return hands(*read_split(dataset, "val"), np.asarray(split_writers(dataset, "val")))


def written(digits: Sequence[Digit]) -> str:
    """The text of the digits, accepted or not."""
    return "".join(str(digit.value) for digit in digits)


def note(counts: Counter[str], *, right: bool, flagged: bool) -> None:
    """Count a field or a cell."""
    counts.update(of=1, right=right, flagged=flagged, wrong_not_flagged=not right and not flagged)


def measure_forms(reader: Reader, hand_of: list[Hand], count: int) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    seconds = []
    for number in range(count):
        form = filled_form(np.random.default_rng((72, number)), hand_of[number % len(hand_of)], photo=bool(number % 2))
        start = time.perf_counter()
        try:
            fields = reader.read(form.picture, layout=LAYOUT).fields
        except UserError:
            fields = {}
        seconds.append(time.perf_counter() - start)
        counts["not_found"] += not fields
        for name, text in form.texts.items():
            right = name in fields and written(fields[name].digits) == text
            note(counts, right=right, flagged=name not in fields or bool(fields[name].why))
    return {**counts, "sheets": count, "seconds_each": round(median(seconds), 3)}


def measure_fields(reader: Reader, hand_of: list[Hand], count: int) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    seconds = []
    for number in range(count):
        random = np.random.default_rng((92, number))
        text = "".join(str(digit) for digit in random.integers(0, 10, int(random.integers(1, 7))))
        drawn = ruled_field(
            random,
            hand_of[number % len(hand_of)],
            text,
            kind=KINDS[number // len(hand_of) % len(KINDS)],
            tilt=float(random.uniform(-2.5, 2.5)),
            beyond=int(random.integers(0, 13)),
            line=int(random.integers(1, 4)),
            shade=float(random.uniform(30, 150)),
        )
        start = time.perf_counter()
        entry = reader.read(drawn.picture, layout=Layout((Field("number", drawn.box),))).fields["number"]
        seconds.append(time.perf_counter() - start)
        note(counts, right=written(entry.digits) == text, flagged=bool(entry.why))
    return {**counts, "sheets": count, "seconds_each": round(median(seconds), 3)}


def measure_tables(reader: Reader, hand_of: list[Hand], count: int) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    seconds = []
    for number in range(count):
        random = np.random.default_rng((82, number))
        rows, columns = int(random.integers(3, 31)), int(random.integers(3, 13))
        hand = hand_of[number % len(hand_of)]
        drawn = filled_table(random, hand, rows=rows, columns=columns, merged=0.05 * (number % 2))
        start = time.perf_counter()
        table = reader.read(drawn.picture, table=True).table
        seconds.append(time.perf_counter() - start)
        found = table is not None and (table.rows, table.columns) == (rows, columns)
        counts.update(grids=found)
        cells = {(cell.row, cell.column): cell for cell in table.cells} if table is not None and found else {}
        for place, text in ((place, text) for place, text in in_place(drawn.cells) if text is not None):
            cell = cells.get(place)
            right = cell is not None and written(cell.digits) == text
            note(counts, right=right, flagged=cell is not None and not all(digit.accepted for digit in cell.digits))
            counts.update(blank=not text, blank_right=not text and right)
    return {**counts, "sheets": count, "seconds_each": round(median(seconds), 3)}


def in_place(cells: tuple[tuple[str | None, ...], ...]) -> list[tuple[tuple[int, int], str | None]]:
    """The row and column of each text, and the text."""
    return [((r, c), text) for r, row in enumerate(cells) for c, text in enumerate(row)]


def tell(result: dict[str, Any]) -> list[str]:
    lines = [
        f"{percent(result['right'], result['of'])} right (n = {result['of']}, {result['sheets']} sheets)",
        f"flagged {percent(result['flagged'], result['of'])}, "
        f"wrong and not flagged {percent(result['wrong_not_flagged'], result['of'])}",
    ]
    if "grids" in result:
        lines.append(
            f"rows and columns right in {result['grids']} tables; blank cells {result['blank_right']} of {result['blank']}"
        )
    elif "not_found" in result:
        lines.append(f"forms not found: {result['not_found']}")
    return [*lines, f"{result['seconds_each']:.2f} s a sheet (median)"]


@click.command(cls=Command, help=__doc__)
@only_option("forms", "fields", "tables")
@model_option
@click.option("--forms", type=click.IntRange(min=1), default=200, show_default=True)
@click.option("--fields", type=click.IntRange(min=1), default=1000, show_default=True)
@click.option("--tables", type=click.IntRange(min=1), default=40, show_default=True)
@data_option
@json_option
@record_option("reader")
def main(
    only: list[str],
    model: Path | None,
    forms: int,
    fields: int,
    tables: int,
    data_dir: Path,
    as_json: bool,
    record: bool,
) -> None:
    reader, hand_of = Reader(model), validation_hands(data_dir)
    rows = {
        "forms": Row(lambda: measure_forms(reader, hand_of, forms), tell),
        "fields": Row(lambda: measure_fields(reader, hand_of, fields), tell),
        "tables": Row(lambda: measure_tables(reader, hand_of, tables), tell),
    }
    measure_rows("reader", {name: rows[name] for name in only}, model=describe(reader))


if __name__ == "__main__":
    main()
