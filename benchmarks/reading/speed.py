"""How fast handwriting is read: uv run python -m benchmarks.reading.speed

\b
process    `mnistlab read one.png`, from process start to answer
page-time  reading the file of an A4 page at 300 dpi with 100 digits, after a warm-up
photo-time reading a 12-megapixel photo of a tilted grid of 9 by 9 cells on a dark table; about half of the cells are filled in
classify   images per second for 10,000 images, on two cores

Let nothing else run meanwhile.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

from benchmarks.command import (
    MNISTLAB,
    Command,
    Row,
    SkipError,
    data_option,
    json_option,
    measure_rows,
    only_option,
    record_option,
)
from benchmarks.reading.model import Images, Labels, describe, mnist_test, model_option
from benchmarks.reading.pages import page_of
from benchmarks.timing import median_and_range, two_cores
from mnistlab.reading.reader import Reader
from tests.support import pages as drawn_pages
from tests.support import sheets


def measure_process(image: Images, model: Path | None, times: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "one.png"
        page = drawn_pages.make_page(
            0, image[None], [7], size=(400, 300), height=120, paper="white", ruling="plain", per_line=1
        )
        drawn_pages.save(page, picture)
        command = [*MNISTLAB, "read", str(picture), *(["--model", str(model)] if model else [])]
        seconds = []
        for _ in range(times + 1):  # the first start reads the files from disk
            start = time.perf_counter()
            ended = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
            seconds.append(time.perf_counter() - start)
            if ended.returncode:
                raise SkipError(f"`mnistlab read` failed: {(ended.stderr.strip().splitlines() or ['no message'])[-1]}")
    return {"seconds": seconds[1:], "answer": ended.stdout.strip()}


def seconds_of(reader: Reader, path: Path) -> float:
    """How many seconds it takes to read the file."""
    start = time.perf_counter()
    reader.read(path)
    return time.perf_counter() - start


def measure_page_time(reader: Reader, test: tuple[Images, Labels], rounds: int) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {"JPEG": [], "PNG": []}
    with tempfile.TemporaryDirectory() as folder, two_cores():
        for number in range(3):
            page = page_of(test, number, size=(2480, 3508))
            for kind in seconds:
                path = Path(folder) / f"{number}.{kind.lower()}"
                drawn_pages.save(page, path, kind)
                reader.read(path)
        for _ in range(rounds):
            for kind, measured in seconds.items():
                for number in range(3):
                    measured.append(seconds_of(reader, Path(folder) / f"{number}.{kind.lower()}"))
    return {"seconds": seconds}


def measure_photo_time(reader: Reader, test: tuple[Images, Labels], rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, two_cores():
        paths = [Path(folder) / f"{number}.jpeg" for number in range(3)]
        for number, path in enumerate(paths):
            random = np.random.default_rng((3, number))
            sheet = sheets.grid(random, *test, line=3, full=0.5, tilt=1.0, cell=150.0, grain=4.0, table=0.3)
            Image.fromarray(sheet.picture).resize((4000, 3000), Image.Resampling.BICUBIC).save(path, quality=92)
            reader.read(path)
        return {"seconds": [seconds_of(reader, path) for _ in range(rounds) for path in paths]}


def measure_classify(images: Images, model: Path | None, rounds: int) -> dict[str, Any]:
    with two_cores():
        reader = Reader(model)  # a new reader, with as many threads as there are cores now
        reader.classify(images)
        rates = []
        for _ in range(rounds):
            start = time.perf_counter()
            reader.classify(images)
            rates.append(len(images) / (time.perf_counter() - start))
    return {"images_per_second": rates}


def tell_process(result: dict[str, Any]) -> list[str]:
    return [median_and_range(result["seconds"]), f"it says: {result['answer']!r}"]


def tell_page_time(result: dict[str, Any]) -> list[str]:
    return [median_and_range(result["seconds"]["JPEG"]), f"as PNG: {median_and_range(result['seconds']['PNG'])}"]


def tell_classify(result: dict[str, Any]) -> list[str]:
    return [median_and_range(result["images_per_second"], "images/s")]


@click.command(cls=Command, help=__doc__)
@only_option("process", "page-time", "photo-time", "classify")
@model_option
@click.option("--times", type=click.IntRange(min=1), default=20, show_default=True, help="Processes.")
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True, help="Rounds of all but process.")
@data_option
@json_option
@record_option("reader")
def main(
    only: list[str], model: Path | None, times: int, rounds: int, data_dir: Path, as_json: bool, record: bool
) -> None:
    reader, test = Reader(model), mnist_test(data_dir)
    rows = {
        "process": Row(lambda: measure_process(test[0][0], model, times), tell_process),
        "page-time": Row(lambda: measure_page_time(reader, test, rounds), tell_page_time),
        "photo-time": Row(
            lambda: measure_photo_time(reader, test, rounds), lambda result: [median_and_range(result["seconds"])]
        ),
        "classify": Row(lambda: measure_classify(test[0], model, rounds), tell_classify),
    }
    measure_rows("reader", {name: rows[name] for name in only}, model=describe(reader))


if __name__ == "__main__":
    main()
