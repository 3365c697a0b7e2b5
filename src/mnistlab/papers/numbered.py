"""Make numbered pictures, or batches of them, in worker processes; a picture does not depend on which process makes it."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Generic, TypeVar

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from mnistlab.reading.many import cores_here

__all__ = ["in_order", "worker_count"]

T = TypeVar("T")
AHEAD = 4
"""How many results a worker makes in advance."""
MOST_WORKERS = {"cpu": 4, "cuda": 14}
"""The most workers for a network on each kind of device; each keeps the shapes it has drawn, up to 2 GB for all of MNIST."""


def worker_count(device: torch.device) -> int:
    """How many processes should draw pictures for a network on this `device`, so that one core is left to the network."""
    return max(1, min(cores_here() - 1, MOST_WORKERS.get(device.type, 4)))


class Numbered(Dataset[T], Generic[T]):
    """A dataset whose items are `make(number)` for each of the numbers."""

    def __init__(self, make: Callable[[int], T], numbers: Sequence[int]) -> None:
        self.make, self.numbers = make, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, place: int) -> T:
        return self.make(self.numbers[place])


def in_order(make: Callable[[int], T], numbers: Sequence[int], workers: int) -> Generator[T, None, None]:
    """Yield `make(number)` for each number in order, computed by `workers` processes, or by the calling one if `workers` is 0.

    The processes end when the iterator is closed. Arrays come through pipes rather than torch's shared memory, of which
    containers often have little.
    """
    loader = DataLoader(
        Numbered(make, numbers), batch_size=None, collate_fn=as_it_is, num_workers=workers, worker_init_fn=begin_work,
        prefetch_factor=AHEAD if workers else None,
    )  # fmt: skip
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # since 3.12, Python warns about forking beside threads
        batches = iter(loader)
    try:
        yield from batches
    finally:
        del batches  # deleting the last reference ends the processes


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Inside `with`, OpenCV uses only this thread.

    A process that is forked while OpenCV has other threads would wait for these forever.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def as_it_is(value: T) -> T:
    """A collate function that does not turn arrays into tensors."""
    return value


def begin_work(number: int) -> None:
    """Make a worker ignore Ctrl-C and SIGTERM, which may reach all processes at once: the training process ends its workers."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    cv2.setNumThreads(1)
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()


def end_with(parent: int) -> None:
    """End this process when its parent ends, even if the parent was ended by `kill -9`.

    Otherwise this process would wait forever for its results to be read.
    """
    while os.getppid() == parent:  # a process whose parent is dead gets another parent
        time.sleep(1)
    os._exit(1)
