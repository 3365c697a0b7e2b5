"""Make a folder of pictures from rows that `read --to` wrote and that a person has corrected in a column `correct`."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mnistlab.errors import UserError
from mnistlab.files import check_folder, explain_os_errors, is_folder, link_target, printable, why_unreadable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mnistlab.reading.reader import Reader

__all__ = ["Correction", "read_corrections", "write_corrections"]

CORRECT = "correct"
"""The column that holds the right value; rows without a value in this column are left out."""
NEEDED = ("file", "page", "x", "y", "width", "height", CORRECT)
ENDINGS = (".csv", ".jsonl")
MOST_BYTES = 2**30
SHARED = 0.3
"""Boxes with a larger intersection over union than this belong to the same digit."""


class Correction(NamedTuple):
    """A digit that was read, and its right value."""

    row: int
    """The digit's row in the table, counted from 1."""
    file: str
    page: int
    box: tuple[int, int, int, int]
    value: str


def read_corrections(table: Path) -> list[Correction]:
    """The rows of a table that have a value in the column `correct`.

    Raises `UserError` if the file cannot be read or is not a table with the needed columns, if a value is not a digit from 0 to
    9, if a corrected row has no page or box, or if no row is corrected.
    """
    name = printable(table)
    if table.suffix.lower() not in ENDINGS:
        raise UserError("cli.corrections_ending", name=name)
    found = []
    for number, row in enumerate(rows_of(table), 1):
        if missing := [column for column in NEEDED if column not in row]:
            raise UserError("cli.corrections_without_column", name=name, missing=missing)
        if (value := cell(row[CORRECT])) == "":
            continue
        if value not in set("0123456789"):
            raise UserError("cli.correction_of_no_digit", name=name, row=told_row(number, table), value=value)
        try:
            page, *box = (int(float(row[column])) for column in ("page", "x", "y", "width", "height"))
        except (TypeError, ValueError):
            raise UserError("cli.correction_without_digit", name=name, row=told_row(number, table)) from None
        found.append(Correction(number, str(row["file"]), page, (box[0], box[1], box[2], box[3]), value))
    if not found:
        raise UserError("cli.corrections_empty", name=name)
    return found


def told_row(number: int, table: Path) -> int:
    """The row's number as a spreadsheet shows it: in a .csv file, the columns' names are row 1."""
    return number + (table.suffix.lower() == ".csv")


def cell(value: Any) -> str:
    """A cell's text. If a spreadsheet has turned 7 into 7.0, or into 7,0 (with a decimal comma), the text becomes 7 again."""
    text = "" if value is None else str(value).strip()
    return text.removesuffix(".0").removesuffix(",0")


def rows_of(table: Path) -> Iterator[dict[str, Any]]:
    """The rows of a .jsonl file, or of a .csv file as spreadsheets save it: with commas, semicolons or tabs."""
    name = printable(table)
    try:
        if table.stat().st_size > MOST_BYTES:
            raise UserError("cli.corrections_too_large", name=name)
        text = decoded(table.read_bytes())
    except FileNotFoundError:
        raise UserError("pictures.missing", name=name) from None
    except UnicodeDecodeError:
        raise UserError("cli.corrections_not_utf8", name=name) from None
    except OSError as error:
        raise UserError("pictures.read_failed", name=name, reason=why_unreadable(error)) from None
    if table.suffix.lower() == ".jsonl":
        for number, line in enumerate(text.splitlines(), 1):
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise UserError("cli.corrections_not_json", name=name, row=number)
            yield {CORRECT: None, **row} if set(row) >= set(NEEDED) - {CORRECT} else row
        return
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    yield from csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)


def decoded(content: bytes) -> str:
    """The text of a table in UTF-8, or in Windows-1252 as saved by spreadsheets on Western versions of Windows."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def write_corrections(
    corrections: list[Correction], table: Path, folder: Path, reader: Reader, fail: Callable[[UserError], None]
) -> dict[str, int]:
    """Write a picture of each digit, 28x28, into the sub-folder for its right value. Returns the number of pictures per value.

    File names in the rows are relative to the current folder, or else to the table's folder. `fail` is called for pages that
    cannot be read and boxes without ink; pictures are still made of the other digits. Raises `UserError` if the folder is
    not empty or cannot be written, or if no picture could be made.
    """
    from PIL import Image

    target = link_target(folder)
    check_folder(target)
    if is_folder(target) and any(target.iterdir()):
        raise UserError("cli.corrections_folder_full", folder=printable(folder))
    counts: dict[str, int] = {}
    by_page: dict[tuple[str, int], list[Correction]] = {}
    for correction in corrections:
        by_page.setdefault((correction.file, correction.page), []).append(correction)
    with explain_os_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}-{os.getpid()}.tmp")
        beside.mkdir()
    try:
        for (file, page), rows in by_page.items():
            try:
                images = images_of(reader, found_file(file, table), page, [row.box for row in rows])
            except UserError as error:
                fail(error)
                continue
            with explain_os_errors(target):
                for row, image in zip(rows, images, strict=True):
                    if image is None:
                        number = told_row(row.row, table)
                        fail(UserError("cli.correction_without_ink", name=printable(table), row=number))
                        continue
                    picture = beside / row.value / f"{Path(file).stem}-{row.row}.png"
                    picture.parent.mkdir(exist_ok=True)
                    Image.fromarray(image).save(picture)
                    counts[row.value] = counts.get(row.value, 0) + 1
        if not counts:
            raise UserError("cli.corrections_unreadable", name=printable(table))
        with explain_os_errors(target):
            if is_folder(target):
                target.rmdir()
            beside.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return dict(sorted(counts.items()))


def found_file(name: str, table: Path) -> Path:
    """The path of the picture that a row names.

    A spreadsheet that mistakes UTF-8 for Windows-1252 saves "é" as "Ã©". If no file has the name in the row, the name with "é"
    in place of "Ã©" is tried.
    """
    names = [name]
    with contextlib.suppress(UnicodeError):
        names.append(name.encode("cp1252").decode("utf-8"))
    for each in names:
        for path in (Path(each), table.parent / each):
            if path.exists():
                return path
    return Path(name) if Path(name).is_absolute() else table.parent / name


def images_of(
    reader: Reader, file: Path, page: int, boxes: list[tuple[int, int, int, int]]
) -> list[NDArray[np.uint8] | None]:
    """The digits in these boxes, each as the network sees it, uint8 (28, 28), 0 (paper) to 255 (ink); None for a box without ink.

    The picture is read again; a digit that is not found this time is cut out along its box.
    """
    from mnistlab.pictures.pages import open_page
    from mnistlab.reading.mnist_form import cut_out

    picture = open_page(file, page)
    digits = reader.read(picture).digits
    images: list[NDArray[np.uint8] | None] = []
    for box in boxes:
        best = max(digits, key=lambda digit: shared(digit.box, box), default=None)
        is_it = best is not None and shared(best.box, box) > SHARED
        images.append(best.image if best is not None and is_it else cut_out(picture, box))
    return images


def shared(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    return wide * high / (one[2] * one[3] + other[2] * other[3] - wide * high)
