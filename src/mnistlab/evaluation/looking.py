"""The output of each layer of a model, with one interface for the models of runs and for exported ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mnistlab.messages.sentences import Clause
from mnistlab.reading.classifier import Classifier
from mnistlab.reading.explainer import Explainer, Layer
from mnistlab.reading.onnx_graph import ReceptiveField
from mnistlab.runs.run import Run
from mnistlab.runs.store import find_run

if TYPE_CHECKING:
    import torch
    from torch import nn

    from mnistlab.networks.checkpoint import SavedModel

__all__ = ["Look", "OnnxLook", "TorchLook", "look_into"]

BATCH = 250
"""Images per batch."""


class Look(Protocol):
    """A model whose layers can be looked at.

    Attributes
    ----------
    name : str
        The model's name.
    dataset : str
        The dataset that the model was trained on.
    classes : tuple of str
        The name of each class.
    size : (int, int)
        Height and width in pixels of the images that the model takes.
    temperature : float
        The logits are divided by this before the softmax.
    around : list of Clause
        What the model does before and after the network that is shown, such as averaging the answers of an ensemble's members.
    """

    name: str
    dataset: str
    classes: tuple[str, ...]
    size: tuple[int, int]
    temperature: float
    around: list[Clause]

    def layers(self, image: NDArray[np.uint8]) -> list[Layer]:
        """The output of each layer for an image uint8 (H, W), ink 255 on 0; the last is the probabilities of the whole model."""

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.floating[Any]]:
        """The probabilities, float (N, classes), for images uint8 (N, H, W)."""

    def maps(self, images: NDArray[np.uint8], layer: str) -> Iterator[NDArray[np.float32]]:
        """The output of the layer of this name for images uint8 (N, H, W), batch by batch: (B, channels, h, w) or (B, n)."""


class TorchLook:
    """A model that mnistlab saved."""

    def __init__(self, saved: SavedModel, name: str) -> None:
        from mnistlab.networks.contrast import LocalContrast
        from mnistlab.networks.deskew import Deskewed
        from mnistlab.networks.ensemble import Ensemble
        from mnistlab.networks.shifts import Shifted

        self.saved, self.name = saved, name
        self.dataset, self.classes, self.temperature = saved.dataset, saved.classes, 1.0
        architecture: Any = saved.model.architecture
        self.size: tuple[int, int] = architecture.image_size
        self.around: list[Clause] = []
        network: nn.Module = saved.model
        if isinstance(network, Ensemble):
            self.around.append(Clause("explain.of_ensemble", count=len(network.members)))
            network = network.members[0]
        self.deskewed = isinstance(network, Deskewed)
        if isinstance(network, Deskewed):
            self.around.append(Clause("explain.made_upright"))
            network = network.network
        if isinstance(network, Shifted):
            self.around.append(Clause("explain.of_shifts"))
            network = network.network
        self.evened = any(isinstance(layer, LocalContrast) for layer in network.modules())
        if self.evened:
            self.around.append(Clause("explain.evened_out"))
        self.network: Any = network

    def layers(self, image: NDArray[np.uint8]) -> list[Layer]:
        """See `Look.layers`."""
        found = [
            Layer(name, kind_of(layer), values[0].numpy(), field, filters_of(layer))
            for name, layer, values, field in self.walk(image[None])
        ]
        kept = [layer for layer in found if layer.kind != "dropout"]
        return [*kept, Layer("probabilities", "probabilities", self.probabilities(image[None])[0], None, None)]

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """See `Look.probabilities`."""
        import torch

        with torch.inference_mode():
            parts = [
                self.saved.model(self.values(images[at : at + BATCH])).double().softmax(1)
                for at in range(0, len(images), BATCH)
            ]
        whole: NDArray[np.float64] = torch.cat(parts).numpy()
        return whole

    def maps(self, images: NDArray[np.uint8], layer: str) -> Iterator[NDArray[np.float32]]:
        """See `Look.maps`."""
        for at in range(0, len(images), BATCH):
            yield next(values.numpy() for name, _, values, _ in self.walk(images[at : at + BATCH]) if name == layer)

    def values(self, images: NDArray[np.uint8]) -> torch.Tensor:
        """The images as the model takes them, float32 (N, 1, H, W)."""
        import torch

        normalised: torch.Tensor = self.saved.normalisation(torch.from_numpy(images[:, None]).float())
        return normalised

    def walk(self, images: NDArray[np.uint8]) -> Iterator[tuple[str, nn.Module, torch.Tensor, ReceptiveField | None]]:
        """For each layer but `LocalContrast`: the layer's name, the layer itself, its output, and its cells' receptive field."""
        import torch

        from mnistlab.networks.contrast import LocalContrast
        from mnistlab.networks.deskew import deskew

        values = self.values(images)
        field = None if self.deskewed or self.evened else ReceptiveField(size=1, step=1, start=0)
        with torch.inference_mode():
            values = deskew(values) if self.deskewed else values
            for name, layer in self.network.layers.named_children():
                values = layer(values)
                if isinstance(layer, LocalContrast):
                    continue  # it prepares the picture, as deskewing does
                if kind_of(layer) in ("average", "flatten", "linear"):
                    field = None
                elif field is not None and hasattr(layer, "kernel_size"):
                    kernel, stride, padding = (first(getattr(layer, of)) for of in ("kernel_size", "stride", "padding"))
                    field = field.after(kernel, stride, padding)
                yield name, layer, values, field


def first(value: Any) -> int:
    """A kernel's size, stride or padding along the first axis, given as one number or as a pair."""
    return int(value[0] if isinstance(value, tuple) else value)


