"""Use Ray for as long as it is needed, on a new cluster on this computer alone, or on a cluster that is already running."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from mnistlab.dependencies import import_ray
from mnistlab.errors import UserError
from mnistlab.messages.sentences import Clause
from mnistlab.reading.many import cores_here

__all__ = ["ANSWERS_WITHIN", "cluster"]

ANSWERS_WITHIN = 10.0
"""Seconds within which a cluster has to answer."""
OBJECTS = 100 * 2**20
"""Bytes of shared memory for a new cluster on this computer: not many, because only names and counts go through this memory."""
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""What a gRPC client, such as Ray, sends first: HTTP/2's connection preface and an empty SETTINGS frame (RFC 9113, 3.4)."""
SETTINGS = 4
"""The type of the first frame that a gRPC server sends; a frame's fourth byte is its type."""


@contextlib.contextmanager
def cluster(address: str | None = None) -> Iterator[Any]:
    """Ray, connected inside `with` to the cluster at `address` or, without an address, to a new cluster on this computer.

    A new cluster has as many cores as this process may use and listens only on 127.0.0.1. It ends with the `with` block, or when
    this process is killed.

    Raises `UserError` if Ray is not installed, or no cluster answers at the address within 10 seconds.
    """
    ray = import_ray(alone=address is None)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    with contextlib.ExitStack() as stack:
        if address is None:
            folder = stack.enter_context(short_folder())
            with without_greeting():
                ray.init(
                    address="local", num_cpus=cores_here(), object_store_memory=OBJECTS, include_dashboard=False,
                    _temp_dir=folder, **quiet,
                )  # fmt: skip
        else:
            if address != "auto":
                check_answer(address)
            try:
                with without_greeting():
                    ray.init(address=address, **quiet)
            except (
                ConnectionError,
                RuntimeError,
                ValueError,
            ) as error:  # no cluster runs here, or its version of Ray differs
                raise UserError("training.no_cluster", address=address, reason=first_line(error)) from None
        stack.callback(ray.shutdown)
        yield ray


@contextlib.contextmanager
def without_greeting() -> Iterator[None]:
    """Silence standard error inside `with`, to hide Ray's note that it read RAY_BACKEND_LOG_LEVEL. Errors are still raised."""
    kept = os.dup(2)
    with open(os.devnull, "wb") as nothing:  # noqa: PTH123 - a device of the system, not a file
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextlib.contextmanager
def short_folder() -> Iterator[str | None]:
    """A temporary folder for Ray's files; None if the folder's path is too long for sockets, so that Ray chooses a folder."""
    folder = tempfile.mkdtemp(prefix="ray-")
    try:
        yield folder if len(folder) <= 40 else None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_answer(address: str) -> None:
    """Raise `UserError` if nothing that could be Ray answers at HOST:PORT or ray://HOST:PORT within 10 seconds.

    Ray itself would wait for two minutes, and then end the process.
    """
    try:
        place = urlsplit(address if "//" in address else f"//{address}")
        host, port = place.hostname, place.port
    except ValueError:  # the port is not a number
        host = port = None
    if not host or not port:
        raise UserError(
            "training.not_an_address", address=address, example="10.0.0.1:6379", outside="ray://10.0.0.1:10001"
        )
    try:
        with socket.create_connection((host, port), timeout=ANSWERS_WITHIN) as connection:
            if os.environ.get("RAY_USE_TLS", "0") not in ("", "0"):  # only Ray itself can do the handshake
                return
            connection.sendall(PREFACE)
            answer = connection.recv(9)
    except TimeoutError:
        raise UserError("training.no_cluster", address=address, reason=Clause("training.no_answer")) from None
    except OSError as error:
        raise UserError("training.no_cluster", address=address, reason=error.strerror or str(error)) from None
    if len(answer) < 4 or answer[3] != SETTINGS:
        raise UserError("training.no_cluster", address=address, reason=Clause("training.something_else"))


def first_line(error: BaseException) -> str:
    """The first line of one of Ray's error messages, without its full stop."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
