"""The options of `mnistlab read` for tables and forms, and how tables and forms are shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mnistlab.cli.answers import Answer, is_standard_output, told_page
from mnistlab.cli.sheet_csv import CsvFields, CsvTables, csv_target, csv_targets
from mnistlab.cli.words import tell, words
from mnistlab.errors import UserError
from mnistlab.files import check_target, printable, write_output
from mnistlab.messages.sentences import Clause

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
PLACED_BY = {
    "frame": "cli.layout_by_frame",
    "corners": "cli.layout_by_corners",
    "picture": "cli.layout_by_picture",
}


def sheet_options(command: Command) -> Command:
    """Add the options --table, --fields, --field, --save-layout and --csv to a command."""
    for option in (
        click.option(
            "--csv",
            type=A_PATH,
            metavar="FILE",
            help="Write the table, or a row of fields for each picture, to this .csv file; '-' for standard output. For"
            " several tables, name a folder.",
        ),
        click.option(
            "--save-layout",
            type=A_PATH,
            metavar="FILE.toml",
            help="Save a layout for --fields, in which each cell of the table is a field.",
        ),
        click.option(
            "--field",
            "single",
            multiple=True,
            metavar="NAME=X,Y,W,H",
            help="Read one field, given as fractions of the width and height of the picture or, with --fields, of the form; may"
            " be repeated.",
        ),
        click.option("--fields", type=A_PATH, metavar="FILE.toml", help="Read the fields of a form with this layout."),
        click.option("--table", is_flag=True, help="Find the ruled table in each picture, and read its cells."),
    ):
        command = option(command)
    return command


def sheet_text(page: Page) -> str | None:
    """The text for a page with a table or fields; None for any other page."""
    if page.entries:
        return "\n".join(map(entry_text, page.entries))
    return None if page.table is None else table_text(page.table)


def entry_text(entry: Entry) -> str:
    """A line with a field's name, its content and, if a person should check the field, why."""
    read = f"{entry.name}: {entry.text}".rstrip()
    return read + "    " + words("cli.check_this", reasons=entry.reasons) if entry.reasons else read


def table_text(table: Table) -> str:
    """A line for each row, with "|" between columns; below these, a line for each merged cell."""
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
    """A span of rows or columns in words, counted from 1, such as "row 3" or "columns 2 to 4"."""
    one, several = SPANS[noun]
    return words(one if count == 1 else several, first=first + 1, last=first + count)


class Sheet:
    """What to read on each sheet (its table, or the fields of a form), and whether and where to write the results as CSV.

    Raises `UserError` if options exclude each other or a layout cannot be used. Making a `Sheet` writes nothing.
    """

    def __init__(
        self,
        to: Path | None,
        as_json: bool,
        resume: bool,
        *,
        table: bool,
        fields: Path | None,
        single: tuple[str, ...],
        save_layout: Path | None,
        csv: Path | None,
    ) -> None:
        asked = table or fields is not None or bool(single)
        if asked and to is not None:
            raise UserError("cli.sheet_and_to")
        if asked and resume:
            raise UserError("cli.resume_of_sheet")
        if csv is not None and not asked:
            raise UserError("cli.csv_of_nothing")
        if csv is not None and as_json:
            raise UserError("cli.csv_and_json")
        if table and (fields is not None or single):
            raise UserError("reading.table_and_layout")
        if save_layout is not None:
            check_layout_target(save_layout, table)
        self.table, self.csv, self.save_layout = table, csv, save_layout
        self.layout = layout_of(fields, single)
        self.options: dict[str, Any] = {"layout": self.layout} if self.layout else {"table": True} if table else {}
        """The arguments for `Reader.read`."""

    def answer(self, files: list[Path], several: bool) -> Answer | None:
        """The output that writes the CSV; None if no CSV is asked for. Raises `UserError` if the CSV cannot be written."""
        if self.save_layout is not None and several:
            raise UserError("cli.layout_of_several")
        if self.csv is None:
            return None
        if self.layout is not None:
            target = None if is_standard_output(self.csv) else csv_target(self.csv)
            return CsvFields(target, [field.name for field in self.layout.fields])
        return CsvTables(csv_targets(self.csv, files, several))

    def finish(self, path: Path, picture: NDArray[Any], page: Page) -> None:
        """Save the layout of the first page's table, if that is asked for. Raises `UserError` if the page has no table."""
        if self.save_layout is None or page.number > 1:
            return
        if page.table is None:
            raise UserError("cli.no_table_for_layout", name=printable(path), layout=printable(self.save_layout))
        from mnistlab.reading.sheets.from_table import layout_from_table, to_toml

        layout = layout_from_table(page.table, picture)
        write_output(self.save_layout, to_toml(layout).encode())
        names = [field.name for field in layout.fields]
        tell(
            "cli.layout_saved", name=printable(self.save_layout), fields=len(names), first=names[0], last=names[-1],
            sheet=Clause(PLACED_BY[layout.sheet]), err=True,
        )  # fmt: skip

    def say_what_is_missing(self, name: str, outcome: Outcome) -> None:
        """If a page has no table, say so on standard error."""
        if not self.table or self.save_layout is not None:
            return  # `finish` reports it for a layout
        key = "cli.no_table_found" if self.csv is None else "cli.no_table_for_csv"
        for page in outcome.pages:
            if not isinstance(page, UserError) and page.table is None:
                tell(key, name=told_page(name, page), err=True)


def layout_of(fields: Path | None, single: tuple[str, ...]) -> Layout | None:
    """The layout in the file `fields`, with the fields of `single` added; None if neither is given."""
    if fields is None and not single:
        return None
    from mnistlab.reading.sheets.layout import Field, Layout, read_layout

    more = [Field.of_text(value) for value in single]
    return Layout(tuple(more)) if fields is None else read_layout(fields, more=more)


def check_layout_target(target: Path, table: bool) -> None:
    """Raise `UserError` if --save-layout comes without --table, or names a file that cannot be written or already exists."""
    if not table:
        raise UserError("cli.layout_without_table")
    check_target(target, "layout.toml")
    if target.exists():
        raise UserError("cli.layout_there", name=printable(target))
