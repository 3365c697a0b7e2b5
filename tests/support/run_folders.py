"""Run folders made without training, and their content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mnistlab.recipes.catalog import RECIPES
from mnistlab.recipes.recipe import Recipe
from mnistlab.runs.run import Run
from mnistlab.runs.store import create_run

RECIPE = RECIPES["two-conv"].override(epochs=3, widths=(4, 8))
ENVIRONMENT = {"device": "cpu", "device_title": "Abacus", "precision": "fp32", "threads": 2}


def make_run(runs_dir: Path, recipe: Recipe = RECIPE, dataset: str = "mnist", seed: int = 7) -> Run:
    return create_run(runs_dir, recipe, dataset, Path("/somewhere/data"), seed, ENVIRONMENT)


def metrics_row(epoch: int) -> dict[str, Any]:
    accuracy = 0.9 + epoch / 100
    losses = {"train_loss": 1 / epoch, "val_loss": 1 / epoch}
    return {"epoch": epoch, "step": 10 * epoch, **losses, "val_accuracy": accuracy, "seconds": float(epoch)}


def write_test(run: Run, wrong: list[int], total: int = 100) -> None:
    mistakes = [{"index": index} for index in wrong]
    run.write_test({"correct": total - len(wrong), "total": total, "mistakes": mistakes})


def change_config(folder: Path, **values: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
