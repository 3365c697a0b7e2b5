"""torchvision's download, abandoned if its mirrors do not answer or are too slow."""

from __future__ import annotations

import http.client
import re
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

from mnistlab.data.catalog import DatasetSpec
from mnistlab.dependencies import cache_of_its_own, require
from mnistlab.errors import Fault
from mnistlab.messages.sentences import Clause

__all__ = ["SourceError", "torchvision_download"]


PATIENCE_WITH_COPY = 5.0
"""Seconds to wait for a mirror's answer, and for each further part of it, if a copy ships in the package."""
PATIENCE = 20.0
"""Seconds to wait for a mirror's answer, and for each further part of it, if no copy ships in the package."""
SLOWEST = 50_000
"""Bytes per second below which a mirror is abandoned."""
MEASURED = 5.0
"""Seconds over which a mirror's rate is measured."""

clock: Callable[[], float] = time.monotonic
"""The clock with which a mirror's rate is measured."""


class SourceError(Fault):
    """A source could not deliver the raw files; `reason` says why."""


def torchvision_download(spec: DatasetSpec, root: Path) -> None:
    """Let torchvision download into `root`, trying one mirror after another. Raises `SourceError` if the download fails.

    torchvision sets no timeout, and a DNS look-up cannot have one, so the download runs in a thread that is abandoned
    if such a look-up hangs.
    """
    require("train", "torchvision")
    with cache_of_its_own("TORCHINDUCTOR_CACHE_DIR"):  # importing torchvision makes PyTorch's compiler create a folder
        from torchvision import datasets as torchvision_datasets

    dataset_class: Callable[..., Any] = getattr(torchvision_datasets, spec.torchvision_class)
    outcome: list[BaseException | None] = []

    def work() -> None:
        try:
            for train in (True, False):
                dataset_class(root=str(root), train=train, download=True, **spec.torchvision_arguments)
        except BaseException as error:
            outcome.append(error)
        else:
            outcome.append(None)

    patience = PATIENCE_WITH_COPY if spec.bundled else PATIENCE
    thread = threading.Thread(target=work, daemon=True, name=f"download-{spec.name}")
    with paced(thread, patience) as opener:
        thread.start()
        while thread.is_alive():
            thread.join(0.1)
            since = opener.asking_since
            # a socket would have given up by now, so it must be a DNS look-up that hangs
            if since is not None and time.monotonic() - since > patience + 1:
                raise SourceError(Clause("data.no_answer", seconds=patience))
    if outcome[0] is not None:
        last = (str(outcome[0]).strip().splitlines() or [type(outcome[0]).__name__])[-1]
        said = re.sub(r"^(<urlopen error )*(\[Errno -?\d+\] )?|[.>]+$", "", last)
        reason = next((why for why in opener.slow.values() if str(why) == said), said)
        raise SourceError(Clause("data.mirrors_failed", reason=reason))


@contextmanager
def paced(thread: threading.Thread, patience: float) -> Iterator[PacedOpener]:
    """Inside `with`, measure how fast `thread` downloads through urllib, and wait at most `patience` seconds for more data."""
    timeout, before = socket.getdefaulttimeout(), urllib.request._opener  # type: ignore[attr-defined]
    opener = PacedOpener(before or urllib.request.build_opener(), thread)
    socket.setdefaulttimeout(patience)
    urllib.request.install_opener(opener)  # type: ignore[arg-type]
    try:
        yield opener
    finally:
        urllib.request.install_opener(before)
        socket.setdefaulttimeout(timeout)


class PacedOpener:
    """Opens URLs as `opener` does; in `thread`, it also measures how fast data arrives and never asks an abandoned host again."""

    def __init__(self, opener: urllib.request.OpenerDirector, thread: threading.Thread) -> None:
        self.opener, self.thread = opener, thread
        self.slow: dict[str, Clause] = {}
        """The abandoned hosts, and why each was abandoned."""
        self.asking_since: float | None = None
        """When the pending request was sent; None if there is none."""

    def open(self, request: urllib.request.Request, *arguments: Any) -> Any:
        """Open a URL; `urllib.request.urlopen` calls this method."""
        if threading.current_thread() is not self.thread:
            return self.opener.open(request, *arguments)
        host = urlsplit(request.full_url).netloc
        if host in self.slow:
            raise URLError(str(self.slow[host]))
        self.asking_since = time.monotonic()
        try:
            return PacedResponse(self.opener.open(request, *arguments), lambda why: self.slow.setdefault(host, why))
        finally:
            self.asking_since = None


class PacedResponse:
    """A response whose `read` raises `URLError` if data comes too slowly or stops early; torchvision then tries the next host.

    `give_up` is called with the reason if the host is too slow.
    """

    def __init__(self, response: Any, give_up: Callable[[Clause], object]) -> None:
        self.response, self.give_up = response, give_up
        self.since, self.came = clock(), 0

    def read(self, amount: int = sys.maxsize) -> bytes:
        """`amount` bytes, or fewer at the end of the response."""
        pieces = b""
        while len(pieces) < amount:
            try:
                piece = self.response.read1(amount - len(pieces))
            except (OSError, http.client.HTTPException) as error:
                raise URLError(error) from error
            if not piece:
                break
            pieces += piece
            self.measure(len(piece))
        return pieces

    def measure(self, count: int) -> None:
        self.came += count
        spent = clock() - self.since
        if spent < MEASURED:
            return
        if self.came < SLOWEST * spent:
            why = Clause("data.mirror_too_slow", speed=self.came / spent / 1000, least=SLOWEST / 1000)
            self.give_up(why)
            raise URLError(str(why))
        self.since, self.came = clock(), 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.response, name)

    def __enter__(self) -> PacedResponse:
        return self

    def __exit__(self, *_: object) -> None:
        self.response.close()
