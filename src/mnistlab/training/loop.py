"""The training loop, from top to bottom: rate, forward, loss, backward, step, average; then validate and save."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from mnistlab.augmentation.rejects import REJECT
from mnistlab.devices import autocast
from mnistlab.evaluation.evaluate import evaluate
from mnistlab.training.cuda_graphs import as_recorded
from mnistlab.training.optimizers import set_rate
from mnistlab.training.state import TrainingState
from mnistlab.training.watch import Watch

if TYPE_CHECKING:
    from mnistlab.training.together import Together

__all__ = ["cross_entropy", "fit", "train_step", "validate"]


def fit(state: TrainingState, watch: Watch | Together) -> None:
    """Train `state` from its current step to its last, and save everything after each epoch. Raises what `watch` raises."""
    model, loader, steps = state.model, state.loader, state.steps
    step = as_recorded(train_step, state)
    while state.steps_done < steps:
        model.train()
        for images, labels in loader:
            set_rate(state.optimizer.param_groups, state.rate)
            loss = step(state, images, labels)
            if state.average:
                state.average.update_parameters(model)
            state.steps_done += 1
            watch.step(loss)
            if state.epoch_is_over:
                break
        state.epochs_done += 1
        watch.epoch(validate(state))


def train_step(state: TrainingState, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Forward, loss, backward, step. Returns the loss in nats, a float tensor of shape (), without waiting for the device.

    If several processes train together, each computes only with its part of the batch, but the loss is that of the whole batch.
    """
    recipe, processes, part = state.recipe, state.processes, state.part
    if part:
        images, labels = part(images), part(labels)
    with autocast(state.device, state.precision):
        logits = state.replica(images)
    loss = cross_entropy(logits.float(), labels, recipe.optimisation.label_smoothing, rejects=recipe.data.rejects > 0)
    if processes and part:
        loss = loss * (part.share * processes.count)  # so that the mean over the processes is the mean over the batch
    state.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    state.optimizer.step()
    return processes.mean(loss) if processes else loss.detach()


def validate(state: TrainingState) -> dict[str, float | None]:
    """Loss in nats and accuracy (0 to 1) on the validation split; both are None if the recipe trains on that split."""
    if state.val_loader is None:
        return {"val_loss": None, "val_accuracy": None}
    evaluation = evaluate(state.final_model, state.val_loader)
    return {"val_loss": evaluation.mean_loss, "val_accuracy": evaluation.accuracy}


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor, smoothing: float, *, rejects: bool) -> torch.Tensor:
    """The mean loss of a batch; with rejects, the network learns to be unsure of images that belong to no class.

    The target of a reject is the same probability for every class (outlier exposure, Hendrycks et al. 2019,
    https://arxiv.org/abs/1812.04606), so the network needs no extra output.

    Parameters
    ----------
    logits
        Float (B, C).
    labels
        int64 (B,), from 0 to C - 1; with `rejects`, -1 for an image of no class.
    smoothing
        Label smoothing: the share (0 to 1) of the target that is spread over all classes, for every image that has a class.
    rejects
        Whether labels may be -1.

    Returns
    -------
    torch.Tensor
        The loss in nats, a float tensor of shape ().
    """
    if not rejects:
        return F.cross_entropy(logits, labels, label_smoothing=smoothing)
    log_probability = logits.log_softmax(dim=1)
    own = -log_probability.gather(1, labels.clamp(min=0).unsqueeze(1)).squeeze(1)
    even = -log_probability.mean(dim=1)
    return torch.lerp(own, even, torch.where(labels == REJECT, 1.0, smoothing)).mean()
