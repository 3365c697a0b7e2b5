"""Everything that changes during training: built in one place, saved and restored to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mnistlab.augmentation.affine import Augmentation
from mnistlab.augmentation.pipeline import Pipeline
from mnistlab.augmentation.rejects import Rejects
from mnistlab.data.dataset import Dataset, DatasetSpec
from mnistlab.data.loader import MNISTDataLoader
from mnistlab.data.splits import Split, writers_of
from mnistlab.errors import UserError, last_line
from mnistlab.files import sha256
from mnistlab.messages.sentences import Clause
from mnistlab.networks.checkpoint import save_model
from mnistlab.networks.deskew import deskew
from mnistlab.networks.ensemble import Network, for_use
from mnistlab.networks.network import NeuralNet
from mnistlab.networks.summary import LayerRow
from mnistlab.recipes.checks import ALONE
from mnistlab.recipes.recipe import Recipe
from mnistlab.runs.migrations import split_of_version_2
from mnistlab.training.optimizers import learning_rate, make_optimizer

if TYPE_CHECKING:
    from mnistlab.training.processes import Processes
    from mnistlab.training.replica import Part

__all__ = ["TrainingState", "pipeline_of", "why_misfit"]


FORMAT = "mnistlab resume 3"


class TrainingState:
    """One training run: its network, optimizer, averaged weights, data order, counters and random generators.

    Parameters
    ----------
    recipe
        The recipe to train.
    dataset
        What to train on.
    seed
        From 0 to 2**32 - 1; the initial weights, the data order and everything else that is random depend on it alone.
    device
        Where to train.
    precision
        Number format to compute in: "fp32" or "bf16".

    Raises
    ------
    UserError
        If the recipe and the dataset do not fit each other.
    """

    def __init__(self, recipe: Recipe, dataset: Dataset, seed: int, device: torch.device, precision: str) -> None:
        torch.manual_seed(seed)
        if device.type == "cuda":  # keep cuDNN from summing gradients in a different order each time
            torch.backends.cudnn.deterministic = True
        self.recipe, self.device, self.precision, self.dataset = recipe, device, precision, dataset.spec.name
        network, data, optimisation = recipe.network, recipe.data, recipe.optimisation
        self.architecture = network.architecture(len(dataset.spec.classes), dataset.spec.image_size)
        self.model = NeuralNet.of(self.architecture).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.replica: nn.Module = self.model  # what a step sends images through
        self.processes: Processes | None = None
        self.part: Part | None = None
        count = self.model.parameters_count
        if 0 < network.most_parameters < count:
            raise UserError(
                "training.too_many_parameters",
                count=count,
                recipe_name=recipe.name,
                most_parameters=network.most_parameters,
            )
        self.loader = MNISTDataLoader(
            cast(Split, data.split),
            dataset=dataset,
            batch_size=data.batch_size,
            seed=seed,
            drop_last=True,
            prepare=deskew if network.deskew else None,
            augment=pipeline_of(recipe, dataset.spec),
            device=device,
        )
        self.val_loader: MNISTDataLoader | None = None
        if data.validation:
            self.val_loader = MNISTDataLoader(data.validation, dataset=dataset, batch_size=None, device=device)
        writers_of(dataset, "test")  # needed at the end; if they cannot be read, fail now
        images, labels = dataset.read("train")
        self.data = sha256(sha256(images.tobytes()).encode() + labels.tobytes())
        self.steps = optimisation.epochs * len(self.loader)
        if optimisation.steps:
            self.steps = min(self.steps, optimisation.steps)
        self.optimizer = make_optimizer(self.model, optimisation)
        self.average: AveragedModel | None = None
        if optimisation.averaging:
            average = get_ema_multi_avg_fn(optimisation.averaging)  # type: ignore[no-untyped-call]
            self.average = AveragedModel(self.model, multi_avg_fn=average, use_buffers=True)
        self.losses = torch.zeros(len(self.loader), device=device)  # of this epoch's steps, in nats
        self.steps_done = self.epochs_done = 0  # since the very beginning
        self.metrics: list[dict[str, Any]] = []  # a row per epoch, as in metrics.jsonl
        self.seconds = 0.0  # from the first batch on

    @property
    def epoch_steps(self) -> int:
        """The number of steps in an epoch."""
        return len(self.loader)

    @property
    def batch_size(self) -> int:
        """The number of images per step, without the rejects that a recipe adds."""
        return self.recipe.data.batch_size

    @property
    def rows(self) -> int:
        """The number of images per step, including the rejects that a recipe adds."""
        return self.batch_size + Rejects(self.recipe.data.rejects).count(self.batch_size)

    def share(self, processes: Processes) -> None:
        """From now on, train together with the same state in the other processes, each process on its part of every batch.

        Raises `UserError` if there are more processes than images in a batch.
        """
        from mnistlab.training.replica import Part, distributed

        if processes.count > self.batch_size:
            raise UserError("training.more_processes_than_images", count=processes.count, batch_size=self.batch_size)
        if not processes.is_first:
            self.val_loader = None  # only the first process validates
        self.processes, self.part = processes, Part.of(processes.rank, processes.count, self.rows)
        self.replica = distributed(self.model, self.part, self.device)

    @property
    def rate(self) -> float:
        """The next step's learning rate."""
        return learning_rate(self.recipe.optimisation, self.steps_done, self.steps)

    @property
    def highest_rate(self) -> float:
        """The learning rate at its peak."""
        return self.recipe.optimisation.learning_rate

    @property
    def is_finite(self) -> bool:
        """Whether all weights that are evaluated and saved are finite."""
        return all(bool(value.isfinite().all()) for value in self.final_model.state_dict().values())

    def describe(self) -> list[LayerRow]:
        """A row for each layer of the network."""
        rows: list[LayerRow] = self.model.describe()
        return rows

    def save_model(self, path: Path) -> None:
        """Write the network, as it is now, to the file `path`."""
        save_model(path, self.final_model, self.loader.spec)

    @property
    def epoch_is_over(self) -> bool:
        """Whether the step just done was the last of its epoch or of the training run."""
        return self.steps_done % len(self.loader) == 0 or self.steps_done == self.steps

    @property
    def final_model(self) -> Network:
        """The network that is evaluated and saved, wrapped by `for_use`; its weights are averaged if the recipe says so."""
        network = cast(NeuralNet, self.average.module) if self.average else self.model
        return for_use(network, self.architecture)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on, as tensors and plain types."""
        return {
            "format": FORMAT,
            "recipe": self.recipe.to_dict(),
            "data": self.data,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "steps_done": self.steps_done,
            "average": self.average.state_dict() if self.average else None,
            "loader": self.loader.state_dict(),
            "losses": self.losses.cpu(),
            "epochs_done": self.epochs_done,
            "metrics": self.metrics,
            "seconds": self.seconds,
            "random": random_state(self.device),
        }

    def load_state_dict(self, state: Any) -> None:
        """Restore what `state_dict` returned. Raises `UserError` for another recipe, other data or an unknown version."""
        found = state.get("format") if isinstance(state, dict) else None
        if found not in (FORMAT, "mnistlab resume 2"):
            if isinstance(found, str):
                raise UserError("training.state_of_other_version", version=found)
            raise UserError("training.state_of_unknown_version")
        try:
            recipe = {**Recipe().to_dict(), **state["recipe"]}  # fields that an old state lacks were added later
            if found != FORMAT and self.recipe.data.split == split_of_version_2(recipe["split"], self.dataset):
                recipe["split"] = self.recipe.data.split
            if {name: value for name, value in recipe.items() if name not in ALONE} != self.recipe.to_dict():
                raise UserError("training.state_misfit", reason=Clause("training.other_recipe"))
            if state["data"] != self.data:
                raise UserError("training.state_misfit", reason=Clause("training.data_changed"))
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.steps_done = int(state["steps_done"])
            if self.average:
                self.average.load_state_dict(state["average"])
            self.loader.load_state_dict(state["loader"])
            self.losses.copy_(state["losses"])
            self.epochs_done = state["epochs_done"]
            self.metrics = list(state["metrics"])
            self.seconds = state["seconds"]
            set_random_state(self.device, state["random"])
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise UserError("training.state_misfit", reason=why_misfit(error)) from None


def why_misfit(error: Exception) -> str | Clause:
    """Why a saved state cannot be restored, in words that can end a sentence."""
    return Clause("runs.field_missing", field=error.args[0]) if isinstance(error, KeyError) else last_line(error)


def pipeline_of(recipe: Recipe, spec: DatasetSpec) -> Pipeline:
    """The augmentation that the recipe applies to the dataset's training images, batch by batch."""
    data = recipe.data
    affine = Augmentation(data.rotate, data.scale, data.shift, data.shear, data.elastic)
    return Pipeline(affine, data.writing, data.rejects, spec.digits, data.clutter)


def random_state(device: torch.device) -> dict[str, torch.Tensor]:
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        state["mps"] = torch.mps.get_rng_state()
    return state


def set_random_state(device: torch.device, state: dict[str, torch.Tensor]) -> None:
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)
    elif device.type == "mps":
        torch.mps.set_rng_state(state["mps"])
