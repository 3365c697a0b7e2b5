"""How similar the mistakes of different training runs are on the test images, which limits what averaging the runs can gain.

Everything is computed from the mistakes that `benchmarks.training.accuracy` recorded; no model is run.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import records
from benchmarks.report.tables import markdown
from mnistlab.data.dataset import open_dataset
from mnistlab.data.splits import split_writers

KINDS = ("best", "best-5x5", "best-pens")
"""The recipes compared: the members of `ensemble`."""


def runs_of(name: str) -> list[dict[str, Any]]:
    """The recorded runs of a recipe as it is now, if their mistakes are known."""
    rows = records.read("accuracy")
    return [row for row in rows if "mistakes" in row and records.is_current(row["recipe"], name)]


def wrong(row: dict[str, Any]) -> NDArray[np.bool_]:
    """Which test images a run misread: bool (10000,)."""
    errors = np.zeros(row["test_total"], bool)
    errors[[index for index, _ in row["mistakes"]]] = True
    return errors


def writers_of_test(data_dir: Path) -> NDArray[np.int64]:
    """Who wrote each test image: int64 (10000,)."""
    writers = split_writers(open_dataset("mnist", data_dir), "test")
    assert writers is not None  # noqa: S101 - for mypy
    return np.unique(np.asarray(writers), return_inverse=True)[1]


def alike_table(data_dir: Path) -> str:
    """For each pair of recipes, how often two of their runs misread the same image, and the same writer's images."""
    writers = writers_of_test(data_dir)
    errors = {name: [wrong(row) for row in runs_of(name)] for name in KINDS}
    rows = []
    for one, other in itertools.combinations_with_replacement(KINDS, 2):
        pairs = list(
            itertools.combinations(errors[one], 2) if one == other else itertools.product(errors[one], errors[other])
        )
        if pairs:
            rows.append((f"`{one}` and `{other}`" if one != other else f"two of `{one}`", *pair_cells(pairs, writers)))
    head = ("runs", "pairs", "errors of each", "of these in common", "correlation by image", "correlation by writer")
    return markdown(head, rows)


def pair_cells(
    pairs: Sequence[tuple[NDArray[np.bool_], NDArray[np.bool_]]], writers: NDArray[np.int64]
) -> tuple[str, ...]:
    each = mean(float(one.sum() + other.sum()) / 2 for one, other in pairs)
    common = mean(float((one & other).sum()) for one, other in pairs)
    by_image = mean(correlation(one, other) for one, other in pairs)
    by_writer = mean(correlation(*(np.bincount(writers, errors) for errors in pair)) for pair in pairs)
    return (
        str(len(pairs)),
        f"{each:.1f}",
        f"{common:.1f} ({100 * common / each:.0f} %)",
        f"{by_image:.2f}",
        f"{by_writer:.2f}",
    )


def correlation(one: NDArray[Any], other: NDArray[Any]) -> float:
    return float(np.corrcoef(one.astype(float), other.astype(float))[0, 1])
