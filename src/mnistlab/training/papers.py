"""Train a finder or a line reader on numbered pictures, drawn during training; a step's number determines the step's pictures."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import torch
from numpy.typing import NDArray
from torch import Tensor

from mnistlab.data.dataset import Dataset
from mnistlab.errors import UserError, told
from mnistlab.evaluation.alphabet import alphabet_of
from mnistlab.evaluation.papers import KINDS, Drawn, held_out_pictures
from mnistlab.evaluation.result import Evaluation
from mnistlab.files import is_folder, sha256
from mnistlab.messages.sentences import Clause
from mnistlab.networks.papers import PaperNet, SavedNetwork
from mnistlab.networks.summary import LayerRow
from mnistlab.papers.numbered import in_order, worker_count
from mnistlab.pictures.fonts import fonts_digest
from mnistlab.recipes.papers import PaperRecipe
from mnistlab.training.optimizers import set_rate
from mnistlab.training.state import why_misfit
from mnistlab.training.watch import Watch

__all__ = ["PaperState", "fit_pages", "rate_at"]

STEEPEST = 5.0
"""Gradients are clipped to this norm."""
Net = TypeVar("Net", bound=PaperNet)
Settings = TypeVar("Settings", bound=PaperRecipe)


def rate_at(recipe: PaperRecipe, step: int) -> float:
    """The learning rate of step number `step`, counted from 0: the rate rises linearly, stays constant, then falls linearly."""
    up = (step + 1) / max(1, recipe.warmup_steps)
    down = (recipe.steps - step) / max(1, recipe.cooldown_steps)
    return recipe.learning_rate * min(1.0, up) * min(1.0, max(0.0, down))


@dataclass(frozen=True)
class Batches:
    """The pictures of each step, turned into arrays; step n begins with the picture whose number is n * `size`."""

    pictures: Drawn
    size: int
    arrays: Callable[[list[Any]], tuple[NDArray[Any], ...]]

    def __call__(self, step: int) -> tuple[NDArray[Any], ...]:
        """The arrays of step number `step`, counted from 0."""
        return self.arrays([self.pictures[step * self.size + place] for place in range(self.size)])


class PaperState(ABC, Generic[Net, Settings]):
    """One training run: its network, optimizer and counters. A step's pictures depend only on the seed and the step's number.

    A subclass says what is particular to a kind of network.

    Parameters
    ----------
    recipe
        The recipe to train.
    dataset
        The dataset that supplies the training digits for the pictures.
    seed
        From 0 to 2**32 - 1; the initial weights and the pictures of each step are random, but decided by the seed.
    device
        Where to train.
    precision
        Number format to compute in: "fp32" or "bf16".

    Raises
    ------
    UserError
        If the dataset is not a dataset of digits, or a font is missing.
    """

    FORMAT: ClassVar[str]
    """The format of the states that `state_dict` returns."""
    PARTS: ClassVar[tuple[str, ...]] = ()
    """The names of the parts of the loss that are recorded."""
    GIVE_ANOTHER: ClassVar[str]
    """The key of the message that says which file to start from."""

    def __init__(self, recipe: Settings, dataset: Dataset, seed: int, device: torch.device, precision: str) -> None:
        torch.manual_seed(seed)
        if device.type == "cuda":  # keep cuDNN from summing gradients in a different order each time
            torch.backends.cudnn.deterministic = True
        self.recipe, self.dataset, self.device, self.precision = recipe, dataset, device, precision
        self.kind = KINDS[recipe.kind]
        alphabet = alphabet_of(dataset, "train")
        self.batches = Batches(self.kind.drawn(recipe, alphabet, seed), recipe.batch_size, self.arrays_of)
        drawn_with = (alphabet.images, alphabet.labels, alphabet.writers)
        self.data = sha256("".join([*(sha256(array.tobytes()) for array in drawn_with), fonts_digest()]).encode())
        model = self.network(recipe)
        self.model: Net = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        parameters = list(self.model.parameters())
        groups = [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        betas = (recipe.momentum, recipe.squares_momentum)
        self.optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=betas)
        self.steps, self.epoch_steps, self.batch_size = recipe.steps, recipe.epoch_steps, recipe.batch_size
        self.highest_rate = recipe.learning_rate
        self.losses = torch.zeros(recipe.epoch_steps, device=device)  # of this epoch's steps
        self.parts = torch.zeros(recipe.epoch_steps, len(self.PARTS), device=device)  # the parts of each loss
        self.steps_done = self.epochs_done = 0  # since the very beginning
        self.metrics: list[dict[str, Any]] = []  # a row per epoch, as in metrics.jsonl
        self.seconds = 0.0
        self.held_out: list[Any] = []  # drawn for the first validation

    @staticmethod
    @abstractmethod
    def arrays_of(pictures: list[Any]) -> tuple[NDArray[Any], ...]:
        """A batch of pictures as arrays for the network and its loss."""

    @abstractmethod
    def network(self, recipe: Settings) -> Net:
        """The recipe's network with random weights."""

    @abstractmethod
    def loss(self, batch: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The quantity to minimise and its `PARTS`, tensors of shape (), for a batch on the CPU."""

    @abstractmethod
    def asked_of(self, saved: SavedNetwork[Net]) -> Mapping[str, tuple[Any, Any]]:
        """What must agree for the saved weights to fit: by name, the saved network's value and this run's."""

    @abstractmethod
    def save_model(self, path: Path) -> None:
        """Write the network, as it is now, to the file `path`."""

    @abstractmethod
    def row_of(self, measured: Any) -> dict[str, float]:
        """What metrics.jsonl records of a validation besides the loss and the accuracy."""

    def start_from(self, path: Path) -> None:
        """Take the weights of another network of this kind, from its run folder or model.pth.

        Raises `UserError` if the file is missing or damaged, or if its network differs from the run's in kind, design or classes.
        """
        path = path / "model.pth" if is_folder(path) else path
        saved = self.kind.read(path, self.GIVE_ANOTHER)
        for what, (theirs, ours) in self.asked_of(saved).items():
            if theirs != ours:
                raise UserError("training.start_misfit", path=path, what=what, theirs=told(theirs), ours=told(ours))
        self.model.load_state_dict(saved.model.state_dict())

    def describe(self) -> list[LayerRow]:
        """A row for each layer of the network."""
        return self.model.describe(self.batches.pictures.height, self.batches.pictures.width)

    @property
    def epoch_is_over(self) -> bool:
        """Whether the step just done was the last of its epoch or of the training run."""
        return self.steps_done % self.epoch_steps == 0 or self.steps_done == self.steps

    @property
    def rate(self) -> float:
        """The next step's learning rate."""
        return rate_at(self.recipe, self.steps_done)

    @property
    def is_finite(self) -> bool:
        """Whether all weights are finite."""
        return all(bool(value.isfinite().all()) for value in self.model.state_dict().values())

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on, as tensors and plain types."""
        return {
            "format": self.FORMAT,
            "recipe": self.recipe.to_dict(),
            "data": self.data,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "steps_done": self.steps_done,
            "epochs_done": self.epochs_done,
            "losses": self.losses.cpu(),
            "parts": self.parts.cpu(),
            "metrics": self.metrics,
            "seconds": self.seconds,
        }

    def load_state_dict(self, state: Any) -> None:
        """Restore what `state_dict` returned. Raises `UserError` if the recipe, the data or the version differs."""
        if not isinstance(state, dict) or state.get("format") != self.FORMAT:
            raise UserError("training.state_of_unknown_version")
        try:
            if self.recipe.from_dict(state["recipe"]) != self.recipe:
                raise UserError("training.state_misfit", reason=Clause("training.other_recipe"))
            if state["data"] != self.data:
                raise UserError("training.state_misfit", reason=Clause("training.pictures_changed"))
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.steps_done, self.epochs_done = int(state["steps_done"]), int(state["epochs_done"])
            self.losses.copy_(state["losses"])
            self.parts.copy_(state["parts"])
            self.metrics, self.seconds = list(state["metrics"]), float(state["seconds"])
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise UserError("training.state_misfit", reason=why_misfit(error)) from None

    def step(self, batch: Sequence[Tensor]) -> Tensor:
        """Forward, loss, backward, step. Returns the loss, a float tensor of shape (), without waiting for the device."""
        total, parts = self.loss(batch)
        if parts:
            self.parts[self.steps_done % self.epoch_steps] = torch.stack([part.detach() for part in parts])
        self.optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), STEEPEST)
        self.optimizer.step()
        return total.detach()

    def mean_parts(self) -> dict[str, float]:
        """The mean of each unweighted part of the loss over the epoch just done."""
        done = (self.steps_done - 1) % self.epoch_steps + 1
        return {
            f"train_{name}": value for name, value in zip(self.PARTS, self.parts[:done].mean(0).tolist(), strict=True)
        }

    def validate(self) -> dict[str, float]:
        """The loss, the accuracy (0 to 1) and what `row_of` adds, measured on pictures with digits by the validation writers."""
        if not self.held_out:
            self.held_out = held_out_pictures(self.recipe, self.dataset, "val", self.device)
        measured: Evaluation = self.kind.measure(self.model, self.recipe, self.held_out, "val", self.device)
        return {"val_loss": measured.mean_loss, "val_accuracy": measured.accuracy, **self.row_of(measured)}


def fit_pages(state: PaperState[Any, Any], watch: Watch) -> None:
    """Train `state` from its current step to its last, and save everything after each epoch. Raises what `watch` raises."""
    numbers = range(state.steps_done, state.steps)
    if not numbers:
        return
    state.model.train()
    with contextlib.closing(in_order(state.batches, numbers, worker_count(state.device))) as batches:
        for batch in batches:
            set_rate(state.optimizer.param_groups, state.rate)
            total = state.step([torch.from_numpy(array) for array in batch])
            state.steps_done += 1
            watch.step(total)
            if state.epoch_is_over:
                state.epochs_done += 1
                watch.epoch({**state.mean_parts(), **state.validate()})