def kind_of(layer: nn.Module) -> str:
    """The kind of a layer, in the words of `Layer.kind`; "dropout" for layers that do nothing outside training."""
    return {
        "Conv2d": "convolution", "MaxPool2d": "pooling", "BatchNorm2d": "normalisation", "BatchNorm1d": "normalisation",
        "ReLU": "relu", "AdaptiveAvgPool2d": "average", "Flatten": "flatten", "Linear": "linear", "Dropout": "dropout",
    }[type(layer).__name__]  # fmt: skip


def filters_of(layer: nn.Module) -> NDArray[np.float32] | None:
    """A convolution's weights; None for any other layer."""
    if kind_of(layer) != "convolution":
        return None
    weight: Any = layer.weight
    weights: NDArray[np.float32] = weight.detach().numpy()
    return weights


class OnnxLook:
    """A model that `mnistlab export` wrote, or the classifier of the reader that comes with mnistlab."""

    def __init__(self, classifier: Classifier, name: str) -> None:
        self.explainer, self.name = Explainer(classifier), name
        self.classes, self.temperature, self.size = classifier.classes, classifier.temperature, (28, 28)
        self.dataset = classifier.metadata.get("dataset", "mnist")
        self.around = around_of(classifier.metadata)

    @cached_property
    def names(self) -> list[str]:
        """The names of the model's layers."""
        return [step.name for step in self.explainer.steps]

    def layers(self, image: NDArray[np.uint8]) -> list[Layer]:
        """See `Look.layers`."""
        return self.explainer.layers(image)

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `Look.probabilities`."""
        return self.explainer.classifier.classify(images)[1]

    def maps(self, images: NDArray[np.uint8], layer: str) -> Iterator[NDArray[np.float32]]:
        """See `Look.maps`."""
        step = self.explainer.steps[self.names.index(layer)]
        for at in range(0, len(images), BATCH):
            fed = {self.explainer.classifier.input_name: np.ascontiguousarray(images[at : at + BATCH, None])}
            (values,) = self.explainer.session.run([step.output], fed)
            yield np.asarray(values, np.float32)


def around_of(metadata: dict[str, str]) -> list[Clause]:
    """What the model does before and after the network that is shown, according to the recipe in the model file's metadata."""
    try:
        recipe: dict[str, Any] = json.loads(metadata.get("recipe", "{}"))
        members, deskewed, shifted = int(recipe.get("members", 1)), recipe.get("deskew"), recipe.get("test_shifts")
        evened = recipe.get("local_contrast")
    except (ValueError, TypeError, AttributeError):
        return []
    found = [Clause("explain.of_ensemble", count=members)] if members > 1 else []
    found += [Clause("explain.made_upright")] if deskewed else []
    found += [Clause("explain.of_shifts")] if shifted else []
    return found + ([Clause("explain.evened_out")] if evened else [])


def look_into(source: Run | str | Path | None, *, runs_dir: str | Path = "runs") -> TorchLook | OnnxLook:
    """Open a model to look at its layers.

    Parameters
    ----------
    source : Run, str, Path or None
        A run, as for `find_run`; a model.pth; a .onnx file that `mnistlab export` wrote; or None for the classifier of mnistlab's
        own reader.
    runs_dir : str or Path
        The folder that holds the runs.

    Raises
    ------
    UserError
        If there is no such model, or if the model is not a classifier.
    """
    if source is None:
        return OnnxLook(Classifier(), "mnistlab")
    if isinstance(source, str | Path) and Path(source).suffix.lower() == ".onnx":
        return OnnxLook(Classifier(source), Path(source).name)
    from mnistlab.networks.checkpoint import read_model

    if isinstance(source, str | Path) and Path(source).suffix in (".pth", ".pt"):
        return TorchLook(read_model(Path(source)), Path(source).name)
    run = find_run(source, runs_dir)
    name = run.classifier.name
    return TorchLook(read_model(run.model_path), f"{name}, {run.path.name}")
