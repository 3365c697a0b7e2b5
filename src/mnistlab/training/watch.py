"""Everything around the training loop: the clock, checks, saving, signals, the display and the tracker."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch

from mnistlab.errors import Failure, Interrupted
from mnistlab.networks.checkpoint import save_tensors
from mnistlab.networks.summary import LayerRow
from mnistlab.runs.run import Run
from mnistlab.training.display import Display
from mnistlab.training.signals import StopSignals
from mnistlab.training.tracking import TensorBoardTracker, make_tracker

if TYPE_CHECKING:
    from mnistlab.training.film import Film

__all__ = ["Training", "Watch", "stopped", "watching"]

LOOK_EVERY = 0.25
"""Seconds between two checks of the losses: a check waits for the device, so it is not made at every step."""
SAVE_EVERY = 30.0
"""Seconds between two saves of the state inside an epoch."""
POINTS = 200
"""The approximate number of losses that metrics.jsonl keeps for a run's curve, besides the mean loss of each epoch."""


class Training(Protocol):
    """The training run that is watched: that of a classifier or of a network for pages."""

    steps: int
    steps_done: int
    epochs_done: int
    seconds: float
    metrics: list[dict[str, Any]]
    losses: torch.Tensor
    """The losses of this epoch's steps, float (epoch_steps,)."""

    @property
    def epoch_steps(self) -> int:
        """The number of steps in an epoch; the last epoch may have fewer."""

    @property
    def batch_size(self) -> int:
        """The number of images per step."""

    @property
    def rate(self) -> float:
        """The next step's learning rate."""

    @property
    def highest_rate(self) -> float:
        """The highest learning rate of the training run."""

    @property
    def epoch_is_over(self) -> bool:
        """Whether the step just done was the last of its epoch or of the training run."""

    @property
    def is_finite(self) -> bool:
        """Whether all weights are finite."""

    def describe(self) -> list[LayerRow]:
        """A row for each layer of the network."""

    def save_model(self, path: Path) -> None:
        """Write the network, as it is now, to the file `path`."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""


@contextlib.contextmanager
def watching(
    run: Run, state: Training, display: Display, track: str | None, film: Film | None = None
) -> Iterator[Watch]:
    """A `Watch` for the training run inside `with`. Signals stop the run only between steps; the display and the tracker are
    told when the run ends.

    Parameters
    ----------
    run
        The run in whose folder everything is saved.
    state
        What is trained.
    display
        What shows the progress.
    track
        What to log each epoch with: one of `TRACKERS`, or None.
    film
        What takes the run's snapshots; None if none are kept.
    """
    tracker = make_tracker(track, run.path, run.metrics)
    try:
        display.network(state.describe())
        display.start(run, state.epoch_steps, state.steps, state.steps_done)
        with StopSignals() as signals:
            yield Watch(run, state, display, tracker, signals, film)
    finally:
        display.stop()
        if tracker:
            tracker.close()


class Lap:
    """Measures the time and the speed of training since this object was made."""

    def __init__(self, state: Training) -> None:
        self.state, self.start, self.steps = state, time.perf_counter(), state.steps_done

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.start

    @property
    def images_per_second(self) -> float:
        """The number of images trained on per second."""
        return (self.state.steps_done - self.steps) * self.state.batch_size / self.seconds


class Watch:
    """Does everything around the training loop, which has to report each step and each epoch to this object.

    Made by `watching`.

    Raises
    ------
    Failure
        From `step` and `epoch`, if the loss or the weights have become NaN or infinite, or the disk is full.
    Interrupted
        From `step` and `epoch`, after a signal. After either error, the run can be resumed from what was saved last.
    """

    def __init__(
        self,
        run: Run,
        state: Training,
        display: Display,
        tracker: TensorBoardTracker | None,
        signals: StopSignals,
        film: Film | None = None,
    ) -> None:
        self.run, self.state, self.display, self.tracker, self.signals = run, state, display, tracker, signals
        self.film = film
        self.begun = time.perf_counter() - state.seconds  # a resumed run goes on counting its seconds
        self.since_epoch = self.since_look = self.since_save = Lap(state)
        self.speed = 0.0  # images per second of the last epoch

    def step(self, loss: torch.Tensor) -> None:
        """Record the loss of the step just done; `loss` is in nats, of shape (). A few times per second, also check the losses,
        show the progress and, if a save is due, save the state."""
        state = self.state
        state.losses[(state.steps_done - 1) % state.epoch_steps] = loss
        if self.film:
            self.film.look(loss)
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
                self.save_state()
                self.since_save = Lap(state)
            self.stop_if_asked()

    def epoch(self, validation: Mapping[str, float | None]) -> None:
        """Save the epoch just done: the state to resume from, the model, and a line of metrics that includes `validation`."""
        state, losses = self.state, self.epoch_losses()
        row = {
            "epoch": state.epochs_done,
            "step": state.steps_done,
            "learning_rate": state.rate,
            "train_loss": losses.mean().item(),
            "losses": course(losses, -(-state.steps // state.epoch_steps)),
            "images_per_second": self.speed,
            "seconds": state.seconds,
            **validation,
        }
        state.metrics.append(row)
        self.save_state()  # first, because the model and the metrics can be made from it again
        state.save_model(self.run.model_path)
        self.run.append_metrics(row)
        self.since_epoch = self.since_look = self.since_save = Lap(state)
        self.display.epoch(row)
        if self.tracker:
            self.tracker.epoch(row)
        self.stop_if_asked()

    def save_state(self) -> None:
        """Write the snapshots so far, then the state to resume training from."""
        if self.film:
            self.film.save()
        save_tensors(self.run.resume_path, self.state.state_dict())

    def stop_if_asked(self) -> None:
        """Raise `Interrupted` if a signal has been received; in that case, the caller has just saved the state."""
        if self.signals.received:
            raise stopped(self.run, self.state, self.signals.received)

    def epoch_losses(self) -> torch.Tensor:
        """The losses of this epoch's steps so far, float (steps,), in nats."""
        return self.state.losses[: (self.state.steps_done - 1) % self.state.epoch_steps + 1]

    def check_losses(self) -> None:
        """Raise `Failure` if a loss of this epoch is NaN or infinite. Called before each save, so no broken state is saved."""
        losses = self.epoch_losses()
        broken = (~losses.isfinite()).nonzero()
        if len(broken):
            raise self.broken("training.loss_broken", self.state.steps_done - len(losses) + int(broken[0]) + 1)

    def check_weights(self) -> None:
        """Raise `Failure` if the epoch's last step made weights NaN or infinite; the loss, computed earlier, cannot show this."""
        if not self.state.is_finite:
            raise self.broken("training.weights_broken", self.state.steps_done)

    def broken(self, key: str, step: int) -> Failure:
        """The failure that says what broke, at which step, what was saved, and what to try."""
        remedy = "remedies.smaller_rate_state_kept" if self.run.resume_path.exists() else "remedies.smaller_rate"
        rate, steps = self.state.highest_rate, self.state.steps
        return Failure(key, remedy=remedy, step=step, steps=steps, rate=rate, path=self.run.path)


def stopped(run: Run, state: Training, signal: int) -> Interrupted:
    """The error that ends a training run after a signal, once its state has been saved."""
    return Interrupted(
        "training.stopped", steps_done=state.steps_done, steps=state.steps, path=run.path, exit_code=128 + signal
    )


def course(losses: torch.Tensor, epochs: int) -> list[float]:
    """The mean losses, in nats, of equal parts of an epoch: about `POINTS` parts over all `epochs`, at least one per epoch."""
    parts, total = min(len(losses), max(1, POINTS // epochs)), len(losses)
    edges = [total * part // parts for part in range(parts + 1)]
    values = losses.cpu()
    return [round(values[i:j].mean().item(), 4) for i, j in itertools.pairwise(edges)]
