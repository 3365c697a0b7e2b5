"""Write files in such a way that a program that reads one sees the old content or the new, never half of either."""

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

from mnistlab.errors import StorageFailure, UserError, shown
from mnistlab.messages.sentences import Clause

__all__ = [
    "check_folder",
    "check_links",
    "check_target",
    "explain_os_errors",
    "given_path",
    "is_folder",
    "link_target",
    "local_text",
    "nearest_existing",
    "printable",
    "read_json",
    "resolved",
    "sha256",
    "shorten",
    "why_unreadable",
    "write_bytes",
    "write_json",
    "write_output",
]


DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}


@contextlib.contextmanager
def explain_os_errors(path: Path) -> Iterator[None]:
    """If writing `path` raises an `OSError`, raise instead an error that has a one-sentence message and a remedy.

    Raises `UserError` if the path was badly chosen (no write access, not a folder), and `StorageFailure` if the disk is full
    or broken.
    """
    try:
        yield
    except OSError as error:
        if error.errno in DENIED:
            raise UserError("files.not_writable", path=path, folder=path.parent) from error
        if error.errno in FULL:
            raise StorageFailure("files.disk_full", path=path) from error
        if error.errno == errno.ELOOP:
            check_links(path)
        if isinstance(error, FileExistsError | NotADirectoryError):
            check_links(path.parent)
            file = next((parent for parent in path.parents if parent.is_file()), path.parent)
            raise UserError("files.parent_is_a_file", path=path, file=file) from error
        if error.errno == errno.ENAMETOOLONG:
            raise UserError("files.name_too_long", path=shorten(path)) from error
        raise StorageFailure("files.write_failed", path=path, reason=error.strerror or error) from error


def given_path(value: Any, name: str, *, remedy: str = "arguments.not_a_path", **values: Any) -> Path:
    """`value`, a str or anything with `__fspath__`, as a path. `name` is the argument's name in Python.

    Raises `UserError` for any other type. The error's remedy is that of the entry whose key is `remedy` (see messages/en.toml),
    filled in with `values`.
    """
    try:
        return Path(value)
    except TypeError:
        raise UserError("arguments.not_a_path", remedy=remedy, name=name, value=shown(value), **values) from None


