"""What the raw lines of docs/results say about the recipes and commands as they are now."""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import Any

from benchmarks import records
from mnistlab.recipes.catalog import RECIPES
from mnistlab.recipes.recipe import EnsembleRecipe

ENOUGH = 3
"""How many seeds with today's validation it takes to replace those with val-random."""


def recorded_rows() -> dict[str, list[dict[str, Any]]]:
    """All recorded seeds of each recipe as it is now, by name."""
    rows = defaultdict(list)
    for row in records.read("accuracy"):
        name = row["recipe"]["name"]
        if records.is_current(row["recipe"], name):
            rows[name].append(row)
    return {name: rows[name] for name in RECIPES if name in rows}


def accuracy_rows() -> dict[str, list[dict[str, Any]]]:
    """The recorded seeds of each recipe as it is now, by name: those with today's validation if there are enough of them or
    no others, otherwise those with val-random; never both."""
    chosen = {}
    for name, rows in recorded_rows().items():
        todays = [row for row in rows if records.validation(row) == RECIPES[name].data.validation]
        others = [row for row in rows if row not in todays]
        chosen[name] = todays if len(todays) >= ENOUGH or not others else others
    return chosen


def training_seconds(name: str) -> float | None:
    """Seconds from the first batch to the last step, on all cores, with nothing else running; None if they were not measured.

    The median of whole training runs if some were timed, otherwise the number of steps times the median step of
    benchmarks/training/step.py. For an ensemble, the sum over its members, which are trained one after the other.
    """
    recipe = RECIPES[name]
    if isinstance(recipe, EnsembleRecipe):
        each = [training_seconds(kind) for kind in recipe.ensemble.networks]
        known = [seconds for seconds in each if seconds is not None]
        return sum(known) * recipe.trainings / len(each) if len(known) == len(each) else None
    if timed := whole_trainings(name):
        return median(timed)
    row = latest_step(name)
    return float(row["training_seconds"]) if row else None


def whole_trainings(name: str) -> list[float]:
    """For the recipe as it is now, the seconds of the training runs that were timed last; empty if none was timed."""
    row = latest_process(name)
    timed = row["training_seconds"][name] if row else []
    if name == "quick" and races():
        timed = [seed["seconds"] for seed in races()[-1]["quick"]]
    return list(map(float, timed))


def latest_process(name: str, precision: str = "bf16") -> dict[str, Any] | None:
    """The last row of process.jsonl with the recipe as it is now, computed in that precision.

    Rows without a precision are older than that field; they come from a CPU with bf16.
    """
    rows = [
        row
        for row in records.read("process")
        if name in row["training_seconds"]
        and records.is_current(row.get("recipes", {}).get(name), name)
        and row.get("precision", {}).get(name, "bf16") == precision
    ]
    return rows[-1] if rows else None


def latest_step(name: str) -> dict[str, Any] | None:
    """The last measurement of the recipe's steps, if the recipe has not changed since."""
    rows = [row for row in records.read("step") if row["recipe"]["name"] == name]
    return rows[-1] if rows and records.is_current(rows[-1]["recipe"], name) else None


def races() -> list[dict[str, Any]]:
    """The full races of `quick` as it is now."""
    rows = records.read("time_to_accuracy")
    return [row for row in rows if row["mode"] == "full" and records.is_current(row["recipe"], "quick")]


def latest_rows(table: str) -> dict[str, dict[str, Any]]:
    """The last measurement of each row of a table, by name."""
    return {row["row"]: row for row in records.read(table)}


def machine() -> str:
    """The machine that the figures were measured on."""
    return str(records.read("process")[-1]["machine"])
