"""The state that `read` keeps in OUTPUT.state, beside the output of --to, so that --resume can continue.

The state is written before the output, in lines of JSON: one with the columns and options, one for each picture (its
name, SHA-256 and rows), and one with the output's SHA-256 each time the output is finished. The output is made from
these lines, and can be made from them again.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mnistlab.errors import UserError, told
from mnistlab.files import explain_os_errors, link_target, printable
from mnistlab.messages.sentences import Clause
from mnistlab.reading.rows import COLUMNS, Row

__all__ = ["Entry", "State", "append", "check_header", "state_of"]


def state_of(output: Path) -> Path:
    """The path of the file that keeps the state of an output."""
    return output.with_name(f"{output.name}.state")


class Entry(NamedTuple):
    """A picture in the state: the offset of its line, its SHA-256, its number of digits, and whether reading it failed."""

    start: int
    sha256: str | None
    digits: int
    failed: bool


class State:
    """The state of an output: an open file, locked against other processes as long as it is open.

    An incomplete last line, left when a process was killed, is cut off.

    Parameters
    ----------
    output
        The output, whose folder exists.
    options
        Everything on which rows depend besides the pictures: texts, numbers or None, by name.

    Attributes
    ----------
    entries : dict of str to Entry
        The pictures by name, in the order of their rows.
    is_new : bool
        Whether the state did not exist before.
    noted : str or None
        The SHA-256 of the output if it has been finished and not continued since.

    Raises `UserError` if another process has the state locked, if the file is another program's, or if it was begun with other
    columns or options.
    """

    def __init__(self, output: Path, options: dict[str, Any]) -> None:
        self.name, self.path = printable(output), link_target(state_of(output))
        self.entries: dict[str, Entry] = {}
        self.noted: str | None = None
        self.header = {"columns": list(COLUMNS), **options}
        with contextlib.ExitStack() as opened, explain_os_errors(self.path):
            self.file = opened.enter_context(self.path.open("ab", buffering=0))
            self._lock()
            end = self._read()
            self.is_new = end == 0
            self.file.truncate(end)
            self.files = opened.pop_all()

    def _lock(self) -> None:
        """Lock out other processes, if the operating system and the file system support that."""
        try:
            import fcntl

            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            return
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                raise UserError("cli.output_in_use", name=self.name) from None

    def _read(self) -> int:
        """Record which pictures the state has. Returns the offset at which the last complete line ends."""
        end = 0
        with self.path.open("rb") as file:
            for line in file:
                found = whole_object(line)
                if found is None and not end and not as_line(self.header).startswith(line):
                    raise UserError("cli.state_of_another", state=printable(self.path))
                if found is None:
                    break
                if not end:
                    check_header(found, self.header, self.name)
                elif "file" in found:
                    self._know(end, found)
                self.noted = found.get("output")
                end += len(line)
        return end

    def _know(self, start: int, line: dict[str, Any]) -> None:
        """Record a picture's line, which replaces any earlier one; the picture keeps its place in the order."""
        rows = line["rows"]
        digits = sum(row[COLUMNS.index("value")] is not None for row in rows)
        self.entries[line["file"]] = Entry(start, line["sha256"], digits, any(row[-1] is not None for row in rows))

    def add(self, name: str, sha256: str | None, rows: list[Row]) -> bool:
        """Write a picture's line, whole or not at all. Returns False if the same line already exists."""
        line = {"file": name, "sha256": sha256, "rows": rows}
        if name in self.entries and as_line(line) in self._lines([self.entries[name]]):
            return False
        self._know(append(self.file, as_line(line)), line)
        return True

    def begin(self) -> None:
        """In a new state, write the first line, with columns and options; in an old one, write that the output is unfinished."""
        if self.is_new:
            append(self.file, as_line(self.header))
        elif self.noted is not None:
            self.note(None)

    def note(self, output: str | None) -> None:
        """Write a line with the SHA-256 of the finished output; None says that the output is unfinished."""
        append(self.file, as_line({"output": output}))

    def rows(self) -> Iterator[list[Row]]:
        """All rows, picture by picture."""
        return (json.loads(line)["rows"] for line in self._lines(self.entries.values()))

    def _lines(self, entries: Any) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            for entry in entries:
                file.seek(entry.start)
                yield file.readline()

    def close(self) -> None:
        """Close the file, which also unlocks it."""
        self.files.close()


CHANGES = {
    "mnistlab": "cli.other_version", "model": "cli.other_model", "finder": "cli.other_finder",
    "line_reader": "cli.other_line_reader", "threshold": "cli.other_threshold",
}  # fmt: skip
"""For each of the options on which rows depend (see `what_rows_depend_on`), the message that says that it differs."""


def check_header(there: dict[str, Any], now: dict[str, Any], name: str) -> None:
    """Raise `UserError` if the columns or options in `there`, with which the output was begun, differ from those in `now`."""
    if there.get("columns") != now["columns"]:
        raise UserError("cli.output_of_another", name=name)
    if changed := [key for key in now if there.get(key) != now[key]]:
        options = [Clause(CHANGES[key], was=told(there.get(key)), now=told(now[key])) for key in changed]
        raise UserError("cli.output_of_other_options", name=name, options=options)


def as_line(content: dict[str, Any]) -> bytes:
    """The content as a line of the state's file."""
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def whole_object(line: bytes) -> dict[str, Any] | None:
    """The content of a line; None for an incomplete line, and for one that another program wrote."""
    try:
        found = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def append(file: io.FileIO, content: bytes) -> int:
    """Write all of the content at the end of the file, or nothing. Returns the offset at which the content begins."""
    start = file.seek(0, os.SEEK_END)
    rest = memoryview(content)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except BaseException:
        with contextlib.suppress(OSError):
            file.truncate(start)
        raise
    return start
