"""Put load on a server with wrk (Debian's package wrk), which also times the answers."""

from __future__ import annotations

import bisect
import itertools
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from benchmarks.serving.server import Images

Measurement = TypeVar("Measurement", bound=Callable[..., Any])


def load_options(command: Measurement) -> Measurement:
    """The options of a command that puts load on a server in `rounds` of `seconds` each."""
    for option in (
        click.option(
            "--seconds", type=click.IntRange(min=1), default=5, show_default=True, help="Seconds of each measurement."
        ),
        click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True),
    ):
        command = option(command)
    return command


SCRIPT = Path(__file__).parent / "load.lua"


@dataclass(frozen=True)
class Load:
    """What wrk counted and timed."""

    requests: int
    seconds: float
    errors: int
    """How many answers were errors, plus how many connections failed."""
    milliseconds: list[float]
    """The quantiles of latency at 0.1 %, 0.2 %, ..., 99.9 %."""

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


@dataclass(frozen=True)
class Requests:
    """What to send: bodies of one media type, in turn, to a path."""

    path: str
    kind: str
    bodies: list[bytes]

    def send(self, address: str, connections: int, seconds: int) -> Load:
        """Send the requests over that many connections, each of which waits for its answer."""
        with tempfile.TemporaryDirectory() as folder:
            for number, body in enumerate(self.bodies, 1):
                (Path(folder) / str(number)).write_bytes(body)
            command = [
                "wrk",
                "-t1",
                f"-c{connections}",
                f"-d{seconds}s",
                "--timeout",
                "30s",
                "-s",
                str(SCRIPT),
                address,
            ]
            command += ["--", self.path, self.kind, folder, str(len(self.bodies))]
            ended = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        result = re.search(r"RESULT (.+)", ended.stdout)
        if result is None:
            raise click.ClickException(
                f"wrk failed: {(ended.stderr or ended.stdout).strip()[:200]} Is the server still there?"
            )
        requests, microseconds, errors, *latencies = map(float, result[1].split())
        return Load(int(requests), microseconds / 1e6, int(errors), [latency / 1000 for latency in latencies])


def quantiles(loads: Iterable[Load]) -> dict[str, float]:
    """The quantiles of latency in milliseconds, over the requests of all loads together."""
    weighted = sorted((ms, load.requests) for load in loads for ms in load.milliseconds)
    reached = list(itertools.accumulate(weight for _, weight in weighted))

    def at(share: float) -> float:
        return weighted[bisect.bisect_left(reached, share * reached[-1])][0]

    return {"p50": at(0.5), "p99": at(0.99)}


def classify_requests(images: Images, batch: int) -> Requests:
    groups = images[: len(images) // batch * batch].reshape(-1, batch, 28, 28)
    return Requests("/api/v1/classify", "application/octet-stream", [group.tobytes() for group in groups])
