"""Accuracy of a recipe trained by one process or by several: uv run python -m benchmarks.training.processes best --seeds 5

Each training run is `torchrun --nproc-per-node N -m mnistlab train RECIPE --seed S` on the CPU, or on one GPU per process if
--device says so; a single process runs without torchrun. Each run is recorded in docs/results/processes.jsonl when it ends, and
recorded ones are skipped. The seconds mean something only if nothing else is running.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import mean
from typing import Any

import click

from benchmarks import records
from benchmarks.command import Command
from mnistlab.recipes.catalog import find_classifier
from mnistlab.recipes.recipe import Recipe
from mnistlab.runs.run import Run


def trained(name: str, seed: int, processes: int, threads: int, options: list[str]) -> Run:
    """Carry out a training run with that many processes, each with that many threads."""
    several = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes)] if processes > 1 else []
    command = [sys.executable, *several, "-m", "mnistlab", "train", name, "--seed", str(seed), "--json", *options]
    env = ["env", f"OMP_NUM_THREADS={threads}"]
    done = subprocess.run([*env, *command], check=True, stdout=subprocess.PIPE, text=True)
    return Run.open(json.loads(done.stdout)["run"])


def row_of(run: Run, processes: int) -> dict[str, Any]:
    """What is recorded about a run."""
    last, test, environment = run.metrics[-1], run.test or {}, run.environment
    return {
        "machine": f"{environment['device_title']}, torch {environment['packages']['torch']}",
        "recipe": run.classifier.to_dict(),
        "seed": run.seed,
        "processes": processes,
        "threads": environment["threads"],
        "precision": environment["precision"],
        "seconds": round(last["seconds"], 2),
        "train_loss": last["train_loss"],
        "val_accuracy": last["val_accuracy"],
        "test_correct": test["correct"],
        "test_total": test["total"],
    }


def done(recipe: Recipe, processes: int) -> dict[int, dict[str, Any]]:
    """The recorded rows of exactly this recipe, by seed; for one process, also those of benchmarks.training.accuracy."""
    rows = records.read("accuracy") if processes == 1 else []
    rows += [row for row in records.read("processes") if row["processes"] == processes]
    return {row["seed"]: row for row in rows if records.is_current(row["recipe"], recipe.name)}


@click.command(cls=Command, help=__doc__)
@click.argument("name", metavar="RECIPE")
@click.option("--seeds", type=click.IntRange(min=1), default=5, show_default=True, help="How many.")
@click.option(
    "--processes", "count", type=click.IntRange(min=2), default=2, show_default=True, help="Compared with one alone."
)
@click.option(
    "--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Threads that each process has."
)
@click.option("--device", default="cpu", show_default=True)
@click.option("--runs", "folder", type=click.Path(path_type=Path), default=Path("runs/benchmarks"), show_default=True)
@click.option("--data-dir", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
def main(name: str, seeds: int, count: int, threads: int, device: str, folder: Path, data_dir: Path) -> None:
    recipe = find_classifier(name)
    options = ["--device", device, "--runs", str(folder), "--data-dir", str(data_dir)]
    for seed in range(seeds):
        for processes in (1, count):
            if seed not in done(recipe, processes):
                records.append("processes", row_of(trained(name, seed, processes, threads, options), processes))
            row = done(recipe, processes)[seed]
            click.echo(
                f"seed {seed}, {processes} processes: test {records.accuracy(row):.2f} %, {row['seconds']:.1f} s"
            )
    for processes in (1, count):
        rows = [row for seed, row in done(recipe, processes).items() if seed < seeds]
        test = records.spread([records.accuracy(row) for row in rows])
        click.echo(
            f"{processes} processes: test {test} % (n = {len(rows)}), {mean(row['seconds'] for row in rows):.1f} s"
        )


if __name__ == "__main__":
    sys.exit(main())
