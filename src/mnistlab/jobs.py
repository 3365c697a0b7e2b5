"""Work that takes a core for a while: a few at a time, a few more waiting, and none for a client that has left."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from starlette.types import Receive

from mnistlab.gate import BUSY, ClientGone, Metrics
from mnistlab.problems import Problem

__all__ = ["Jobs"]

Result = TypeVar("Result")


class Jobs:
    """A thread for each core, and places for so many `waiting` jobs more."""

    def __init__(self, waiting: int, metrics: Metrics) -> None:
        threads = os.cpu_count() or 1
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="job")
        self.places = threads + waiting
        self.taken = 0
        self.metrics = metrics

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place among those that are worked on or wait, held before the body is read: it bounds the memory.

        Raises `Problem` (503) where none is free.
        """
        if self.taken >= self.places:
            raise Problem(503, BUSY, {"Retry-After": "1", "Connection": "close"})
        self.taken += 1
        self.metrics.busy.set(self.taken)
        try:
            yield
        finally:
            self.taken -= 1
            self.metrics.busy.set(self.taken)

    async def run(self, receive: Receive, work: Callable[[Callable[[], None]], Result]) -> Result:
        """What `work(check)` gives, done in a thread; `check` raises where the client has left, and then so does this.

        `receive` is the request's, its body read. Raises `ClientGone`.
        """
        gone = threading.Event()

        def check() -> None:
            if gone.is_set():
                raise ClientGone

        loop = asyncio.get_running_loop()
        job = loop.run_in_executor(self.pool, work, check)
        leaving = asyncio.ensure_future(departure(receive))
        try:
            both: set[asyncio.Future[Any]] = {job, leaving}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not job.done():
                raise ClientGone
            return job.result()
        finally:
            leaving.cancel()
            if not job.done():  # the client has left, or waited too long: the place is free when the thread is
                gone.set()
                if not job.cancel():
                    await asyncio.wait({job})
                if not job.cancelled():
                    job.exception()  # seen

    def close(self) -> None:
        """Let what is under way end."""
        self.pool.shutdown(wait=True, cancel_futures=True)


async def departure(receive: Receive) -> None:
    """Ends when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
