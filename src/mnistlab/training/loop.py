"""The training loop, visible from top to bottom: batches, forward, loss, backward, step; then validation."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F

from mnistlab.augmentation.rejects import REJECT
from mnistlab.devices import autocast
from mnistlab.evaluation.evaluate import evaluate
from mnistlab.networks.checkpoint import save_model, save_tensors
from mnistlab.runs.run import Run
from mnistlab.training.cuda_graphs import as_recorded
from mnistlab.training.display import Display
from mnistlab.training.signals import StopSignals
from mnistlab.training.state import TrainingState
from mnistlab.training.tracking import Tracker
from mnistlab.training.watch import Clock, check_losses, check_weights, epoch_losses, stop_if_asked

__all__ = ["cross_entropy", "fit"]

POINTS = 200
"""Losses that metrics.jsonl keeps of a whole training beside those of the epochs, for the curve."""


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


def validate(state: TrainingState) -> dict[str, float | None]:
    """Loss in nats and accuracy on the validation split; None where it was trained on."""
    if state.val_loader is None:
        return {"val_loss": None, "val_accuracy": None}
    evaluation = evaluate(state.final_model, state.val_loader)
    return {"val_loss": evaluation.mean_loss, "val_accuracy": evaluation.accuracy}


def course(losses: torch.Tensor, epochs: int) -> list[float]:
    """The mean loss in nats of equal parts of an epoch: as many that all `epochs` have about `POINTS`, but at least one."""
    parts, total = min(len(losses), max(1, POINTS // epochs)), len(losses)
    edges = [total * part // parts for part in range(parts + 1)]
    values = losses.cpu()
    return [round(values[i:j].mean().item(), 4) for i, j in itertools.pairwise(edges)]
