"""The file that `read --to` writes: rows are added picture by picture, and existing rows are kept."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

from mnistlab.cli.state import State, append, state_of
from mnistlab.dependencies import require
from mnistlab.errors import StorageFailure, UserError
from mnistlab.files import check_folder, explain_os_errors, is_folder, link_target, printable
from mnistlab.reading.many import Outcome
from mnistlab.reading.rows import LINES, first_line, has_these_columns, rows_of, write_parquet

__all__ = ["Table", "check_output"]


def check_output(path: Path, resume: bool) -> None:
    """Raise `UserError` if the output cannot be written to `path`, or if that would destroy existing data. Writes nothing."""
    name, state = printable(path), state_of(path)
    ending = path.suffix.lower()
    if is_folder(path):
        raise UserError("files.is_a_folder", path=name, example=printable(path / "digits.csv"))
    if ending not in (*LINES, ".parquet"):
        raise UserError("cli.output_ending", name=name)
    if ending == ".parquet":
        require("parquet")
    for written in (path, state):
        check_folder(link_target(written).parent)
    with explain_os_errors(path):
        there, begun = has_content(path), has_content(state)
        if there and not (path.is_file() and has_these_columns(path)):
            raise UserError("cli.output_of_another", name=name)
    if there and not begun:
        raise UserError("cli.output_without_state", name=name, state=printable(state))
    if begun and not resume:
        raise UserError("cli.output_begun", name=name, state=printable(state))


def has_content(path: Path) -> bool:
    """Whether there is something other than an empty file at the path."""
    return path.exists() and not (path.is_file() and path.stat().st_size == 0)


class Table:
    """An output file and its state file, both open.

    As soon as the rows of a picture are added, both files hold them in full. Parquet is the exception: nothing can be appended to
    a Parquet file, so until the output is finished, its rows are only in the state file.

    Parameters
    ----------
    path
        The output, which `check_output` has checked. Existing rows are kept.
    options
        Everything on which rows depend besides the pictures: texts, numbers or None, by name.
    values
        The possible values of a digit.

    Raises `UserError` if the existing rows were read with other options, or if the output was changed after it was finished.
    """

    def __init__(self, path: Path, options: dict[str, Any], values: list[int | str]) -> None:
        self.path, self.target, self.values = path, link_target(path), values
        self.lines = LINES.get(path.suffix.lower())
        self.output: io.FileIO | None = None
        with explain_os_errors(path):
            self.target.parent.mkdir(parents=True, exist_ok=True)
        self.state = State(path, options)
        try:
            self._begin()
        except BaseException:
            self.state.close()
            if self.state.is_new:
                self.state.path.unlink(missing_ok=True)
            raise

    def _begin(self) -> None:
        """Write the output anew from the state, so that nothing half-written is left, and open the output for more rows."""
        with explain_os_errors(self.path):
            if self.state.noted is not None and self.target.exists() and self.state.noted != digest_of(self.target):
                state = printable(self.state.path)
                raise UserError("cli.output_changed", name=printable(self.path), state=state)
            self.state.begin()
            self._write()
            if self.lines is not None:
                self.output = self.target.open("ab", buffering=0)
        self.is_stale = False

    def _write(self) -> None:
        """Write the whole output from the state into a temporary file, which then replaces the old output."""
        temporary = self.target.with_name(
            f".{self.target.name}.tmp"
        )  # if a killed process leaves this file behind, the next process replaces it
        try:
            if self.lines is None:
                write_parquet(temporary, self.state.rows(), self.values)
            else:
                with temporary.open("wb") as file:
                    file.write(first_line(self.path))
                    file.writelines(map(self.lines, self.state.rows()))
            temporary.replace(self.target)
        finally:
            temporary.unlink(missing_ok=True)

    def add(self, name: str, outcome: Outcome) -> None:
        """Write a picture's rows. Raises `StorageFailure` if the disk is full; even then, rows written earlier stay intact."""
        rows = rows_of(name, outcome.pages)
        will_be_stale = self.is_stale
        self.is_stale = True  # in case Ctrl-C comes before the rows are written
        try:
            with explain_os_errors(self.path):
                will_be_stale |= name in self.state.entries
                if self.state.add(name, outcome.sha256, rows) and self.output is not None and self.lines is not None:
                    append(self.output, self.lines(rows))
        except StorageFailure as error:
            error.with_remedy("cli.output_full")
            raise
        self.is_stale = will_be_stale

    def finish(self, names: list[str]) -> None:
        """Finish the output: put its rows in the order of `names`, and note the file's hash so that later changes are detected.

        Rows of pictures that are not in `names` are kept, and come first.
        """
        entries = self.state.entries
        named = dict.fromkeys(name for name in names if name in entries)
        order = [*(name for name in entries if name not in named), *named]
        self.is_stale |= order != list(entries)
        self.state.entries = {name: entries[name] for name in order}
        with explain_os_errors(self.path):
            if self.output is not None:
                self.output.close()
            if self.is_stale or self.lines is None:
                self._write()
            self.state.note(digest_of(self.target))

    def close(self) -> None:
        """Close the state's file and, if it is open, the output; both keep the rows that were added."""
        self.state.close()
        if self.output is not None:
            self.output.close()


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
