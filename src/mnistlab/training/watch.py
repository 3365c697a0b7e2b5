"""What is around the training loop: the clock, checks, saving, signals, the display and the tracker."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from mnistlab.errors import Failure, Interrupted
from mnistlab.networks.checkpoint import save_model, save_tensors
from mnistlab.runs.run import Run
from mnistlab.training.display import Display
from mnistlab.training.optimizers import learning_rate
from mnistlab.training.signals import StopSignals
from mnistlab.training.state import TrainingState
from mnistlab.training.tracking import TensorBoardTracker, make_tracker

__all__ = ["Watch", "watching"]

LOOK_EVERY = 0.25
"""Seconds between two looks at the losses: a look waits for the device, so not after every step."""
SAVE_EVERY = 30.0
"""Seconds between two saves of the state inside an epoch."""
POINTS = 200
"""Losses that metrics.jsonl keeps of a whole training beside those of the epochs, for the curve."""


@contextlib.contextmanager
def watching(run: Run, state: TrainingState, display: Display, track: str | None) -> Iterator[Watch]:
    """A `Watch` for the training inside `with`: signals only stop it between steps; display and tracker learn when it ends.

    Parameters
    ----------
    run
        The folder that everything is saved in.
    state
        What is trained.
    display
        What to tell of the progress.
    track
        What to tell of each epoch too: one of `TRACKERS`, or None.
    """
    tracker = make_tracker(track, run.path, run.metrics)
    try:
        display.network(state.model.describe())
        display.start(run, len(state.loader), state.steps, state.steps_done)
        with StopSignals() as signals:
            yield Watch(run, state, display, tracker, signals)
    finally:
        display.stop()
        if tracker:
            tracker.close()


class Lap:
    """The seconds and steps since it was made."""

    def __init__(self, state: TrainingState) -> None:
        self.state, self.start, self.steps = state, time.perf_counter(), state.steps_done

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.start

    @property
    def images_per_second(self) -> float:
        """Images of the split; rejects that a recipe adds to them are not counted."""
        return (self.state.steps_done - self.steps) * self.state.recipe.data.batch_size / self.seconds


class Watch:
    """Does what is around the loop, which tells it of each step and each epoch.

    Made by `watching`.

    Raises
    ------
    Failure
        By both methods: if the loss or the weights became NaN or infinite, or the disk is full.
    Interrupted
        By both methods: after a signal. Either way the training can be resumed from what was saved last.
    """

    def __init__(
        self, run: Run, state: TrainingState, display: Display, tracker: TensorBoardTracker | None, signals: StopSignals
    ) -> None:
        self.run, self.state, self.display, self.tracker, self.signals = run, state, display, tracker, signals
        self.begun = time.perf_counter() - state.seconds  # a resumed training's seconds go on
        self.since_epoch = self.since_look = self.since_save = Lap(state)
        self.speed = 0.0  # images per second of the last epoch

    def step(self, loss: torch.Tensor) -> None:
        """Note the loss, float (), in nats, of the step just done; a few times a second, check, show and perhaps save."""
        state = self.state
        state.losses[(state.steps_done - 1) % len(state.loader)] = loss
        if state.epoch_is_over:
            self.check_losses()
            self.check_weights()
            state.seconds = time.perf_counter() - self.begun
            self.speed = self.since_epoch.images_per_second
        elif self.since_look.seconds >= LOOK_EVERY or self.signals.received:
            self.check_losses()
            self.display.step(state.steps_done, loss.item(), self.since_look.images_per_second)
            self.since_look = Lap(state)
            if self.since_save.seconds >= SAVE_EVERY or self.signals.received:
                state.seconds = time.perf_counter() - self.begun
                save_tensors(self.run.resume_path, state.state_dict())
                self.since_save = Lap(state)
            self.stop_if_asked()

    def epoch(self, validation: Mapping[str, float | None]) -> None:
        """Save the epoch just done: the state to resume from, the model and a line of metrics, with `validation` in it."""
        state, losses = self.state, self.epoch_losses()
        row = {
            "epoch": state.epochs_done,
            "step": state.steps_done,
            "learning_rate": learning_rate(state.recipe.optimisation, state.steps_done, state.steps),
            "train_loss": losses.mean().item(),
            "losses": course(losses, -(-state.steps // len(state.loader))),
            "images_per_second": self.speed,
            "seconds": state.seconds,
            **validation,
        }
        state.metrics.append(row)
        save_tensors(self.run.resume_path, state.state_dict())  # first: from it alone the two others can be made again
        save_model(self.run.model_path, state.final_model, state.loader.spec)
        self.run.append_metrics(row)
        self.since_epoch = self.since_look = self.since_save = Lap(state)
        self.display.epoch(row)
        if self.tracker:
            self.tracker.epoch(row)
        self.stop_if_asked()

    def stop_if_asked(self) -> None:
        """Raise `Interrupted` after a signal; the state has just been saved."""
        if self.signals.received:
            raise Interrupted(
                "training.stopped",
                steps_done=self.state.steps_done,
                steps=self.state.steps,
                path=self.run.path,
                exit_code=128 + self.signals.received,
            )

    def epoch_losses(self) -> torch.Tensor:
        """The losses of this epoch's steps so far, float (steps,), in nats."""
        return self.state.losses[: (self.state.steps_done - 1) % len(self.state.loader) + 1]

    def check_losses(self) -> None:
        """Raise `Failure` if a step of this epoch had a loss that is not a number; nothing has been saved since that step."""
        losses = self.epoch_losses()
        broken = (~losses.isfinite()).nonzero()
        if len(broken):
            first = int(broken[0])
            raise self.broken(
                "training.loss_broken", self.state.steps_done - len(losses) + first + 1, loss=float(losses[first])
            )

    def check_weights(self) -> None:
        """Raise `Failure` where the epoch's last step broke the weights, which its loss, taken before, does not show."""
        if not all(bool(value.isfinite().all()) for value in self.state.final_model.state_dict().values()):
            raise self.broken("training.weights_broken", self.state.steps_done)

    def broken(self, key: str, step: int, **values: Any) -> Failure:
        """The failure that says what broke, at which step, what is kept, and what to try."""
        remedy = "remedies.smaller_rate_state_kept" if self.run.resume_path.exists() else "remedies.smaller_rate"
        rate = self.state.recipe.optimisation.learning_rate
        return Failure(key, remedy=remedy, step=step, steps=self.state.steps, rate=rate, path=self.run.path, **values)


def course(losses: torch.Tensor, epochs: int) -> list[float]:
    """The mean loss in nats of equal parts of an epoch: about `POINTS` of them in all `epochs`, at least one in each."""
    parts, total = min(len(losses), max(1, POINTS // epochs)), len(losses)
    edges = [total * part // parts for part in range(parts + 1)]
    values = losses.cpu()
    return [round(values[i:j].mean().item(), 4) for i, j in itertools.pairwise(edges)]
