"""Read millions of pictures on Ray: a pool of processes, each with a reader, writes a Parquet file for each part of the job.

Ray Data hands the parts (the names of a hundred pictures each) to whichever process is free, and starts a part again if its
process or machine dies. Pictures and rows do not go through Ray: the processes fetch and write them themselves. A
part's file is named after its pictures and appears whole or not at all, so its rows exist once, however often the part is begun.
Names are listed as they are needed and kept in a table on disk, so that memory use hardly grows with their number.

Ray Data's own writers and checkpoints guarantee neither that rows exist only once nor that memory use stays flat: with them, a
part that is tried again is written again, and the list of what is done is held in memory.
"""

from __future__ import annotations

import importlib
import io
import logging
import os
import pickle
import platform
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from mnistlab.errors import Failure, MnistlabError, UserError, last_line
from mnistlab.files import printable, sha256, shorten
from mnistlab.reading.contents import read_content
from mnistlab.reading.deaths import Deaths
from mnistlab.reading.page import Page
from mnistlab.reading.reader import Reader
from mnistlab.reading.remaining import pictures_to_read
from mnistlab.reading.rows import Row, rows_of, write_parquet
from mnistlab.reading.sources import content_of, in_advance, joined, reason_of, write_to

__all__ = ["Job", "PartReader", "Tally", "read_parts"]

PART = 100
"""Pictures per part: enough that handing over a part costs next to nothing, few enough that little is lost if a process dies."""
STRANGE = {"pictures.read_failed", "reading.unexpected"}
"""Errors whose cause may be the disk, the connection or the machine rather than a picture."""
MANY = 10
"""If a part has at least this many pictures and all of them fail with errors in `STRANGE`, the pictures are not the cause."""


class Job(NamedTuple):
    """Which pictures are read, and where the results are written."""

    sources: tuple[str, ...]
    """Folders, patterns, lists and files, as `names_in` takes them."""
    recursive: bool
    out: str
    """The folder or address of the parts' files; a folder's path is absolute."""
    folder: str
    """The folder that relative names start from."""
    size: int = PART
    """Pictures per part."""


class Tally(NamedTuple):
    """What the job's processes hand on: a part to be read, the counts of pictures read now or before, or an error."""

    names: bytes = b""
    """The names of the pictures of a part that is to be read, with a zero byte between them."""
    part: str = ""
    """The name of the file that was written."""
    pictures: int = 0
    digits: int = 0
    failed: int = 0
    """How many pictures could not be read."""
    before: int = 0
    """The number of pictures that had been read before the job was last started; the other counts include them."""
    listed: int = -1
    """How many pictures were listed; -1 in all tallies but the last of `parts_to_read`."""
    failure: bytes = b""
    """The error that ends the job, pickled."""

    def plus(self, other: Tally) -> Tally:
        """A tally with the counts of this one and of `other`, added up."""
        return Tally(
            pictures=self.pictures + other.pictures, digits=self.digits + other.digits, failed=self.failed + other.failed,
            before=self.before + other.before,
        )  # fmt: skip


def read_parts(ray: Any, reader: Reader, job: Job, processes: int) -> Generator[Tally]:
    """Read all pictures of the job that are not yet read; yield a tally for each part, and one for the pictures read before.

    Raises `MnistlabError`, during iteration, for anything that ends the job: a full disk, a store that does not answer, a
    process that died while listing the pictures. The parts already written stay, and a job that is started again reads only
    the others.
    """
    data = importlib.import_module("ray.data")
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # errors are raised
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = 1  # each part by itself, in whichever process is free
    reader = reader if reader.threads == 1 else type(reader)(reader.path, threshold=reader.threshold, threads=1)
    done = (
        data.from_items([{"job": 0}])
        .map_batches(parts_to_read, fn_kwargs={"job": job}, batch_size=None, num_cpus=0)
        .map_batches(
            PartReader, fn_constructor_args=(reader, job), batch_size=1, batch_format="pyarrow", num_cpus=1,
            compute=data.ActorPoolStrategy(min_size=1, max_size=processes, initial_size=processes),
        )
    )  # fmt: skip
    there, listed = 0, -1
    try:
        for block in done.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            for row in block.to_pylist():
                tally = Tally(**row)
                if tally.failure:
                    raise pickle.loads(tally.failure)  # noqa: S301 - pickled by a process of this job
                there, listed = there + tally.pictures, max(tally.listed, listed)
                yield tally
    except ray.exceptions.RayError as error:
        raise Failure("reading.ray_failed", reason=shorten(last_line(error), 300)) from None
    if there != listed:  # the listing process died, and the one that Ray started in its place listed other pictures
        raise Failure("reading.listing_ended")


