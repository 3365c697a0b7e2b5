"""How a training run reports its progress."""

from __future__ import annotations

from typing import Any, Protocol

from mnistlab.networks.summary import LayerRow
from mnistlab.runs.run import Run

__all__ = ["Display", "Silent"]


class Display(Protocol):
    """A listener to the progress of a training run; its methods are called in the order below, `step` and `epoch` repeatedly."""

    def network(self, rows: list[LayerRow]) -> None:
        """Called with the layers of the network that is about to be trained."""

    def start(self, run: Run, epoch_steps: int, steps: int, done: int) -> None:
        """Called when training begins, or continues after `done` of its `steps` steps.

        An epoch has `epoch_steps` steps; the last epoch may have fewer.
        """

    def step(self, done: int, loss: float, images_per_second: float) -> None:
        """Called a few times a second with the number of steps done, the last loss and the images per second since the last call.

        The loss is in nats. The rejects that a recipe adds to the split's images are not counted as images.
        """

    def epoch(self, row: dict[str, Any]) -> None:
        """Called when an epoch is finished; `row` is the epoch's line of metrics.jsonl."""

    def stop(self) -> None:
        """Called when the training run is over, finished or not."""


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
