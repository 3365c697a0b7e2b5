"""Make Markdown tables, and the cells that several tables have in common."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Any

Cells = tuple[str, ...]


def markdown(head: Cells, rows: Iterable[Cells]) -> str:
    """A table in Markdown; empty if it has no rows."""
    lines = ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join(["| " + " | ".join(head) + " |", "|---" * len(head) + "|", *lines]) if lines else ""


def measured(row: dict[str, Any]) -> str:
    return f"{row['date']}, {row['commit']}"


def whole(seconds: list[float]) -> str:
    """The median and the range of the seconds, or the value if there is only one."""
    digits = 2 if median(seconds) < 10 else 0
    middle, low, high = (f"{value:.{digits}f}" for value in (median(seconds), min(seconds), max(seconds)))
    return f"median {middle} s ({low} to {high})" if len(seconds) > 1 else f"{middle} s"


MODULES = {
    "mnist": "reading.foreign --only mnist",
    "semeion": "reading.foreign --only semeion --foreign FOLDER",
    "digits": "reading.foreign --only digits",
    "pages": "reading.pages --pages {pages}",
    "reject": "reading.reject --fonts FOLDER",
    "process": "reading.speed --only process",
    "page-time": "reading.speed --only page-time",
    "photo-time": "reading.speed --only photo-time",
    "classify": "reading.speed --only classify",
    "start": "serving.start",
    "classify-one": "serving.classify --only classify-one",
    "classify-many": "serving.classify --only classify-many",
    "soak": "serving.soak",
    "overload": "serving.overload",
    "page": "serving.page",
}
"""The commands for rows that were recorded before rows noted their command; options not given here had their defaults."""


def command_of(name: str, row: dict[str, Any]) -> str:
    """The command that measures the row again."""
    noted = row.get("command", "")
    command = noted if " -m " in noted else f"uv run python -m benchmarks.{MODULES[name].format_map(row)}"
    return f"`{command.replace('uv run', 'uv run --with scikit-learn') if name == 'digits' else command}`"