def as_block(tally: Tally) -> Any:
    """The tally as Ray Data hands it on: a table of one row."""
    import pyarrow

    return pyarrow.Table.from_pylist([tally._asdict()])


# in the process that lists the pictures


def parts_to_read(_: Any, job: Job) -> Iterator[Any]:
    """The parts whose pictures have not been read yet, then a tally of the pictures read before; an error also comes as a tally.

    As long as the sources do not change, the parts do not change either, and each part already written is left out entirely.
    """
    try:
        go_to(job.folder)
        before, names, listed = Tally(), list[str](), 0
        for name, read in pictures_to_read(job.sources, job.recursive, job.out):
            listed += 1
            if read is not None:
                before = before.plus(Tally(pictures=1, digits=read[0], failed=read[1], before=1))
                continue
            names.append(name)
            if len(names) == job.size:
                yield as_block(Tally(names=packed(names)))
                names = []
        if names:
            yield as_block(Tally(names=packed(names)))
        yield as_block(before._replace(listed=listed))
    except MnistlabError as error:
        yield as_block(Tally(failure=pickle.dumps(error)))
    except OSError as error:
        yield as_block(Tally(failure=pickle.dumps(Failure("reading.listing_failed", reason=reason_of(error)))))


def packed(names: Iterable[str]) -> bytes:
    return b"\0".join(map(os.fsencode, names))


def go_to(folder: str) -> None:
    """Change to the folder where the job was started. Raises `UserError` if this machine has no such folder."""
    try:
        os.chdir(folder)
    except OSError as error:
        raise UserError("reading.folder_not_shared", folder=folder, machine=platform.node()) from error


# in a process that reads pictures


class PartReader:
    """Reads parts in one of Ray's processes, in one thread.

    Parameters
    ----------
    reader
        The reader, which is sent to the process together with its model.
    job
        Says where the parts' files go, and from which folder relative names start.
    """

    def __init__(self, reader: Reader, job: Job) -> None:
        import cv2

        cv2.setNumThreads(1)
        self.reader, self.job = reader, job

    def __call__(self, block: Any) -> Any:
        """Read the part in a block that `as_block` made, and write its file; a block without a part is returned as it is."""
        tally = Tally(**block.to_pylist()[0])
        if not tally.names:
            return block
        try:
            go_to(self.job.folder)
            return as_block(self.read(os.fsdecode(tally.names).split("\0")))
        except MnistlabError as error:
            return as_block(Tally(failure=pickle.dumps(error)))

    def read(self, names: list[str]) -> Tally:
        """Read these pictures and write their rows.

        Raises `MnistlabError` if writing fails, or if there are at least `MANY` pictures and all fail with errors in `STRANGE`.
        """
        part = f"part-{sha256(packed(names))[:20]}.parquet"
        rows, digits, failed, strange = list[Row](), 0, 0, list[UserError]()
        with Deaths(joined(self.job.out, f".{part}.note")) as deaths:
            for number, (name, fetched) in enumerate(in_advance(content_of, names)):
                pages = self.pages(name, fetched) if deaths.may_be_read(number) else [deaths.error(name)]
                errors = [page for page in pages if isinstance(page, UserError)]
                rows += rows_of(name, pages)
                digits += sum(len(page.digits) for page in pages if isinstance(page, Page))
                failed += bool(errors)
                strange += [error for error in errors if error.key in STRANGE][:1]
            if len(strange) == len(names) >= MANY:
                raise Failure("reading.nothing_readable", count=len(names), machine=platform.node(), first=strange[0])
            file = io.BytesIO()
            write_parquet(file, [rows], self.reader.values)
            write_to(joined(self.job.out, part), file.getvalue())
        return Tally(part=part, pictures=len(names), digits=digits, failed=failed)

    def pages(self, name: str, fetched: Future[bytes]) -> Sequence[Page | UserError]:
        """What was read in one file, or why it could not be read; no error is raised, so that the other files are read, too."""
        try:
            return read_content(self.reader, fetched.result(), printable(name), name)[0]
        except UserError as error:
            return [error]
        except Exception as error:
            reason = f"{type(error).__name__}: {shorten(' '.join(str(error).split()))}".rstrip(": .")
            return [UserError("reading.unexpected", name=printable(name), reason=reason)]
