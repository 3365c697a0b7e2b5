"""`python -m tests.support.dies_once train ...` under torchrun: like mnistlab, but the second process kills itself once."""

from __future__ import annotations

import os
import signal

import torch

from mnistlab.cli.app import main
from mnistlab.evaluation import plots
from mnistlab.training import loop
from mnistlab.training.loop import train_step
from mnistlab.training.state import TrainingState
from tests.conftest import leave_pictures
from tests.training.small import STEPS


def step(state: TrainingState, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    if state.steps_done == STEPS + 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return train_step(state, images, labels)


if __name__ == "__main__":
    plots.draw_run = leave_pictures
    if (os.environ["RANK"], os.environ["TORCHELASTIC_RESTART_COUNT"]) == ("1", "0"):
        loop.train_step = step
    main()
