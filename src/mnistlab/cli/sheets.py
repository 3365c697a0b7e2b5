"""What `mnistlab read` makes of tables and forms: text, and CSV that a spreadsheet opens."""

from __future__ import annotations

import csv as csv_module
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mnistlab.cli.answers import Answer, is_standard_output
from mnistlab.cli.output import spelled
from mnistlab.cli.targets import names_in, of_page
from mnistlab.cli.words import tell, words
from mnistlab.errors import UserError
from mnistlab.files import check_folder, is_folder, link_target, printable, write_output

if TYPE_CHECKING:
    from mnistlab.reading.many import Outcome
    from mnistlab.reading.page import Page
    from mnistlab.reading.sheets.fields import Entry
    from mnistlab.reading.sheets.layout import Layout
    from mnistlab.reading.sheets.table import Table

__all__ = ["Sheet", "sheet_options", "sheet_text"]

Command = TypeVar("Command", bound=Callable[..., Any])
A_PATH = click.Path(path_type=Path)
SPANS = {
    "row": ("cli.row_of_table", "cli.rows_of_table"),
    "column": ("cli.column_of_table", "cli.columns_of_table"),
}


def sheet_options(command: Command) -> Command:
    """--table, --fields, --field and --csv."""
    for option in (
        click.option(
            "--csv",
            type=A_PATH,
            metavar="FILE",
            help="Write the table, or a row of fields for each picture, to this .csv file; - for standard output. A folder"
            " for several tables.",
        ),
        click.option(
            "--field",
            "single",
            multiple=True,
            metavar="NAME=X,Y,W,H",
            help="Read a place of the sheet, in fractions of it; may be repeated.",
        ),
        click.option(
            "--fields", type=A_PATH, metavar="FILE.toml", help="Read the named places of a form, by its layout."
        ),
        click.option("--table", is_flag=True, help="Find the table of lines in each picture, and read its cells."),
    ):
        command = option(command)
    return command


def sheet_text(page: Page) -> str | None:
    """What is shown of a page with a table or fields; None of another."""
    if page.entries:
        return "\n".join(map(entry_text, page.entries))
    return None if page.table is None else table_text(page.table)


def entry_text(entry: Entry) -> str:
    """A field, what stands in it, and why a person should check it."""
    read = f"{entry.name}: {entry.text}".rstrip()
    return read + "    " + words("cli.check_this", reasons=entry.reasons) if entry.reasons else read


def table_text(table: Table) -> str:
    """A line for each row, "|" between columns; below, which cells are merged."""
    texts = table.texts
    widths = [max(1, *(len(row[column]) for row in texts)) for column in range(table.columns)]
    lines = [
        "| " + " | ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)) + " |" for row in texts
    ]
    for cell in table.cells:
        if cell.rows > 1 or cell.columns > 1:
            rows, columns = span("row", cell.row, cell.rows), span("column", cell.column, cell.columns)
            lines.append(words("cli.one_cell", rows=rows, columns=columns))
    return "\n".join(lines)


def span(noun: str, first: int, count: int) -> str:
    """Such as "row 3" or "columns 2 to 4", counted from 1."""
    one, several = SPANS[noun]
    return words(one if count == 1 else several, first=first + 1, last=first + count)


class Sheet:
    """What is asked of sheets: a table of each, or the fields of a form, written as CSV or not.

    Raises `UserError` where options do not go together, or a layout cannot be used; nothing is written.
    """

    def __init__(
        self,
        to: Path | None,
        as_json: bool,
        *,
        table: bool,
        fields: Path | None,
        single: tuple[str, ...],
        csv: Path | None,
    ) -> None:
        asked = table or fields is not None or bool(single)
        if asked and to is not None:
            raise UserError("cli.sheet_and_to")
        if csv is not None and not asked:
            raise UserError("cli.csv_of_nothing")
        if csv is not None and as_json:
            raise UserError("cli.csv_and_json")
        if table and (fields is not None or single):
            raise UserError("reading.table_and_layout")
        self.table, self.csv = table, csv
        self.layout = layout_of(fields, single)
        self.options: dict[str, Any] = {"layout": self.layout} if self.layout else {"table": True} if table else {}
        """Those of `Reader.read`."""

    def answer(self, files: list[Path], several: bool) -> Answer | None:
        """What writes the CSV; None where none is asked for. Raises `UserError` where it cannot be written; nothing is."""
        if self.csv is None:
            return None
        if self.layout is not None:
            target = None if is_standard_output(self.csv) else csv_target(self.csv)
            return CsvFields(target, [field.name for field in self.layout.fields])
        return CsvTables(csv_targets(self.csv, files, several))

    def say_what_is_missing(self, name: str, outcome: Outcome) -> None:
        """Tell on standard error where a picture has no table."""
        if self.table and any(not isinstance(page, UserError) and page.table is None for page in outcome.pages):
            tell("cli.no_table_found", name=printable(name), err=True)


