"""Describe a network in words, with a row for each layer."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from mnistlab.messages.sentences import Clause
from mnistlab.networks.contrast import LocalContrast

__all__ = ["LayerRow"]


@dataclass(frozen=True)
class LayerRow:
    """What `NeuralNet.describe()` says about one layer; `shape` and `multiply_adds` are for one image."""

    name: str
    layer: str
    purpose: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


PURPOSES: dict[type[nn.Module], Clause] = {
    nn.Conv2d: Clause("layers.conv"),
    nn.BatchNorm2d: Clause("layers.norm_of_channels"),
    nn.BatchNorm1d: Clause("layers.norm_of_values"),
    nn.ReLU: Clause("layers.relu"),
    nn.MaxPool2d: Clause("layers.max_pool"),
    nn.AdaptiveAvgPool2d: Clause("layers.average"),
    nn.Flatten: Clause("layers.flatten"),
    nn.Dropout: Clause("layers.dropout"),
    nn.Linear: Clause("layers.linear"),
    LocalContrast: Clause("layers.local_contrast"),
}


def multiply_adds(layer: nn.Module, shape: tuple[int, ...]) -> int:
    """The number of multiplications, each with an addition, that the layer's weights take for one image."""
    if isinstance(layer, nn.Conv2d):
        return layer.weight.numel() * shape[1] * shape[2]
    return layer.weight.numel() if isinstance(layer, nn.Linear) else 0
