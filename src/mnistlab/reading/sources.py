"""Where millions of pictures come from (folders, patterns, lists of names), and where results go: a folder or a store like S3.

pyarrow takes what a store needs to know (keys, region, another endpoint) from the environment (`AWS_ACCESS_KEY_ID`,
`AWS_DEFAULT_REGION`, `AWS_ENDPOINT_URL` and the like) or from the machine's own role.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

from mnistlab.errors import StorageFailure, UserError
from mnistlab.files import is_folder, printable, write_bytes
from mnistlab.pictures.decode import ADDRESS, MOST_BYTES, SUFFIXES, read_bytes

__all__ = ["content_of", "entries", "in_advance", "is_address", "joined", "names_in", "remove", "write_to"]

STORES = ("s3", "gs")
"""The schemes of the addresses that can be read and written."""
ENDINGS = (*SUFFIXES, ".pdf")
LIST = ".txt"
"""The ending of a file that lists names, one per line."""
WILD = re.compile(r"[*?\[]")

Item = TypeVar("Item")
Result = TypeVar("Result")


def is_address(name: str) -> bool:
    """Whether the name is an address, such as s3://bucket/scans, and not a path."""
    return ADDRESS.match(name) is not None


@functools.cache
def store(scheme: str, bucket: str) -> Any:
    """The pyarrow file system that holds the bucket. Raises `OSError` if the store cannot be reached."""
    import pyarrow.fs

    return pyarrow.fs.FileSystem.from_uri(f"{scheme}://{bucket}")[0]


def located(address: str) -> tuple[Any, str]:
    """The file system and the path of an address. Raises `UserError` if the store is unknown, `OSError` if it does not answer."""
    scheme, _, path = address.partition("://")
    bucket = path.partition("/")[0]
    if scheme.lower() not in STORES or not bucket:
        raise UserError("reading.not_a_store", address=printable(address))
    return store(scheme.lower(), bucket), path.rstrip("/")


def joined(folder: str, name: str) -> str:
    """The path or address of `name` in a folder."""
    return f"{folder.rstrip('/')}/{name}" if is_address(folder) else str(Path(folder, name))


def entries(folder: str) -> list[tuple[str, bool]]:
    """The entries of a folder, sorted by name: for each, its name and whether it is itself a folder. Hidden entries and links
    to folders (which may form a loop) are left out. Raises `OSError` if the folder cannot be listed."""
    if is_address(folder):
        import pyarrow.fs as arrow

        system, path = located(folder)
        infos = system.get_file_info(arrow.FileSelector(path))
        found = [(info.base_name, info.type == arrow.FileType.Directory) for info in infos]
    else:
        with os.scandir(folder or ".") as inside:
            found = [(each.name, each.is_dir(follow_symlinks=False)) for each in inside if not links_to_a_folder(each)]
    return sorted(each for each in found if not each[0].startswith("."))


def links_to_a_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and entry.is_dir()


def names_in(source: str, recursive: bool) -> Iterator[str]:
    """Yield the names of the pictures that a source stands for, in order and one at a time, however many there are.

    A source is a folder, in which all files with a picture's ending are taken; a pattern such as ``scans/*/page-?.png``, in
    which ``**`` stands for nested folders; a list, which is a .txt file with one name per line, in which a slash at the end
    of a name marks a folder; or any other file.

    Raises `UserError` if a list cannot be read or an address is not that of a store, and `OSError` if a store does not answer.
    """
    if source.lower().endswith(LIST):
        for name in lines_of(source):
            yield from pictures_in(name, recursive) if name.endswith("/") else [name]
    elif WILD.search(source) and not os.path.lexists(source):
        base, *parts = split_pattern(source)
        yield from matching(base, parts, recursive)
    elif source.endswith("/") or is_a_folder(source):
        yield from pictures_in(source, recursive)
    else:
        yield source


def is_a_folder(name: str) -> bool:
    if not is_address(name):
        return is_folder(Path(name))
    import pyarrow.fs as arrow

    system, path = located(name)
    return bool(system.get_file_info(path).type == arrow.FileType.Directory)


def pictures_in(folder: str, recursive: bool) -> Iterator[str]:
    """The pictures in a folder, then, if `recursive`, in its sub-folders; the name itself of a folder that cannot be listed."""
    try:
        found = entries(folder)
    except OSError:
        if is_address(folder):
            raise
        yield folder
        return
    for name, is_inner in found:
        if not is_inner and name.lower().endswith(ENDINGS):
            yield joined(folder, name)
    for name, is_inner in found:
        if is_inner and recursive:
            yield from pictures_in(joined(folder, name), recursive)


