"""What was read, as rows with one digit each, in CSV, JSON Lines or Parquet."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mnistlab.dependencies import require
from mnistlab.errors import UserError

if TYPE_CHECKING:
    from mnistlab.reading.page import Page

__all__ = [
    "COLUMNS",
    "LINES",
    "Row",
    "csv_lines",
    "first_line",
    "has_these_columns",
    "in_utf8",
    "rows_of",
    "spelled",
    "write_parquet",
]

COLUMNS = (
    "file", "page", "line", "position", "text", "value", "probability", "accepted", "x", "y", "width", "height", "error",
)  # fmt: skip
"""The file's name; its page, the line on the page and the position in the line, each counted from 1; the whole line's text; the
digit as in `Digit.to_dict`; why the file could not be read. Missing values are None."""
Row = list[Any]
"""A value for each of `COLUMNS`."""
GROUP = 100_000
"""How many rows of a Parquet file are held in memory at a time."""

LONE = re.compile("[\udc80-\udcff]+")


def spelled(text: str) -> str:
    """The text with the file names in it decoded as UTF-8, whatever the locale.

    Python turns bytes that the locale cannot decode into lone surrogates, which other programs cannot read.
    """
    return LONE.sub(lambda found: found[0].encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape"), text)


def in_utf8(name: str) -> str:
    """A file's name in a form that Parquet accepts: as `spelled` returns it, but with escapes for bytes that are not UTF-8."""
    return spelled(name).encode("utf-8", "backslashreplace").decode()


def rows_of(name: str, pages: Sequence[Page | UserError]) -> list[Row]:
    """A row for each digit, and one without a digit for each page that has no digits or could not be read."""
    return [row for number, page in enumerate(pages, 1) for row in page_rows(name, page, number, len(pages))]


def page_rows(name: str, read: Page | UserError, page: int, count: int) -> list[Row]:
    """The rows of one page. A page that could not be read has a page number only if the file has several pages."""
    nothing = [None] * (len(COLUMNS) - 3)
    if isinstance(read, UserError):
        return [[name, page if count > 1 else None, *nothing, read.for_command_line()]]
    rows: list[Row] = []
    for number, line in enumerate(read.lines, 1):
        for position, digit in enumerate(line.digits, 1):
            told = digit.to_dict()
            known = [told["value"], told["probability"], told["accepted"], *told["box"]]
            rows.append([name, page, number, position, line.text, *known, None])
    return rows or [[name, page, *nothing, None]]


def csv_lines(rows: list[Row]) -> bytes:
    """The rows as CSV in UTF-8. None becomes an empty cell, True becomes true; in names, bytes that are not UTF-8 are escaped."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for name, *values in rows:
        cells = [json.dumps(value) if isinstance(value, bool) else value for value in values]
        writer.writerow([spelled(name), *cells])
    return text.getvalue().encode("utf-8", "backslashreplace")


def json_lines(rows: list[Row]) -> bytes:
    """A line for each row: a JSON object, in ASCII."""
    objects = [dict(zip(COLUMNS, [spelled(name), *values], strict=True)) for name, *values in rows]
    return "".join(json.dumps(each) + "\n" for each in objects).encode()


LINES: dict[str, Callable[[list[Row]], bytes]] = {".csv": csv_lines, ".jsonl": json_lines}
"""The functions that turn rows into lines, keyed by the ending of the file's name (not for Parquet, which has no lines)."""


def first_line(path: Path) -> bytes:
    """What a file with this name begins with, before any row: the columns' names in CSV, nothing in other formats."""
    return csv_lines([list(COLUMNS)]) if path.suffix.lower() == ".csv" else b""


def has_these_columns(path: Path) -> bool:
    """Whether the file has the columns `COLUMNS`, or may yet have them because not even its first line is complete."""
    if path.suffix.lower() == ".parquet":
        import pyarrow.parquet

        try:
            return tuple(pyarrow.parquet.read_schema(path).names) == COLUMNS
        except (OSError, ValueError):  # pyarrow's own errors are ValueErrors
            return False
    with path.open("rb") as file:
        begun = file.readline(1_000_000)
    if path.suffix.lower() == ".csv":
        return first_line(path).startswith(begun)
    if not begun.endswith(b"\n"):
        return True  # half a line, which may become anything
    try:
        return tuple(json.loads(begun)) == COLUMNS
    except (ValueError, TypeError):
        return False


def write_parquet(to: Path | IO[bytes], rows: Iterable[list[Row]], values: Sequence[int | str]) -> None:
    """Write the rows to a new file, or to an open one.

    `values` are the values that a digit may have: they determine the type of the column "value".
    """
    require("parquet")
    import pyarrow
    import pyarrow.parquet

    whole, number, text = pyarrow.int32(), pyarrow.float64(), pyarrow.string()
    value = whole if all(isinstance(each, int) for each in values) else text
    kinds = [text, whole, whole, whole, text, value, number, pyarrow.bool_(), *[whole] * 4, text]
    schema = pyarrow.schema(list(zip(COLUMNS, kinds, strict=True)))

    def table(chunk: list[Row]) -> Any:
        columns = [list(column) for column in zip(*chunk, strict=True)] or [[] for _ in COLUMNS]
        columns[0] = [in_utf8(name) for name in columns[0]]
        if value == text:
            place = COLUMNS.index("value")
            columns[place] = [None if each is None else str(each) for each in columns[place]]
        return pyarrow.table(columns, schema=schema)

    with pyarrow.parquet.ParquetWriter(to, schema) as writer:
        chunk: list[Row] = []
        for more in rows:
            chunk += more
            if len(chunk) >= GROUP:
                writer.write_table(table(chunk))
                chunk = []
        writer.write_table(table(chunk))
