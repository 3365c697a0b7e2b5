"""How precise an accuracy is, given that writers differ: uv run python -m benchmarks.training.writers

Measures the shipped reader on the official test images, by writer, and records the result in docs/results/writers.jsonl. The
recipes are measured in the same way in each training run of `benchmarks.training.accuracy`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks import records
from benchmarks.command import Command
from benchmarks.reading.model import describe, model_option
from mnistlab.data.dataset import open_dataset
from mnistlab.data.numbers import KINDS, read_right, write_numbers
from mnistlab.data.splits import split_writers
from mnistlab.evaluation.by_writer import count_by_writer, interval_by_writer, variance_ratio
from mnistlab.evaluation.result import count_corrected
from mnistlab.reading.reader import Reader


def figures_by_writer(mistakes: Mapping[int, int], data_dir: Path) -> dict[str, Any]:
    """Figures by writer, in plain types. `mistakes` says, by index, what each misread test image of MNIST was read as."""
    dataset = open_dataset("mnist", data_dir)
    labels, writers = dataset.read("test")[1], split_writers(dataset, "test")
    assert writers is not None  # noqa: S101 - for mypy
    read_as = labels.copy()
    read_as[list(mistakes)] = list(mistakes.values())
    counts = count_by_writer(writers, np.asarray(read_as == labels))
    return {
        "mistakes": [[index, label] for index, label in mistakes.items()],
        "variance_ratio": round(variance_ratio(counts, draws=20_000), 4),
        "interval_by_writer": [round(end, 6) for end in interval_by_writer(counts)],
        "corrected": list(count_corrected(read_as, labels, dataset.spec.corrected_test_labels)),
        "numbers": {kind: read_right(write_numbers(kind, labels, writers), mistakes) for kind in KINDS},
    }


@click.command(cls=Command, help=__doc__)
@model_option
@click.option("--data-dir", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
def main(model: Path | None, data_dir: Path) -> None:
    reader = Reader(model)
    images, labels = open_dataset("mnist", data_dir).read("test")
    read_as = np.array(reader.values)[reader.classify(images)[0]]
    mistakes = {int(index): int(read_as[index]) for index in np.flatnonzero(read_as != labels)}
    row = {
        "row": "reader",
        "model": describe(reader),
        "test_correct": len(labels) - len(mistakes),
        "test_total": len(labels),
    }
    records.append("writers", row | figures_by_writer(mistakes, data_dir))
    click.echo(
        f"{len(mistakes)} mistakes; the variance is {records.read('writers')[-1]['variance_ratio']:.2f} times the usual"
    )


if __name__ == "__main__":
    sys.exit(main())
