"""How soon `mnistlab serve` is ready, from process start to /readyz: uv run python -m benchmarks.serving.start

Let nothing else run meanwhile.
"""

from __future__ import annotations

import time
from typing import Any

import click
import httpx

from benchmarks.command import Command, Row, json_option, measure_rows, record_option
from benchmarks.serving.server import serving
from benchmarks.timing import median_and_range, two_cores


def measure(times: int) -> dict[str, Any]:
    seconds = []
    with httpx.Client(trust_env=False) as client:  # made first, because loading the certificates takes time
        for _ in range(times + 1):  # the first start reads the files from disk
            start = time.perf_counter()
            with serving() as (address, _):
                client.get(f"{address}/readyz").raise_for_status()
                seconds.append(time.perf_counter() - start)
    return {"seconds": seconds[1:]}


def tell(result: dict[str, Any]) -> list[str]:
    return [f"{median_and_range(result['seconds'])}; at most 0.8 s"]


@click.command(cls=Command, help=__doc__)
@click.option("--times", type=click.IntRange(min=1), default=20, show_default=True, help="Starts.")
@json_option
@record_option("serving")
def main(times: int, as_json: bool, record: bool) -> None:
    with two_cores():
        measure_rows("serving", {"start": Row(lambda: measure(times), tell)})


if __name__ == "__main__":
    main()
