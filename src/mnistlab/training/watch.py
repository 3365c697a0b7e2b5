"""What is around the training loop: clock, checks, saving."""

from __future__ import annotations

import time

import torch

from mnistlab.errors import Failure, Interrupted
from mnistlab.networks.checkpoint import save_tensors
from mnistlab.runs.run import Run
from mnistlab.training.signals import StopSignals
from mnistlab.training.state import TrainingState

LOOK_EVERY = 0.25
"""Seconds between two looks at the losses: a look waits for the device, so not every step."""
SAVE_EVERY = 30.0
"""Seconds between two saves of the state inside an epoch."""


def stop_if_asked(run: Run, state: TrainingState, signals: StopSignals) -> None:
    """Raise `Interrupted` where a signal has come; the state has just been saved."""
    if signals.received:
        raise Interrupted(
            f"Stopped after step {state.steps_done:,} of {state.steps:,}; its state is in {run.path}.",
            exit_code=128 + signals.received,
        )


def epoch_losses(state: TrainingState) -> torch.Tensor:
    """The losses of this epoch's steps so far, float (steps,), in nats."""
    return state.losses[: (state.steps_done - 1) % len(state.loader) + 1]


def check_losses(run: Run, state: TrainingState) -> None:
    """Raise `Failure` at the first step of this epoch whose loss is not a number; nothing of it has been saved."""
    losses = epoch_losses(state)
    broken = (~losses.isfinite()).nonzero()
    if len(broken):
        step = state.steps_done - len(losses) + int(broken[0]) + 1
        raise broken_training(run, state, f"loss became {float(losses[int(broken[0])])}", step)


def check_weights(run: Run, state: TrainingState) -> None:
    """Raise `Failure` where the epoch's last step broke the weights, which its loss, taken before, does not show."""
    if not all(bool(value.isfinite().all()) for value in state.final_model.state_dict().values()):
        raise broken_training(run, state, "weights became NaN or infinite", state.steps_done)


def broken_training(run: Run, state: TrainingState, what: str, step: int) -> Failure:
    """The failure that says what broke, at which step, what is kept, and what to try."""
    kept = f"The last good state is kept in {run.path}. " if run.resume_path.exists() else ""
    remedy = f"Train with a smaller --learning-rate than {state.recipe.learning_rate:g}."
    return Failure(f"The {what} at step {step:,} of {state.steps:,}.", kept + remedy)


class Clock:
    """When to look, when to save, and how fast it goes; `seconds` go on from where the state's stand."""

    def __init__(self, state: TrainingState) -> None:
        self.state = state
        self.start = time.perf_counter() - state.seconds
        self.begin_epoch()

    def begin_epoch(self) -> None:
        """What comes between two epochs does not count as training them; all has just been saved."""
        self.looked = self.saved = self.began = time.perf_counter()
        self.steps_looked = self.steps_began = self.state.steps_done

    def end_epoch(self) -> dict[str, float]:
        """Images a second of this epoch (rejects not counted), and seconds since the first batch."""
        now, steps = time.perf_counter(), self.state.steps_done - self.steps_began
        self.state.seconds = now - self.start
        speed = steps * self.state.recipe.batch_size / (now - self.began)
        return {"images_per_second": speed, "seconds": self.state.seconds}

    def time_to_look(self) -> bool:
        """Whether it is time to look at the losses."""
        return time.perf_counter() - self.looked >= LOOK_EVERY

    def time_to_save(self) -> bool:
        """Whether the state has gone unsaved for long."""
        return time.perf_counter() - self.saved >= SAVE_EVERY

    def look(self) -> float:
        """Images a second since the last look."""
        now, steps = time.perf_counter(), self.state.steps_done
        speed = (steps - self.steps_looked) * self.state.recipe.batch_size / (now - self.looked)
        self.looked, self.steps_looked = now, steps
        return speed

    def save(self, run: Run) -> None:
        """Write the state to resume from, in the middle of an epoch."""
        self.state.seconds = time.perf_counter() - self.start
        save_tensors(run.resume_path, self.state.state_dict())
        self.saved = time.perf_counter()
