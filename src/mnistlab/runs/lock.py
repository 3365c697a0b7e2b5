"""Which process trains a run: the one that holds the lock in its folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import SoftFileLock, Timeout

from mnistlab.errors import UserError
from mnistlab.files import explain_os_errors, file_lock

__all__ = ["held", "is_held"]


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Inside `with`, this process trains the run in the folder. Raises `UserError` where another one does."""
    with explain_os_errors(folder / ".lock"):
        lock = file_lock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:  # an OSError too
            remedy = "Wait until it ends."
            if isinstance(lock, SoftFileLock):  # a process on another machine that was killed leaves it behind
                remedy += f" If there is none, delete {lock.lock_file}."
            raise UserError(f"{folder} is being trained by another process.", remedy) from None
    try:
        yield
    finally:
        lock.release()


def is_held(folder: Path) -> bool:
    """Whether a process trains the run; False too where that cannot be known, as in a folder that is only read."""
    if not any(folder.glob(".lock*")):
        return False
    try:
        lock = file_lock(folder / ".lock")
        lock.acquire(timeout=0)
    except Timeout:  # an OSError too
        return True
    except OSError:
        return False
    lock.release()
    return False