def shorten(value: object, most: int = 80) -> str:
    """The value as text, cut off if it is longer than `most` characters."""
    text = str(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def printable(path: str | Path) -> str:
    """A path in a form that fits into a sentence: on one line, without control characters, and cut at the start if it is long."""
    text = str(path)
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= 200 else "…" + text[-199:]


def is_folder(path: Path) -> bool:
    """Whether there is a folder at `path`; also False for a path that no file system accepts."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def is_file(path: Path) -> bool:
    """Whether there is a file at `path`; also False for a path that no file system accepts or whose folder denies access."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def check_folder(folder: Path) -> None:
    """Raise `UserError` if nothing can be written to `folder` or, if `folder` is missing, to its nearest existing parent."""
    with explain_os_errors(folder):
        check_links(folder)
        existing = nearest_existing(folder)
        if not existing.is_dir():
            raise UserError("files.not_a_folder", existing=existing)
        if not os.access(existing, os.W_OK):
            raise UserError("files.no_write_access", existing=existing)


def check_target(path: Path, example: str) -> None:
    """Raise `UserError` if no file can be written at `path`, or if `path` does not have the ending of `example`."""
    suffix = Path(example).suffix
    if is_folder(path):
        raise UserError("files.is_a_folder", path=path, example=path / example)
    if path.suffix != suffix:
        name = path.stem.removeprefix(suffix) or Path(example).stem
        raise UserError("files.wrong_ending", path=printable(path), suffix=suffix, name=name)
    check_folder(link_target(path).parent)
    with explain_os_errors(path), contextlib.suppress(FileNotFoundError):
        path.lstat()  # raises for a name that is too long


def nearest_existing(path: Path) -> Path:
    """The path itself if it exists, otherwise the nearest of its parents that does."""
    return next(found for found in (path, *path.absolute().parents) if found.exists())


def resolved(path: str | Path) -> Path:
    """The absolute path with links resolved, except for a link that leads back to itself, for which `Path.resolve` fails."""
    return Path(os.path.realpath(path))


def check_links(folder: Path) -> None:
    """Raise `UserError` if the folder, or one of its parents, is a link that leads nowhere or back to itself."""
    for link in (folder, *folder.parents):
        if os.path.islink(link) and not link.exists():  # noqa: PTH114 - False for a name that no file system accepts
            if leads_in_a_circle(link):
                raise UserError("files.circular_link", link=link)
            raise UserError("files.dangling_link", link=link, readlink=link.readlink())


def link_target(path: Path) -> Path:
    """The path to write to: the target if `path` is a link, otherwise `path`. Raises `UserError` for a circular link."""
    if not os.path.islink(path):  # noqa: PTH114 - False for a name that no file system accepts
        return path
    if leads_in_a_circle(path):
        raise UserError("files.circular_link", link=path)
    return resolved(path)


def leads_in_a_circle(link: Path) -> bool:
    try:
        link.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def local_text(text: str) -> str:
    """A path or file name that was stored as text, converted to the form that this process uses for file names.

    Python decodes bytes that are invalid in the locale's encoding as lone surrogates (PEP 383), so the name "Łukasz",
    stored in a UTF-8 locale, is a different string in an ASCII locale.
    """
    return os.fsdecode(text.encode("utf-8", "surrogateescape")) if os.name == "posix" else text


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write `content` to `path` atomically, by means of a temporary file beside it, fsync and `os.replace`.

    A crash at any moment leaves the old file or the new one. The folder is created if it is missing. Raises `UserError` or
    `Failure` (see `explain_os_errors`); even then, no temporary file is left behind.
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
            os.replace(temporary, path)  # noqa: PTH105 - the call that the docstring promises
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        if os.name == "posix":  # the new name itself must reach the disk too
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def write_output(path: Path, content: bytes) -> None:
    """Like `write_bytes`, for a file that the user has named: if `path` is a link, the link stays and its target is written."""
    write_bytes(link_target(path), content)


def write_json(path: Path, content: Any, indent: int | None = 2) -> None:
    """Write `content` as JSON, atomically (see `write_bytes`)."""
    text = json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False)
    # A file name that is not UTF-8 has lone surrogates; backslashes turn them into JSON escapes, which read_json undoes.
    write_bytes(path, (text + "\n").encode("utf-8", "backslashreplace"))


def read_json(path: Path, remedy: str, **values: Any) -> Any:
    """The content of the JSON file, in Python's types.

    Raises `UserError` if the file is missing, unreadable or not JSON. Unless access to the file is denied, the error's remedy is
    that of the entry whose key is `remedy` (see messages/en.toml), filled in with `values`.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))  # Windows editors write a byte order mark first
    except FileNotFoundError:
        raise UserError("files.missing", remedy=remedy, path=path, **values) from None
    except (OSError, ValueError, RecursionError) as error:
        remedy = "pictures.not_readable" if isinstance(error, PermissionError) else remedy
        raise UserError("files.unreadable", remedy=remedy, path=path, reason=why_unreadable(error), **values) from None


def why_unreadable(error: Exception) -> str | Clause:
    """Why a text file could not be read, in words that can end a sentence."""
    if isinstance(error, UnicodeDecodeError):
        return Clause("files.not_utf8")
    if isinstance(error, RecursionError):
        return Clause("files.nested_too_deeply")
    if isinstance(error, IsADirectoryError):
        return Clause("files.it_is_a_folder")
    if isinstance(error, FileNotFoundError):
        return Clause("files.no_such_file")
    if isinstance(error, PermissionError):
        return Clause("files.no_read_access")
    return str(getattr(error, "strerror", None) or error)


def sha256(content: bytes) -> str:
    """The SHA-256 of `content`, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
