"""The HTTP server: uvicorn, with an end to the patience for slow clients, and a stop that loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["PATIENCE", "Server", "make_server", "run", "settings"]


PATIENCE = 20
"""Seconds that a connection may take from its begin, or from an answer, to the end of the next request's headers."""
MOST_BYTES = 2**20
"""May come without reaching the application: headers, and what stands between and after the parts of a body."""
STOP_SECONDS = 30
"""What is in flight has so long to end."""

logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # gate.py has said it already, with the request's id

CONNECTION: ContextVar[Connection] = ContextVar("CONNECTION")
"""That by which the request came that is being answered."""


class Connection(asyncio.Protocol):
    """A client's connection: uvicorn's own inside, which by itself would wait for headers for ever, and take any number.

    It is closed where for `timeout_keep_alive` seconds no request has been under way, or the client has not taken what was
    sent to it; and cut off where the client goes on not taking it, or sends too much that is no body.
    """

    def __init__(self, **given: Any) -> None:
        self.http = HttpToolsProtocol(**given)
        self.patience: float = given["config"].timeout_keep_alive
        self.loop = asyncio.get_running_loop()
        self.waiting_since: float | None = self.loop.time()
        """For a request; `None` while one is under way."""
        self.full_since: float | None = None
        """`None` while the client takes what is sent to it."""
        self.unread = 0
        """Bytes since the last that the application got."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        self.transport = transport
        self.http.connection_made(transport)
        self.look()

    def look(self) -> None:
        """End it where it has been waited for long enough; else look again in a while."""
        since = self.full_since or self.waiting_since
        if since is not None and self.loop.time() - since >= self.patience:
            (self.transport.abort if self.transport.is_closing() else self.transport.close)()
        self.timer = self.loop.call_later(self.patience / 4, self.look)

    def data_received(self, data: bytes) -> None:
        """A part of a request has come, or several requests."""
        self.unread += len(data)
        if self.unread > MOST_BYTES:
            self.transport.abort()
            return
        CONNECTION.set(self)
        self.http.data_received(data)

    def pause_writing(self) -> None:
        """The client does not take what is sent as fast as it is sent."""
        self.full_since = self.loop.time()
        self.http.pause_writing()

    def resume_writing(self) -> None:
        """It has taken most of it."""
        self.full_since = None
        self.http.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for."""
        self.timer.cancel()
        self.http.connection_lost(exc)


def told_to_connections(app: ASGIApp) -> ASGIApp:
    """The application, whose connections learn when a request is under way, and what has reached it."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        connection = CONNECTION.get()
        connection.waiting_since = None

        async def read() -> Message:
            message = await receive()
            connection.unread = 0
            return message

        try:
            await app(scope, read, send)
        finally:
            connection.waiting_since, connection.unread = connection.loop.time(), 0

    return call


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


def settings(app: Any, patience: float = PATIENCE, **more: Any) -> uvicorn.Config:
    """How uvicorn serves the application, or what makes one (`factory=True`)."""
    given: dict[str, Any] = {
        "http": Connection, "loop": "uvloop" if importlib.util.find_spec("uvloop") else "asyncio", "ws": "none",
        "lifespan": "on", "log_config": None, "access_log": False, "proxy_headers": False, "server_header": False,
        "timeout_keep_alive": patience, "timeout_graceful_shutdown": STOP_SECONDS,
    }  # fmt: skip
    return uvicorn.Config(app, **given, **more)


def make_server(app: ASGIApp, ready: Callable[[], None], patience: float = PATIENCE) -> Server:
    """A server of `app` that calls `ready` when requests are answered; `run([socket])` runs it, `should_exit` stops it."""
    return Server(settings(told_to_connections(app), patience), ready)


def run(app: ASGIApp, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM, then let what is in flight end. Calls `ready` when requests are answered."""
    make_server(app, ready).run([listener])
