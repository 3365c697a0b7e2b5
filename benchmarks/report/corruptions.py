"""The table of how well models read corrupted test images."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean
from typing import Any

from benchmarks.records import spread
from benchmarks.report.tables import markdown
from benchmarks.training.corruptions import CANONICAL, SHIPPED, errors, mean_error, recorded
from mnistlab.augmentation.corruptions import CORRUPTIONS
from mnistlab.recipes.catalog import RECIPES

TITLES = {CANONICAL: "the canonical example", SHIPPED: "the reader that ships"}


def corruption_table() -> str:
    """The table of errors in % by corruption, with a column for each model; empty if none was measured."""
    columns = by_model()
    rows = [("seeds", *(str(len(rows)) for rows in columns.values()))]
    rows.append(("none", *(spread([clean_error(row) for row in rows]) for rows in columns.values())))
    for name in CORRUPTIONS:
        means = [mean(errors(row)[name] for row in rows) for rows in columns.values()]
        rows.append((name.replace("_", " "), *(f"{value:.2f}" for value in means)))
    means = [mean(map(mean_error, rows)) for rows in columns.values()]
    rows.append(("**mean of the 15**", *(f"**{value:.2f}**" for value in means)))
    if CANONICAL in columns:
        first = means[list(columns).index(CANONICAL)]
        rows.append(("relative to the canonical example", *(f"{value / first:.2f}" for value in means)))
    head = ("corruption", *(TITLES.get(name, f"`{name}`") for name in columns))
    return markdown(head, rows if columns else [])


def by_model() -> dict[str, Sequence[dict[str, Any]]]:
    """The recorded rows of each model: the canonical example, the recipes in their order, and the reader that ships."""
    rows = recorded()
    names = [CANONICAL, *RECIPES, SHIPPED]
    columns = {name: [row for row in rows if row["row"] == name] for name in names}
    return {name: found for name, found in columns.items() if found}


def clean_error(row: dict[str, Any]) -> float:
    """The error in % on the unchanged test images."""
    return 100 * (1 - float(row["correct"]["none"]) / float(row["total"]))
