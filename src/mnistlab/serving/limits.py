"""How much may be asked: sizes, places and times."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BUSY", "RETRY", "ClientGone", "Limits"]


@dataclass(frozen=True)
class Limits:
    """How much is taken from clients."""

    body_bytes: int = 32 * 2**20
    """Of one request."""
    memory_bytes: int = 256 * 2**20
    """Of all bodies together that have come and are not yet answered."""
    requests: int = 512
    """At a time."""
    waiting: int = 16
    """Jobs that wait for a core; of more, the client is told to come back."""


class ClientGone(Exception):  # noqa: N818 - nothing went wrong
    """The client closed the connection: nobody waits for an answer."""


BUSY = "The server has as much to do as it can. Try again in a second."
RETRY = {"Retry-After": "1"}


@dataclass
class Body:
    """How much of a request's body has come."""

    whole: bool
    size: int = 0
