"""Gather small requests that arrive together, and classify their images as one batch: in a thread, unless there are few."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.classifier import Classifier
from mnistlab.serving.limits import RETRY
from mnistlab.serving.problems import Problem

__all__ = ["Batches"]


Answer: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float32]]

Batch: TypeAlias = list[tuple[NDArray[np.uint8], "asyncio.Future[Answer]"]]

FEW = 2
"""Up to this many images are classified in the event loop, because handing them to a thread would take longer."""
MOST = 256
"""Once a batch has this many images, no more requests are added to it."""


class Batches:
    """Classifies together the images of requests that arrive in one turn of the event loop, or while the network is busy."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self.waiting: deque[tuple[NDArray[np.uint8], asyncio.Future[Answer]]] = deque()
        self.busy = False

    async def classify(self, images: NDArray[np.uint8]) -> Answer:
        """Classify a few images; the answer is that of `Classifier.classify`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self.waiting.append((images, future))
        if not self.busy:
            self.busy = True
            loop.call_soon(self.start)  # after the other requests of this turn
        return await future

    def start(self) -> None:
        """Classify the images that are waiting."""
        batch: Batch = []
        count = 0
        while self.waiting and count < MOST:
            batch.append(self.waiting.popleft())
            count += len(batch[-1][0])
        self.busy = bool(batch)
        if not batch:
            return
        try:
            images = batch[0][0] if len(batch) == 1 else np.concatenate([images for images, _ in batch])
            if count <= FEW:
                self.hand_out(batch, self.classifier.classify(images))
                return
            job = asyncio.get_running_loop().run_in_executor(self.pool, self.classifier.classify, images)
        except Exception as error:
            self.give_up(batch, error)
        else:
            job.add_done_callback(partial(self.done, batch))

    def done(self, batch: Batch, job: asyncio.Future[Answer]) -> None:
        """Hand out the answer or the error of a job that has finished in the thread."""
        if job.cancelled():
            self.give_up(batch, Problem(503, "serving.stopping", headers=RETRY))
        elif error := job.exception():
            self.give_up(batch, error)
        else:
            self.hand_out(batch, job.result())

    def hand_out(self, batch: Batch, answer: Answer) -> None:
        """Give each request of the batch its part of the answer, and then start the next batch."""
        numbers, probabilities = answer
        first = 0
        for images, future in batch:
            part = slice(first, first + len(images))
            first += len(images)
            if not future.done():  # if it is done, its client has left
                future.set_result((numbers[part], probabilities[part]))
        self.start()

    def give_up(self, batch: Batch, error: BaseException) -> None:
        """Pass an error to each request of the batch, and then start the next batch."""
        for _, future in batch:
            if not future.done():
                future.set_exception(error)
        self.start()

    def close(self) -> None:
        """Wait for work in progress to finish."""
        self.pool.shutdown(wait=True)
