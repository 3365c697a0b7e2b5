"""Run jobs that occupy a core for a while: a few run, a few more may wait, and the jobs of clients that have left are dropped."""

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
    """Runs as many jobs at a time as there are cores, each in a thread, and lets a few more wait."""

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self.pool = ThreadPoolExecutor(limits.cores, thread_name_prefix="job")
        self.places = limits.cores + limits.waiting
        self.seconds = limits.job_seconds
        self.taken = 0
        self.metrics = metrics

    async def run(self, receive: Receive, work: Callable[[Callable[[], None]], Result]) -> Result:
        """The result of `work(raise_if_cancelled)`, run in a thread.

        `receive` is the ASGI callable of the request, whose body has been read. Raises `ClientGone` if the client leaves before
        the work is done (`raise_if_cancelled` then raises it in the thread), and `Problem` (503) if no place is free or time has
        run out.
        """
        if self.taken >= self.places:
            raise Problem(503, "serving.busy", headers=RETRY)
        gone = threading.Event()
        box = [work]  # emptied if the client leaves, so that its data is not kept until the job's turn

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
            else:  # the place becomes free only when the thread has finished
                await asyncio.wait({job})
                job.exception()  # read, because asyncio logs errors that nobody has read
            self.take(-1)

    def take(self, places: int) -> None:
        """Count `places` more places as taken; a negative number frees places."""
        self.taken += places
        self.metrics.busy.set(self.taken)

    def close(self) -> None:
        """Cancel the jobs that have not begun, and wait for the others to finish."""
        self.pool.shutdown(wait=True, cancel_futures=True)


async def departure(receive: Receive) -> None:
    """Return once the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
