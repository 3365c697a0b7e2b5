"""The HTTP server: uvicorn, with patience that ends, and a stop that loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mnistlab.serving import problems
from mnistlab.serving.gate import HEADERS
from mnistlab.serving.problems import Problem

__all__ = ["Patience", "Server", "make_server", "run"]


HEADER_BYTES = 64 * 2**10
BODY_RATE = 256 * 2**10
"""Bytes per second that a body comes with at least."""
STOP_SECONDS = 30
"""What is in flight has so long to end."""


@dataclass(frozen=True)
class Patience:
    """Seconds that a client is waited for."""

    headers: float = 10
    """From a connection, or the first byte of its next request, to the end of the headers."""
    body: float = 10
    """From there to the end of the body; and a second more for each `BODY_RATE` bytes that it says it has."""
    answer: float = 120
    """From there until it is worked on."""
    idle: float = 20
    """From there to the next request."""
    closing: float = 10
    """Until a client has taken what was sent before the connection was closed."""


class PatientProtocol(HttpToolsProtocol):
    """HTTP that does not wait for ever: for headers, for a body, for an answer to be worked on and taken.

    There is always one timer. A request that comes before the one before it is answered (pipelining) is not looked at: its
    client asks again, on another connection.
    """

    patience = Patience()
    timer: asyncio.TimerHandle | None = None
    in_headers = True
    pipelined = False
    uncounted = 0
    """Bytes since the last that belonged to a body: headers, trailers, and what stands between chunks."""

    def wait(self, seconds: float, then: Callable[[], None]) -> None:
        """Do that after so long, unless something else comes before."""
        if self.timer is not None:
            self.timer.cancel()
        self.timer = self.loop.call_later(seconds, then)

    def end(self) -> None:
        """Close the connection, whether the client takes what was sent to it or not."""
        self.transport.close()
        self.wait(self.patience.closing, self.transport.abort)

    def give_up(self) -> None:
        """The request came too slowly."""
        self.refuse(Problem(408, "serving.too_slow", headers={"connection": "close"}))

    def send_400_response(self, msg: str) -> None:
        """As uvicorn's, which calls it with a sentence of its own where what comes is not HTTP."""
        self.refuse(Problem(400, "serving.not_http", headers={"connection": "close"}))

    def refuse(self, problem: Problem) -> None:
        """Close the connection; answer a request that the application never saw, or has not answered, with the problem."""
        if self.cycle is None or self.in_headers or not self.cycle.response_started:
            answer = problems.of_error(problem, secrets.token_hex(8))
            head = b"".join(b"%s: %s\r\n" % header for header in [*answer.raw_headers, *HEADERS])
            phrase = HTTPStatus(problem.status_code).phrase.encode()
            start = b"HTTP/1.1 %d %s\r\n" % (problem.status_code, phrase)
            self.transport.write(b"%s%s\r\n%s" % (start, head, bytes(answer.body)))
        self.end()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for headers."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self.wait(self.patience.headers, self.give_up)

    def data_received(self, data: bytes) -> None:
        """Read on, as long as it is a request and not too much beside its body."""
        if self.pipelined:
            return
        self.uncounted += len(data)
        super().data_received(data)
        if self.uncounted > HEADER_BYTES and not self.transport.is_closing():
            self.refuse(Problem(400, "serving.headers_too_long", headers={"connection": "close"}))

    def on_message_begin(self) -> None:
        """Another request on this connection."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.pipelined = True
            self.cycle.keep_alive = False
            return
        super().on_message_begin()
        self.in_headers = True
        self.wait(self.patience.headers, self.give_up)

    def on_url(self, url: bytes) -> None:
        """A part of its address."""
        if not self.pipelined:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; those after a body mean nothing here."""
        if self.in_headers and not self.pipelined:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Wait for the body."""
        if self.pipelined:
            return
        self.in_headers, self.uncounted = False, 0
        length = next((value for name, value in self.headers if name == b"content-length"), b"")
        promised = int(length) if length.isdigit() and len(length) < 12 else 0
        self.wait(self.patience.body + promised / BODY_RATE, self.give_up)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of it has come."""
        if not self.pipelined:
            self.uncounted = 0
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the answer."""
        if self.pipelined:
            return
        if not self.cycle.response_complete:
            self.wait(self.patience.answer, self.end)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request; or for nothing, where the connection is being closed."""
        super().on_response_complete()
        self._unset_keepalive_if_required()  # uvicorn's own timer stops at the first byte of whatever comes
        self.wait(self.patience.closing if self.transport.is_closing() else self.patience.idle, self.end)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for."""
        super().connection_lost(exc)
        if self.timer is not None:
            self.timer.cancel()


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
        """Stop by a signal; unlike uvicorn's own, without raising it again: to be stopped is not a failure."""
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
        proxy_headers=False, server_header=False, timeout_graceful_shutdown=STOP_SECONDS,
    )  # fmt: skip
    return Server(config, ready)


def run(app: ASGIApp, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM, then let what is in flight end. Calls `ready` when requests are answered."""
    make_server(app, ready).run([listener])
