"""Accuracy of a recipe over seeds: uv run python -m benchmarks.training.accuracy two-conv --seeds 5

Each seed is one whole training run, whose last epoch is measured once on the test split. The run is recorded in
docs/results/accuracy.jsonl when it ends. If the command is run again, recorded seeds are skipped, and an interrupted run is
resumed. Other work on the machine changes a run's time, not its accuracy. An ensemble is made from finished runs of its members'
recipes in the same runs folder, if there are enough: seed 0 from the first ones, seed 1 from the next.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from benchmarks import records
from benchmarks.command import Command
from benchmarks.training.writers import figures_by_writer
from mnistlab import RECIPES, Recipe, Run, combine, load_model
from mnistlab.cli.progress import TerminalDisplay
from mnistlab.evaluation.sweeps import spread_of
from mnistlab.recipes.catalog import find_classifier
from mnistlab.recipes.grid import Setting, seed_of
from mnistlab.recipes.recipe import EnsembleRecipe
from mnistlab.training.sweep import Sweep, Trial, carry_out, find_runs


def done(recipe: Recipe) -> dict[int, dict[str, Any]]:
    """The recorded rows of exactly this recipe with its current validation, by seed."""
    rows = [row for row in records.read("accuracy") if records.is_current(row["recipe"], recipe.name)]
    return {row["seed"]: row for row in rows if records.validation(row) == recipe.data.validation}


def members_of(recipe: Recipe, number: int, plan: Sweep) -> list[Run]:
    """The tested runs that can serve as the ensemble's members, each trained exactly as the ensemble would have trained it; an
    empty list if any of them is missing, or if the recipe names no networks."""
    if not isinstance(recipe, EnsembleRecipe) or not recipe.ensemble.networks:
        return []
    kinds = [Setting(RECIPES[kind]) for kind in recipe.ensemble.networks]
    seeds = range(seed_of(recipe, number), seed_of(recipe, number + 1))
    trials = [Trial(kind, seed) for seed in seeds for kind in kinds]
    found = find_runs(plan, trials)
    return [found[trial] for trial in trials] if all(t in found and found[t].test for t in trials) else []


def one_seed(recipe: Recipe, number: int, folder: Path, data_dir: Path) -> dict[str, Any]:
    trial = Trial(Setting(recipe), number)
    plan = Sweep((trial.setting,), 1, number, data_dir=data_dir, runs_dir=folder, test=True)
    members = members_of(recipe, number, plan)
    if members and trial not in find_runs(plan, [trial]):
        run, _ = combine(members, runs_dir=folder, data_dir=data_dir)
    else:
        run = carry_out(plan, trial, TerminalDisplay(Console(stderr=True)))
    mistakes = {mistake["index"]: mistake["predicted"] for mistake in (run.test or {})["mistakes"]}
    own = {"recipe": recipe.to_dict(), "seed": number}  # a combined run's recipe names its members' runs
    return figures(run) | own | figures_by_writer(mistakes, data_dir)


def figures(run: Run) -> dict[str, Any]:
    """The row of a finished run that has been tested."""
    last, test = run.metrics[-1], run.test or {}
    return {
        "recipe": run.classifier.to_dict(),
        "parameters": load_model(run.model_path).model.parameters_count,
        "precision": run.environment["precision"],
        "threads": run.environment["threads"],
        "machine": f"{run.environment['device_title']}, torch {run.environment['packages']['torch']}",
        "date": run.created.date().isoformat(),
        "commit": run.environment["commit"],  # the date and the commit are those at which the run began
        "seconds": round(last["seconds"], 2),
        "val_accuracy": last["val_accuracy"],
        "validation": run.classifier.data.validation,
        "test_correct": test["correct"],
        "test_total": test["total"],
    }


@click.command(cls=Command, help=__doc__)
@click.argument("name", metavar="RECIPE")
@click.option("--seeds", type=click.IntRange(min=1), default=5, show_default=True, help="How many.")
@click.option("--first", type=click.IntRange(min=0), default=0, show_default=True, help="The first seed.")
@click.option(
    "--split",
    type=click.Choice(["train-random"]),
    help="Train on this split instead of the recipe's: its validation images are random.",
)
@click.option("--runs", "folder", type=click.Path(path_type=Path), default=Path("runs/benchmarks"), show_default=True)
@click.option("--data-dir", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
def main(name: str, seeds: int, first: int, split: str | None, folder: Path, data_dir: Path) -> None:
    recipe = find_classifier(name)
    if split:
        recipe = recipe.override(split=split)
    for seed in range(first, first + seeds):
        if seed not in done(recipe):
            records.append("accuracy", one_seed(recipe, seed, folder, data_dir))
        row = done(recipe)[seed]
        click.echo(f"{name} seed {seed}: test {records.accuracy(row):.2f} %, {row['seconds']:.1f} s")
    rows = [row for seed, row in done(recipe).items() if first <= seed < first + seeds]
    click.echo(f"{name}: test {with_interval(list(map(records.accuracy, rows)))} % (n = {len(rows)} seeds)")


def with_interval(values: list[float]) -> str:
    """Mean ± standard deviation, and the mean's 95 % interval; or the value if there is only one."""
    if (interval := spread_of(values).interval) is None:
        return records.spread(values)
    return f"{records.spread(values)}, 95 % interval of the mean {interval[0]:.3f} to {interval[1]:.3f}"


if __name__ == "__main__":
    sys.exit(main())
