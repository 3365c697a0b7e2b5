"""Single digits, of MNIST and of datasets on which the reader was not trained: uv run python -m benchmarks.reading.foreign

\b
mnist     MNIST's test images, classified by the reader's model
semeion   each picture as published, through `Reader.read`: right if exactly one digit is found and it is read correctly
digits    scikit-learn's 8x8 digits, in the same way

Semeion is not in this repository: download semeion.data (Semeion Handwritten Digit, UCI Machine Learning Repository) and name
its folder with --foreign. scikit-learn's digits come with `uv pip install scikit-learn`.
"""

from __future__ import annotations

import importlib
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.command import (
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
from benchmarks.timing import percent
from mnistlab.reading.reader import Reader


def measure_mnist(reader: Reader, images: Images, labels: Labels) -> dict[str, Any]:
    values, _ = reader.classify(images)
    return {"right": int((values == labels).sum()), "of": len(labels)}


def read_one_by_one(reader: Reader, images: Images, labels: Labels, what: str) -> dict[str, Any]:
    counts = dict.fromkeys(("right", "none", "several", "accepted", "accepted_right"), 0)
    confused: dict[str, int] = defaultdict(int)
    start = time.perf_counter()
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        if number % max(1, len(labels) // 10) == 0:
            click.echo(f"  {what}: {number} of {len(labels)}", err=True)
        found = [digit for line in reader.read(image).lines for digit in line.digits]
        if len(found) != 1:
            counts["several" if found else "none"] += 1
            continue
        is_right = int(found[0].value) == int(label)
        counts["right"] += is_right
        counts["accepted"] += found[0].accepted
        counts["accepted_right"] += found[0].accepted and is_right
        if not is_right:
            confused[f"{int(label)} as {int(found[0].value)}"] += 1
    most = dict(sorted(confused.items(), key=lambda item: -item[1])[:8])
    seconds = time.perf_counter() - start
    return {**counts, "of": len(labels), "confused": most, "ms_each": round(1000 * seconds / len(labels), 2)}


def measure_semeion(reader: Reader, folder: Path | None) -> dict[str, Any]:
    if folder is not None and (folder / "semeion.npz").is_file():
        with np.load(folder / "semeion.npz") as content:
            images, labels = content["images"], content["labels"]
    elif folder is not None and (folder / "semeion.data").is_file():
        table = np.loadtxt(folder / "semeion.data")  # 256 pixels, then a column per digit
        images, labels = (table[:, :256].reshape(-1, 16, 16) * 255).astype(np.uint8), table[:, 256:].argmax(1)
    else:
        raise SkipError("name the folder of semeion.data or semeion.npz with --foreign (see --help)")
    return read_one_by_one(reader, images, labels.astype(np.int64), "semeion")


def measure_digits(reader: Reader) -> dict[str, Any]:
    try:
        loaded = importlib.import_module("sklearn.datasets").load_digits()
    except ImportError:
        raise SkipError("needs scikit-learn: uv pip install scikit-learn") from None
    images = np.round(loaded.images * 255 / 16).astype(np.uint8)
    return read_one_by_one(reader, images, loaded.target.astype(np.int64), "scikit-learn's digits")


def tell_mnist(result: dict[str, Any]) -> list[str]:
    return [percent(result["right"], result["of"])]


def tell(result: dict[str, Any]) -> list[str]:
    return [
        f"{percent(result['right'], result['of'])} (n = {result['of']})",
        f"none found {result['none']}, several {result['several']}; most often {result['confused']}",
        f"accepted {percent(result['accepted'], result['of'])}, "
        f"of them right {percent(result['accepted_right'], result['accepted'])}; {result['ms_each']} ms each",
    ]


@click.command(cls=Command, help=__doc__)
@only_option("mnist", "semeion", "digits")
@model_option
@click.option(
    "--foreign",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The folder of semeion.data or semeion.npz.",
)
@data_option
@json_option
@record_option("reader")
def main(
    only: list[str], model: Path | None, foreign: Path | None, data_dir: Path, as_json: bool, record: bool
) -> None:
    reader = Reader(model)
    rows = {
        "mnist": Row(lambda: measure_mnist(reader, *mnist_test(data_dir)), tell_mnist),
        "semeion": Row(partial(measure_semeion, reader, foreign), tell),
        "digits": Row(partial(measure_digits, reader), tell),
    }
    measure_rows("reader", {name: rows[name] for name in only}, model=describe(reader))


if __name__ == "__main__":
    main()
