"""`mnistlab read`: read the digits in pictures."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.model_file import model_file
from mnistlab.cli.options import ValueType, examples, runs_option
from mnistlab.cli.sheets import Sheet, sheet_options
from mnistlab.cli.words import tell, told_place
from mnistlab.errors import MnistlabError, UserError
from mnistlab.messages.sentences import locales_language

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnistlab.reading.page import Page
    from mnistlab.reading.reader import Reader

__all__ = ["read"]


@click.command(
    epilog=examples(
        "mnistlab read photo.jpg",
        "mnistlab read scans/ --to digits.csv --resume",
        "mnistlab read page.png --annotate out.png",
        "mnistlab read sheet.jpg --table --csv sheet.csv",
        "mnistlab read sheet.jpg --table --save-layout cells.toml",
        "mnistlab read scans/ --fields layout.toml --csv fields.csv",
        "mnistlab read --model latest x.png",
    ),
)
@click.argument("pictures", nargs=-1, required=True, type=click.Path())
@click.option(
    "--model", metavar="RUN|FILE.onnx",
    help="Your own model: a run, or an ONNX file that `mnistlab export` wrote.  [default: mnistlab's]",
)  # fmt: skip
@click.option(
    "--threshold", type=ValueType(float),
    help="Lowest probability at which a digit is accepted.  [default: the model's]",
)  # fmt: skip
@click.option(
    "--annotate", type=click.Path(path_type=Path),
    help="Where to save the picture with a box around each mark; for several pictures, name a folder.",
)  # fmt: skip
@sheet_options
@click.option("--json", "as_json", is_flag=True, help="One JSON list on standard output, with an object per page.")
@click.option(
    "--to", type=click.Path(), metavar="FILE",
    help="Write a row per digit to this .csv, .jsonl or .parquet file; '-' for CSV on standard output.",
)  # fmt: skip
@click.option(
    "--resume", is_flag=True, help="Continue a file that --to began: pictures whose rows are in it are not read again."
)
@click.option(
    "--jobs", type=ValueType(int), metavar="N", help="Number of processes that read.  [default: one per core]"
)
@click.option("--recursive", is_flag=True, help="Read sub-folders too.")
@click.option(
    "--engine", type=click.Choice(["plain", "ray"]), default="plain", show_default=True,
    help="ray reads millions of pictures into a folder of Parquet files (--to), from folders, name patterns (*.png), .txt files"
    " with one name per line, and s3:// addresses.",
)  # fmt: skip
@click.option("--address", metavar="HOST:PORT", help="Ray cluster to read on; by default, only this computer.")
@runs_option
def read(
    pictures: tuple[str, ...],
    model: str | None,
    threshold: float | None,
    to: str | None,
    resume: bool,
    jobs: int | None,
    recursive: bool,
    engine: str,
    address: str | None,
    runs_dir: Path,
    **asked: Any,
) -> int:
    """Read the handwritten digits in photos, scans and drawings, line by line.

    PICTURES are files, folders of them, or "-" for a picture on standard input. Marks that cannot be read confidently are shown
    as "?".
    """
    from mnistlab.reading.reader import Reader

    def reader() -> Reader:
        return Reader(model_file(model, runs_dir) if model is not None else None, threshold=threshold)

    if engine == "ray":
        from mnistlab.cli.read_on_ray import check_request, read_on_ray

        unused = {option: asked[name] for name, option in NOT_ON_RAY.items()}
        request = check_request(pictures, to, jobs, unused)
        return read_on_ray(request, reader(), resume=resume, recursive=recursive, address=address)
    if address is not None:
        raise UserError("cli.only_on_ray", options=["--address"])
    target = None if to is None else Path(to)
    return read_here(tuple(map(Path, pictures)), reader, target, resume, jobs, recursive, **asked)


NOT_ON_RAY = {
    "annotate": "--annotate", "as_json": "--json", "table": "--table", "fields": "--fields", "single": "--field",
    "save_layout": "--save-layout", "csv": "--csv",
}  # fmt: skip
"""The parameters that only `read_here` supports, each with its option."""


def read_here(
    pictures: tuple[Path, ...],
    open_reader: Callable[[], Reader],
    to: Path | None,
    resume: bool,
    jobs: int | None,
    recursive: bool,
    *,
    annotate: Path | None,
    as_json: bool,
    **asked: Any,
) -> int:
    """Read the pictures on this computer, give the output that is asked for, and return the exit code."""
    from mnistlab.cli.answers import answer_for
    from mnistlab.cli.targets import find_targets
    from mnistlab.files import is_folder
    from mnistlab.reading.many import Task, count_processes, read_each

    exit_code = 0

    def fail(error: MnistlabError) -> None:
        """Report an error; the other files are still read."""
        nonlocal exit_code
        exit_code = max(exit_code, error.exit_code)
        tell("cli.error", said=error.for_command_line(locales_language()), err=True)

    sheet = Sheet(to, as_json, resume, **asked)
    check_options(to, resume, as_json)
    count_processes(0, jobs)
    files = list(files_of(pictures, recursive, fail))
    several = len(files) > 1 or any(map(is_folder, pictures))
    targets = find_targets(annotate, files, several) if annotate else {}
    answer_of_sheet = sheet.answer(files, several)
    reader = open_reader()
    if to is not None:
        files = list(dict.fromkeys(files))
        if not files:
            return exit_code
    contents = {file: standard_input() for file in files if str(file) == "-"}
    with (
        answer_for(to, as_json, files, reader, answer_of_sheet) as answer,
        moving_bar(len(files), to) as advance,
    ):
        tasks = [Task(file, contents.get(file), answer.known(str(file))) for file in files]
        finish = functools.partial(finished, targets, sheet) if targets or sheet.save_layout else None
        with contextlib.closing(read_each(reader, tasks, jobs, finish, **sheet.options)) as outcomes:
            for file, outcome in zip(files, outcomes, strict=True):
                answer.add(str(file), outcome)
                sheet.say_what_is_missing(str(file), outcome)
                for error in outcome.errors:
                    fail(error)
                advance()
    return max(exit_code, UserError.exit_code if answer.failed else 0)


def finished(targets: dict[Path, Path], sheet: Sheet, path: Path, picture: NDArray[Any], page: Page) -> None:
    """Save the annotated picture and the layout of the page's table, each only if asked for."""
    from mnistlab.cli.targets import save_annotated

    if targets:
        save_annotated(targets, path, picture, page)
    sheet.finish(path, picture, page)


