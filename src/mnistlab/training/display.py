"""What a training tells whoever watches."""

from __future__ import annotations

from typing import Any, Protocol

from mnistlab.networks.summary import LayerRow
from mnistlab.runs.run import Run

__all__ = ["Display", "Silent"]


class Display(Protocol):
    """What a training tells whoever watches."""

    def network(self, rows: list[LayerRow]) -> None:
        """The layers of the network that is about to be trained."""

    def start(self, run: Run, epoch_steps: int, steps: int, done: int) -> None:
        """`done` of `steps` are behind it (not 0 when a run is resumed); an epoch has `epoch_steps`, the last perhaps fewer."""

    def step(self, done: int, loss: float, images_per_second: float) -> None:
        """A few times a second: steps done, the loss of the last one in nats, images a second since the last look.

        Images are the split's; rejects that a recipe adds to them are not counted.
        """

    def epoch(self, row: dict[str, Any]) -> None:
        """A finished epoch, as metrics.jsonl holds it."""

    def stop(self) -> None:
        """The last step is done, or there will be none."""


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
