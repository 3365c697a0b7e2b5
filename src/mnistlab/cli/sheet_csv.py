"""Write tables and fields as CSV that spreadsheets can open."""

from __future__ import annotations

import codecs
import csv as csv_module
import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mnistlab.cli.answers import Answer, is_standard_output
from mnistlab.cli.targets import names_in, of_page
from mnistlab.cli.words import tell
from mnistlab.errors import UserError
from mnistlab.files import check_folder, is_folder, link_target, printable, write_output
from mnistlab.messages.sentences import Clause
from mnistlab.reading.rows import spelled

if TYPE_CHECKING:
    from mnistlab.reading.many import Outcome

__all__ = ["CsvFields", "CsvTables", "csv_target", "csv_targets"]


def csv_target(csv: Path) -> Path:
    """The file that --csv names. Raises `UserError` if it cannot be written or already exists."""
    name = printable(csv)
    if is_folder(csv):
        raise UserError("files.is_a_folder", path=name, example=printable(csv / "table.csv"))
    if csv.suffix.lower() != ".csv":
        raise UserError("cli.csv_ending", name=name)
    check_folder(link_target(csv).parent)
    if csv.exists():
        raise UserError("cli.csv_there", name=name)
    return csv


def csv_targets(csv: Path, files: list[Path], several: bool) -> dict[Path, Path]:
    """For each picture, the file for its table; no files if the tables go to standard output.

    Raises `UserError` if --csv names a file that cannot be written or already exists.
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
    """The table of each picture as a separate CSV file, or on standard output."""

    def __init__(self, targets: dict[Path, Path]) -> None:
        self.targets = targets

    def add(self, name: str, outcome: Outcome) -> None:
        """Write the tables that were found on the picture's pages; each table is written whole or not at all."""
        for page in outcome.pages:
            if isinstance(page, UserError) or page.table is None:
                continue  # `read` reports that
            table = page.table
            if not self.targets:
                click.echo(table.to_csv(), nl=False)
                continue
            target = of_page(self.targets[Path(name)], page)
            if page.count > 1 and target.exists():  # the names of pages are only known now
                raise UserError("cli.csv_there", name=printable(target))
            write_output(target, table.to_csv().encode())
            tell("cli.table_written", name=printable(target), rows=table.rows, columns=table.columns)


class CsvFields(Answer):
    """A row for each page, with columns for the fields, for what a person should check, and for why a file was not read."""

    def __init__(self, target: Path | None, names: list[str]) -> None:
        self.target, self.names = target, names
        self.rows = [["file", "page", *names, "check", "error"]]
        self.checks = self.failed_pages = 0

    def add(self, name: str, outcome: Outcome) -> None:
        """Keep a row for each page in memory, because the rows are few and short."""
        for number, page in enumerate(outcome.pages, 1):
            if isinstance(page, UserError):
                self.failed_pages += 1
                self.rows.append([spelled(name), str(number), *[""] * len(self.names), "", page.for_command_line()])
                continue
            check = "; ".join(f"{entry.name}: {why}" for entry in page.entries for why in entry.why)
            self.checks += sum(bool(entry.why) for entry in page.entries)
            self.rows.append([spelled(name), str(number), *(entry.text for entry in page.entries), check, ""])

    def end(self, error: BaseException | None) -> None:
        """Write the rows, even after Ctrl-C; write nothing if an error ended the reading."""
        if error is not None and not isinstance(error, KeyboardInterrupt):
            return
        text = io.StringIO()
        csv_module.writer(text, lineterminator="\n").writerows(self.rows)
        content = text.getvalue().encode("utf-8", "backslashreplace")
        if self.target is None:
            click.echo(content, nl=False)
            return
        # Excel assumes another encoding for a file without this mark, which does not matter for ASCII.
        write_output(self.target, content if content.isascii() else codecs.BOM_UTF8 + content)
        parts = [Clause("cli.fields_written", pages=len(self.rows) - 1, checks=self.checks)]
        parts += [Clause("cli.pages_failed", count=self.failed_pages)] if self.failed_pages else []
        tell("cli.read_to", name=printable(self.target), parts=parts)
