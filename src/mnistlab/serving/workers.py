"""Serve with several processes at one address: workers, each with its own models, watched by uvicorn's supervisor."""

from __future__ import annotations

import contextlib
import http.client
import logging
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from prometheus_client.multiprocess import mark_process_dead
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from mnistlab.errors import MnistlabError
from mnistlab.messages.sentences import locales_language
from mnistlab.serving.http import settings, told_to_connections
from mnistlab.serving.metrics import FOLDER

__all__ = ["run_workers"]

HUNG = 60
"""How many seconds a worker may show no sign of life before it is replaced; on a busy machine, starting takes a long time."""

logger = logging.getLogger("mnistlab.serving")


def run_workers(
    make_app: Callable[[], ASGIApp], listener: socket.socket, workers: int, ready: Callable[[], None]
) -> None:
    """Serve with this many `workers` until SIGINT or SIGTERM, then let requests in progress finish. Dead workers are replaced.

    `make_app`, which must be picklable, is called in each worker; `ready` is called in this process once a worker answers.
    Raises `MnistlabError` if a worker cannot start.
    """
    config = settings(partial(in_worker, make_app), factory=True, workers=workers, timeout_worker_healthcheck=HUNG)
    host, port = listener.getsockname()[:2]
    with spread(listener) as shared, tempfile.TemporaryDirectory(prefix="mnistlab-metrics-") as folder:
        os.environ[FOLDER] = folder  # the workers inherit it, and prometheus_client reads it when it is imported
        supervisor = Multiprocess(config, [shared])
        threading.Thread(target=tell_when_ready, args=[host, port, supervisor.should_exit, ready], daemon=True).start()
        try:
            supervisor.run()
        finally:
            del os.environ[FOLDER]
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise MnistlabError("serving.worker_failed")


class OwnSocket(socket.socket):
    """A socket bound to an address. Unpickling it in another process makes a new socket, bound to the same address.

    Linux distributes connections evenly over the sockets at one address. With a single socket for all processes, the first
    process to wake up would take all connections.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return bound, (self.family, self.getsockname())


def bound(family: int, address: Any) -> OwnSocket:
    """A socket bound to an address that other sockets may share."""
    own = OwnSocket(family, socket.SOCK_STREAM)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    own.bind(address)
    return own


def spread(listener: socket.socket) -> socket.socket:
    """The socket to send to workers: the listener or, on Linux, a replacement from which each worker makes its own socket."""
    if sys.platform != "linux":
        return listener
    family, address = listener.family, listener.getsockname()
    listener.close()
    return bound(family, address)


def tell_when_ready(host: str, port: int, stopped: threading.Event, ready: Callable[[], None]) -> None:
    """Call `ready` as soon as a worker answers at this host and port."""
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - these stand for all addresses
    while not stopped.is_set():
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(address, port)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                connection.close()
                ready()
                return
        time.sleep(0.05)


def in_worker(make_app: Callable[[], ASGIApp]) -> ASGIApp:
    """Make the application in a worker, and end the worker when its supervisor ends, for whatever reason."""
    forget_dead_workers(Path(os.environ[FOLDER]))
    if (supervisor := multiprocessing.parent_process()) is not None:
        threading.Thread(target=stop_after, args=[supervisor], daemon=True).start()
    try:
        return told_to_connections(make_app())
    except MnistlabError as error:
        logger.error("%s", error.for_command_line(locales_language()))
        sys.exit(STARTUP_FAILURE)


def stop_after(supervisor: multiprocessing.process.BaseProcess) -> None:
    """Wait until the supervisor has ended, then ask this process to stop."""
    supervisor.join()
    os.kill(os.getpid(), signal.SIGTERM)


def forget_dead_workers(folder: Path) -> None:
    """Remove dead workers' requests and jobs from the metrics of work in progress; all else that the workers counted stays."""
    for file in folder.glob("gauge_live*.db"):
        process = int(file.stem.rpartition("_")[2])
        try:
            if sys.platform != "win32":  # on Windows, os.kill would end the process
                os.kill(process, 0)
        except ProcessLookupError:
            mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]
