"""How well models read corrupted test images: uv run python -m benchmarks.training.corruptions robust

Measures each finished run of the current recipe in the runs folder on the test images, unchanged and with MNIST-C's 15
corruptions, and records it in docs/results/corruptions.jsonl; recorded runs are not measured again. "canonical" first
trains the canonical PyTorch example (canonical.py) for as many epochs as its authors do, or continues where it was stopped;
"shipped" is the reader that ships. These figures must not be used to choose anything:
benchmarks.training.own_corruptions is for that.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import records
from benchmarks.command import Command, data_option
from benchmarks.reading.model import describe, mnist_test
from benchmarks.training.canonical import MEAN, STD, Canonical
from mnistlab.augmentation.corruptions import CORRUPTIONS, corrupt
from mnistlab.evaluation.corrupted import evaluate_corrupted
from mnistlab.networks.checkpoint import load_tensors, save_tensors
from mnistlab.networks.network import evaluating
from mnistlab.reading.reader import Reader
from mnistlab.recipes.catalog import find_classifier
from mnistlab.recipes.recipe import Recipe
from mnistlab.runs.run import Run
from mnistlab.runs.store import list_runs

EPOCHS = 14
"""For how many epochs the canonical example's authors train it."""
CANONICAL, SHIPPED = "canonical", "shipped"
BATCH = 1000

Read = Callable[[NDArray[np.uint8]], NDArray[np.int64]]
"""Takes images, uint8 (N, 28, 28), and returns the predicted digits, int64 (N,)."""


def recorded() -> list[dict[str, Any]]:
    """The recorded rows of the canonical example, and of the recipes and the reader as they are now."""
    reader = describe(Reader())
    return [
        row
        for row in records.read("corruptions")
        if (records.is_current(row["recipe"], row["row"]) if row["recipe"] else row.get("model", reader) == reader)
    ]


def errors(row: dict[str, Any]) -> dict[str, float]:
    """The errors of a row in %, by corruption."""
    return {name: 100 * (1 - row["correct"][name] / row["total"]) for name in CORRUPTIONS}


def mean_error(row: dict[str, Any]) -> float:
    """The mean of the errors over the corruptions, in %."""
    return mean(errors(row).values())


def count_read(read: Read, data_dir: Path) -> dict[str, Any]:
    """How many of the test images are read correctly, unchanged and with each corruption."""
    images, labels = mnist_test(data_dir)
    correct = {"none": int((read(images) == labels).sum())}
    for name in CORRUPTIONS:
        correct[name] = int((read(corrupt(images, name)) == labels).sum())
    return {"correct": correct, "total": len(labels)}


def measure_recipe(recipe: Recipe, folder: Path, data_dir: Path) -> None:
    """Measure a finished run of the recipe for each seed that has not been measured yet."""
    found = [run for run in list_runs(folder) if isinstance(run, Run) and run.test is not None]
    # A recipe with another summary is still the same recipe.
    runs = {run.seed: run for run in found if replace(run.recipe, summary=recipe.summary) == recipe}
    if not runs:
        raise click.UsageError(f"{folder} holds no finished run of {recipe.name} as it is now. Train one.")
    there = {row["seed"] for row in recorded() if row["row"] == recipe.name}
    for seed in sorted(set(runs) - there):
        run = runs[seed]
        measured = evaluate_corrupted(run, data_dir=data_dir).evaluations
        test = run.test or {}
        correct = {"none": test["correct"]} | {name: evaluation.correct for name, evaluation in measured.items()}
        row = {"row": recipe.name, "seed": seed, "recipe": recipe.to_dict(), "run": run.path.name}
        records.append("corruptions", {**row, "correct": correct, "total": test["total"]})


def train_canonical(folder: Path, data_dir: Path, epochs: int) -> Canonical:
    """Train the canonical example, or continue where an earlier call was stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "canonical.pt"
    canonical, done = Canonical(data_dir), 0
    if path.exists():
        state = load_tensors(path, f"Delete it to begin anew: {path}")
        canonical.load_state_dict(state["canonical"])
        done = state["epochs"]
    for epoch in range(done + 1, epochs + 1):
        for _ in canonical.batches():
            pass
        save_tensors(path, {"epochs": epoch, "canonical": canonical.state_dict()})
        click.echo(f"canonical: epoch {epoch} of {epochs}", err=True)
    return canonical


def measure_canonical(folder: Path, data_dir: Path, epochs: int) -> None:
    canonical = train_canonical(folder, data_dir, epochs)

    def read(images: NDArray[np.uint8]) -> NDArray[np.int64]:
        pixels = (torch.from_numpy(images.copy()).unsqueeze(1).float() / 255 - MEAN) / STD
        with evaluating(canonical.model):
            return torch.cat([canonical.model(part).argmax(1) for part in torch.split(pixels, BATCH)]).numpy()

    row = {"row": CANONICAL, "seed": 1, "recipe": None, "epochs": epochs}
    records.append("corruptions", row | count_read(read, data_dir))


def measure_shipped(data_dir: Path) -> None:
    reader = Reader()
    values = np.array(reader.values)
    row = {"row": SHIPPED, "seed": None, "recipe": None, "model": describe(reader)}
    records.append("corruptions", row | count_read(lambda images: values[reader.classify(images)[0]], data_dir))


@click.command(cls=Command, help=__doc__)
@click.argument("name", metavar="RECIPE")
@click.option("--runs", "folder", type=click.Path(path_type=Path), default=Path("runs/benchmarks"), show_default=True)
@click.option(
    "--epochs", type=click.IntRange(min=1), default=EPOCHS, show_default=True, help="Epochs of the canonical example."
)
@data_option
def main(name: str, folder: Path, epochs: int, data_dir: Path) -> None:
    there = [row for row in recorded() if row["row"] == name]
    if name == CANONICAL:
        if not any(row["epochs"] == epochs for row in there):
            measure_canonical(folder, data_dir, epochs)
    elif name == SHIPPED:
        if not there:
            measure_shipped(data_dir)
    else:
        measure_recipe(find_classifier(name), folder, data_dir)
    for row in [row for row in recorded() if row["row"] == name]:
        clean = 100 * row["correct"]["none"] / row["total"]
        told = ", ".join(f"{kind} {error:.1f}" for kind, error in errors(row).items())
        click.echo(f"{name} seed {row['seed']}: test {clean:.2f} %, corrupted {mean_error(row):.2f} % errors: {told}")


if __name__ == "__main__":
    sys.exit(main())
