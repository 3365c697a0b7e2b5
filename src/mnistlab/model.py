"""The network: blocks of convolution, pooling, normalisation and ReLU; then flatten; then linear layers."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from mnistlab.errors import UserError

__all__ = ["LayerRow", "NeuralNet", "evaluating"]


class NeuralNet(nn.Module):
    """Images float (B, 1, H, W), normalised, in; logits float (B, classes) out: no softmax, cross-entropy holds it.

    `widths` are the channels after each convolution; each block halves height and width. `padding` "same" keeps the edge
    pixels' neighbourhoods, "valid" takes only whole ones. `hidden` puts a linear layer of that width before the last one
    (0: none). `dropout` is the fraction of values zeroed before each linear layer in training.

    Max-pool stands before batch norm and ReLU: ReLU after max-pool gives what max-pool after ReLU gives, bit for bit, for
    a quarter of the work, and batch norm then sees the values that go on. `pool_last` gives the order of most textbooks,
    convolution -> batch norm -> ReLU -> max-pool.

    Raises `UserError` where the blocks leave no pixel of the image, or a number is out of range.
    """

    def __init__(
        self,
        widths: Sequence[int] = (32, 64),
        *,
        classes: int = 10,
        image_size: Sequence[int] = (28, 28),
        kernel_size: int = 3,
        padding: str = "same",
        batch_norm: bool = True,
        pool_last: bool = False,
        hidden: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.architecture: dict[str, Any] = {
            "widths": list(widths),
            "classes": classes,
            "image_size": list(image_size),
            "kernel_size": kernel_size,
            "padding": padding,
            "batch_norm": batch_norm,
            "pool_last": pool_last,
            "hidden": hidden,
            "dropout": dropout,
        }
        size = check(self.architecture)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        channels = 1
        for number, width in enumerate(widths, 1):
            convolution = nn.Conv2d(channels, width, kernel_size, padding=padding, bias=not batch_norm)
            norm = {f"norm{number}": nn.BatchNorm2d(width)} if batch_norm else {}
            relu, pool = {f"relu{number}": nn.ReLU()}, {f"pool{number}": nn.MaxPool2d(2)}
            layers |= {f"conv{number}": convolution}
            layers |= {**norm, **relu, **pool} if pool_last else {**pool, **norm, **relu}
            channels = width
        features = channels * size[0] * size[1]
        layers["flatten"] = nn.Flatten()
        if hidden:
            block = len(widths) + 1
            layers |= {"dropout1": nn.Dropout(dropout)} if dropout else {}
            layers["linear1"] = nn.Linear(features, hidden, bias=not batch_norm)
            layers |= {f"norm{block}": nn.BatchNorm1d(hidden)} if batch_norm else {}
            layers[f"relu{block}"] = nn.ReLU()
            features = hidden
        last = 2 if hidden else 1
        layers |= {f"dropout{last}": nn.Dropout(dropout)} if dropout else {}
        layers[f"linear{last}"] = nn.Linear(features, classes)
        self.layers = nn.Sequential(layers)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits float (B, classes) of images float (B, 1, H, W)."""
        logits: torch.Tensor = self.layers(images)
        return logits

    @property
    def parameters_count(self) -> int:
        """How many numbers training adjusts."""
        return sum(parameter.numel() for parameter in self.parameters())

    def describe(self) -> list[LayerRow]:
        """A row per layer, found by sending one blank image through: name, purpose, output shape, parameters, work."""
        device = next(self.parameters()).device
        values = torch.zeros(1, 1, *self.architecture["image_size"], device=device)
        rows = []
        with evaluating(self):
            for name, layer in self.layers.named_children():
                values = layer(values)
                shape = tuple(values.shape[1:])
                rows.append(
                    LayerRow(
                        name=name,
                        layer=type(layer).__name__,
                        purpose=PURPOSES[type(layer)],
                        shape=shape,
                        parameters=sum(p.numel() for p in layer.parameters()),
                        multiply_adds=multiply_adds(layer, shape),
                    )
                )
        return rows


WIDEST = 65_536
"""Channels, hidden values or classes; beyond, it is a mistake or an attack on the memory."""


@contextlib.contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Inside `with`, the model is in evaluation mode and keeps no gradients; each of its parts gets its mode back."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode


@dataclass(frozen=True)
class LayerRow:
    """One layer of `NeuralNet.describe()`; `shape` and `multiply_adds` are for one image."""

    name: str
    layer: str
    purpose: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


PURPOSES: dict[type[nn.Module], str] = {
    nn.Conv2d: "looks for strokes and shapes",
    nn.BatchNorm2d: "keeps each channel centred and scaled",
    nn.BatchNorm1d: "keeps each value centred and scaled",
    nn.ReLU: "keeps what was found, drops what was not",
    nn.MaxPool2d: "halves the picture, keeps the strongest",
    nn.Flatten: "lays the maps out in one row",
    nn.Dropout: "hides some values while training",
    nn.Linear: "weighs the evidence",
}


def multiply_adds(layer: nn.Module, shape: tuple[int, ...]) -> int:
    """Multiplications (each with its addition) that the layer's weights take for one image."""
    if isinstance(layer, nn.Conv2d):
        return layer.weight.numel() * shape[1] * shape[2]
    return layer.weight.numel() if isinstance(layer, nn.Linear) else 0


def check(architecture: dict[str, Any]) -> tuple[int, int]:
    """Height and width (pixels) that the blocks leave. Raises `UserError` that names the first thing wrong."""
    widths, kernel = architecture["widths"], architecture["kernel_size"]
    if not widths or not all(type(width) is int and 1 <= width <= WIDEST for width in widths):
        raise UserError(f"Channel widths {tuple(widths)} are not all from 1 to {WIDEST:,}.", "Give them like 32,64.")
    for name, low, high in (("classes", 1, WIDEST), ("hidden", 0, WIDEST), ("dropout", 0, 1)):
        if not low <= architecture[name] <= high:
            raise UserError(f"{name.capitalize()} {architecture[name]} is out of range.", f"Choose {low} to {high:,}.")
    if architecture["padding"] not in ("same", "valid"):
        raise UserError(f"Unknown padding {architecture['padding']!r}.", "Choose same or valid.")
    if kernel < 1 or (kernel % 2 == 0 and architecture["padding"] == "same"):
        raise UserError(f"Kernel size {kernel} has no middle pixel.", "Choose 3, 5 or 7.")
    height, width = architecture["image_size"]
    size = (height, width)
    for _ in widths:
        if architecture["padding"] == "valid":
            size = (size[0] - kernel + 1, size[1] - kernel + 1)
        size = (size[0] // 2, size[1] // 2)
        if min(size) < 1:
            raise UserError(
                f"Channel widths {','.join(map(str, widths))} leave no pixel of a {height}x{width} image.",
                "Each block halves it: use fewer blocks, a smaller kernel or padding same.",
            )
    return size
