"""Accuracy of a recipe over seeds: uv run python benchmarks/accuracy.py two-conv --seeds 5

Each seed is one whole training: chosen on validation, last epoch, test split read once. It is recorded in
docs/results/accuracy.jsonl as it ends; run again, the seeds that are there are skipped and one that was interrupted is
resumed. Other work beside it changes its seconds, not its accuracy.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import click
from rich.console import Console

import records
from mnistlab import Recipe, Run, list_runs, load_model, resume, train
from mnistlab.progress import TerminalDisplay
from mnistlab.recipes import find_recipe


def done(recipe: Recipe) -> dict[int, dict[str, Any]]:
    """The recorded rows of exactly this recipe, by seed."""
    return {row["seed"]: row for row in records.read("accuracy") if row["recipe"] == recipe.to_dict()}


def one_seed(recipe: Recipe, seed: int, folder: Path, data_dir: Path) -> dict[str, Any]:
    display = TerminalDisplay(Console(stderr=True))
    begun = [
        run
        for run in list_runs(folder)
        if isinstance(run, Run) and run.recipe == recipe and run.seed == seed and run.test is None
    ]
    if begun:
        run, evaluation = resume(begun[0], display=display)
    else:
        run, evaluation = train(recipe, seed=seed, data_dir=data_dir, runs_dir=folder, display=display)
    last = run.metrics[-1]
    return {
        "recipe": recipe.to_dict(),
        "seed": seed,
        "parameters": load_model(run.model_path).model.parameters_count,
        "precision": run.environment["precision"],
        "machine": f"{run.environment['device_title']}, torch {run.environment['packages']['torch']}",
        "commit": run.environment["commit"],  # as it was when the run began
        "seconds": round(last["seconds"], 2),
        "val_accuracy": last["val_accuracy"],
        "test_correct": evaluation.correct,
        "test_total": evaluation.total,
    }


@click.command(help=__doc__)
@click.argument("name", metavar="RECIPE")
@click.option("--seeds", type=click.IntRange(min=1), default=5, show_default=True, help="How many.")
@click.option("--first", type=click.IntRange(min=0), default=0, show_default=True, help="The first seed.")
@click.option("--runs", "folder", type=click.Path(path_type=Path), default=Path("runs/benchmarks"), show_default=True)
@click.option("--data-dir", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
def main(name: str, seeds: int, first: int, folder: Path, data_dir: Path) -> None:
    recipe = find_recipe(name)
    for seed in range(first, first + seeds):
        if seed not in done(recipe):
            records.append("accuracy", one_seed(recipe, seed, folder, data_dir))
        row = done(recipe)[seed]
        click.echo(
            f"{name} seed {seed}: test {100 * row['test_correct'] / row['test_total']:.2f} %, {row['seconds']:.1f} s"
        )
    rows = [row for seed, row in done(recipe).items() if first <= seed < first + seeds]
    accuracy = [100 * row["test_correct"] / row["test_total"] for row in rows]
    spread = stdev(accuracy) if len(accuracy) > 1 else 0.0
    click.echo(f"{name}: test {mean(accuracy):.3f} ± {spread:.3f} % (n = {len(rows)} seeds)")


if __name__ == "__main__":
    sys.exit(main())
