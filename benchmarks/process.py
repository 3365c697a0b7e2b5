"""Seconds that whole commands take, from process start to end: uv run python -m benchmarks.process

Measures `mnistlab --help`, `mnistlab runs` (with 20 runs), and `mnistlab train` with each RECIPE (default and quick if none
is named); the data is already there. Let nothing else run meanwhile. To measure as on a CPU without bf16:

    ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 uv run python -m benchmarks.process default --record
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import click

from benchmarks import records
from benchmarks.command import MNISTLAB, Command, data_option, record_option
from mnistlab.data.dataset import open_dataset
from mnistlab.recipes.catalog import RECIPES, find_recipe
from mnistlab.runs.run import Run
from mnistlab.runs.store import create_run, list_runs

SAID = re.compile(r"This takes about (.+)\.")
UNITS = {"s": 1, "min": 60, "h": 3600}


def train_seconds(times: int, recipe: str, data_dir: Path, runs: Path) -> tuple[dict[str, list[float]], str]:
    """The seconds of `times` training runs with seeds 0, 1, …: for the whole process, and from the first batch to the last step.

    Also the time that each run said was left, relative to the time that was actually left, and the precision in which the runs
    computed, "fp32" or "bf16".
    """
    measured: dict[str, list[float]] = {"process": [], "training": [], "said": []}
    for seed in range(times):
        folder = runs / f"{recipe}-{seed}"
        process, said = timed_training(("train", recipe, "--seed", str(seed), "--data-dir", data_dir, "--runs", folder))
        measured["process"].append(process)
        run = next(run for run in list_runs(folder) if isinstance(run, Run))
        measured["training"].append(run.metrics[-1]["seconds"])
        measured["said"] += [] if said is None else [round(said, 3)]
        click.echo(
            f"{recipe}: process {process:.1f} s, training {measured['training'][-1]:.1f} s, said {said or 0:.2f} times"
        )
    return measured, str(run.environment["precision"])


def timed_training(arguments: Sequence[str | Path]) -> tuple[float, float | None]:
    """The seconds of the whole process, and the time that it said was left, relative to the time that was actually left. The
    latter is None if the process said nothing, because only a few seconds were left."""
    start = time.perf_counter()
    said, at, end = None, start, start
    command = [*map(str, MNISTLAB), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr or ():
            if found := SAID.search(line):
                at = time.perf_counter()
                said = sum(int(count) * UNITS[unit] for count, unit in re.findall(r"(\d+) (s|min|h)", found[1]))
            if line.startswith("epoch"):
                end = time.perf_counter()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return time.perf_counter() - start, None if said is None else said / (end - at)


def seconds(*arguments: str | Path) -> float:
    start = time.perf_counter()
    subprocess.run([*MNISTLAB, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure(name: str, times: int, *arguments: str | Path) -> list[float]:
    measured = [seconds(*arguments) for _ in range(times)]
    click.echo(f"{name:<20} {median(measured):7.2f} s  (from {min(measured):.2f} to {max(measured):.2f}, n = {times})")
    return measured


@click.command(cls=Command, help=__doc__)
@click.argument("names", nargs=-1, metavar="[RECIPE...]")
@click.option(
    "--short", type=click.IntRange(min=1), default=20, show_default=True, help="Times for the short commands."
)
@click.option("--times", type=click.IntRange(min=1), default=3, show_default=True, help="Training runs of each recipe.")
@data_option
@record_option("process")
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
        training, precision, said = {}, {}, {}
        for recipe in recipes:
            trained, precision[recipe] = train_seconds(times, recipe, data_dir, runs / "trained")
            measured[f"mnistlab train {recipe}"] = trained["process"]
            training[recipe], said[recipe] = trained["training"], trained["said"]
    if record:
        known = {name: RECIPES[name].to_dict() for name in recipes}
        row = {
            "recipes": known,
            "precision": precision,
            "seconds": measured,
            "training_seconds": training,
            "said": said,
        }
        records.append("process", row)


if __name__ == "__main__":
    main()
