"""Train the finder on numbered scenes, which are drawn during training; the number of a step determines its scenes."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from mnistlab.data.dataset import Dataset
from mnistlab.devices import autocast
from mnistlab.errors import UserError, told
from mnistlab.evaluation.finder import alphabet_of, held_out_scenes, measure
from mnistlab.files import is_folder, sha256
from mnistlab.messages.sentences import Clause
from mnistlab.networks.finder import FinderNet, loss, read_finder, save_finder, weighted
from mnistlab.networks.summary import LayerRow
from mnistlab.papers.numbered import in_order, worker_count
from mnistlab.papers.scene import Scene, Scenes
from mnistlab.papers.targets import batch_of, example
from mnistlab.pictures.fonts import fonts_digest
from mnistlab.reading.finder import CLASSES
from mnistlab.recipes.finder import FinderRecipe
from mnistlab.training.optimizers import set_rate
from mnistlab.training.watch import Watch

__all__ = ["FinderState", "fit_finder", "rate_at"]


FORMAT = "mnistlab finder resume 1"
STEEPEST = 5.0
"""Gradients are clipped to this norm."""
PARTS = ("kinds", "boxes", "ink")
"""The parts of which the loss is the weighted sum."""


def rate_at(recipe: FinderRecipe, step: int) -> float:
    """The learning rate of the step with this number, from 0: the rate rises linearly, stays constant, then falls linearly."""
    up = (step + 1) / max(1, recipe.warmup_steps)
    down = (recipe.steps - step) / max(1, recipe.cooldown_steps)
    return recipe.learning_rate * min(1.0, up) * min(1.0, max(0.0, down))


@dataclass(frozen=True)
class Batches:
    """The scenes of each step, turned into examples; step n begins with the scene whose number is n * `size`."""

    scenes: Scenes
    size: int

    def __call__(self, step: int) -> tuple[NDArray[Any], ...]:
        """The batch of the step, as `batch_of` returns it."""
        return batch_of([example(self.scenes[step * self.size + place]) for place in range(self.size)])


class FinderState:
    """One training run: its network, optimizer and counters. The scenes depend on the seed and the step only.

    Parameters
    ----------
    recipe
        The recipe to train.
    dataset
        The dataset that supplies the training digits for the scenes.
    seed
        From 0 to 2**32 - 1; the initial weights and the scenes of each step depend on it alone.
    device
        Where to train.
    precision
        Number format to compute in: "fp32" or "bf16".

    Raises
    ------
    UserError
        If the dataset is not a dataset of digits, or a font is missing.
    """

    def __init__(self, recipe: FinderRecipe, dataset: Dataset, seed: int, device: torch.device, precision: str) -> None:
        torch.manual_seed(seed)
        if device.type == "cuda":  # keep cuDNN from summing gradients in a different order each time
            torch.backends.cudnn.deterministic = True
        self.recipe, self.dataset, self.device, self.precision = recipe, dataset, device, precision
        alphabet = alphabet_of(dataset, "train")
        self.batches = Batches(Scenes(alphabet, recipe.height, recipe.width, seed), recipe.batch_size)
        drawn_with = (alphabet.images, alphabet.labels, alphabet.writers)
        self.data = sha256("".join([*(sha256(array.tobytes()) for array in drawn_with), fonts_digest()]).encode())
        model = FinderNet(len(CLASSES), recipe.widths, recipe.dilations)  # type: ignore[arg-type]
        self.model: FinderNet = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
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
        self.parts = torch.zeros(recipe.epoch_steps, len(PARTS), device=device)  # the parts of each of these losses
        self.steps_done = self.epochs_done = 0  # since the very beginning
        self.metrics: list[dict[str, Any]] = []  # a row per epoch, as in metrics.jsonl
        self.seconds = 0.0
        self.held_out: list[Scene] = []  # drawn for the first validation

    def start_from(self, path: Path) -> None:
        """Take the weights of another finder, from its run folder or model.pth.

        Raises `UserError` if the file is missing, damaged or not a finder's, or if its network or classes do not match.
        """
        path = path / "model.pth" if is_folder(path) else path
        saved = read_finder(path, "remedies.give_a_finder")
        for what, theirs, ours in (
            ("widths", saved.model.widths, self.model.widths),
            ("dilations", saved.model.apart, self.model.apart),
            ("classes", saved.classes, CLASSES),
        ):
            if theirs != ours:
                raise UserError("training.start_misfit", path=path, what=what, theirs=told(theirs), ours=told(ours))
        self.model.load_state_dict(saved.model.state_dict())

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

    def describe(self) -> list[LayerRow]:
        """The network's layers."""
        return self.model.describe(self.recipe.height, self.recipe.width)

    def save_model(self, path: Path) -> None:
        """Write the network, as it is now, to the file `path`."""
        save_finder(path, self.model, self.dataset.spec.name, CLASSES, self.data)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on, as tensors and plain types."""
        return {
            "format": FORMAT,
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
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            raise UserError("training.state_of_unknown_version")
        try:
            if FinderRecipe.from_dict(state["recipe"]) != self.recipe:
                raise UserError("training.state_misfit", reason=Clause("training.other_recipe"))
            if state["data"] != self.data:
                raise UserError("training.state_misfit", reason=Clause("training.scenes_changed"))
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.steps_done, self.epochs_done = int(state["steps_done"]), int(state["epochs_done"])
            self.losses.copy_(state["losses"])
            self.parts.copy_(state["parts"])
            self.metrics, self.seconds = list(state["metrics"]), float(state["seconds"])
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            reason = str(error).strip().splitlines()[-1].strip()
            raise UserError("training.state_misfit", reason=reason) from None


def fit_finder(state: FinderState, watch: Watch) -> None:
    """Train `state` from its current step to its last, and save everything after each epoch. Raises what `watch` raises."""
    numbers = range(state.steps_done, state.steps)
    if not numbers:
        return
    state.model.train()
    with contextlib.closing(in_order(state.batches, numbers, worker_count(state.device))) as batches:
        for batch in batches:
            set_rate(state.optimizer.param_groups, state.rate)
            total = train_step(state, [torch.from_numpy(array).to(state.device) for array in batch])
            state.steps_done += 1
            watch.step(total)
            if state.epoch_is_over:
                state.epochs_done += 1
                watch.epoch({**mean_parts(state), **validate(state)})


def train_step(state: FinderState, batch: list[torch.Tensor]) -> torch.Tensor:
    """Forward, loss, backward, step. Returns the loss, a float tensor of shape (), without waiting for the device."""
    contrast, *asked_for = batch
    with autocast(state.device, state.precision):
        answers = state.model(contrast.to(memory_format=torch.channels_last))
    parts = loss(answers, *asked_for)
    total = weighted(parts, state.recipe.boxes_weight, state.recipe.ink_weight)
    state.parts[state.steps_done % state.epoch_steps] = torch.stack([parts[name].detach() for name in PARTS])
    state.optimizer.zero_grad()
    total.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(state.model.parameters(), STEEPEST)
    state.optimizer.step()
    return total.detach()


def mean_parts(state: FinderState) -> dict[str, float]:
    """The mean of each unweighted part of the loss over the epoch just done."""
    done = (state.steps_done - 1) % state.epoch_steps + 1
    return {f"train_{name}": value for name, value in zip(PARTS, state.parts[:done].mean(0).tolist(), strict=True)}


def validate(state: FinderState) -> dict[str, float]:
    """The loss, accuracy and false finds on scenes with digits by the validation writers.

    The accuracy is the share of digits, 0 to 1, that are found and classified correctly. False finds, which are detections where
    there is no digit, are counted per scene.
    """
    if not state.held_out:
        state.held_out = held_out_scenes(state.recipe, state.dataset, "val", state.device)
    measured = measure(state.model, state.recipe, state.held_out, "val", state.device)
    return {
        "val_loss": measured.mean_loss,
        "val_accuracy": measured.accuracy,
        "val_false_finds": measured.false_finds / measured.scenes,
    }
