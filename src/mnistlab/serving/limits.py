"""Limits on requests: how large they are, how many there are, and how long they take."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace

from starlette.types import Message, Receive

from mnistlab.serving.problems import Problem

__all__ = ["RETRY", "Body", "ClientGone", "Intake", "Limits"]

RETRY = {"Retry-After": "1"}
BODY_RATE = 256 * 2**10
"""The slowest rate, in bytes per second, at which a body may arrive."""


@dataclass(frozen=True)
class Limits:
    """How much the server accepts from clients."""

    body_bytes: int = 32 * 2**20
    """The most bytes in the body of one request."""
    memory_bytes: int = 256 * 2**20
    """The most bytes that the bodies of all requests not yet answered may have together."""
    requests: int = 512
    """The most requests that may be in progress at a time."""
    waiting: int = 16
    """How many jobs may wait for a core; if that many are already waiting, a client is told to try again later."""
    body_seconds: float = 10
    """How many seconds a body may take to arrive, besides 1 second for each `BODY_RATE` bytes that the headers announce."""
    job_seconds: float = 120
    """How many seconds a job may take, including the time for which it waits."""
    cores: int = os.cpu_count() or 1
    """How many jobs may run at a time."""

    def of_each(self, workers: int) -> Limits:
        """The limits for each of `workers` processes.

        Together, the processes may use as much memory and as many cores as a single process could; but each may always use a
        core, and hold a body of `body_bytes`.
        """
        memory, cores = self.memory_bytes // workers, self.cores // workers
        return replace(self, memory_bytes=max(memory, self.body_bytes), cores=max(cores, 1))


class ClientGone(Exception):  # noqa: N818 - nothing went wrong
    """The client closed the connection, so nobody is waiting for an answer."""


@dataclass
class Body:
    """How much of a request's body has arrived."""

    whole: bool
    until: float
    """When, on the event loop's clock, the wait for the rest of the body ends."""
    size: int = 0


class Intake:
    """Counts the requests that have come in but are not yet answered, and checks them against the limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.requests = 0
        self.held = 0
        """How many bytes of bodies have arrived for requests that are not yet answered."""

    def begin(self, headers: dict[bytes, bytes]) -> Body:
        """Count a request as in progress, until `end` is called. Returns its `Body`, none of which has arrived yet."""
        self.requests += 1
        length = headers.get(b"content-length", b"0")
        whole = length == b"0" and b"transfer-encoding" not in headers
        promised = int(length) if length.isdigit() and len(length) < 12 else 0
        patience = self.limits.body_seconds + promised / BODY_RATE
        return Body(whole, 0 if whole else asyncio.get_running_loop().time() + patience)

    def end(self, body: Body) -> None:
        """Record that the request is answered."""
        self.requests -= 1
        self.held -= body.size

    def check(self, headers: dict[bytes, bytes]) -> None:
        """Raise `Problem` if too many requests are in progress, or if the headers say that the body is too large."""
        if self.requests > self.limits.requests:
            raise Problem(503, "serving.busy", headers=RETRY)
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self.limits.body_bytes:
            raise self.too_large()

    async def receive(self, receive: Receive, body: Body) -> Message:
        """The next part of a body.

        Raises `Problem` if the body is too large or too slow, or if all bodies together take too much memory, and `ClientGone`
        if the rest will not come.
        """
        if body.whole:
            return await receive()
        try:
            async with asyncio.timeout_at(body.until):
                message = await receive()
        except TimeoutError:
            raise Problem(408, "serving.too_slow") from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        size = len(message.get("body", b""))
        body.size += size
        self.held += size
        if body.size > self.limits.body_bytes:
            raise self.too_large()
        if self.held > self.limits.memory_bytes:
            raise Problem(503, "serving.busy", headers=RETRY)
        body.whole = not message.get("more_body", False)
        return message

    def too_large(self) -> Problem:
        """The problem to raise for a body that is larger than the limit."""
        return Problem(413, "serving.body_too_large", mebibytes=self.limits.body_bytes / 2**20)
