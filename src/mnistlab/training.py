"""The training loop, visible from top to bottom: batches, forward, loss, backward, step; then validation."""

from __future__ import annotations

import itertools
import time
from typing import Any, Protocol

import torch
import torch.nn.functional as F

from mnistlab.checkpoints import save_model, save_tensors
from mnistlab.devices import autocast
from mnistlab.errors import Failure, Interrupted
from mnistlab.evaluation import evaluate
from mnistlab.graphs import as_recorded
from mnistlab.model import LayerRow
from mnistlab.rejects import REJECT
from mnistlab.runs import Run
from mnistlab.signals import StopSignals
from mnistlab.tracking import Tracker
from mnistlab.training_state import TrainingState

__all__ = ["Display", "Silent", "cross_entropy", "fit"]

LOOK_EVERY = 0.25
"""Seconds between two looks at the losses: a look waits for the device, so not every step."""
POINTS = 200
"""Losses that metrics.jsonl keeps of a whole training beside those of the epochs, for the curve."""
SAVE_EVERY = 30.0
"""Seconds between two saves of the state inside an epoch."""


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
    """A display that shows nothing."""

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


def fit(run: Run, state: TrainingState, display: Display, tracker: Tracker | None) -> None:
    """The loop. Each epoch ends with the model, the state to resume from and a line of metrics on disk."""
    model, loader = state.model, state.loader
    display.network(model.describe())
    display.start(run, len(loader), state.steps, state.steps_done)
    step = as_recorded(train_step, state)
    clock = Clock(state)
    with StopSignals() as signals:
        while state.steps_done < state.steps:
            model.train()
            for images, labels in loader:
                loss = step(state, images, labels)
                state.schedule.step()
                if state.average:
                    state.average.update_parameters(model)
                state.losses[(state.steps_done - 1) % len(loader)] = loss

                if state.steps_done % len(loader) == 0 or state.steps_done == state.steps:
                    break  # the epoch's last batch, or the training's
                if clock.time_to_look() or signals.received:
                    check_losses(run, state)
                    display.step(state.steps_done, loss.item(), clock.look())
                    if clock.time_to_save() or signals.received:
                        clock.save(run)
                    stop_if_asked(run, state, signals)

            check_losses(run, state)
            check_weights(run, state)
            state.epochs_done += 1
            row = {
                "epoch": state.epochs_done,
                "step": state.steps_done,
                "learning_rate": state.schedule.rate,
                "train_loss": epoch_losses(state).mean().item(),
                "losses": course(epoch_losses(state), -(-state.steps // len(loader))),
                **clock.end_epoch(),
                **validate(state),
            }
            state.metrics.append(row)
            save_tensors(run.resume_path, state.state_dict())  # first: from it alone the two others can be made again
            save_model(run.model_path, state.final_model, loader.spec)
            run.append_metrics(row)
            clock.begin_epoch()
            display.epoch(row)
            if tracker:
                tracker.epoch(row)
            stop_if_asked(run, state, signals)


def train_step(state: TrainingState, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Forward, loss, backward, step. The loss, float (), in nats; nothing here waits for the device."""
    with autocast(state.device, state.precision):
        logits = state.model(images)
    loss = cross_entropy(logits.float(), labels, state.recipe.label_smoothing, rejects=state.recipe.rejects > 0)
    state.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    state.optimizer.step()
    return loss.detach()


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor, smoothing: float, *, rejects: bool) -> torch.Tensor:
    """Mean loss in nats of logits float (B, C); with `rejects`, the target of each label -1 is all classes alike.

    That teaches the network to be unsure of what is no class (outlier exposure, Hendrycks et al. 2019,
    https://arxiv.org/abs/1812.04606), and it keeps its C outputs. `smoothing` is the share of every other target that is
    spread over all classes.
    """
    if not rejects:
        return F.cross_entropy(logits, labels, label_smoothing=smoothing)
    log_probability = logits.log_softmax(dim=1)
    own = -log_probability.gather(1, labels.clamp(min=0).unsqueeze(1)).squeeze(1)
    even = -log_probability.mean(dim=1)
    return torch.lerp(own, even, torch.where(labels == REJECT, 1.0, smoothing)).mean()


def stop_if_asked(run: Run, state: TrainingState, signals: StopSignals) -> None:
    """Raise `Interrupted` where a signal has come; the state has just been saved."""
    if signals.received:
        raise Interrupted(
            f"Stopped after step {state.steps_done:,} of {state.steps:,}; its state is in {run.path}.",
            exit_code=128 + signals.received,
        )


def validate(state: TrainingState) -> dict[str, float | None]:
    """Loss in nats and accuracy on the validation split; None where it was trained on."""
    if state.val_loader is None:
        return {"val_loss": None, "val_accuracy": None}
    evaluation = evaluate(state.final_model, state.val_loader)
    return {"val_loss": evaluation.mean_loss, "val_accuracy": evaluation.accuracy}


def epoch_losses(state: TrainingState) -> torch.Tensor:
    """The losses of this epoch's steps so far, float (steps,), in nats."""
    return state.losses[: (state.steps_done - 1) % len(state.loader) + 1]


def course(losses: torch.Tensor, epochs: int) -> list[float]:
    """The mean loss in nats of equal parts of an epoch: as many that all `epochs` have about `POINTS`, but at least one."""
    parts, total = min(len(losses), max(1, POINTS // epochs)), len(losses)
    edges = [total * part // parts for part in range(parts + 1)]
    values = losses.cpu()
    return [round(values[i:j].mean().item(), 4) for i, j in itertools.pairwise(edges)]


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
