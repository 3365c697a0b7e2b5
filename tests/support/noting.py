"""A stand-in for `Watch`, for training that is neither saved nor shown."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from typing import Any

import torch

from mnistlab.training.loop import fit
from mnistlab.training.state import TrainingState


class EnoughError(Exception):
    """Raised when the training has taken the requested steps."""


class Notes:
    """Records losses and learning rates of the steps, and the state after one of them; ends the training after `last`."""

    def __init__(self, state: TrainingState, last: int = 0, save_after: int = 0) -> None:
        self.state, self.last, self.save_after = state, last, save_after
        self.losses: list[float] = []
        self.rates: list[float] = []
        self.saved: Any = None if save_after else on_disk_and_back(state.state_dict())

    def step(self, loss: torch.Tensor) -> None:
        self.losses.append(loss.item())
        self.rates.append(float(self.state.optimizer.param_groups[0]["lr"]))
        if len(self.losses) == self.save_after:
            self.saved = on_disk_and_back(self.state.state_dict())
        if len(self.losses) == self.last:
            raise EnoughError

    def epoch(self, validation: Mapping[str, float | None]) -> None:
        pass


def take_steps(state: TrainingState, count: int) -> list[float]:
    """The losses of that many training steps, across epochs."""
    notes = Notes(state, count)
    with contextlib.suppress(EnoughError):
        fit(state, notes)  # type: ignore[arg-type]
    assert len(notes.losses) == count
    return notes.losses


def on_disk_and_back(state: dict[str, Any]) -> Any:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return torch.load(io.BytesIO(buffer.getvalue()), weights_only=True)
