"""`mnistlab read`: pictures in, digits out."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistlab.errors import MnistlabError, UserError
from mnistlab.options import RUNS_HELP, examples

if TYPE_CHECKING:
    from mnistlab.reader import Page

__all__ = ["read"]

KINDS = {".jpg": "jpeg", ".tif": "tiff"}


@click.command(
    epilog=examples(
        "mnistlab read photo.jpg",
        "mnistlab read scans/ --json",
        "mnistlab read page.png --annotate out.png",
        "mnistlab read --model latest x.png",
    )
)
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", metavar="RUN|FILE.onnx", help="Your own: a run, or what export made.  [default: mnistlab's]")
@click.option("--threshold", type=float, help="Probability from which a digit is accepted.  [default: the model's]")
@click.option(
    "--annotate", type=click.Path(path_type=Path), help="Save the picture with boxes here; a folder for several."
)
@click.option("--json", "as_json", is_flag=True, help="A list on standard output, an object a file.")
@click.option("--runs", "runs_dir", type=click.Path(path_type=Path), default=Path("runs"), help=RUNS_HELP)
def read(
    pictures: tuple[Path, ...],
    model: str | None,
    threshold: float | None,
    annotate: Path | None,
    as_json: bool,
    runs_dir: Path,
) -> int:
    """Read the handwritten digits in photos, scans and drawings, line by line.

    PICTURES are files, or folders of them. What is no digit that the reader is sure of is shown as "?".
    """
    from mnistlab.reader import Reader

    failures: list[MnistlabError] = []
    files = expand(pictures, failures)
    if annotate is not None:
        check_annotate(annotate, files, pictures)
    reader = Reader(model_file(model, runs_dir) if model is not None else None, threshold=threshold)
    found: list[dict[str, Any]] = []
    for file in files:
        try:
            page = reader.read(file)
            if annotate is not None:
                save_annotated(file, page, target_of(annotate, file, files))
        except MnistlabError as error:  # the other files are read all the same
            failures.append(error)
            continue
        found.append({"file": str(file), **page.to_dict()})
        if not as_json:
            show(file, page, several=len(files) > 1)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    for failure in failures:
        click.echo(f"error: {failure}", err=True)
    return max((failure.exit_code for failure in failures), default=0)


def show(file: Path, page: Page, several: bool) -> None:
    """The text, under the file's name where there are several."""
    if several:
        click.echo(f"{file}:")
    if page.lines:
        click.echo(page.text)
    else:
        click.echo(f"{file}: no digits found", err=True)


def expand(pictures: tuple[Path, ...], failures: list[MnistlabError]) -> list[Path]:
    """The files named, and those in the folders named, by name."""
    from mnistlab.decoding import SUFFIXES

    files: list[Path] = []
    for path in pictures:
        if not path.is_dir():
            files.append(path)
            continue
        try:
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
        except OSError as error:
            failures.append(UserError(f"{path} cannot be read: {error.strerror}.", "Check its permissions."))
            continue
        if not inside:
            failures.append(UserError(f"There is no picture in {path}.", f"Pictures end in {', '.join(SUFFIXES)}."))
        files += inside
    return files


def model_file(model: str, runs_dir: Path) -> Path:
    """The ONNX file of a run, exported first where there is none or it is older than the run's model; or the file named."""
    if model.lower().endswith(".onnx"):
        return Path(model)
    from mnistlab.runs import find_run

    run = find_run(model, runs_dir)
    exported = run.path / "model.onnx"
    if not exported.exists() or (run.model_path.exists() and exported.stat().st_mtime < run.model_path.stat().st_mtime):
        from mnistlab.export import export_model

        click.echo(f"Exporting {run.path} once, to {exported}", err=True)
        export_model(run)
    return exported


def check_annotate(target: Path, files: list[Path], pictures: tuple[Path, ...]) -> None:
    """Refuse what would not work, before anything is read."""
    from mnistlab.decoding import SUFFIXES

    to_folder = target.is_dir() or len(files) > 1 or any(path.is_dir() for path in pictures)
    if to_folder:
        if target.exists() and not target.is_dir():
            raise UserError(f"--annotate {target} is a file, and there are several pictures.", "Name a folder.")
        if target.suffix.lower() in SUFFIXES and not target.exists():
            raise UserError(f"--annotate {target} would be a file, and there are several pictures.", "Name a folder.")
        if {path.resolve().parent for path in files} & {target.resolve()}:
            raise UserError(f"--annotate {target} would write over the pictures.", "Name another folder.")
        target.mkdir(parents=True, exist_ok=True)
        return
    if target.suffix.lower() not in SUFFIXES:
        raise UserError(f"--annotate {target} has no picture's ending.", "Name a file such as out.png.")
    if not target.parent.is_dir():
        raise UserError(f"There is no folder {target.parent} for --annotate.", "Make it, or choose another.")
    if files and target.resolve() == files[0].resolve():
        raise UserError(f"--annotate {target} would write over the picture.", "Choose another name.")


def target_of(annotate: Path, file: Path, files: list[Path]) -> Path:
    """Where the annotated picture goes: two files of one name in different folders stay apart."""
    if not annotate.is_dir():
        return annotate
    same = [other for other in files if other.stem == file.stem]
    number = f"-{same.index(file) + 1}" if len(same) > 1 else ""
    return annotate / f"{file.stem}{number}.png"


def save_annotated(file: Path, page: Page, target: Path) -> None:
    """The picture with boxes, whole or not at all."""
    from mnistlab.annotation import annotate
    from mnistlab.files import write_bytes

    stream = io.BytesIO()
    annotate(file, page).save(stream, format=KINDS.get(target.suffix.lower(), target.suffix[1:]))
    write_bytes(target, stream.getvalue())
