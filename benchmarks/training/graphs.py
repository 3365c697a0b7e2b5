"""Seconds that `quick` takes on a GPU, with and without its step as a CUDA graph: uv run python -m benchmarks.training.graphs

All training runs take place in this process; the first of each kind loads CUDA's libraries and is not counted. The seconds
are those from the first batch to the last step. Each training run becomes a line of docs/results/graphs.jsonl.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import click
import torch

from benchmarks import records
from benchmarks.command import Command
from mnistlab import train
from mnistlab.training import loop
from mnistlab.training.cuda_graphs import as_recorded


def quick(seeds: int, recorded: bool, data_dir: Path, folder: Path) -> list[dict[str, Any]]:
    """Train `quick` with the seeds 0 to `seeds`; return a row for each but the first."""
    loop.as_recorded = as_recorded if recorded else lambda step, state: step  # type: ignore[attr-defined]
    rows = []
    for seed in range(seeds + 1):
        run, evaluation = train("quick", seed=seed, data_dir=data_dir, runs_dir=folder)
        rows.append(
            {
                "machine": f"{run.environment['device_title']}, torch {run.environment['packages']['torch']}",
                "recorded": recorded,
                "seed": seed,
                "seconds": run.metrics[-1]["seconds"],
                "accuracy": evaluation.accuracy,
                "precision": run.environment["precision"],
            }
        )
    return rows[1:]


@click.command(cls=Command, help=__doc__)
@click.option("--seeds", type=click.IntRange(min=2), default=30, show_default=True, help="How many, recorded.")
@click.option("--data-dir", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
def main(seeds: int, data_dir: Path) -> None:
    if not torch.cuda.is_available():
        raise click.UsageError("There is no CUDA device here, and graphs are recorded on nothing else.")
    with tempfile.TemporaryDirectory() as folder:
        for recorded, count in ((True, seeds), (False, max(2, seeds // 10))):
            rows = quick(count, recorded, data_dir, Path(folder))
            for row in rows:
                records.append("graphs", row)
            accuracies = [100 * row["accuracy"] for row in rows]
            told = "recorded" if recorded else "not recorded"
            click.echo(
                f"{told:<13} median {median(row['seconds'] for row in rows):.3f} s,"
                f" test {mean(accuracies):.3f} ± {stdev(accuracies):.3f} % (n = {len(rows)})"
            )


if __name__ == "__main__":
    sys.exit(main())
