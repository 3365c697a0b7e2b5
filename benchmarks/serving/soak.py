"""64 connections for a minute, 60 that classify images and 4 that read drawings: uv run python -m benchmarks.serving.soak

Counts the errors, times the answers and watches the server's memory. The server and the load share two cores; wrk
(Debian's package wrk) generates the load. Let nothing else run meanwhile.
"""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np

from benchmarks.command import Command, Row, data_option, json_option, measure_rows, record_option
from benchmarks.serving.server import Images, Labels, check_program, encoded, serving, validation_digits
from benchmarks.serving.wrk import Requests, classify_requests, quantiles
from benchmarks.timing import two_cores
from tests.support import pages as drawn_pages

READING = 4
"""How many connections read: no more than the server has places for."""
CLASSIFYING = 60
WARM_UP = 10
"""After how many seconds memory should have stopped growing."""


def drawing(images: Images, labels: Labels, number: int) -> bytes:
    """A picture of two digits, as large and as clean as those that the page sends."""
    chosen = slice(2 * number, 2 * number + 2)
    page = drawn_pages.make_page(
        number, images[chosen], labels[chosen], size=(300, 240), height=120, paper="white",
        ruling="plain", pen="black gel", tilt=0, without=drawn_pages.EFFECTS,
    )  # fmt: skip
    return encoded(page.picture, "PNG")


def resident_mib(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


def measure(images: Images, labels: Labels, seconds: int) -> dict[str, Any]:
    kinds = {
        "classify": (classify_requests(images[:1000], 1), CLASSIFYING),
        "read": (
            Requests("/api/v1/read", "image/png", [drawing(images, labels, number) for number in range(50)]),
            READING,
        ),
    }
    memory = []
    with serving() as (address, process), ThreadPoolExecutor(len(kinds)) as pool:
        sent = {
            name: pool.submit(requests.send, address, connections, seconds)
            for name, (requests, connections) in kinds.items()
        }
        while not all(job.done() for job in sent.values()):
            time.sleep(1)
            memory.append(resident_mib(process))
        loads = {name: job.result() for name, job in sent.items()}
    warm_up = min(WARM_UP, len(memory) // 2)
    settled = memory[warm_up:]
    third = max(1, len(settled) // 3)
    return {
        "connections": CLASSIFYING + READING,
        "seconds": seconds,
        "errors": sum(load.errors for load in loads.values()),
        "requests": {name: load.requests for name, load in loads.items()},
        "milliseconds": {"all": quantiles(loads.values())} | {name: quantiles([load]) for name, load in loads.items()},
        "mib": {
            "warm_up": warm_up,
            "first": median(settled[:third]),
            "last": median(settled[-third:]),
            "per_minute": 60 * float(np.polyfit(range(len(settled)), settled, 1)[0]) if len(settled) > 1 else 0.0,
            "each_second": memory,
        },
    }


def tell(result: dict[str, Any]) -> list[str]:
    mib, total = result["mib"], sum(result["requests"].values())
    lines = [f"{total:,} requests in {result['seconds']} s, {result['errors']} errors; must be 0"]
    for kind, ms in result["milliseconds"].items():
        share = result["requests"].get(kind, total) / total
        lines.append(
            f"{kind} ({100 * share:.1f} %): p50 {ms['p50']:.1f} ms, p99 {ms['p99']:.1f} ms, {ms['p99'] / ms['p50']:.1f}"
            " times as long; at most 20"
        )
    return [
        *lines,
        f"memory {mib['first']:.1f} MiB, then {mib['last']:.1f}, {mib['per_minute']:+.2f} a minute; must be flat",
    ]


@click.command(cls=Command, help=__doc__)
@click.option("--seconds", type=click.IntRange(min=1), default=60, show_default=True)
@data_option
@json_option
@record_option("serving")
def main(seconds: int, data_dir: Path, as_json: bool, record: bool) -> None:
    check_program("wrk")
    images, labels = validation_digits(data_dir)
    with two_cores():
        measure_rows("serving", {"soak": Row(lambda: measure(images, labels, seconds), tell)})


if __name__ == "__main__":
    main()
