"""A network in words: a row for each layer."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

__all__ = ["LayerRow"]


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
    nn.AdaptiveAvgPool2d: "averages each map over the picture",
    nn.Flatten: "lays the maps out in one row",
    nn.Dropout: "hides some values while training",
    nn.Linear: "weighs the evidence",
}


def multiply_adds(layer: nn.Module, shape: tuple[int, ...]) -> int:
    """Multiplications (each with its addition) that the layer's weights take for one image."""
    if isinstance(layer, nn.Conv2d):
        return layer.weight.numel() * shape[1] * shape[2]
    return layer.weight.numel() if isinstance(layer, nn.Linear) else 0
