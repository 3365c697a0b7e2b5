"""The classifier's network: blocks of convolution, pooling, batch norm and ReLU, then a head that ends in a linear layer."""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn

from mnistlab.networks.architecture import Architecture, Block
from mnistlab.networks.contrast import LocalContrast
from mnistlab.networks.summary import PURPOSES, LayerRow, multiply_adds

__all__ = ["NeuralNet", "evaluating"]


class NeuralNet(nn.Module):
    """A convolutional network: a row of blocks, then a head.

    Takes normalised images, float (B, 1, H, W), and returns logits, float (B, classes), without a softmax, which is part of the
    cross-entropy. An argument that has a value for each block may also be a single value for all blocks, except `widths`.

    Max-pooling comes before batch norm and ReLU. In this order, ReLU does a quarter of the work, and batch norm sees exactly the
    values that max-pooling keeps. Without batch norm, the result is the same, bit for bit, as with ReLU before max-pooling.

    Parameters
    ----------
    widths : sequence of int
        Channels of each block.
    classes : int
        Number of outputs.
    image_size : (int, int)
        Height and width in pixels.
    depth : int or sequence of int
        Number of convolutions in each block; batch norm and ReLU follow each of them.
    kernel_size : int or sequence of int
        Side of each block's kernels in pixels.
    padding : str or sequence of str
        "same" pads the edges with zeros; "valid" lays the kernel only where it fits inside the image.
    pooling : str or sequence of str
        How each block halves height and width: by max-pooling ("max"), by a "stride" of 2 in its last convolution, or not at all
        ("none").
    separable : bool
        Replace each convolution but the first by two that have far fewer parameters: one that looks at each channel separately,
        then a 1x1 convolution that mixes the channels (Sifre 2014, Chollet 2017).
    batch_norm : bool
        Batch norm after each convolution, and after the hidden layer.
    pool_last : bool
        Use the order of most textbooks: convolution -> batch norm -> ReLU -> max-pooling.
    head : str
        Lay the last maps out in one row ("flatten"), or keep only the mean of each map ("average").
    hidden : int
        Width of a linear layer before the last one, 0 for none.
    dropout : float
        Fraction of values zeroed before each linear layer in training.
    local_contrast : bool
        Even out lighting and contrast first (`LocalContrast`).
    deskew, test_shifts : bool
        Deprecated: `deskew` wraps the network in a `Deskewed`, `test_shifts` in a `Shifted`.

    Attributes
    ----------
    architecture : Architecture
        All the arguments above, checked; `NeuralNet.of(architecture)` makes another network like this one.

    Raises
    ------
    UserError
        If the blocks leave no pixel of the image, or a value is out of range.
    """

    def __new__(cls, *widths: Any, deskew: bool = False, test_shifts: bool = False, **layers: Any) -> Any:
        """A network, in the wrappers that the deprecated `deskew` and `test_shifts` ask for."""
        if not (deskew or test_shifts):
            return super().__new__(cls)
        from mnistlab.networks.ensemble import for_use

        warnings.warn(
            "NeuralNet's deskew and test_shifts are deprecated: put Deskewed (mnistlab.networks.deskew) or Shifted"
            " (mnistlab.networks.shifts) around the network.",
            DeprecationWarning,
            stacklevel=2,
        )
        network = cls(*widths, **layers)
        return for_use(network, dataclasses.replace(network.architecture, deskew=deskew, test_shifts=test_shifts))

    def __init__(
        self,
        widths: Sequence[int] = (32, 64),
        *,
        classes: int = 10,
        image_size: Sequence[int] = (28, 28),
        depth: int | Sequence[int] = 1,
        kernel_size: int | Sequence[int] = 3,
        padding: str | Sequence[str] = "same",
        pooling: str | Sequence[str] = "max",
        separable: bool = False,
        batch_norm: bool = True,
        pool_last: bool = False,
        head: str = "flatten",
        hidden: int = 0,
        dropout: float = 0.0,
        local_contrast: bool = False,
        deskew: bool = False,
        test_shifts: bool = False,
    ) -> None:
        super().__init__()
        values: dict[str, Any] = {
            "widths": widths, "classes": classes, "image_size": image_size, "depth": depth, "kernel_size": kernel_size,
            "padding": padding, "pooling": pooling, "separable": separable, "batch_norm": batch_norm, "pool_last": pool_last,
            "head": head, "hidden": hidden, "dropout": dropout, "local_contrast": local_contrast,
        }  # fmt: skip
        self.architecture = Architecture(**values)
        self.layers = nn.Sequential(make_layers(self.architecture))

    @classmethod
    def of(cls, architecture: Architecture) -> NeuralNet:
        """A network with the layers of this architecture, without its wrappers (see `for_use`)."""
        values = architecture.to_dict()
        return cls(**{name: value for name, value in values.items() if name not in ("deskew", "test_shifts")})

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, float (B, classes), for `images`, float (B, 1, H, W)."""
        logits: torch.Tensor = self.layers(images)
        return logits

    @property
    def parameters_count(self) -> int:
        """The number of parameters."""
        return sum(parameter.numel() for parameter in self.parameters())

    def describe(self) -> list[LayerRow]:
        """A row per layer: its name, purpose, output shape, number of parameters, and multiply-adds for one image."""
        device = next(self.parameters()).device
        values = torch.zeros(1, 1, *self.architecture.image_size, device=device)
        rows = []
        with evaluating(self):
            for name, layer in self.layers.named_children():
                values = layer(values)
                shape = tuple(values.shape[1:])
                rows.append(
                    LayerRow(
                        name=name,
                        layer=type(layer).__name__,
                        purpose=str(PURPOSES[type(layer)]),
                        shape=shape,
                        parameters=sum(p.numel() for p in layer.parameters()),
                        multiply_adds=multiply_adds(layer, shape),
                    )
                )
        return rows


def make_layers(architecture: Architecture) -> OrderedDict[str, nn.Module]:
    """The layers by name, in order: `LocalContrast` (if asked for), the blocks of convolutions, and the head."""
    layers, channels, number = OrderedDict[str, nn.Module](), 1, 0
    if architecture.local_contrast:
        layers["contrast"] = LocalContrast()
    for block in architecture.blocks:
        for place in range(1, block.depth + 1):
            number += 1
            last = block if place == block.depth else block._replace(pooling="none")
            layers |= make_convolution(architecture, last, channels, number)
            channels = block.width
    return layers | make_head(architecture, channels, number + 1)


def make_convolution(
    architecture: Architecture, block: Block, channels: int, number: int
) -> OrderedDict[str, nn.Module]:
    """Layers by name: convolution `number`, with `channels` input channels, and the pooling, batch norm and ReLU after it."""
    layers, bias = OrderedDict[str, nn.Module](), not architecture.batch_norm
    shape: dict[str, Any] = {
        "kernel_size": block.kernel_size,
        "stride": 2 if block.pooling == "stride" else 1,
        "padding": block.kernel_size // 2 if block.padding == "same" else 0,
    }
    if architecture.separable and number > 1:
        layers[f"depthwise{number}"] = nn.Conv2d(channels, channels, groups=channels, bias=False, **shape)
        shape = {"kernel_size": 1}
    layers[f"conv{number}"] = nn.Conv2d(channels, block.width, bias=bias, **shape)
    norm = {f"norm{number}": nn.BatchNorm2d(block.width)} if architecture.batch_norm else {}
    relu = {f"relu{number}": nn.ReLU()}
    pool = {f"pool{number}": nn.MaxPool2d(2)} if block.pooling == "max" else {}
    return layers | ({**norm, **relu, **pool} if architecture.pool_last else {**pool, **norm, **relu})


def make_head(architecture: Architecture, channels: int, number: int) -> OrderedDict[str, nn.Module]:
    """The layers, by name, that turn the last maps into logits; batch norm and ReLU, if any, have `number` in their names."""
    layers, dropout = OrderedDict[str, nn.Module](), architecture.dropout
    height, width = architecture.last_size
    if architecture.head == "average":
        layers["average"] = nn.AdaptiveAvgPool2d(1)
        height = width = 1
    features, hidden = channels * height * width, architecture.hidden
    layers["flatten"] = nn.Flatten()
    if hidden:
        layers |= {"dropout1": nn.Dropout(dropout)} if dropout else {}
        layers["linear1"] = nn.Linear(features, hidden, bias=not architecture.batch_norm)
        layers |= {f"norm{number}": nn.BatchNorm1d(hidden)} if architecture.batch_norm else {}
        layers[f"relu{number}"] = nn.ReLU()
        features = hidden
    last = 2 if hidden else 1
    layers |= {f"dropout{last}": nn.Dropout(dropout)} if dropout else {}
    layers[f"linear{last}"] = nn.Linear(features, architecture.classes)
    return layers


@contextlib.contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Inside `with`, the model is in evaluation mode, without gradients; afterwards, each module has its former mode again."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode
