"""Log a training run for TensorBoard (extra `track`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mnistlab.dependencies import require
from mnistlab.errors import UserError

__all__ = ["TRACKERS", "TensorBoardTracker", "check_packages", "make_tracker"]


TRACKERS = ("tensorboard",)


class TensorBoardTracker:
    """Writes events to the folder "tensorboard" of a run: `tensorboard --logdir runs` shows all runs side by side.

    Parameters
    ----------
    folder
        Where the events go.
    done
        The rows of metrics for the epochs that a resumed run has already done; old events of later steps are discarded.
    """

    def __init__(self, folder: Path, done: list[dict[str, Any]]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        step = done[-1]["step"] + 1 if done else None
        self.writer = SummaryWriter(str(folder), purge_step=step)

    def epoch(self, row: dict[str, Any]) -> None:
        """Log a finished epoch's line of metrics.jsonl."""
        for key, value in row.items():
            if key not in ("epoch", "step", "losses") and value is not None:
                self.writer.add_scalar(key, value, row["step"])
        self.writer.flush()

    def close(self) -> None:
        """Write what is still buffered."""
        self.writer.close()


def check_packages(tracker: str | None) -> None:
    """Raise `UserError` if the tracker is neither None nor in `TRACKERS`, or if packages for training or tracking are missing."""
    if tracker is not None and tracker not in TRACKERS:
        raise UserError("training.unknown_tracker", name=tracker, trackers=list(map(repr, TRACKERS)))
    require("train" if tracker is None else "track")


def make_tracker(name: str | None, run_folder: Path, done: list[dict[str, Any]]) -> TensorBoardTracker | None:
    """The tracker called `name` (one of `TRACKERS`), or None if `name` is None. `done` is as for `TensorBoardTracker`."""
    if name is None:
        return None
    return TensorBoardTracker(run_folder / "tensorboard", done)
