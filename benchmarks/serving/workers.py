"""What a second worker gains, measured by alternating between one worker and two: uv run python -m benchmarks.serving.workers

\b
workers-one    requests per second, one 28x28 image each, from 16 connections
workers-many   requests per second, 256 images each, from 2 connections

The server and the load generator, wrk (Debian's package wrk), share two cores. Let nothing else run meanwhile.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import click

from benchmarks.command import Command, Row, data_option, json_option, measure_rows, only_option, record_option
from benchmarks.serving.classify import BATCH, WARM_UP
from benchmarks.serving.server import check_program, serving, validation_digits
from benchmarks.serving.wrk import Requests, classify_requests, load_options
from benchmarks.timing import median_and_range, two_cores


def measure(requests: Requests, connections: int, rounds: int, seconds: int) -> dict[str, Any]:
    rates: dict[str, list[float]] = {"1": [], "2": []}
    errors = 0
    with ExitStack() as running:
        addresses = {workers: running.enter_context(serving("--workers", workers))[0] for workers in rates}
        for number in range(rounds + 1):
            for workers, address in addresses.items():
                load = requests.send(address, connections, seconds if number else WARM_UP)
                if number:
                    rates[workers].append(load.rate)
                    errors += load.errors
    ratios = [two / one for one, two in zip(rates["1"], rates["2"], strict=True)]
    return {"connections": connections, "requests_per_second": rates, "ratios": ratios, "errors": errors}


def tell(result: dict[str, Any]) -> list[str]:
    one, two = (median(rates) for rates in result["requests_per_second"].values())
    return [
        f"two workers {two:,.0f} requests/s, one {one:,.0f}; {median_and_range(result['ratios'], 'times as many')};"
        f" {result['errors']} errors"
    ]


@click.command(cls=Command, help=__doc__)
@only_option("workers-one", "workers-many")
@load_options
@data_option
@json_option
@record_option("serving")
def main(only: list[str], rounds: int, seconds: int, data_dir: Path, as_json: bool, record: bool) -> None:
    check_program("wrk")
    images, _ = validation_digits(data_dir)
    rows = {
        "workers-one": Row(lambda: measure(classify_requests(images[:1000], 1), 16, rounds, seconds), tell),
        "workers-many": Row(lambda: measure(classify_requests(images, BATCH), 2, rounds, seconds), tell),
    }
    with two_cores():
        measure_rows("serving", {name: rows[name] for name in only})


if __name__ == "__main__":
    main()
