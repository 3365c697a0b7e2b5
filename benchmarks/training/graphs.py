"""Seconds that training a recipe takes on a GPU, with and without recording its step as a CUDA graph:
uv run python -m benchmarks.training.graphs

All training runs take place in this process. Before the runs of each kind, `quick` is trained once, uncounted, to load CUDA's
libraries. The seconds are those from the first batch to the last step. Each training run becomes a line of
docs/results/graphs.jsonl. With --runs, the run folders are kept, in the sub-folders `recorded` and `plain`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import click
import torch

from benchmarks import records
from benchmarks.command import Command
from mnistlab import Recipe, train
from mnistlab.recipes.catalog import find_classifier
from mnistlab.training import loop
from mnistlab.training.cuda_graphs import as_recorded


def timed(recipe: Recipe, seeds: Sequence[int], recorded: bool, data_dir: Path, folder: Path) -> list[dict[str, Any]]:
    """Train the recipe with each of the seeds; return a row for each."""
    loop.as_recorded = as_recorded if recorded else lambda step, state: step  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as warm_up:
        train("quick", data_dir=data_dir, runs_dir=warm_up)
    rows = []
    for seed in seeds:
        run, evaluation = train(recipe, seed=seed, data_dir=data_dir, runs_dir=folder)
        rows.append(
            {
                "machine": f"{run.environment['device_title']}, torch {run.environment['packages']['torch']}",
                "recipe": recipe.name,
                "recorded": recorded,
                "seed": seed,
                "seconds": run.metrics[-1]["seconds"],
                "accuracy": evaluation.accuracy,
                "precision": run.environment["precision"],
            }
        )
    return rows


@click.command(cls=Command, help=__doc__)
@click.argument("name", metavar="RECIPE", default="quick")
@click.option("--seeds", type=click.IntRange(min=2), default=30, show_default=True, help="How many, recorded.")
@click.option("--plain", type=click.IntRange(min=2), default=3, show_default=True, help="How many, not recorded.")
@click.option("--first", type=click.IntRange(min=0), default=0, show_default=True, help="The first seed.")
@click.option("--runs", "kept", type=click.Path(path_type=Path), help="Where to keep the run folders.")
@click.option("--data-dir", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
def main(name: str, seeds: int, plain: int, first: int, kept: Path | None, data_dir: Path) -> None:
    if not torch.cuda.is_available():
        raise click.UsageError("There is no CUDA device here, and graphs are recorded on nothing else.")
    recipe = find_classifier(name)
    with tempfile.TemporaryDirectory() as temporary:
        for told, count in (("recorded", seeds), ("plain", plain)):
            folder = (kept or Path(temporary)) / told
            rows = timed(recipe, range(first, first + count), told == "recorded", data_dir, folder)
            for row in rows:
                records.append("graphs", row)
            accuracies = [100 * row["accuracy"] for row in rows]
            click.echo(
                f"{name}, {told:<8} median {median(row['seconds'] for row in rows):.3f} s,"
                f" test {mean(accuracies):.3f} ± {stdev(accuracies):.3f} % (n = {len(rows)})"
            )


if __name__ == "__main__":
    sys.exit(main())
