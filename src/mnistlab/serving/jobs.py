"""Jobs that take a core for a while: a few at a time, a few more waiting, and none for a client that has left."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.types import Receive

from mnistlab.serving.limits import RETRY, ClientGone, Limits
from mnistlab.serving.metrics import Metrics
from mnistlab.serving.problems import Problem

__all__ = ["Jobs"]


Result = TypeVar("Result")


class Jobs:
    """A thread for each core, and places for a few jobs more."""

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self.pool = ThreadPoolExecutor(limits.cores, thread_name_prefix="job")
        self.places = limits.cores + limits.waiting
        self.seconds = limits.job_seconds
        self.taken = 0
        self.metrics = metrics

    async def run(self, receive: Receive, work: Callable[[Callable[[], None]], Result]) -> Result:
        """The result of `work(raise_if_cancelled)`, run in a thread.

        `receive` is the request's, whose body has been read. Raises `ClientGone` if the client leaves before the work is done, as
        `raise_if_cancelled` then does in the thread; and `Problem` (503) if no place is free, or it takes too long.
        """
        if self.taken >= self.places:
            raise Problem(503, "serving.busy", headers=RETRY)
        gone = threading.Event()
        box = [work]  # emptied if the client has left: what it sent is not kept until its turn would come

        def raise_if_cancelled() -> None:
            if gone.is_set():
                raise ClientGone

        submitted = self.pool.submit(lambda: box.pop()(raise_if_cancelled))
        job = asyncio.wrap_future(submitted)
        leaving = asyncio.ensure_future(departure(receive))
        self.take(1)
        try:
            both: set[asyncio.Future[Any]] = {job, leaving}
            await asyncio.wait(both, timeout=self.seconds, return_when=asyncio.FIRST_COMPLETED)
            if job.done():
                return job.result()
            raise ClientGone if leaving.done() else Problem(503, "serving.busy", headers=RETRY)
        finally:
            leaving.cancel()
            gone.set()
            if submitted.cancel():
                box.clear()
            else:  # the place is free when the thread is
                await asyncio.wait({job})
                job.exception()  # seen
            self.take(-1)

    def take(self, places: int) -> None:
        """Count that many more as taken."""
        self.taken += places
        self.metrics.busy.set(self.taken)

    def close(self) -> None:
        """Let work in progress end."""
        self.pool.shutdown(wait=True, cancel_futures=True)


async def departure(receive: Receive) -> None:
    """Ends when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
