"""Log a training run for TensorBoard (extra `track`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mnistlab.dependencies import require
from mnistlab.errors import UserError

__all__ = ["TRACKERS", "TensorBoardTracker", "check_packages", "make_tracker"]


TRACKERS = ("tensorboard",)


class TensorBoardTracker:
    """Writes events to a run's folder "tensorboard": `tensorboard --logdir runs` shows all runs side by side.

    Parameters
    ----------
    folder
        Where the events go.
    done
        The rows of the epochs that a resumed run has done; events of later steps are overwritten.
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
    """Raise `UserError` if packages that the tracker needs are missing, or it is not in `TRACKERS`."""
    if tracker is not None and tracker not in TRACKERS:
        raise UserError("training.unknown_tracker", name=tracker, trackers=TRACKERS)
    require("train" if tracker is None else "track")


def make_tracker(name: str | None, run_folder: Path, done: list[dict[str, Any]]) -> TensorBoardTracker | None:
    """The tracker called `name` (one of `TRACKERS`, or None) of the run in that folder; `done` as for `TensorBoardTracker`."""
    if name is None:
        return None
    return TensorBoardTracker(run_folder / "tensorboard", done)
