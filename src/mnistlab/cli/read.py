"""`mnistlab read`: pictures in, digits out."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.model_file import model_file
from mnistlab.cli.options import ValueType, examples, runs_option
from mnistlab.cli.output import print_json
from mnistlab.errors import MnistlabError, UserError
from mnistlab.messages.sentences import place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnistlab.reading.page import Page

__all__ = ["read"]


@click.command(
    epilog=examples(
        "mnistlab read photo.jpg",
        "mnistlab read scans/ --json",
        "mnistlab read page.png --annotate out.png",
        "mnistlab read --model latest x.png",
    ),
)
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", metavar="RUN|FILE.onnx", help="Your own: a run, or what export made.  [default: mnistlab's]")
@click.option(
    "--threshold", type=ValueType(float), help="Probability from which a digit is accepted.  [default: the model's]"
)
@click.option(
    "--annotate", type=click.Path(path_type=Path), help="Save the picture with boxes here; a folder for several."
)
@click.option("--json", "as_json", is_flag=True, help="A list on standard output, with one object per picture.")
@runs_option
def read(
    pictures: tuple[Path, ...],
    model: str | None,
    threshold: float | None,
    annotate: Path | None,
    as_json: bool,
    runs_dir: Path,
) -> int:
    """Read the handwritten digits in photos, scans and drawings, line by line.

    PICTURES are files, or folders of them. Marks that cannot be read confidently are shown as "?".
    """
    from mnistlab.files import is_folder, printable
    from mnistlab.pictures.decode import decode
    from mnistlab.reading.reader import Reader

    exit_code = 0

    def fail(error: MnistlabError) -> None:
        """The other files are read all the same."""
        nonlocal exit_code
        exit_code = max(exit_code, error.exit_code)
        click.echo(f"error: {error.for_command_line()}", err=True)

    files = files_of(pictures, fail)
    targets = find_targets(annotate, files, several=len(files) > 1 or any(map(is_folder, pictures))) if annotate else {}
    reader = Reader(model_file(model, runs_dir) if model is not None else None, threshold=threshold)
    found: list[dict[str, Any]] = []
    for file in files:
        try:
            picture = decode(file)
            page = reader.read(picture)
            found.append({"file": str(file), **page.to_dict()})
            if not as_json:
                show(printable(file), page, several=len(files) > 1)
            if annotate is not None:
                save_annotated(picture, page, targets[file])
        except MnistlabError as error:
            fail(error)
    if as_json:
        print_json(found)
    return exit_code


def files_of(pictures: tuple[Path, ...], fail: Callable[[MnistlabError], None]) -> list[Path]:
    """The files, and the pictures in the folders; `fail` hears of folders that hold none."""
    from mnistlab.files import is_folder

    files: list[Path] = []
    for path in pictures:
        try:
            files += pictures_in(path) if is_folder(path) else [path]
        except UserError as error:
            fail(error)
    return files


def show(name: str, page: Page, several: bool) -> None:
    """The text, under the file's name where there are several."""
    if several:
        click.echo(f"{name}:")
    if page.lines:
        click.echo(page.text)
    else:
        click.echo(f"{name}: no digits found", err=True)


def pictures_in(folder: Path) -> list[Path]:
    """Those whose names end as pictures' do, by name; hidden ones are other programs' notes. Raises `UserError` for none."""
    from mnistlab.files import printable
    from mnistlab.pictures.decode import SUFFIXES

    try:
        inside = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
    except OSError as error:
        raise UserError("cli.folder_unreadable", place=printable(place(folder)), strerror=error.strerror) from None
    if not (shown := [path for path in inside if not path.name.startswith(".")]):
        raise UserError("cli.folder_without_pictures", place=printable(place(folder)), suffixes=SUFFIXES)
    return shown


def find_targets(annotate: Path, files: list[Path], several: bool) -> dict[Path, Path]:
    """Where each annotated picture goes; in a folder, files of one name stay apart. Refuses what would not work before
    anything is read, and to write over a picture."""
    from mnistlab.files import check_folder, is_folder, link_target, printable
    from mnistlab.pictures.decode import SUFFIXES

    name = printable(annotate)
    has_suffix = annotate.suffix.lower() in SUFFIXES
    if several or is_folder(annotate):
        if has_suffix and not is_folder(annotate):
            raise UserError("cli.annotate_file_for_several", name=name)
        check_folder(annotate)
        targets = dict(zip(dict.fromkeys(files), names_in(annotate, files), strict=True))
        if identities([annotate]) & identities(file.parent for file in files):
            raise UserError("cli.annotate_into_pictures_folder", place=printable(place(annotate)))
    else:
        if not has_suffix:
            raise UserError("cli.annotate_without_ending", name=name)
        if not is_folder(annotate.parent):
            folder = printable(annotate.parent)
            raise UserError("cli.annotate_folder_missing", folder=folder)
        check_folder(link_target(annotate).parent)
        targets = dict.fromkeys(files, annotate)
    if identities(targets.values()) & identities(files):
        raise UserError("cli.annotate_over_picture", name=name)
    return targets


def names_in(folder: Path, files: list[Path]) -> Iterator[Path]:
    """A name of its own for each file; for some file systems A.png is a.png."""
    taken: set[str] = set()
    for file in dict.fromkeys(files):
        stem, number = file.stem, 1
        while stem.casefold() in taken:
            number += 1
            stem = f"{file.stem}-{number}"
        taken.add(stem.casefold())
        yield folder / f"{stem}.png"


def identities(paths: Iterable[Path]) -> set[tuple[int, int]]:
    """What tells those files and folders that exist apart, by whatever names and links they go."""
    found = set()
    for path in paths:
        with contextlib.suppress(OSError, ValueError):
            about = path.stat()
            found.add((about.st_dev, about.st_ino))
    return found


def save_annotated(picture: NDArray[Any], page: Page, target: Path) -> None:
    """The picture with boxes, whole or not at all."""
    from mnistlab.files import printable, write_output
    from mnistlab.reading.annotation import annotate

    kind = {".jpg": "jpeg", ".tif": "tiff", ".pgm": "ppm"}.get(target.suffix.lower(), target.suffix[1:].lower())
    stream = io.BytesIO()
    try:
        annotate(picture, page).save(stream, kind, **({"quality": 92} if kind in ("jpeg", "webp") else {}))
    except (OSError, ValueError) as error:  # WebP takes no more than 16,383 pixels a side
        raise UserError("cli.annotated_not_writable", target=printable(target), error=error) from None
    write_output(target, stream.getvalue())
