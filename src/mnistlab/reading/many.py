"""Read many pictures in several processes of one thread each, and yield the results in the order of the pictures."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mnistlab.errors import Failure, MnistlabError, UserError, whole_number
from mnistlab.files import printable, sha256
from mnistlab.messages.sentences import Clause
from mnistlab.pictures.decode import read_bytes
from mnistlab.reading.contents import Finish, read_content
from mnistlab.reading.page import Page

if TYPE_CHECKING:
    from mnistlab.reading.reader import Reader

__all__ = ["Outcome", "Task", "cores_here", "count_processes", "read_each"]

MOST_JOBS = 1024
MOST_ON_WINDOWS = 61
"""How many processes one process can wait for on Windows."""
PER_PROCESS = 32
"""A process is worth starting if it reads this many pictures: its start takes as long as reading about this many small ones."""
AHEAD = 4
"""Pictures handed out in advance for each process: enough that no process waits, few enough to be held in memory."""


class Task(NamedTuple):
    """A picture to be read: its file, or its `content` if it comes on standard input.

    `known` is the SHA-256 of the content that was read before; if the content is still the same, the picture is not read again.
    """

    path: Path
    content: bytes | None = None
    known: str | None = None


class Outcome(NamedTuple):
    """What became of a task.

    `pages` has an entry for each page of the file, usually one: what was read, or the error that prevented the reading.
    `pages` is empty if the picture was read before and has not changed since. `error` is the last error that `finish` raised,
    or None. `sha256` is the hash of the file's content, or None if the content could not be loaded.
    """

    pages: tuple[Page | UserError, ...]
    error: MnistlabError | None
    sha256: str | None

    @property
    def is_known(self) -> bool:
        """Whether the picture was not read again, because it has not changed since it was last read."""
        return not self.pages

    @property
    def errors(self) -> list[MnistlabError]:
        """The errors of pages that could not be read, and the last error that `finish` raised, if it raised one."""
        failed: list[MnistlabError] = [page for page in self.pages if isinstance(page, UserError)]
        return failed if self.error is None else [*failed, self.error]


def read_each(
    reader: Reader, tasks: Sequence[Task], jobs: int | None = None, finish: Finish | None = None, **options: Any
) -> Generator[Outcome]:
    """Read the pictures, `jobs` at a time, and yield an outcome for each in the order of the tasks.

    `finish` is called for each page that was read; `options` are those of `Reader.read`. Each process computes in one thread.
    Without `jobs`, `count_processes` says how many processes there are; if it says one, this process reads the pictures itself,
    with all the reader's threads. Once the iterator is exhausted or closed, the processes that it started have ended.

    Raises `UserError` if `jobs` is out of range and, during iteration, `Failure` if a process was killed.
    """
    processes = count_processes(len(tasks), jobs)
    read: Callable[..., Outcome] = functools.partial(read_one, finish=finish, **options)
    if processes > 1:
        return in_processes(reader, tasks, processes, read)
    if jobs is not None and reader.threads != 1:
        reader = type(reader)(reader.path, threshold=reader.threshold, threads=1)
    return (read(reader, task) for task in tasks)


def count_processes(pictures: int, jobs: int | None) -> int:
    """How many processes should read `pictures` pictures: `jobs`, by default one per core; fewer for few pictures, at least 1.

    Raises `UserError` if `jobs` is out of range.
    """
    if jobs is None:
        wanted = min(cores_here(), pictures // PER_PROCESS)
    else:
        wanted = min(whole_number(jobs, Clause("names.jobs"), 1, MOST_JOBS), pictures)
    return max(1, min(wanted, MOST_ON_WINDOWS) if sys.platform == "win32" else wanted)


def cores_here() -> int:
    """How many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def read_one(reader: Reader, task: Task, finish: Finish | None = None, **options: Any) -> Outcome:
    """Read one picture in this process."""
    name = printable(task.path) if task.content is None else Clause("names.standard_input")
    try:
        content = read_bytes(task.path) if task.content is None else task.content
    except UserError as error:
        return Outcome((error,), None, None)
    digest = sha256(content)
    if digest == task.known:
        return Outcome((), None, digest)
    pages, failure = read_content(reader, content, name, task.path, finish, **options)
    return Outcome(tuple(pages), failure, digest)


def in_processes(
    reader: Reader, tasks: Sequence[Task], processes: int, read: Callable[..., Outcome]
) -> Generator[Outcome]:
    context = multiprocessing.get_context("spawn")
    stopped = context.Event()
    given = (type(reader), reader.path, reader.threshold, read, stopped, current_folder())
    pool = ProcessPoolExecutor(processes, context, begin, given)
    remaining = iter(tasks)
    waiting: deque[Future[Outcome]] = deque()

    def submit(count: int) -> None:
        with without_interrupts():  # the pool starts its processes here
            waiting.extend(pool.submit(work, task) for task in islice(remaining, count))

    try:
        submit(AHEAD * processes)
        while waiting:
            outcome = waiting.popleft().result()
            submit(1)
            yield outcome
    except BrokenProcessPool:
        raise Failure("reading.process_ended") from None
    finally:
        stopped.set()
        pool.shutdown(cancel_futures=True)


def current_folder() -> str | None:
    """The folder that relative file names start from; None if it no longer exists."""
    try:
        return os.getcwd()  # noqa: PTH109 - as os.chdir takes it
    except OSError:
        return None


@contextlib.contextmanager
def without_interrupts() -> Iterator[None]:
    """Processes started inside `with` never get Ctrl-C, which a terminal sends to all its processes.

    This process gets it, but only after the `with` block. On Windows, `with` changes nothing.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Stopped(Exception):  # noqa: N818 - not an error: nobody waits for the picture any more
    """Raised to end the reading of a picture."""


class Worker(NamedTuple):
    """What a process of the pool needs to read pictures."""

    reader: Reader
    read: Callable[..., Outcome]
    stopped: Event

    def raise_if_stopped(self) -> None:
        """Raise `Stopped` once nobody is waiting for what this process reads."""
        if self.stopped.is_set():
            raise Stopped


worker: Worker | None = None
"""In a process of the pool, the `Worker` that `begin` made; None in other processes."""


def begin(
    kind: type[Reader], model: Path, threshold: float, read: Callable[..., Outcome], stopped: Event, folder: str | None
) -> None:
    """Make a process of the pool ready to read."""
    global worker  # noqa: PLW0603 - the pool's own way
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:  # if it is killed, the pool's processes must not wait for ever
        threading.Thread(target=end_with, args=(parent,), daemon=True).start()
    if folder is not None:
        os.chdir(folder)  # multiprocessing changes to the folder in which the program was started
    cv2.setNumThreads(1)
    worker = Worker(kind(model, threshold=threshold, threads=1), read, stopped)


def end_with(parent: Any) -> None:
    """End this process as soon as `parent` has ended."""
    parent.join()
    os._exit(1)


def work(task: Task) -> Outcome:
    """Read one picture in a process of the pool."""
    assert worker is not None  # noqa: S101 - `begin` ran before
    return worker.read(worker.reader, task, raise_if_cancelled=worker.raise_if_stopped)