def layout_of(fields: Path | None, single: tuple[str, ...]) -> Layout | None:
    """The layout of a file, and of single fields; None where there is neither."""
    if fields is None and not single:
        return None
    from mnistlab.reading.sheets.layout import Field, Layout, read_layout

    more = [Field.of_text(value) for value in single]
    return Layout(tuple(more)) if fields is None else read_layout(fields, more=more)


def csv_target(csv: Path) -> Path:
    """The file that --csv names. Raises `UserError` where it cannot be written, or is there already."""
    name = printable(csv)
    if csv.suffix.lower() != ".csv" or is_folder(csv):
        raise UserError("cli.csv_ending", name=name)
    check_folder(link_target(csv).parent)
    if csv.exists():
        raise UserError("cli.csv_there", name=name)
    return csv


def csv_targets(csv: Path, files: list[Path], several: bool) -> dict[Path, Path]:
    """Where the table of each file goes; nowhere where that is standard output.

    Raises `UserError` where --csv names what cannot be written, or is there already.
    """
    if is_standard_output(csv):
        if several:
            raise UserError("cli.csv_several_on_standard_output")
        return {}
    if not several and not is_folder(csv):
        return dict.fromkeys(files, csv_target(csv))
    if csv.suffix.lower() == ".csv" and not is_folder(csv):
        raise UserError("cli.csv_file_for_several", name=printable(csv))
    check_folder(csv)
    targets = dict(zip(dict.fromkeys(files), names_in(csv, files, ".csv"), strict=True))
    for target in targets.values():
        if target.exists():
            raise UserError("cli.csv_there", name=printable(target))
    return targets


class CsvTables(Answer):
    """The table of each picture as a CSV file of its own, or on standard output."""

    def __init__(self, targets: dict[Path, Path]) -> None:
        self.targets = targets

    def add(self, name: str, outcome: Outcome) -> None:
        """Write the picture's table, whole or not at all."""
        for page in outcome.pages:
            if isinstance(page, UserError) or page.table is None:
                continue  # `read` says so
            table = page.table
            if not self.targets:
                click.echo(table.to_csv(), nl=False)
                continue
            target = of_page(self.targets[Path(name)], page)
            if page.count > 1 and target.exists():  # the names of pages are known only now
                raise UserError("cli.csv_there", name=printable(target))
            write_output(target, table.to_csv().encode())
            tell("cli.table_written", name=printable(target), rows=table.rows, columns=table.columns)


class CsvFields(Answer):
    """A row for each page, with a column for each field, what a person should check, and why a file was not read."""

    def __init__(self, target: Path | None, names: list[str]) -> None:
        self.target, self.names = target, names
        self.rows = [["file", "page", *names, "check", "error"]]
        self.checks = 0

    def add(self, name: str, outcome: Outcome) -> None:
        """Keep a row for each page; they are few and short."""
        for number, page in enumerate(outcome.pages, 1):
            if isinstance(page, UserError):
                self.rows.append([spelled(name), str(number), *[""] * len(self.names), "", page.for_command_line()])
                continue
            check = "; ".join(f"{entry.name}: {why}" for entry in page.entries for why in entry.why)
            self.checks += sum(bool(entry.why) for entry in page.entries)
            self.rows.append([spelled(name), str(number), *(entry.text for entry in page.entries), check, ""])

    def end(self, error: BaseException | None) -> None:
        """Write what was read, also where the rest was not."""
        if error is not None and not isinstance(error, KeyboardInterrupt):
            return
        text = io.StringIO()
        csv_module.writer(text, lineterminator="\n").writerows(self.rows)
        content = text.getvalue().encode("utf-8", "backslashreplace")
        if self.target is None:
            click.echo(content, nl=False)
            return
        write_output(self.target, content)
        tell("cli.fields_written", name=printable(self.target), pictures=len(self.rows) - 1, checks=self.checks)
