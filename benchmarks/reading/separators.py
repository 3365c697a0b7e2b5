"""Whether separators between digits are read, and none invented: uv run python -m benchmarks.reading.separators

`composed` has 500 strings such as 3.14, -5, 24/12 and 50% that tests/support/strings.py writes with the digits of MNIST's
validation writers; `dirty` has 500 strings of digits only, with specks of dirt, in which no separator should be found.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.command import Command, Row, data_option, json_option, measure_rows, only_option, record_option
from benchmarks.reading.model import describe, model_option
from benchmarks.timing import percent
from mnistlab.data.dataset import open_dataset
from mnistlab.data.splits import read_split, split_writers
from mnistlab.reading.reader import Reader
from tests.support import strings

STRINGS = 500


def measure(reader: Reader, hands: list[strings.Hand], separators: bool) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    for number in range(STRINGS):
        random = np.random.default_rng((34, separators, number))
        picture, (text,) = strings.write(random, hands, separators=separators)
        page = reader.read(picture)
        values = "".join(str(mark.value) for mark in page.marks)
        counts.update(
            of=1,
            right=page.text == text,
            digits_right="".join(filter(str.isdigit, page.text)) == "".join(filter(str.isdigit, text)),
            separators_right=re.sub(r"\d", "0", values) == re.sub(r"\d", "0", text),
            gained=sum(len(line.separators) for line in page.lines) > sum(not one.isdigit() for one in text),
        )
    return dict(counts)


def tell(result: dict[str, Any]) -> list[str]:
    of = result["of"]
    return [
        f"text exact {percent(result['right'], of)}, digits right {percent(result['digits_right'], of)} (n = {of})",
        f"separators right, whatever the digits: {percent(result['separators_right'], of)}; "
        f"one too many: {percent(result['gained'], of)}",
    ]


@click.command(cls=Command, help=__doc__)
@only_option("composed", "dirty")
@model_option
@data_option
@json_option
@record_option("reader")
def main(only: list[str], model: Path | None, data_dir: Path, as_json: bool, record: bool) -> None:
    reader, dataset = Reader(model), open_dataset("mnist", data_dir)
    writers = split_writers(dataset, "val")
    assert writers is not None  # noqa: S101 - MNIST's are known
    hands = strings.hands_of(*read_split(dataset, "val"), writers)
    rows = {name: Row(partial(measure, reader, hands, name == "composed"), tell) for name in ("composed", "dirty")}
    measure_rows("reader", {name: rows[name] for name in only}, model=describe(reader))


if __name__ == "__main__":
    main()