def split_pattern(pattern: str) -> list[str]:
    """The folder that a pattern begins with, and the pattern's parts from the first wildcard on."""
    head, _, rest = pattern.rpartition("://")
    parts = [part for part in rest.split("/") if part]
    first = next(number for number, part in enumerate(parts) if WILD.search(part))
    base = "/".join(parts[:first])
    root = f"{head}://" if head else "/" if rest.startswith("/") else ""
    return [root + base, *parts[first:]]


def matching(folder: str, parts: list[str], recursive: bool) -> Iterator[str]:
    """The files below a folder that match a pattern's parts, and the pictures in the folders that match these parts."""
    wanted, *rest = parts
    try:
        found = entries(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError:
        if is_address(folder):
            raise
        yield folder  # as in `pictures_in`
        return
    if wanted == "**":
        yield from matching(folder, rest or ["*"], recursive)
    for name, is_inner in found:
        inner = joined(folder, name)
        if wanted == "**" and is_inner:
            yield from matching(inner, parts, recursive)
        elif wanted != "**" and fnmatchcase(name, wanted):
            if rest:
                yield from matching(inner, rest, recursive) if is_inner else ()
            elif is_inner:
                yield from pictures_in(inner, recursive)
            else:
                yield inner


def lines_of(source: str) -> Iterator[str]:
    """The names in a file that lists them, one per line. Raises `UserError` if the file cannot be read."""
    try:
        with opened(source) as stream, io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape") as lines:
            yield from filter(None, (line.strip() for line in lines))
    except OSError as error:
        raise unreadable(source, error) from None


def opened(name: str) -> Any:
    """A file, or a store's object, opened for reading. Raises `OSError` if it cannot be opened."""
    if not is_address(name):
        return Path(name).open("rb")
    system, path = located(name)
    return system.open_input_stream(path)


def unreadable(name: str, error: OSError) -> UserError:
    """The error to report for a file, or a store's object, that cannot be read."""
    if isinstance(error, FileNotFoundError):
        return UserError("pictures.missing", name=printable(name))
    if isinstance(error, PermissionError) or "ACCESS_DENIED" in str(error):
        return UserError("pictures.not_readable", name=printable(name))
    remedy = "reading.store_unreachable" if is_address(name) else None
    return UserError("pictures.read_failed", remedy=remedy, name=printable(name), reason=reason_of(error))


def reason_of(error: OSError) -> str:
    """The reason for an error, in one line and without a full stop."""
    return (error.strerror or str(error) or type(error).__name__).strip().splitlines()[0].rstrip(".")


def content_of(name: str) -> bytes:
    """A file's content, or that of a store's object. Raises `UserError` if it cannot be read or is larger than 64 MiB."""
    if not is_address(name):
        if is_folder(Path(name)) and not os.access(name, os.R_OK):  # a folder that could not be listed
            raise UserError("pictures.not_readable", name=printable(name))
        return read_bytes(Path(name))
    try:
        with opened(name) as stream:
            content: bytes = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise unreadable(name, error) from None
    if len(content) > MOST_BYTES:
        raise UserError("pictures.too_many_bytes", name=printable(name))
    return content


def write_to(name: str, content: bytes) -> None:
    """Write a file or a store's object, whole or not at all. Raises `UserError` or `StorageFailure` if writing fails."""
    if not is_address(name):
        write_bytes(name, content)
        return
    try:
        system, path = located(name)
        with system.open_output_stream(path) as stream:
            stream.write(content)
    except OSError as error:
        remedy = "reading.store_unreachable"
        raise StorageFailure("files.write_failed", remedy=remedy, path=name, reason=reason_of(error)) from None


def remove(name: str) -> None:
    """Remove a file or a store's object, if it exists."""
    if not is_address(name):
        Path(name).unlink(missing_ok=True)
        return
    with contextlib.suppress(OSError):
        system, path = located(name)
        system.delete_file(path)


def in_advance(
    work: Callable[[Item], Result], items: Iterable[Item], ahead: int = 4
) -> Iterator[tuple[Item, Future[Result]]]:
    """Apply `work` to items in threads, `ahead` items in advance; yield each item with its result's `Future`, in order."""
    with ThreadPoolExecutor(ahead) as pool:
        waiting: deque[tuple[Item, Future[Result]]] = deque()
        for item in items:
            waiting.append((item, pool.submit(work, item)))
            if len(waiting) > ahead:
                yield waiting.popleft()
        yield from waiting
