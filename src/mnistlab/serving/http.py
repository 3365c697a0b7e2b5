"""The HTTP server: uvicorn, with limited patience for slow clients, and able to stop without losing requests in progress."""

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
"""How many seconds a client may take to send a request's headers, counted from the connection's start or the last response."""
MOST_BYTES = 2**20
"""How many bytes may arrive in a row without reaching the application: headers, and bytes between or after parts of a body."""
STOP_SECONDS = 30
"""How many seconds requests in progress may take to finish after the server has been told to stop."""

logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # gate.py logs errors, with the request's id

CONNECTION: ContextVar[Connection] = ContextVar("CONNECTION")
"""The connection of the request that is being answered."""


class Connection(asyncio.Protocol):
    """A client's connection. It wraps uvicorn's own class, which would wait for headers forever and accept any number of them.

    The connection is closed if, for `timeout_keep_alive` seconds, no request was in progress or the client did not read what
    was sent to it. It is cut off, and nothing more is sent, if the client still does not read after that, or if too many bytes
    arrive outside of requests' bodies.
    """

    def __init__(self, **given: Any) -> None:
        self.http = HttpToolsProtocol(**given)
        self.patience: float = given["config"].timeout_keep_alive
        self.loop = asyncio.get_running_loop()
        self.waiting_since: float | None = self.loop.time()
        """Since when, on the event loop's clock, the connection has been waiting for a request; None while one is in progress."""
        self.full_since: float | None = None
        """Since when the connection has been waiting for the client to read; None while the client reads what is sent to it."""
        self.unread = 0
        """How many bytes have arrived since the application last received any."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Record that a client has connected, and start to watch the connection."""
        self.transport = transport
        self.http.connection_made(transport)
        self.look()

    def look(self) -> None:
        """If the client took too long, close the connection, or cut it off if already closing; either way, check again later."""
        since = self.full_since or self.waiting_since
        if since is not None and self.loop.time() - since >= self.patience:
            (self.transport.abort if self.transport.is_closing() else self.transport.close)()
        self.timer = self.loop.call_later(self.patience / 4, self.look)

    def data_received(self, data: bytes) -> None:
        """Pass on the bytes that have arrived: a part of a request, or several requests."""
        self.unread += len(data)
        if self.unread > MOST_BYTES:
            self.transport.abort()
            return
        CONNECTION.set(self)
        self.http.data_received(data)

    def pause_writing(self) -> None:
        """Record that the client reads more slowly than the server writes."""
        self.full_since = self.loop.time()
        self.http.pause_writing()

    def resume_writing(self) -> None:
        """Record that the client has read most of what was sent to it."""
        self.full_since = None
        self.http.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching the connection, which has ended."""
        self.timer.cancel()
        self.http.connection_lost(exc)


def told_to_connections(app: ASGIApp) -> ASGIApp:
    """The application, wrapped so that a connection learns when a request is in progress and when bytes reach the application."""

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
    """Calls `ready` as soon as it answers requests; on SIGINT or SIGTERM, it lets requests in progress finish, and then stops."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve, and call `ready`."""
        await super().startup(sockets)
        if self.started:
            self.ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Inside `with`, stop on a signal. Unlike in uvicorn, the signal is not raised again, as stopping is no failure."""
        if threading.current_thread() is not threading.main_thread():  # only the main thread may set signal handlers
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def settings(app: Any, patience: float = PATIENCE, **more: Any) -> uvicorn.Config:
    """uvicorn's settings for the application, or for a function that makes one (`factory=True`)."""
    given: dict[str, Any] = {
        "http": Connection, "loop": "uvloop" if importlib.util.find_spec("uvloop") else "asyncio", "ws": "none",
        "lifespan": "on", "log_config": None, "access_log": False, "proxy_headers": False, "server_header": False,
        "timeout_keep_alive": patience, "timeout_graceful_shutdown": STOP_SECONDS,
    }  # fmt: skip
    return uvicorn.Config(app, **given, **more)


def make_server(app: ASGIApp, ready: Callable[[], None], patience: float = PATIENCE) -> Server:
    """A server for `app` that calls `ready` once it answers requests; `run([socket])` runs it, `should_exit = True` stops it."""
    return Server(settings(told_to_connections(app), patience), ready)


def run(app: ASGIApp, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM, then let requests in progress finish. Calls `ready` once the server answers."""
    make_server(app, ready).run([listener])
