"""Writing files so that a reader sees the old content or the new, never half of either."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mnistlab.errors import StorageFailure, UserError

__all__ = [
    "check_folder",
    "explain_os_errors",
    "is_folder",
    "nearest_existing",
    "read_json",
    "sha256",
    "shorten",
    "write_bytes",
    "write_json",
]

DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}


@contextlib.contextmanager
def explain_os_errors(path: Path) -> Iterator[None]:
    """Turn an `OSError` met while writing `path` into one sentence with a remedy.

    Raises `UserError` where the place was badly chosen (no write access, not a folder), `StorageFailure` where the disk is
    full or broken.
    """
    try:
        yield
    except OSError as error:
        folder = path.parent
        if error.errno in DENIED:
            raise UserError(
                f"Cannot write {path}: no write access to {folder}.", "Choose another folder or change its permissions."
            ) from error
        if error.errno in FULL:
            raise StorageFailure(
                f"Cannot write {path}: the disk is full.",
                "Nothing that was there has changed; free some space and run the command again.",
            ) from error
        if isinstance(error, FileExistsError | NotADirectoryError):
            file = next((parent for parent in path.parents if parent.is_file()), folder)
            raise UserError(
                f"Cannot write {path}: {file} is a file, not a folder.", "Choose another folder."
            ) from error
        if error.errno == errno.ENAMETOOLONG:
            raise UserError(f"Cannot write {shorten(path)}: the name is too long.", "Choose a shorter one.") from error
        raise StorageFailure(
            f"Cannot write {path}: {error.strerror or error}.", "Check the disk and the path."
        ) from error


def shorten(value: object, most: int = 80) -> str:
    """The value as text that fits into a sentence."""
    text = str(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def is_folder(path: Path) -> bool:
    """Whether there is a folder at that path; False too for a path that no file system takes."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def is_file(path: Path) -> bool:
    """Whether there is a file at that path; False too for a path that no file system takes, or that may not be read."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def check_folder(folder: Path) -> None:
    """Raise `UserError` where nothing could be written to `folder`, or to the place where it would be made."""
    with explain_os_errors(folder / "file"):
        place = nearest_existing(folder)
        if not place.is_dir():
            raise UserError(f"{place} is a file, not a folder.", "Choose another folder.")
        if not os.access(place, os.W_OK):
            raise UserError(f"There is no write access to {place}.", "Choose another folder or change its permissions.")


def nearest_existing(path: Path) -> Path:
    """The path itself, or the nearest of its parents that exists."""
    return next(place for place in (path, *path.absolute().parents) if place.exists())


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write `content` to `path` atomically: a temporary file beside it, fsync, then `os.replace`.

    A crash at any moment leaves the old file or the new one. Makes the folder where it is missing. Raises `UserError` or
    `Failure` (see `explain_os_errors`) and then leaves no temporary file behind.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    with explain_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)  # noqa: PTH105 - the call that the promise above names
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        if os.name == "posix":  # the new name itself must reach the disk too
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def write_json(path: Path, content: Any, indent: int | None = 2) -> None:
    """Write `content` as JSON, atomically (see `write_bytes`)."""
    text = json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False)
    # A file name that is not UTF-8 comes as lone surrogates; backslashes make them JSON escapes, which read_json takes back.
    write_bytes(path, (text + "\n").encode("utf-8", "backslashreplace"))


def read_json(path: Path, remedy: str) -> Any:
    """What the JSON file holds. Raises `UserError` with `remedy` where it is missing, unreadable or not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing.", remedy) from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read: {error}.", remedy) from None


def sha256(content: bytes) -> str:
    """The SHA-256 of `content`, 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
