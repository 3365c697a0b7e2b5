"""What each of several processes does around the training loop: the first does everything; the others keep in step with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import NoReturn

import torch

from mnistlab.runs.run import Run
from mnistlab.training.display import Display
from mnistlab.training.film import Film
from mnistlab.training.processes import Processes
from mnistlab.training.signals import StopSignals
from mnistlab.training.state import TrainingState
from mnistlab.training.watch import Watch, stopped, watching

__all__ = ["Together", "watching_together"]


@contextlib.contextmanager
def watching_together(
    processes: Processes, run: Run, state: TrainingState, display: Display, track: str | None
) -> Iterator[Together]:
    """A `Together` for the training run inside `with`; a signal to any process stops all processes after the same step."""
    if processes.is_first:
        with watching(run, state, display, track, Film(state, run.path)) as watch:
            yield Together(processes, run, state, watch.signals, watch)
    else:
        with StopSignals() as signals:
            yield Together(processes, run, state, signals, None)


class Together:
    """Takes the place of a `Watch`: in the first process, does what a `Watch` does; in the others, keeps in step with the first.

    Made by `watching_together`.

    Raises
    ------
    Failure, Interrupted
        From `step` and `epoch`, as from the same methods of `Watch`. If a process is gone, torch raises `RuntimeError`.
    """

    def __init__(
        self, processes: Processes, run: Run, state: TrainingState, signals: StopSignals, watch: Watch | None
    ) -> None:
        self.processes, self.run, self.state, self.signals, self.watch = processes, run, state, signals, watch
        signals.second_interrupts = False  # torchrun sends a signal too, besides the terminal or the cluster

    def step(self, loss: torch.Tensor) -> None:
        """Record the loss of the step just done, and whether any process was told to stop; `loss` is in nats, of shape ()."""
        self.signals.received = self.processes.largest(self.signals.received)
        if self.watch:
            self.watch.step(loss)
        elif self.signals.received and not self.state.epoch_is_over:
            self.stop()

    def epoch(self, validation: Mapping[str, float | None]) -> None:
        """In the first process, save the epoch just done, with `validation` in its line of metrics; the others wait for that."""
        if self.watch:
            self.watch.epoch(validation)
        elif self.signals.received:
            self.stop()
        self.processes.largest(0)

    def stop(self) -> NoReturn:
        """Raise `Interrupted`, but only once the first process has saved the state.

        torchrun ends all processes as soon as one of them has ended.
        """
        with contextlib.suppress(RuntimeError):  # the first process is gone
            self.processes.largest(0)
        raise stopped(self.run, self.state, self.signals.received)
