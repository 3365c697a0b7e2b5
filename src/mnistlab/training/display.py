"""How a training run reports its progress."""

from __future__ import annotations

from typing import Any, Protocol

from mnistlab.networks.summary import LayerRow
from mnistlab.runs.run import Run

__all__ = ["Display", "Silent"]


class Display(Protocol):
    """A listener to the progress of a training run; its methods are called in the order in which they are defined here."""

    def network(self, rows: list[LayerRow]) -> None:
        """Called with the layers of the network that is about to be trained."""

    def start(self, run: Run, epoch_steps: int, steps: int, done: int) -> None:
        """Training begins, or continues after `done` of its `steps`. Epochs have `epoch_steps` steps, the last perhaps fewer."""

    def step(self, done: int, loss: float, images_per_second: float) -> None:
        """Called a few times a second with the steps done, the last loss in nats, and the images per second since the last call.

        The rejects that a recipe adds to the split's images are not counted as images.
        """

    def epoch(self, row: dict[str, Any]) -> None:
        """An epoch is finished; `row` is its line of metrics.jsonl."""

    def stop(self) -> None:
        """The training run is over, finished or not."""


class Silent:
    """A display that shows nothing; derive from it to show only part of the progress."""

    def network(self, rows: list[LayerRow]) -> None:
        """Do nothing."""

    def start(self, run: Run, epoch_steps: int, steps: int, done: int) -> None:
        """Do nothing."""

    def step(self, done: int, loss: float, images_per_second: float) -> None:
        """Do nothing."""

    def epoch(self, row: dict[str, Any]) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""
