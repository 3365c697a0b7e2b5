"""What `mnistlab read` makes of a table: text, and CSV that a spreadsheet opens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mnistlab.cli.answers import Answer, is_standard_output
from mnistlab.cli.targets import names_in
from mnistlab.errors import UserError
from mnistlab.files import check_folder, is_folder, link_target, printable, write_output
from mnistlab.messages.sentences import counted

if TYPE_CHECKING:
    from mnistlab.reading.many import Outcome
    from mnistlab.reading.sheets.table import Table

__all__ = ["Sheet", "sheet_options", "table_text"]

Command = TypeVar("Command", bound=Callable[..., Any])


def sheet_options(command: Command) -> Command:
    """--table and --csv."""
    for option in (
        click.option(
            "--csv",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="With --table: write the table to this .csv file; a folder for several, - for standard output.",
        ),
        click.option("--table", is_flag=True, help="Find the table of lines in each picture, and read its cells."),
    ):
        command = option(command)
    return command


def table_text(table: Table) -> str:
    """A line for each row, "|" between columns; below, which cells are merged."""
    texts = table.texts
    widths = [max(1, *(len(row[column]) for row in texts)) for column in range(table.columns)]
    lines = [
        "| " + " | ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)) + " |" for row in texts
    ]
    for cell in table.cells:
        if cell.rows > 1 or cell.columns > 1:
            place = f"{span('row', cell.row, cell.rows)}, {span('column', cell.column, cell.columns)}"
            lines.append(f"one cell: {place}")
    return "\n".join(lines)


def span(noun: str, first: int, count: int) -> str:
    """Such as "row 3" or "columns 2 to 4", counted from 1."""
    return f"{noun} {first + 1}" if count == 1 else f"{noun}s {first + 1} to {first + count}"


class Sheet:
    """What is asked of sheets: a table of each, written as CSV or not.

    Raises `UserError` where options do not go together; nothing is written.
    """

    def __init__(self, to: Path | None, as_json: bool, *, table: bool, csv: Path | None) -> None:
        if table and to is not None:
            raise UserError("cli.table_and_to")
        if csv is not None and not table:
            raise UserError("cli.csv_of_nothing")
        if csv is not None and as_json:
            raise UserError("cli.csv_and_json")
        self.table, self.csv = table, csv
        self.options: dict[str, Any] = {"table": True} if table else {}
        """Those of `Reader.read`."""

    def answer(self, files: list[Path], several: bool) -> Answer | None:
        """What writes the CSV; None where none is asked for. Raises `UserError` where it cannot be written; nothing is."""
        return None if self.csv is None else CsvTables(csv_targets(self.csv, files, several))

    def say_what_is_missing(self, name: str, outcome: Outcome) -> None:
        """Tell on standard error where a picture has no table."""
        if self.table and outcome.page is not None and outcome.page.table is None:
            click.echo(f"{printable(name)}: no table found, so all of the picture was read", err=True)


def csv_targets(csv: Path, files: list[Path], several: bool) -> dict[Path, Path]:
    """Where the table of each file goes; nowhere where that is standard output.

    Raises `UserError` where --csv names what cannot be written, or is there already.
    """
    if is_standard_output(csv):
        if several:
            raise UserError("cli.csv_several_on_standard_output")
        return {}
    name = printable(csv)
    if several or is_folder(csv):
        if csv.suffix.lower() == ".csv" and not is_folder(csv):
            raise UserError("cli.csv_file_for_several", name=name)
        check_folder(csv)
        targets = dict(zip(dict.fromkeys(files), names_in(csv, files, ".csv"), strict=True))
    else:
        if csv.suffix.lower() != ".csv":
            raise UserError("cli.csv_ending", name=name)
        check_folder(link_target(csv).parent)
        targets = dict.fromkeys(files, csv)
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
        if outcome.page is None or outcome.page.table is None:
            return  # `read` says so
        table = outcome.page.table
        if not self.targets:
            click.echo(table.to_csv(), nl=False)
            return
        target = self.targets[Path(name)]
        write_output(target, table.to_csv().encode())
        click.echo(f"{printable(target)}: {counted(table.rows, 'row')}, {counted(table.columns, 'column')}")
