"""Locks that only one process can hold at a time, on file systems with and without flock."""

from __future__ import annotations

import errno
import functools
import logging
import tempfile
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock

from mnistlab.messages.sentences import Clause

__all__ = ["file_lock", "has_flock", "warn_without_flock"]

logger = logging.getLogger("mnistlab.files")

NO_FLOCK = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP}
"""The errors of `flock` on a file system without locks, such as some network and container mounts."""


def file_lock(path: Path) -> BaseFileLock:
    """A lock that only one process can hold at a time, not yet acquired; the folder of `path` must exist.

    If the file system has no locks, a marker file is used instead, and a warning says so once.
    """
    if has_flock(path.parent):
        return FileLock(path)
    warn_without_flock()
    return SoftFileLock(
        path.with_name(f"{path.name}-held")
    )  # another name, because a released FileLock leaves its file behind


def has_flock(folder: Path) -> bool:
    """Whether files in the folder can be locked; except on Windows, this is tested with a temporary file."""
    try:
        import fcntl
    except ImportError:  # Windows has a different kind of lock
        return True
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in NO_FLOCK
    return True


@functools.cache
def warn_without_flock() -> None:
    """Warn once that marker files are used instead of locks."""
    logger.warning(Clause("files.no_locks"))
