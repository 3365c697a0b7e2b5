"""Following a training in TensorBoard (extra `track`)."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Protocol

from mnistlab.errors import UserError, install

__all__ = ["TRACKERS", "Tracker", "check_tracker", "make_tracker"]


TRACKERS = ("tensorboard",)


class Tracker(Protocol):
    """What a training tells a tracker."""

    def epoch(self, row: dict[str, Any]) -> None:
        """A finished epoch's line of metrics.jsonl."""

    def close(self) -> None:
        """Write what is still held back."""


class TensorBoardTracker:
    """Events below RUN/tensorboard: `tensorboard --logdir runs` shows all runs side by side."""

    def __init__(self, folder: Path, done: list[dict[str, Any]]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        step = done[-1]["step"] + 1 if done else None
        self.writer = SummaryWriter(str(folder), purge_step=step)

    def epoch(self, row: dict[str, Any]) -> None:
        for key, value in row.items():
            if key not in ("epoch", "step", "losses") and value is not None:
                self.writer.add_scalar(key, value, row["step"])
        self.writer.flush()

    def close(self) -> None:
        self.writer.close()


def check_tracker(name: str | None) -> None:
    """Raise `UserError` for an unknown tracker, or one whose package is not installed."""
    if name is not None and name not in TRACKERS:
        raise UserError(f"Unknown tracker {name!r}.", f"Choose one of {', '.join(TRACKERS)}.")
    if name is not None and importlib.util.find_spec("tensorboard") is None:
        raise UserError("TensorBoard is not installed.", install("track"))


def make_tracker(name: str | None, run_folder: Path, done: list[dict[str, Any]]) -> Tracker | None:
    """The tracker called `name`, None for None; `done` are the epochs that a resumed run has behind it."""
    if name is None:
        return None
    return TensorBoardTracker(run_folder / "tensorboard", done)
