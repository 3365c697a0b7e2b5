"""The HTTP server: uvicorn, with patience that ends, and a stop that loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["Patience", "Server", "make_server", "run"]

HEADER_BYTES = 64 * 2**10
IDLE_SECONDS = 20
"""A connection without a request is closed."""
STOP_SECONDS = 30
"""What is in flight has so long to end."""


TOO_SLOW_DETAIL = "The request came too slowly. Send it again, faster."
TOO_SLOW_BODY = orjson.dumps(
    {"type": "about:blank", "title": "Request Timeout", "status": 408, "detail": TOO_SLOW_DETAIL, "request_id": ""}
)
TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/problem+json\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(TOO_SLOW_BODY), TOO_SLOW_BODY)
)


@dataclass(frozen=True)
class Patience:
    """Seconds that a client is waited for."""

    headers: float = 10
    """From a connection, or the first byte of its next request, to the end of the headers."""
    body: float = 30
    """From there to the end of the body."""
    answer: float = 120
    """From there until it is worked on, and the client has taken the answer."""


class PatientProtocol(HttpToolsProtocol):
    """HTTP that does not wait for ever: for headers, for a body, for an answer to be worked on and taken."""

    patience = Patience()
    timer: asyncio.TimerHandle | None = None
    in_headers = True
    header_bytes = 0

    def wait(self, seconds: float, then: Callable[[], None]) -> None:
        """Do that after so long, unless something else comes before."""
        self.stop_waiting()
        self.timer = self.loop.call_later(seconds, then)

    def stop_waiting(self) -> None:
        """What was waited for is there, or the connection is gone."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def give_up(self) -> None:
        """Say that the request came too slowly, where it may still be said, and close the connection."""
        if self.in_headers or not self.cycle.response_started:
            self.transport.write(TOO_SLOW)
        self.transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for headers."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self.wait(self.patience.headers, self.give_up)

    def data_received(self, data: bytes) -> None:
        """Count what comes before the headers' end."""
        if self.in_headers:
            self.header_bytes += len(data)
        super().data_received(data)
        if self.in_headers and self.header_bytes > HEADER_BYTES and not self.transport.is_closing():
            self.send_400_response("The headers are too long.")

    def on_message_begin(self) -> None:
        """Another request on this connection."""
        super().on_message_begin()
        self.in_headers = True
        self.wait(self.patience.headers, self.give_up)

    def on_headers_complete(self) -> None:
        """Wait for the body."""
        self.in_headers, self.header_bytes = False, 0
        self.wait(self.patience.body, self.give_up)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for the answer."""
        self.wait(self.patience.answer, self.transport.abort)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for nothing; uvicorn closes connections that are idle for long."""
        self.stop_waiting()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for."""
        self.stop_waiting()
        super().connection_lost(exc)


class Server(uvicorn.Server):
    """Says when it is ready; SIGINT and SIGTERM let what is in flight end, and then are done with."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve, and say so."""
        await super().startup(sockets)
        if self.started:
            self.ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop by a signal; unlike uvicorn's own, without raising it again: to be stopped is no failure."""
        if threading.current_thread() is not threading.main_thread():  # Python allows no handlers there
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def make_server(app: ASGIApp, ready: Callable[[], None], patience: Patience | None = None) -> Server:
    """A server of `app` that calls `ready` when requests are answered; `run([socket])` runs it, `should_exit` stops it."""
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # gate.py has said it already, with the request's id
    protocol = type("Protocol", (PatientProtocol,), {"patience": patience or Patience()})
    fast_loop: Any = "uvloop" if importlib.util.find_spec("uvloop") else "asyncio"
    config = uvicorn.Config(
        app, http=protocol, loop=fast_loop, ws="none", lifespan="on", log_config=None, access_log=False,
        server_header=False, timeout_keep_alive=IDLE_SECONDS, timeout_graceful_shutdown=STOP_SECONDS,
    )  # fmt: skip
    return Server(config, ready)


def run(app: ASGIApp, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM, then let what is in flight end. Calls `ready` when requests are answered."""
    make_server(app, ready).run([listener])
