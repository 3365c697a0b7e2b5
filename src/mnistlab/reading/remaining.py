"""Which of a job's pictures are still to be read: those whose rows are not yet written, each once, even if named twice."""

from __future__ import annotations

import contextlib
import functools
import io
import sqlite3
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from mnistlab.errors import UserError
from mnistlab.files import printable, shorten
from mnistlab.reading.rows import in_utf8
from mnistlab.reading.sources import content_of, entries, in_advance, joined, names_in

__all__ = ["parts_in", "pictures_to_read"]

AT_ONCE = 32
"""How many files of parts are read at the same time: many, because reading from a store is mostly waiting."""


def pictures_to_read(sources: Sequence[str], recursive: bool, out: str) -> Iterator[tuple[str, tuple[int, int] | None]]:
    """Each picture that the sources name, once and in order, with None if it is still to be read, otherwise with its counts.

    The counts, taken from the picture's rows in `out`, are two: the number of digits; and 1 if the picture could not be read,
    otherwise 0.

    What is known about the names is kept in a table on disk, so that memory use stays flat. Raises the errors of
    `names_in`, and `UserError` if a part's file cannot be read.
    """
    with contextlib.closing(sqlite3.connect("")) as base:  # a temporary file of SQLite's
        base.execute("pragma journal_mode = off")
        base.execute("create table names (name blob primary key, digits integer, failed integer) without rowid")
        for _, part in in_advance(functools.partial(written_in, out), parts_in(out), ahead=AT_ONCE):
            base.executemany("insert or replace into names values (?, ?, ?)", part.result())
        for source in sources:
            for name in names_in(source, recursive):
                key = key_of(in_utf8(name))
                row = base.execute("select digits, failed from names where name = ?", (key,)).fetchone()
                if row == (None, None):  # it was named before
                    continue
                base.execute("insert or replace into names values (?, null, null)", (key,))
                yield name, row


def key_of(name: str) -> bytes:
    """16 bytes that stand for a name, which may be long."""
    return blake2b(name.encode(), digest_size=16).digest()


def parts_in(out: str) -> list[str]:
    """The names of the parts' files in a folder; none if the folder does not exist."""
    try:
        return [name for name, _ in entries(out) if name.startswith("part-") and name.endswith(".parquet")]
    except FileNotFoundError:
        return []


def written_in(out: str, part: str) -> list[tuple[bytes, int, int]]:
    """The pictures with rows in a part's file: the key of each name, and the counts as in `pictures_to_read`."""
    import pyarrow.parquet

    content = io.BytesIO(content_of(joined(out, part)))
    try:
        table = pyarrow.parquet.read_table(content, columns=["file", "value", "error"])
    except (OSError, ValueError, KeyError) as error:  # pyarrow's own errors are ValueErrors
        name, reason = printable(joined(out, part)), " ".join(str(error).split()).rstrip(".")
        raise UserError("reading.part_broken", name=name, reason=shorten(reason)) from None
    counts = table.group_by("file").aggregate([("value", "count"), ("error", "count")]).to_pydict()
    columns = counts["file"], counts["value_count"], counts["error_count"]
    return [(key_of(name), digits, int(errors > 0)) for name, digits, errors in zip(*columns, strict=True)]
