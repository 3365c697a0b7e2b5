"""How many images per second `/classify` handles: uv run python -m benchmarks.serving.classify

\b
classify-one   requests per second, one 28x28 image each, compared with an endpoint that reads the same body and does nothing
classify-many  images per second in requests of 256, compared with `Reader.classify` of the same batches in this process

The server and the load share two cores. Each ratio compares two measurements made in turn; the medians over the rounds are what
counts. wrk (Debian's package wrk) generates the load. Let nothing else run meanwhile.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np

from benchmarks.command import Command, Row, data_option, json_option, measure_rows, only_option, record_option
from benchmarks.serving.server import Images, check_program, running, serving, validation_digits
from benchmarks.serving.wrk import Load, classify_requests, load_options, quantiles
from benchmarks.timing import median_and_range, two_cores
from mnistlab.reading.reader import Reader

BATCH = 256
WARM_UP = 1
"""How many seconds the first round takes; it is not counted."""
NOTHING = (sys.executable, "-m", "benchmarks.serving.nothing")


def measure_one(images: Images, rounds: int, seconds: int) -> dict[str, Any]:
    requests = classify_requests(images[:1000], 1)
    result: dict[str, Any] = {}
    with serving() as (ours, _), running(*NOTHING) as (nothing, _):
        for connections in (1, 16):
            loads: dict[str, list[Load]] = {"served": [], "nothing": []}
            for number in range(rounds + 1):
                for name, address in (("served", ours), ("nothing", nothing)):
                    load = requests.send(address, connections, seconds if number else WARM_UP)
                    if number:
                        loads[name].append(load)
            rates = {name: [load.rate for load in measured] for name, measured in loads.items()}
            result[str(connections)] = {
                "requests_per_second": rates,
                "ratios": [a / b for a, b in zip(rates["served"], rates["nothing"], strict=True)],
                "milliseconds": {name: quantiles(measured) for name, measured in loads.items()},
                "errors": sum(load.errors for measured in loads.values() for load in measured),
            }
    return {"connections": result}


def measure_many(images: Images, rounds: int, seconds: int) -> dict[str, Any]:
    requests = classify_requests(images, BATCH)
    reader = Reader()
    batches = [np.frombuffer(body, np.uint8).reshape(-1, 28, 28) for body in requests.bodies]

    def in_process(duration: int) -> float:
        start, done = time.perf_counter(), 0
        while time.perf_counter() - start < duration:
            reader.classify(batches[done % len(batches)])
            done += 1
        return BATCH * done / (time.perf_counter() - start)

    rates: dict[str, list[float]] = {"in process": [], "1": [], "2": []}
    errors = 0
    with serving() as (address, _):
        for number in range(rounds + 1):
            duration = seconds if number else WARM_UP
            direct = in_process(duration)
            loads = {name: requests.send(address, int(name), duration) for name in ("1", "2")}
            if number:
                rates["in process"].append(direct)
                for name, load in loads.items():
                    rates[name].append(BATCH * load.rate)
                    errors += load.errors
    ratios = {name: [a / b for a, b in zip(rates[name], rates["in process"], strict=True)] for name in ("1", "2")}
    return {"images_per_second": rates, "ratios": ratios, "errors": errors}


def tell_one(result: dict[str, Any]) -> list[str]:
    return [
        f"{connections} connections: {median(row['requests_per_second']['served']):,.0f} requests/s, doing nothing"
        f" {median(row['requests_per_second']['nothing']):,.0f}; {median_and_range(row['ratios'], 'of it')}; at least 0.60;"
        f" {row['errors']} errors; p50 {row['milliseconds']['served']['p50']:.2f} ms,"
        f" p99 {row['milliseconds']['served']['p99']:.2f} ms"
        for connections, row in result["connections"].items()
    ]


def tell_many(result: dict[str, Any]) -> list[str]:
    rates = {kind: median(values) for kind, values in result["images_per_second"].items()}
    return [
        f"{connections} connections: {rates[connections]:,.0f} images/s, in process {rates['in process']:,.0f};"
        f" {median_and_range(result['ratios'][connections], 'of it')}; at least 0.60; {result['errors']} errors"
        for connections in ("1", "2")
    ]


@click.command(cls=Command, help=__doc__)
@only_option("classify-one", "classify-many")
@load_options
@data_option
@json_option
@record_option("serving")
def main(only: list[str], rounds: int, seconds: int, data_dir: Path, as_json: bool, record: bool) -> None:
    check_program("wrk")
    images, _ = validation_digits(data_dir)
    rows = {
        "classify-one": Row(lambda: measure_one(images, rounds, seconds), tell_one),
        "classify-many": Row(lambda: measure_many(images, rounds, seconds), tell_many),
    }
    with two_cores():
        measure_rows("serving", {name: rows[name] for name in only})


if __name__ == "__main__":
    main()
