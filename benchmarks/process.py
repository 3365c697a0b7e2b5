"""Seconds of whole commands, process start to end: uv run python benchmarks/process.py

Measures `mnistlab --help`, `mnistlab runs` (over 20 runs) and `mnistlab train` (two-conv, data at hand). Let nothing else
run beside it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import click

import records
from mnistlab.datasets import open_dataset
from mnistlab.recipes import RECIPES
from mnistlab.runs import create_run

COMMAND = Path(sys.executable).parent / "mnistlab"


def seconds(*arguments: str | Path) -> float:
    start = time.perf_counter()
    subprocess.run([COMMAND, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure(name: str, times: int, *arguments: str | Path) -> list[float]:
    measured = [seconds(*arguments) for _ in range(times)]
    click.echo(f"{name:<20} {median(measured):7.2f} s  (from {min(measured):.2f} to {max(measured):.2f}, n = {times})")
    return measured


@click.command(help=__doc__)
@click.option(
    "--short", type=click.IntRange(min=1), default=20, show_default=True, help="Times for the short commands."
)
@click.option("--train", type=click.IntRange(min=0), default=3, show_default=True, help="Times for mnistlab train.")
@click.option("--data-dir", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
@click.option("--record", is_flag=True, help="Add the result to docs/results/process.jsonl.")
def main(short: int, train: int, data_dir: Path, record: bool) -> None:
    open_dataset("mnist", data_dir).read("train")
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder)
        for seed in range(20):
            create_run(runs, RECIPES["two-conv"], "mnist", data_dir, seed, {}).append_metrics({"epoch": 1})
        seconds("--help")  # the first start reads the files from disk
        measured["mnistlab --help"] = measure("mnistlab --help", short, "--help")
        measured["mnistlab runs"] = measure("mnistlab runs", short, "runs", "--runs", runs)
        if train:
            arguments = ("train", "--data-dir", data_dir, "--runs", runs)
            measured["mnistlab train"] = measure("mnistlab train", train, *arguments)
    if record:
        records.append("process", {"seconds": measured})


if __name__ == "__main__":
    main()
