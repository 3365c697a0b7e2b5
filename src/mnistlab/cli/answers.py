"""The outputs of `mnistlab read`, picture by picture: text, a JSON list, or rows on standard output or in a file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.output import json_text
from mnistlab.cli.words import tell, words
from mnistlab.errors import Failure, Interrupted, StorageFailure, UserError
from mnistlab.files import printable, sha256
from mnistlab.messages.sentences import Clause

if TYPE_CHECKING:
    from mnistlab.reading.many import Outcome
    from mnistlab.reading.page import Page
    from mnistlab.reading.reader import Reader

__all__ = ["Answer", "answer_for", "is_standard_output", "told_page", "what_rows_depend_on"]


class Answer:
    """An output to which results are added picture by picture; `answer_for` calls `end` on it, even after an error."""

    failed = 0
    """How many pictures could not be read, now or when their existing rows were written; only `RowsInFile` counts them."""

    def known(self, name: str) -> str | None:
        """The SHA-256 that the picture had when its rows were written; None if it has no rows yet or could not be opened then."""
        return None

    def add(self, name: str, outcome: Outcome) -> None:
        """Add the result of a picture."""
        raise NotImplementedError

    def end(self, error: BaseException | None) -> None:
        """Finish the output, now that everything has been read or `error` has ended the reading."""


@contextlib.contextmanager
def answer_for(
    to: Path | None, as_json: bool, files: list[Path], reader: Reader, other: Answer | None = None
) -> Iterator[Answer]:
    """Inside `with`, the output that was asked for: `other` if given, otherwise the one that `to` and `as_json` ask for."""
    answer: Answer
    if other is not None:
        answer = other
    elif to is None:
        answer = JsonList() if as_json else Text(several=len(files) > 1)
    elif is_standard_output(to):
        answer = CsvLines()
    else:
        answer = RowsInFile(to, [str(file) for file in files], reader)
    try:
        yield answer
    except BaseException as error:
        answer.end(error)
        raise
    answer.end(None)


def is_standard_output(to: Path) -> bool:
    """Whether the path is "-", which stands for standard output."""
    return str(to) == "-"


class Text(Answer):
    """The text of each page, under the file's name if there are several pictures or the picture has several pages."""

    def __init__(self, several: bool) -> None:
        self.several = several

    def add(self, name: str, outcome: Outcome) -> None:
        """Print the picture's lines."""
        from mnistlab.cli.sheets import sheet_text

        for page in outcome.pages:
            if isinstance(page, UserError):
                continue
            if self.several or page.count > 1:
                click.echo(f"{numbered(printable(name), page)}:")
            if (told := sheet_text(page)) is not None:
                click.echo(told)
            elif page.lines:
                click.echo(page.text)
            else:
                tell("cli.no_digits_found", name=told_page(name, page), err=True)


def numbered(shown: str, page: Page) -> str:
    """A picture's name as it is shown, with the page's number if the picture has several pages."""
    return shown if page.count == 1 else words("cli.page_of_picture", name=shown, number=page.number)


def told_page(name: str, page: Page) -> str:
    """The page in a form that can begin a sentence; "-" is the picture on standard input."""
    return numbered(words("names.standard_input") if name == "-" else printable(name), page)


class JsonList(Answer):
    """A JSON list with an object for each page of each picture; the list is valid JSON even if Ctrl-C ends the reading."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, name: str, outcome: Outcome) -> None:
        """Print a JSON object for each of the picture's pages."""
        for number, read in enumerate(outcome.pages, 1):
            told = {"error": read.for_command_line()} if isinstance(read, UserError) else read.to_dict()
            page = {} if isinstance(read, UserError) and len(outcome.pages) == 1 else {"page": number}
            click.echo((", " if self.count else "[") + json_text({"file": name, **page, **told}), nl=False)
            self.count += 1

    def end(self, error: BaseException | None) -> None:
        """Complete the JSON list, unless writing to standard output has failed."""
        if not isinstance(error, OSError):
            click.echo("]" if self.count else "[]")


class CsvLines(Answer):
    """Rows as CSV on standard output."""

    def __init__(self) -> None:
        from mnistlab.reading import rows

        self.rows = rows
        click.echo(rows.first_line(Path("-.csv")), nl=False)

    def add(self, name: str, outcome: Outcome) -> None:
        """Print the picture's rows."""
        click.echo(self.rows.csv_lines(self.rows.rows_of(name, outcome.pages)), nl=False)


def what_rows_depend_on(reader: Reader) -> dict[str, Any]:
    """Everything on which rows depend besides the pictures: version, models (None for one that is not used) and threshold."""
    from importlib import metadata

    return {
        "mnistlab": metadata.version("mnistlab"),
        "model": sha256(reader.path.read_bytes())[:16],
        "finder": sha256(reader.finder.path.read_bytes())[:16] if reader.finder else None,
        "line_reader": sha256(reader.line_reader.path.read_bytes())[:16] if reader.line_reader else None,
        "threshold": reader.threshold,
    }


class RowsInFile(Answer):
    """Rows that are added to a file; at the end, a one-line summary is printed on standard output."""

    def __init__(self, to: Path, names: list[str], reader: Reader) -> None:
        from mnistlab.cli.table import Table

        self.to, self.names = printable(to), names
        self.table = Table(to, what_rows_depend_on(reader), reader.values)
        self.done = self.already = 0

    def known(self, name: str) -> str | None:
        """The SHA-256 that the picture had when its rows were written; None if it has no rows yet or could not be opened then."""
        entry = self.table.state.entries.get(name)
        return entry.sha256 if entry else None

    def add(self, name: str, outcome: Outcome) -> None:
        """Write the picture's rows, unless they already exist."""
        self.done += 1
        if outcome.is_known:
            self.already += 1
        else:
            self.table.add(name, outcome)
        self.failed += self.table.state.entries[name].failed

    def end(self, error: BaseException | None) -> None:
        """Finish the file, so that it holds everything that was read, unless writing it has failed; then close it.

        Raises `Interrupted` if Ctrl-C has ended the reading.
        """
        interrupted = isinstance(error, KeyboardInterrupt)
        try:
            if error is None or interrupted or (isinstance(error, Failure) and not isinstance(error, StorageFailure)):
                self.table.finish(self.names)
        finally:
            self.table.close()
        if interrupted:
            done, total = sum(name in self.table.state.entries for name in self.names), len(self.names)
            raise Interrupted("cli.reading_interrupted", done=done, total=total, name=self.to) from None
        if isinstance(error, Failure) and error.key == "reading.process_ended":
            error.with_remedy("cli.process_ended", name=self.to)
        if error is None:
            digits = sum(self.table.state.entries[name].digits for name in self.names)
            parts = [Clause("cli.read_pictures", pictures=self.done, digits=digits)]
            parts += [Clause("cli.read_before", count=self.already)] if self.already else []
            parts += [Clause("cli.read_failed", count=self.failed)] if self.failed else []
            tell("cli.read_to", name=self.to, parts=parts)
