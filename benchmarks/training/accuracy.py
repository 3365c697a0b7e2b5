"""Accuracy of a recipe over seeds: uv run python -m benchmarks.training.accuracy two-conv --seeds 5

Each seed is one whole training: chosen on validation, last epoch, test split read once. It is recorded in
docs/results/accuracy.jsonl as it ends; run again, the seeds that are there are skipped and one that was interrupted is
resumed. Other work beside it changes its seconds, not its accuracy. An ensemble is made of the finished runs of its kinds in the
same runs folder, where there are enough of them: seed 0 of the first ones, seed 1 of the next.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import click
from rich.console import Console
from scipy.stats import t

from benchmarks import records
from benchmarks.command import Command
from benchmarks.training.writers import figures_by_writer
from mnistlab import RECIPES, Recipe, Run, combine, list_runs, load_model, resume, train
from mnistlab.cli.progress import TerminalDisplay
from mnistlab.recipes.catalog import find_classifier
from mnistlab.recipes.recipe import EnsembleRecipe


def done(recipe: Recipe) -> dict[int, dict[str, Any]]:
    """The recorded rows of exactly this recipe and the validation that it has today, by seed."""
    rows = [row for row in records.read("accuracy") if records.is_current(row["recipe"], recipe.name)]
    return {row["seed"]: row for row in rows if records.validation(row) == recipe.data.validation}


def runs_of(recipe: Recipe, folder: Path) -> list[Run]:
    runs = [run for run in list_runs(folder) if isinstance(run, Run)]
    return [run for run in runs if replace(run.recipe, summary=recipe.summary) == recipe]  # which is only words


def finished(recipe: Recipe, folder: Path) -> dict[int, Run]:
    """The runs of exactly this recipe that were tested, by seed."""
    return {run.seed: run for run in runs_of(recipe, folder) if run.test is not None}


def one_seed(recipe: Recipe, seed: int, folder: Path, data_dir: Path) -> dict[str, Any]:
    display = TerminalDisplay(Console(stderr=True))
    kinds = recipe.ensemble.networks if isinstance(recipe, EnsembleRecipe) else ()
    each = recipe.trainings // max(1, len(kinds))  # of a kind; an ensemble's members have seeds of their own
    first = seed * each
    ended = finished(recipe, folder).get(first)  # stopped between its test and its record
    begun = [run for run in runs_of(recipe, folder) if run.seed == first and run.test is None]
    ready = [finished(RECIPES[kind], folder) for kind in kinds]
    members = [(runs, first + number) for number in range(each) for runs in ready]
    if ended:
        run = ended
    elif members and all(number in runs for runs, number in members):  # the kinds' own runs serve: they train alike
        run, _ = combine([runs[number] for runs, number in members], runs_dir=folder, data_dir=data_dir)
    elif begun:
        run, _ = resume(begun[0], display=display)
    else:
        run, _ = train(recipe, seed=first, data_dir=data_dir, runs_dir=folder, display=display)
    last, test = run.metrics[-1], run.test or {}
    return {
        "recipe": recipe.to_dict(),
        "seed": seed,
        "parameters": load_model(run.model_path).model.parameters_count,
        "precision": run.environment["precision"],
        "threads": run.environment["threads"],
        "machine": f"{run.environment['device_title']}, torch {run.environment['packages']['torch']}",
        "date": run.created.date().isoformat(),
        "commit": run.environment["commit"],  # as both were when the run began
        "seconds": round(last["seconds"], 2),
        "val_accuracy": last["val_accuracy"],
        "validation": run.classifier.data.validation,
        "test_correct": test["correct"],
        "test_total": test["total"],
    } | figures_by_writer({mistake["index"]: mistake["predicted"] for mistake in test["mistakes"]}, data_dir)


@click.command(cls=Command, help=__doc__)
@click.argument("name", metavar="RECIPE")
@click.option("--seeds", type=click.IntRange(min=1), default=5, show_default=True, help="How many.")
@click.option("--first", type=click.IntRange(min=0), default=0, show_default=True, help="The first seed.")
@click.option("--runs", "folder", type=click.Path(path_type=Path), default=Path("runs/benchmarks"), show_default=True)
@click.option("--data-dir", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
def main(name: str, seeds: int, first: int, folder: Path, data_dir: Path) -> None:
    recipe = find_classifier(name)
    for seed in range(first, first + seeds):
        if seed not in done(recipe):
            records.append("accuracy", one_seed(recipe, seed, folder, data_dir))
        row = done(recipe)[seed]
        click.echo(f"{name} seed {seed}: test {records.accuracy(row):.2f} %, {row['seconds']:.1f} s")
    rows = [row for seed, row in done(recipe).items() if first <= seed < first + seeds]
    click.echo(f"{name}: test {with_interval(list(map(records.accuracy, rows)))} % (n = {len(rows)} seeds)")


def with_interval(values: list[float]) -> str:
    """Mean ± standard deviation, and the mean's 95 % interval by Student's t; or the value where there is only one."""
    if len(values) == 1:
        return records.spread(values)
    centre, half = mean(values), float(t.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5
    return f"{records.spread(values)}, 95 % interval of the mean {centre - half:.3f} to {centre + half:.3f}"


if __name__ == "__main__":
    sys.exit(main())
