"""Small requests that come at the same time, classified together, on another core than the one that answers them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mnistlab.reader import Reader

__all__ = ["Batches"]

Answer: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float32]]

FEW = 2
"""So few images are classified at once by whoever answers: to hand them to a thread takes longer."""
MOST = 256
"""Images in one go."""


class Batches:
    """Gathers what the requests of one turn of the event loop want classified, and what comes while the network is busy."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self.waiting: list[tuple[NDArray[np.uint8], asyncio.Future[Answer]]] = []
        self.busy = False

    async def classify(self, images: NDArray[np.uint8]) -> Answer:
        """As `Reader.classify`, of a few images."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self.waiting.append((images, future))
        if not self.busy:
            self.busy = True
            loop.call_soon(self.start)  # after the others of this turn
        return await future

    def start(self) -> None:
        """Classify what waits."""
        batch: list[tuple[NDArray[np.uint8], asyncio.Future[Answer]]] = []
        count = 0
        while self.waiting and count < MOST:
            batch.append(self.waiting.pop(0))
            count += len(batch[-1][0])
        self.busy = bool(batch)
        if not batch:
            return
        images = batch[0][0] if len(batch) == 1 else np.concatenate([images for images, _ in batch])
        loop = asyncio.get_running_loop()
        if count <= FEW:
            job: asyncio.Future[Answer] = loop.create_future()
            try:
                job.set_result(self.reader.classify(images))
            except Exception as error:
                job.set_exception(error)
            self.hand_out(batch, job)
        else:
            job = loop.run_in_executor(self.pool, self.reader.classify, images)
            job.add_done_callback(lambda done: self.hand_out(batch, done))

    def hand_out(
        self, batch: list[tuple[NDArray[np.uint8], asyncio.Future[Answer]]], job: asyncio.Future[Answer]
    ) -> None:
        """To each request its part; then the next ones."""
        error = job.exception()
        first = 0
        for images, future in batch:
            part = slice(first, first + len(images))
            first += len(images)
            if future.done():  # its client has left
                continue
            if error is not None:
                future.set_exception(error)
            else:
                numbers, probabilities = job.result()
                future.set_result((numbers[part], probabilities[part]))
        self.start()
