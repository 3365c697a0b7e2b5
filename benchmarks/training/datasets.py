"""Accuracy on another dataset over seeds: uv run python -m benchmarks.training.datasets fashion

Each seed is one whole training run of a recipe, whose last epoch is measured once on the dataset's test images. The run is
recorded in docs/results/datasets.jsonl when it ends. If the command is run again, recorded seeds are skipped, and an interrupted
run is resumed. Other work on the machine changes a run's time, not its accuracy. The recipes were made for digits; none was
changed for the dataset.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from benchmarks import records
from benchmarks.command import Command
from benchmarks.training.accuracy import figures, with_interval
from mnistlab.cli.progress import TerminalDisplay
from mnistlab.data.catalog import find_spec
from mnistlab.recipes.catalog import find_classifier
from mnistlab.recipes.grid import Setting
from mnistlab.training.sweep import Sweep, Trial, carry_out


@click.command(cls=Command, help=__doc__)
@click.argument("dataset")
@click.option("--recipe", "name", default="default", show_default=True, help="What to train.")
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="How many.")
@click.option("--runs", "folder", type=click.Path(path_type=Path), default=Path("runs/benchmarks"), show_default=True)
@click.option("--data-dir", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
def main(dataset: str, name: str, seeds: int, folder: Path, data_dir: Path) -> None:
    recipe, dataset = find_classifier(name), find_spec(dataset).name
    rows = [row for row in records.read("datasets") if row["dataset"] == dataset]
    done = {row["seed"]: row for row in rows if records.is_current(row["recipe"], name)}
    for seed in range(seeds):
        if seed not in done:
            trial = Trial(Setting(recipe), seed)
            plan = Sweep((trial.setting,), 1, seed, dataset, data_dir=data_dir, runs_dir=folder, test=True)
            run = carry_out(plan, trial, TerminalDisplay(Console(stderr=True)))
            done[seed] = figures(run) | {"dataset": dataset, "seed": seed}
            records.append("datasets", done[seed])
        click.echo(f"{name} on {dataset}, seed {seed}: test {records.accuracy(done[seed]):.2f} %")
    accuracies = [records.accuracy(row) for seed, row in done.items() if seed < seeds]
    click.echo(f"{name} on {dataset}: test {with_interval(accuracies)} % (n = {seeds} seeds)")


if __name__ == "__main__":
    sys.exit(main())
