"""Pictures read per second by two processes and by one, each with one thread: uv run python -m benchmarks.reading.many

Pages of a notebook (1,240 x 1,754 pixels with 100 digits) are read from their files on two cores. The times include
the start of the processes. The single process, too, has one thread in ONNX Runtime and OpenCV. Let nothing else run meanwhile.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import click
import cv2

from benchmarks.command import Command, Row, data_option, json_option, measure_rows, record_option
from benchmarks.reading.model import Images, Labels, describe, mnist_test, model_option
from benchmarks.reading.pages import page_of
from benchmarks.timing import median_and_range, two_cores
from mnistlab.reading.reader import Reader
from tests.support import pages as drawn_pages

DRAWN = 20
"""How many pages are drawn; each is read several times."""


def measure_many(reader: Reader, test: tuple[Images, Labels], pictures: int, rounds: int) -> dict[str, Any]:
    rates: dict[int, list[float]] = {1: [], 2: []}
    threads = cv2.getNumThreads()
    with tempfile.TemporaryDirectory() as folder, two_cores():
        drawn = []
        for number in range(DRAWN):
            drawn.append(Path(folder) / f"{number}.jpeg")
            drawn_pages.save(page_of(test, number, size=(1240, 1754)), drawn[-1], "JPEG")
        paths = [drawn[number % DRAWN] for number in range(pictures)]
        cv2.setNumThreads(1)  # the processes of the pool do so themselves
        try:
            for jobs in [1, 2] * rounds:
                start = time.perf_counter()
                read = sum(1 for _ in reader.read_many(paths, jobs=jobs))
                rates[jobs].append(read / (time.perf_counter() - start))
        finally:
            cv2.setNumThreads(threads)
    return {"pictures": pictures, "pictures_per_second": {str(jobs): each for jobs, each in rates.items()}}


def tell_many(result: dict[str, Any]) -> list[str]:
    one, two = result["pictures_per_second"].values()
    return [
        f"{median(two) / median(one):.2f} times as many pictures a second in two processes",
        f"two: {median_and_range(two, 'pictures/s')}",
        f"one: {median_and_range(one, 'pictures/s')}",
    ]


@click.command(cls=Command, help=__doc__)
@model_option
@click.option("--pictures", type=click.IntRange(min=2), default=200, show_default=True, help="Pictures in a round.")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True, help="Rounds with each.")
@data_option
@json_option
@record_option("reader")
def main(model: Path | None, pictures: int, rounds: int, data_dir: Path, as_json: bool, record: bool) -> None:
    reader, test = Reader(model), mnist_test(data_dir)
    rows = {"many": Row(lambda: measure_many(reader, test, pictures, rounds), tell_many)}
    measure_rows("reader", rows, model=describe(reader))


if __name__ == "__main__":
    main()
