"""The tables about writers: validation by writer, intervals, corrected labels, numbers by one hand."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean
from typing import Any

from benchmarks import records
from benchmarks.records import accuracy, spread
from benchmarks.report import results
from benchmarks.report.tables import markdown
from mnistlab.recipes.catalog import RECIPES


def gap_table() -> str:
    """How far validation accuracy is from test accuracy, for validation by writer and for validation images from all writers."""
    rows = []
    for name in results.accuracy_rows():
        seeds = [row for row in records.read("accuracy") if records.is_current(row["recipe"], row["recipe"]["name"])]
        both = [
            [row for row in seeds if row["recipe"]["name"] == name and records.validation(row) == split]
            for split in ("val", "val-random")
        ]
        if all(both):
            cells = [cell for group in both for cell in gap_cells(group)]
            rows.append((f"`{name}`", *cells))
    head = ("recipe", "`val` %", "test %", "`val` - test", "`val-random` %", "test %", "`val-random` - test")
    return markdown(head, rows)


def gap_cells(seeds: Sequence[dict[str, Any]]) -> tuple[str, str, str]:
    validation, test = [100 * row["val_accuracy"] for row in seeds], [accuracy(row) for row in seeds]
    gaps = [first - second for first, second in zip(validation, test, strict=True)]
    return f"{spread(validation)} (n = {len(seeds)})", spread(test), f"**{mean(gaps):+.3f}**"


def writers_table() -> str:
    """For each recipe and the shipped reader: how much too narrow the usual interval is, and accuracy on corrected labels and on
    multi-digit numbers."""
    groups: dict[str, list[dict[str, Any]]] = {
        f"`{name}`": [
            row for row in rows if "numbers" in row and records.validation(row) == RECIPES[name].data.validation
        ]
        for name, rows in results.recorded_rows().items()
    }
    if shipped := results.latest_rows("writers").get("reader"):
        groups["the reader that ships"] = [shipped]
    head = (
        "model", "n", "test %", "95 % interval by writer", "variance relative to the usual", "usual interval too narrow by",
        "on corrected labels %", "ZIP codes %", "amounts %", "times of day %",
    )  # fmt: skip
    rows = []
    for name, seeds in groups.items():
        if not seeds:
            continue
        ratio = mean(row["variance_ratio"] for row in seeds)
        low, high = (mean(row["interval_by_writer"][end] for row in seeds) for end in (0, 1))
        right = mean(row["corrected"][0] / row["corrected"][1] for row in seeds)
        numbers = [f"{100 * mean(row['numbers'][kind] for row in seeds):.2f}" for kind in ("zip", "amount", "time")]
        rows.append(
            (
                name,
                str(len(seeds)),
                f"{mean(map(accuracy, seeds)):.3f}",
                f"{100 * low:.2f} to {100 * high:.2f}",
                f"{ratio:.2f}",
                f"{100 * (1 - ratio**-0.5):.0f} %",
                f"{100 * right:.3f}",
                *numbers,
            )
        )
    return markdown(head, rows)
