"""The raw results of the benchmarks: JSON lines in docs/results, each with everything needed to trust it."""

from __future__ import annotations

import datetime
import json
import platform
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from mnistlab.devices import device_title
from mnistlab.recipes.catalog import RECIPES
from mnistlab.recipes.recipe import Recipe
from mnistlab.training.environment import commit

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results"


def read(name: str) -> list[dict[str, Any]]:
    """The rows of docs/results/NAME.jsonl, oldest first; none if there is no such file."""
    path = RESULTS / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def accuracy(row: dict[str, Any]) -> float:
    """The test accuracy in a row of accuracy.jsonl, in %."""
    return 100 * float(row["test_correct"]) / float(row["test_total"])


def spread(values: list[float]) -> str:
    """Mean ± standard deviation, or the value if there is only one."""
    return f"{mean(values):.3f} ± {stdev(values):.3f}" if len(values) > 1 else f"{values[0]:.2f}"


def append(name: str, row: dict[str, Any]) -> None:
    """Add a row to docs/results/NAME.jsonl, with the machine, the date and the commit at which it was measured."""
    row = {
        "machine": f"{device_title(torch.device('cpu'))}, torch {torch.__version__.partition('+')[0]}",
        "python": platform.python_version(),
        "date": datetime.date.today().isoformat(),
        "commit": commit(),
    } | row
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (RESULTS / f"{name}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def validation(row: dict[str, Any]) -> str | None:
    """The validation split of a row's run: "val" (by writer), "val-random" (as in version 0.1), or None if it had none."""
    split = (row["recipe"] or {}).get("split", "train")
    return None if split == "train+val" else str(row.get("validation", "val-random"))


def is_current(recipe: dict[str, Any] | None, name: str) -> bool:
    """Whether a row's recipe, in the form of `Recipe.to_dict`, is what `name` stands for now, apart from its summary.

    A recipe trained on "train-random" instead of "train" counts as the same; `validation` tells the rows apart. The oldest rows
    have no recipe; they belong to two-conv and three-conv, which have not changed since.
    """
    if name not in RECIPES:
        return False
    if recipe is None:
        return name in ("two-conv", "three-conv")
    measured = Recipe.from_dict(recipe)
    if measured.data.split == "train-random":
        measured = measured.override(split="train")
    return replace(measured, summary="") == replace(RECIPES[name], summary="")
