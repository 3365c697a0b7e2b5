"""The lock in a run's folder, held by the process that trains the run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import SoftFileLock, Timeout

from mnistlab.errors import UserError
from mnistlab.files import explain_os_errors
from mnistlab.locks import file_lock

__all__ = ["held", "is_held"]


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Inside `with`, hold the lock of the run in this folder. Raises `UserError` if another process is training the run."""
    with explain_os_errors(folder / ".lock"):
        lock = file_lock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:  # Timeout is an OSError, too
            # a process that was killed on another machine leaves a marker file behind
            remedy = "remedies.wait_or_delete_marker" if isinstance(lock, SoftFileLock) else "remedies.wait"
            raise UserError("runs.locked", remedy=remedy, folder=folder, marker=lock.lock_file) from None
    try:
        yield
    finally:
        lock.release()


def is_held(folder: Path) -> bool:
    """Whether a process is training the run in this folder; also False if that cannot be determined, as in a read-only folder."""
    if not any(folder.glob(".lock*")):
        return False
    try:
        lock = file_lock(folder / ".lock")
        lock.acquire(timeout=0)
    except Timeout:  # Timeout is an OSError, too
        return True
    except OSError:
        return False
    lock.release()
    return False