def check_options(to: Path | None, resume: bool, as_json: bool) -> None:
    """Raise `UserError` if options exclude each other or the file that --to names cannot be written; the check writes nothing."""
    from mnistlab.cli.answers import is_standard_output

    into_file = to is not None and not is_standard_output(to)
    if to is not None and as_json:
        raise UserError("cli.json_and_to")
    if resume and not into_file:
        raise UserError("cli.resume_without_file")
    if to is not None and into_file:
        from mnistlab.cli.table import check_output

        check_output(to, resume)


def moving_bar(total: int, to: Path | None) -> contextlib.AbstractContextManager[Callable[[], None]]:
    """A bar for several pictures, if standard error is a terminal on which no results appear; yields what moves the bar."""
    from mnistlab.cli.answers import is_standard_output

    elsewhere = (to is not None and not is_standard_output(to)) or not sys.stdout.isatty()
    if total < 2 or not elsewhere or not sys.stderr.isatty():
        return contextlib.nullcontext(do_nothing)
    from rich.console import Console

    from mnistlab.cli.reading_bar import reading_bar

    return reading_bar(total, Console(stderr=True))


def do_nothing() -> None:
    """Do nothing, because there is no bar to move."""


def standard_input() -> bytes:
    """The picture that is piped into the command. Raises `UserError` if standard input is a terminal or closed."""
    from mnistlab.pictures.decode import MOST_BYTES

    if sys.stdin is None or sys.stdin.isatty():
        raise UserError("cli.picture_typed")
    return sys.stdin.buffer.read(MOST_BYTES + 1)


def files_of(pictures: tuple[Path, ...], recursive: bool, fail: Callable[[MnistlabError], None]) -> Iterator[Path]:
    """The given files and the given folders' pictures; `fail` is called for folders that hold no pictures or cannot be read."""
    from mnistlab.files import is_folder

    for path in pictures:
        if is_folder(path):
            yield from pictures_in(path, recursive, fail)
        else:
            yield path


def pictures_in(folder: Path, recursive: bool, fail: Callable[[MnistlabError], None]) -> list[Path]:
    """A folder's files that have a picture's ending, sorted by name. Hidden files, which other programs use for notes, are
    left out, and so are links to folders, which may form a loop."""
    from mnistlab.files import is_file, printable
    from mnistlab.reading.sources import ENDINGS

    unreadable: list[OSError] = []
    shown: list[Path] = []
    for inside, folders, names in os.walk(folder, onerror=unreadable.append):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        shown += [Path(inside, name) for name in names if not name.startswith(".")]
    found = sorted(path for path in shown if path.suffix.lower() in ENDINGS and is_file(path))
    for error in unreadable:
        fail(UserError("cli.folder_unreadable", folder=printable(error.filename), strerror=error.strerror))
    if not found and not unreadable:
        fail(UserError("cli.folder_without_pictures", place=told_place(folder), suffixes=ENDINGS))
    return found
