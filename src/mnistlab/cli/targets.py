"""Decide where `mnistlab read` writes each annotated picture, and write it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistlab.cli.words import told_place
from mnistlab.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnistlab.reading.page import Page

__all__ = ["find_targets", "names_in", "of_page", "save_annotated"]


def find_targets(annotate: Path, files: list[Path], several: bool) -> dict[Path, Path]:
    """The file to which each annotated picture is written. If `annotate` is a folder, pictures with the same name get different
    files in it. Raises `UserError`, before any picture is read, if a file cannot be written or would overwrite a picture."""
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
            raise UserError("cli.annotate_into_pictures_folder", place=told_place(annotate))
    else:
        if not has_suffix:
            raise UserError("cli.annotate_without_ending", name=name)
        if not is_folder(annotate.parent):
            folder = printable(annotate.parent)
            raise UserError("cli.annotate_folder_missing", folder=folder)
        check_folder(link_target(annotate).parent)
        targets = dict.fromkeys(files, annotate)
    pictures = identities(files)
    for target in targets.values():
        if identities([target]) & pictures:
            raise UserError("cli.annotate_over_picture", name=printable(target))
    return targets


def names_in(folder: Path, files: list[Path], ending: str = ".png") -> Iterator[Path]:
    """For each file, a path in `folder` with this ending. All paths differ, even where A.png and a.png are the same file."""
    taken: set[str] = set()
    for file in dict.fromkeys(files):
        stem, number = file.stem, 1
        while stem.casefold() in taken:
            number += 1
            stem = f"{file.stem}-{number}"
        taken.add(stem.casefold())
        yield folder / f"{stem}{ending}"


def of_page(target: Path, page: Page) -> Path:
    """The file for a page: the target if the picture has only one page, otherwise a file with the page's number in its name."""
    return target if page.count == 1 else target.with_stem(f"{target.stem}-page-{page.number}")


def identities(paths: Iterable[Path]) -> set[tuple[int, int]]:
    """The device and inode numbers of each path that exists; they are the same whatever name or link leads to a file."""
    found = set()
    for path in paths:
        with contextlib.suppress(OSError, ValueError):
            about = path.stat()
            found.add((about.st_dev, about.st_ino))
    return found


def save_annotated(targets: dict[Path, Path], file: Path, picture: NDArray[Any], page: Page) -> None:
    """Save the picture, with boxes drawn on it, at the path that `targets` gives for `file`, completely or not at all."""
    from mnistlab.files import printable, write_output
    from mnistlab.reading.annotation import annotate

    target = of_page(targets[file], page)
    if page.count > 1 and identities([target]) & identities(targets):
        raise UserError("cli.annotate_over_picture", name=printable(target))
    kind = {".jpg": "jpeg", ".tif": "tiff", ".pgm": "ppm"}.get(target.suffix.lower(), target.suffix[1:].lower())
    stream = io.BytesIO()
    try:
        annotate(picture, page).save(stream, kind, **({"quality": 92} if kind in ("jpeg", "webp") else {}))
    except (OSError, ValueError) as error:  # WebP takes no more than 16,383 pixels per side
        raise UserError("cli.annotated_not_writable", target=printable(target), error=error) from None
    write_output(target, stream.getvalue())
