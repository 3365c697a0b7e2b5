"""Take the snapshots that a run keeps of its training: the state of the network, at ever longer intervals."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mnistlab.devices import autocast
from mnistlab.errors import UserError
from mnistlab.networks.deskew import Deskewed
from mnistlab.networks.network import NeuralNet, evaluating
from mnistlab.runs.snapshots import FILTER_VALUES, NAME, PIXELS, PROBABILITIES, Snapshots, snapshot_steps, whole_steps
from mnistlab.training.state import TrainingState
from mnistlab.training.whole import bytes_of, describe_layers, whole_state

__all__ = ["Film"]

DIGITS, FILTERS = 50, 32
"""The largest number of digits whose probabilities are kept, and the largest number of filters that are kept."""


class Film:
    """The snapshots of a training run so far. Taking a snapshot uses no random numbers and changes no weights.

    Parameters
    ----------
    state
        The training run, at its start or at the step where it resumes; on resuming, the run's snapshots up to that step are kept.
    folder
        The run's folder.
    """

    def __init__(self, state: TrainingState, folder: Path) -> None:
        self.state, self.path = state, folder / NAME
        self.wanted = set(snapshot_steps(state.steps))
        self.whole = set(whole_steps(state.steps, bytes_of(state.model)))
        self.model = Deskewed(state.model) if state.architecture.deskew else state.model
        known = None
        if state.steps_done:
            with contextlib.suppress(UserError):  # training continues even without its snapshots
                known = Snapshots.read(self.path, folder).up_to(state.steps_done)
        if known and known.filters.shape[1:] != first_filters(state.model).shape:
            known = None  # an older version of mnistlab kept more filters if they were large
        self.taken = known or self.begin()
        if not len(self.taken.whole):
            self.taken = self.begin_whole(self.taken)
        if not state.steps_done:
            self.take(math.nan)

    def begin(self) -> Snapshots:
        """Snapshots that hold no states yet, for the digits that are hardest to tell apart."""
        state = self.state
        dataset = (state.val_loader or state.loader).dataset
        images, labels = dataset.images[:, 0].cpu().numpy(), dataset.labels.cpu().numpy()
        height, width = images.shape[1:]
        classes = state.architecture.classes
        most = min(DIGITS, PROBABILITIES // classes, PIXELS // (height * width))
        chosen = hardest(images, labels, most)
        weight = first_filters(state.model)
        empty = np.zeros(0)
        return Snapshots(
            steps=empty.astype(np.int64), losses=empty.astype(np.float32),
            filters=np.zeros((0, *weight.shape), np.float32),
            probabilities=np.zeros((0, len(chosen), classes), np.float32), weights=empty.astype("S64"),
            images=images[chosen], labels=labels[chosen], classes=np.array(state.loader.spec.classes),
        )  # fmt: skip

    def begin_whole(self, taken: Snapshots) -> Snapshots:
        """The snapshots `taken` so far, which hold no whole states, prepared to hold whole states of this network."""
        state = self.state
        layers = describe_layers(state.model, state.loader.spec.normalisation, state.architecture.deskew)
        empty = whole_state(state.model)
        return dataclasses.replace(
            taken, layers=np.array(layers), values=empty.values[None][:0], scales=empty.scales[None][:0],
            vectors=empty.vectors[None][:0],
        )  # fmt: skip

    def look(self, loss: torch.Tensor) -> None:
        """Take a snapshot if one is due now. `loss` is the loss of the step just done, in nats: a float tensor of shape ()."""
        if self.state.steps_done in self.wanted:
            self.take(float(loss))

    def take(self, loss: float) -> None:
        """Take a snapshot now; `loss` is the loss of the last step, in nats, or NaN before the first step."""
        state, taken = self.state, self.taken
        images = torch.from_numpy(taken.images[:, None]).to(state.device).float()
        normalised = state.loader.spec.normalisation(images)
        with evaluating(self.model), autocast(state.device, state.precision):
            probabilities = self.model(normalised).float().softmax(1).cpu().numpy()
        digest = hashlib.sha256()
        for value in state.model.state_dict().values():
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
        self.taken = dataclasses.replace(
            taken, steps=np.append(taken.steps, state.steps_done), losses=np.append(taken.losses, np.float32(loss)),
            filters=np.concatenate([taken.filters, first_filters(state.model)[None]]),
            probabilities=np.concatenate([taken.probabilities, probabilities[None]]),
            weights=np.append(taken.weights, np.bytes_(digest.hexdigest())),
        )  # fmt: skip
        if state.steps_done in self.whole and all(weight.isfinite().all() for weight in state.model.parameters()):
            self.take_whole()  # 8 bits cannot hold infinite or NaN weights

    def take_whole(self) -> None:
        """Add all weights, as they are now, to the snapshots."""
        taken, now = self.taken, whole_state(self.state.model)
        self.taken = dataclasses.replace(
            taken, whole=np.append(taken.whole, self.state.steps_done),
            values=np.concatenate([taken.values, now.values[None]]),
            scales=np.concatenate([taken.scales, now.scales[None]]),
            vectors=np.concatenate([taken.vectors, now.vectors[None]]),
        )  # fmt: skip

    def save(self) -> None:
        """Write the snapshots to their file in the run's folder; call this before the state to resume from is written."""
        self.taken.write(self.path)


def first_filters(model: NeuralNet) -> NDArray[np.float32]:
    """The first filters, float32 (F, height, width), of the first convolution, which has one input channel."""
    weight = next(layer for layer in model.layers if isinstance(layer, torch.nn.Conv2d)).weight
    values = weight.detach()[:, 0].float().cpu().contiguous().numpy()
    fitting = FILTER_VALUES // values[0].size
    kept: NDArray[np.float32] = values[: min(FILTERS, fitting)]
    return kept


def hardest(images: NDArray[np.uint8], labels: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """The indices of the images that are hardest to tell from another class: at most `most`, the hardest first.

    `images` holds all images, uint8 (N, H, W). Images are sorted by how much their squared distance from the mean of their own
    class exceeds their squared distance from the nearest mean of another class.
    """
    flat = images.reshape(len(images), -1).astype(np.float32)
    present = np.unique(labels)
    means = np.stack([flat[labels == label].mean(axis=0) for label in present])
    # not NumPy's product: its threads would go on spinning during the first steps of training
    products = (torch.from_numpy(flat) @ torch.from_numpy(means).T).numpy()
    away = (means**2).sum(axis=1) - 2 * products
    own = np.searchsorted(present, labels)
    rows = np.arange(len(labels))
    mine = away[rows, own].copy()
    away[rows, own] = np.inf
    nearest = away.min(axis=1) if len(present) > 1 else np.zeros(len(labels))
    return np.argsort(nearest - mine, kind="stable")[:most]
