"""A network as plain numbers, from which its output can be computed without torch: its layers, and its weights in 8 bits.

The layers are a list of objects, in the order in which they are computed. Each object begins with its `kind`; each except the
picture also has a `name`. The kinds are:

- picture: `mean` and `std` of pixels from 0 to 1; `deskew`, whether the digit is deskewed first
- contrast: `window`, `whole` and `little`, as in `mnistlab.networks.contrast`
- convolution: `shape` of its weights (out, in per group, height, width), `stride`, `padding`, `groups`, and `bias`,
  whether it has one
- pooling: max-pooling over `size` by `size` values
- normalisation: `size`, the number of channels; the layer multiplies each channel by a factor and adds an offset
- relu, average (the mean of each map), flatten
- linear: `shape` of its weights (out, in), and `bias`, whether it has one
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mnistlab.data.normalisation import Normalisation
from mnistlab.networks.contrast import LITTLE, WHOLE, WINDOW, LocalContrast
from mnistlab.networks.network import NeuralNet

__all__ = ["WholeState", "bytes_of", "describe_layers", "whole_state"]

LEVELS = 127
"""The integer to which the largest absolute weight of a row is scaled."""


def describe_layers(model: NeuralNet, normalisation: Normalisation, deskew: bool) -> str:
    """The layers of the model, as JSON in the form that is described at the top of this module."""
    picture = {"kind": "picture", "mean": normalisation.mean, "std": normalisation.std, "deskew": deskew}
    rows = [describe(name, layer) for name, layer in model.layers.named_children() if not isinstance(layer, nn.Dropout)]
    return json.dumps([picture, *rows])


def describe(name: str, layer: nn.Module) -> dict[str, object]:
    """One layer as an object for JSON. Raises `TypeError` for a kind of layer that no `NeuralNet` has."""
    match layer:
        case LocalContrast():
            return {"kind": "contrast", "name": name, "window": WINDOW, "whole": WHOLE, "little": LITTLE}
        case nn.Conv2d():
            return {
                "kind": "convolution", "name": name, "shape": list(layer.weight.shape), "stride": layer.stride[0],
                "padding": int(layer.padding[0]), "groups": layer.groups, "bias": layer.bias is not None,
            }  # fmt: skip
        case nn.Linear():
            return {
                "kind": "linear", "name": name, "shape": list(layer.weight.shape), "bias": layer.bias is not None,
            }  # fmt: skip
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            return {"kind": "normalisation", "name": name, "size": layer.num_features}
        case nn.MaxPool2d():
            return {"kind": "pooling", "name": name, "size": layer.kernel_size}
        case nn.ReLU():
            return {"kind": "relu", "name": name}
        case nn.AdaptiveAvgPool2d():
            return {"kind": "average", "name": name}
        case nn.Flatten():
            return {"kind": "flatten", "name": name}
    raise TypeError(layer)


@dataclass(frozen=True)
class WholeState:
    """The weights of a network at one step; each field holds one row of the field of the same name in `Snapshots`."""

    values: NDArray[np.int8]
    scales: NDArray[np.float32]
    vectors: NDArray[np.float32]


def bytes_of(model: NeuralNet) -> int:
    """How many bytes a whole state of the model takes."""
    state = whole_state(model)
    return state.values.nbytes + state.scales.nbytes + state.vectors.nbytes


def whole_state(model: NeuralNet) -> WholeState:
    """The model's current weights, each accurate to within half the scale of its row."""
    values, scales, vectors = [np.zeros(0, np.int8)], [np.zeros(0, np.float32)], [np.zeros(0, np.float32)]
    for layer in model.layers:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            rows = as_numpy(layer.weight).reshape(len(layer.weight), -1)
            scale = np.maximum(abs(rows).max(axis=1), np.finfo(np.float32).tiny * LEVELS) / np.float32(LEVELS)
            values.append((rows / scale[:, None]).round().astype(np.int8).ravel())
            scales.append(scale)
            if layer.bias is not None:
                vectors.append(as_numpy(layer.bias))
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            assert layer.running_mean is not None and layer.running_var is not None  # noqa: S101 - for mypy
            factor = as_numpy(layer.weight) / np.sqrt(as_numpy(layer.running_var) + np.float32(layer.eps))
            vectors += [factor, as_numpy(layer.bias) - as_numpy(layer.running_mean) * factor]
    return WholeState(np.concatenate(values), np.concatenate(scales), np.concatenate(vectors))


def as_numpy(tensor: torch.Tensor) -> NDArray[np.float32]:
    """The tensor as a float32 array."""
    numbers: NDArray[np.float32] = tensor.detach().float().cpu().numpy()
    return numbers
