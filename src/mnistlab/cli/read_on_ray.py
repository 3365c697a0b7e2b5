"""Read millions of pictures on Ray into a folder of Parquet files, for `read` with --engine ray."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from filelock import Timeout

from mnistlab.cli.answers import what_rows_depend_on
from mnistlab.cli.state import check_header
from mnistlab.cli.words import tell, told_place
from mnistlab.dependencies import require
from mnistlab.errors import Interrupted, MnistlabError, StorageFailure, UserError, whole_number
from mnistlab.files import check_folder, is_folder, printable, resolved
from mnistlab.locks import file_lock
from mnistlab.messages.sentences import Clause, locales_language
from mnistlab.reading.rows import COLUMNS, LINES
from mnistlab.reading.sources import ENDINGS, content_of, entries, is_address, joined, names_in, reason_of, write_to

if TYPE_CHECKING:
    from mnistlab.reading.parts import Tally
    from mnistlab.reading.reader import Reader

__all__ = ["check_request", "read_on_ray"]

JOB = "_job.json"
"""The file that says what the rows in its folder depend on; Parquet readers skip it, because its name begins with "_"."""
LOCK = "_job.lock"
MOST_PROCESSES = 100_000


class Request(NamedTuple):
    """The sources of the pictures, the folder or address for the rows, and the number of processes (None: the default)."""

    sources: tuple[str, ...]
    to: str
    jobs: int | None


def check_request(sources: tuple[str, ...], to: str | None, jobs: int | None, unused: dict[str, Any]) -> Request:
    """The request that these options make. Raises `UserError` if Ray is missing, or for options that cannot be used with Ray."""
    require("scale", "ray", "pandas", "pyarrow")
    if "-" in sources:
        raise UserError("cli.no_standard_input_on_ray")
    if given := [option for option, value in unused.items() if value]:
        raise UserError("cli.not_on_ray", options=given)
    if to is None or to == "-":
        raise UserError("cli.ray_into_nothing")
    if Path(to).suffix.lower() in (*LINES, ".parquet"):
        raise UserError("cli.ray_into_file", name=printable(to))
    if jobs is not None:
        whole_number(jobs, Clause("names.jobs"), 1, MOST_PROCESSES)
    return Request(sources, to, jobs)


def read_on_ray(request: Request, reader: Reader, *, resume: bool, recursive: bool, address: str | None) -> int:
    """Read the pictures, write their rows into the folder, print how many pictures were read, and return the exit code.

    Raises `MnistlabError` if the request cannot be met, or if something ends the job early; rows already written are kept.
    """
    from mnistlab.reading.parts import Job, Tally, read_parts
    from mnistlab.training.cluster import cluster

    name, out = printable(request.to), request.to if is_address(request.to) else str(resolved(request.to))
    header = {"columns": list(COLUMNS), **what_rows_depend_on(reader)}
    check_output(out, name, header, resume)
    wrong = list[MnistlabError]()
    sources = tuple(source for source in request.sources if has_pictures(source, recursive, wrong.append))
    for error in wrong:
        tell("cli.error", said=error.for_command_line(locales_language()), err=True)
    if not sources:
        return UserError.exit_code
    total = Tally()
    job = Job(sources, recursive, out, str(Path.cwd()))
    try:
        with cluster(address) as ray, own_folder(out, name, header), moving_bar() as advance:
            cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
            processes = min(request.jobs or cores, cores) if address is None else request.jobs or cores
            with contextlib.closing(read_parts(ray, reader, job, processes)) as tallies:
                for tally in tallies:
                    check_arrived(out, tally)
                    total = total.plus(tally)
                    advance(tally.pictures - tally.before)
    except KeyboardInterrupt:
        raise Interrupted("cli.parts_interrupted", name=name, done=total.pictures - total.before) from None
    except StorageFailure as error:
        error.with_remedy("cli.output_full")
        raise
    parts = [Clause("cli.read_pictures", pictures=total.pictures, digits=total.digits)]
    parts += [Clause("cli.read_before", count=total.before)] if total.before else []
    parts += [Clause("cli.read_failed", count=total.failed)] if total.failed else []
    tell("cli.read_to", name=name, parts=parts)
    return UserError.exit_code if total.failed or wrong else 0


def has_pictures(source: str, recursive: bool, fail: Callable[[MnistlabError], None]) -> bool:
    """Whether the source (see `names_in`) stands for any pictures; if not, `fail` is called with the reason."""
    try:
        if next(names_in(source, recursive), None) is not None:
            return True
        place = printable(source) if is_address(source) else told_place(Path(source))
        fail(UserError("cli.folder_without_pictures", place=place, suffixes=ENDINGS))
    except MnistlabError as error:
        fail(error)
    except OSError as error:
        fail(UserError("reading.store_unreachable", address=printable(source), reason=reason_of(error)))
    return False


def check_output(out: str, name: str, header: dict[str, Any], resume: bool) -> None:
    """Raise `UserError` if the folder `out` cannot be written to, or holds other files, another job's rows or, unless `resume` is
    true, this job's rows."""
    if not is_address(out):
        check_folder(Path(out))
    try:
        inside = [entry for entry, _ in entries(out) if entry != LOCK]
    except FileNotFoundError:
        return
    except OSError as error:
        if not is_address(out):
            raise UserError("cli.folder_unreadable", folder=name, strerror=reason_of(error)) from None
        raise UserError("reading.store_unreachable", address=name, reason=reason_of(error)) from None
    if not inside:
        return
    try:
        there = json.loads(content_of(joined(out, JOB))) if JOB in inside else None
    except ValueError:
        there = None
    if not isinstance(there, dict):
        raise UserError("cli.output_of_another", name=name)
    check_header(there, header, name)
    if not resume:
        raise UserError("cli.folder_begun", name=name)


@contextlib.contextmanager
def own_folder(out: str, name: str, header: dict[str, Any]) -> Iterator[None]:
    """Make the folder, and save in it what the rows depend on; inside `with`, the folder is locked against other commands.

    An object store (s3://...) cannot be locked. Raises `UserError` if another command has locked the folder.
    """
    with contextlib.ExitStack() as held:
        if not is_address(out):
            from mnistlab.files import explain_os_errors

            with explain_os_errors(Path(out, JOB)):
                Path(out).mkdir(parents=True, exist_ok=True)
            try:
                held.enter_context(file_lock(Path(out, LOCK)).acquire(timeout=0))
            except Timeout:
                raise UserError("cli.output_in_use", name=name) from None
            for left in Path(out).glob(".part-*.tmp"):  # left by a process that was killed
                left.unlink(missing_ok=True)
        write_to(joined(out, JOB), json.dumps(header).encode() + b"\n")
        yield


def check_arrived(out: str, tally: Tally) -> None:
    """Raise `UserError` if the file just written is not on this machine, because another machine wrote it into its own `out`."""
    if tally.part and not is_address(out) and is_folder(Path(out)) and not Path(out, tally.part).exists():
        raise UserError("reading.output_not_shared", folder=out)


@contextlib.contextmanager
def moving_bar() -> Iterator[Callable[[int], None]]:
    """A count of the pictures read, shown if standard error is a terminal; yields the function that adds to the count."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    from mnistlab.cli.reading_bar import reading_bar

    with reading_bar(None, Console(stderr=True)) as advance:
        yield advance
