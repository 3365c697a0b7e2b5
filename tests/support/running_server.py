"""A real server for tests: a separate process, or a thread with limits that a test can reach."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import httpx

from mnistlab.reading.reader import Reader
from mnistlab.serving.app import create_app
from mnistlab.serving.gate import Gate
from mnistlab.serving.http import make_server
from mnistlab.serving.limits import Limits
from mnistlab.serving.models import ServedModel
from tests.support.waiting import LIMIT

PATIENT = partial(Limits, body_seconds=LIMIT, job_seconds=LIMIT)
"""Limits generous enough for a busy machine's clients."""


@dataclass
class Running:
    """A running `mnistlab serve`: a `process`, or a thread of the tests with this `app`."""

    url: str
    said: str = ""
    process: subprocess.Popen[str] | None = None
    app: Gate | None = None

    @property
    def address(self) -> tuple[str, int]:
        url = httpx.URL(self.url)
        return url.host, url.port or 80

    def connect(self) -> socket.socket:
        """A plain connection, for clients that behave badly."""
        return socket.create_connection(self.address, timeout=LIMIT)

    def client(self) -> httpx.Client:
        """A client that waits for answers however long they take."""
        return httpx.Client(base_url=self.url, timeout=LIMIT)

    def signal(self, number: int) -> None:
        """Ask the process to stop."""
        assert self.process is not None
        self.process.send_signal(number)

    def end(self) -> tuple[int, str, str]:
        """Wait until the process ends; returns its exit code, its output since the start, and its standard error."""
        assert self.process is not None
        out, err = self.process.communicate(timeout=LIMIT)
        return self.process.returncode, out, err


@contextlib.contextmanager
def process(*arguments: str, environment: dict[str, str] | None = None) -> Iterator[Running]:
    """`mnistlab serve` with these arguments, on a free port."""
    command = [sys.executable, "-m", "mnistlab", "serve", "--port", "0", "--no-browser", *arguments]
    started = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MNISTLAB_LANG": "en", **(environment or {})},
    )
    try:
        assert started.stdout is not None
        said = ""
        while "mnistlab is at" not in said:
            line = started.stdout.readline()
            assert line, started.communicate()
            said += line
        url = re.search(r"mnistlab is at (http://[^/\s]+)", said)
        assert url
        yield Running(url[1], said, started)
    finally:
        started.kill()
        started.communicate()


@contextlib.contextmanager
def thread(
    served: Sequence[ServedModel] | None = None,
    limits: Limits | None = None,
    patience: float = LIMIT,
    token: str | None = None,
    hosts: Sequence[str] = (),
    trusted_proxies: Sequence[str] = (),
    root_path: str = "",
) -> Iterator[Running]:
    """A server in a thread of this process, with any limits and models."""
    app = create_app(
        served or [ServedModel("mnistlab", "reader", Reader())], limits=limits or PATIENT(), token=token, hosts=hosts,
        trusted_proxies=trusted_proxies, root_path=root_path,
    )  # fmt: skip
    ready = threading.Event()
    server = make_server(app, ready.set, patience)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = threading.Thread(target=server.run, args=[[listener]])
        running.start()
        try:
            assert ready.wait(LIMIT)
            yield Running(f"http://127.0.0.1:{listener.getsockname()[1]}", app=app)
        finally:
            server.should_exit = True
            running.join(LIMIT)
        assert not running.is_alive()
