"""How a training reports its progress."""

from __future__ import annotations

from typing import Any, Protocol

from mnistlab.networks.summary import LayerRow
from mnistlab.runs.run import Run

__all__ = ["Display", "Silent"]


class Display(Protocol):
    """What is told of a training's progress; its methods are called in the order in which they stand here."""

    def network(self, rows: list[LayerRow]) -> None:
        """The layers of the network that is about to be trained."""

    def start(self, run: Run, epoch_steps: int, steps: int, done: int) -> None:
        """The training begins, or goes on after `done` of its `steps`; an epoch has `epoch_steps`, the last perhaps fewer."""

    def step(self, done: int, loss: float, images_per_second: float) -> None:
        """A few times a second: steps done, the last one's loss in nats, images per second since the last call.

        Rejects that a recipe adds to the split's images are not counted.
        """

    def epoch(self, row: dict[str, Any]) -> None:
        """A finished epoch, as metrics.jsonl holds it."""

    def stop(self) -> None:
        """The training is over, finished or not."""


class Silent:
    """A display that shows nothing, to derive from where only some of it is of interest."""

    def network(self, rows: list[LayerRow]) -> None:
        """Nothing."""

    def start(self, run: Run, epoch_steps: int, steps: int, done: int) -> None:
        """Nothing."""

    def step(self, done: int, loss: float, images_per_second: float) -> None:
        """Nothing."""

    def epoch(self, row: dict[str, Any]) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""
