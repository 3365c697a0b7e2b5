"""Seconds of whole commands, process start to end: uv run python -m benchmarks.process

Measures `mnistlab --help`, `mnistlab runs` (over 20 runs), and `mnistlab train` with each RECIPE (default and quick where none
is named), data at hand. Let nothing else run beside it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import click

from benchmarks import records
from mnistlab.data.dataset import open_dataset
from mnistlab.recipes.catalog import RECIPES, find_recipe
from mnistlab.runs.run import Run
from mnistlab.runs.store import create_run, list_runs

COMMAND = Path(sys.executable).parent / "mnistlab"


def train_seconds(times: int, recipe: str, data_dir: Path, runs: Path) -> dict[str, list[float]]:
    """Whole process and training alone (first batch to last step), of `times` trainings with seeds 0, 1, …"""
    measured: dict[str, list[float]] = {"process": [], "training": []}
    for seed in range(times):
        folder = runs / f"{recipe}-{seed}"
        command = ("train", recipe, "--seed", str(seed), "--data-dir", data_dir, "--runs", folder)
        measured["process"].append(seconds(*command))
        run = next(run for run in list_runs(folder) if isinstance(run, Run))
        measured["training"].append(run.metrics[-1]["seconds"])
        click.echo(f"{recipe}: process {measured['process'][-1]:.1f} s, training {measured['training'][-1]:.1f} s")
    return measured


def seconds(*arguments: str | Path) -> float:
    start = time.perf_counter()
    subprocess.run([COMMAND, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure(name: str, times: int, *arguments: str | Path) -> list[float]:
    measured = [seconds(*arguments) for _ in range(times)]
    click.echo(f"{name:<20} {median(measured):7.2f} s  (from {min(measured):.2f} to {max(measured):.2f}, n = {times})")
    return measured


@click.command(cls=records.Command, help=__doc__)
@click.argument("names", nargs=-1, metavar="[RECIPE...]")
@click.option(
    "--short", type=click.IntRange(min=1), default=20, show_default=True, help="Times for the short commands."
)
@click.option("--times", type=click.IntRange(min=1), default=3, show_default=True, help="Trainings of each recipe.")
@click.option("--data-dir", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
@click.option("--record", is_flag=True, help="Add the result to docs/results/process.jsonl.")
def main(names: tuple[str, ...], short: int, times: int, data_dir: Path, record: bool) -> None:
    recipes = [find_recipe(name).name for name in names or ("default", "quick")]
    open_dataset("mnist", data_dir).read("train")
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder)
        for seed in range(20):
            create_run(runs, RECIPES["two-conv"], "mnist", data_dir, seed, {}).append_metrics({"epoch": 1})
        seconds("--help")  # the first start reads the files from disk
        measured["mnistlab --help"] = measure("mnistlab --help", short, "--help")
        measured["mnistlab runs"] = measure("mnistlab runs", short, "runs", "--runs", runs)
        training = {}
        for recipe in recipes:
            trained = train_seconds(times, recipe, data_dir, runs / "trained")
            measured[f"mnistlab train {recipe}"] = trained["process"]
            training[recipe] = trained["training"]
    if record:
        known = {name: RECIPES[name].to_dict() for name in recipes}
        records.append("process", {"recipes": known, "seconds": measured, "training_seconds": training})


if __name__ == "__main__":
    main()
