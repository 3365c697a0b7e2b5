"""A very short training run, and somebody who watches it: what the tests of training share."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

from mnistlab.recipes.catalog import PAPER_RECIPES, RECIPES
from mnistlab.runs.run import Run
from mnistlab.training.display import Silent

RECIPE = RECIPES["two-conv"].override(
    {"epochs": 2, "batch_size": 16, "widths": (4,), "kernel_size": 3, "hidden": 0, "precision": "fp32"},
)
STEPS = 4
"""Steps per epoch: of 75 training pictures 6 are for validation, and the other 69 make four whole batches."""
SHORT = RECIPE.override({"steps": STEPS + 2})
"""One that ends inside its second epoch."""

BRIEF = {
    "steps": 6, "epoch_steps": 4, "batch_size": 2, "warmup_steps": 2, "cooldown_steps": 2, "precision": "fp32", "width": 64,
}  # fmt: skip
PAGES = {
    "finder": PAPER_RECIPES["finder"].override(
        BRIEF, height=48, val_scenes=50, test_scenes=50, widths=(4, 6, 8), dilations=(1, 2)
    ),
    "line-reader": PAPER_RECIPES["line-reader"].override(
        BRIEF, width=96, val_strips=50, test_strips=50, widths=(4, 6, 8, 10)
    ),
}
"""Small recipes of the networks for pages, by the names of the recipes that they change."""


class Watcher(Silent):
    """Sends this process a signal at a chosen point, as somebody at the keyboard would."""

    def __init__(self, at_step: int | None = None, at_epoch: int | None = None, number: int = signal.SIGINT) -> None:
        self.at_step, self.at_epoch, self.number = at_step, at_epoch, number
        self.seen: list[Any] = []

    def start(self, run: Run, epoch_steps: int, steps: int, done: int) -> None:
        self.seen.append(("start", steps, done))

    def step(self, done: int, loss: float, images_per_second: float) -> None:
        self.seen.append(("step", done))
        assert loss > 0
        assert images_per_second > 0
        if done == self.at_step:
            os.kill(os.getpid(), self.number)

    def epoch(self, row: dict[str, Any]) -> None:
        self.seen.append(("epoch", row["epoch"]))
        if row["epoch"] == self.at_epoch:
            os.kill(os.getpid(), self.number)

    def stop(self) -> None:
        self.seen.append("stop")


def copy_of(run: Run, folder: Path) -> Run:
    return Run.open(Path(shutil.copytree(run.path, folder / "copy")))
