"""The network: blocks of convolution, pooling, normalisation and ReLU; then flatten; then linear layers."""

from __future__ import annotations

import contextlib
import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from mnistlab.errors import plain
from mnistlab.networks.architecture import blocks, check
from mnistlab.networks.deskew import deskew
from mnistlab.networks.summary import PURPOSES, LayerRow, multiply_adds

__all__ = ["NeuralNet", "evaluating"]


class NeuralNet(nn.Module):
    """Images float (B, 1, H, W), normalised, in; logits float (B, classes) out: no softmax, cross-entropy holds it.

    A row of blocks, then a head. `widths` are the channels of each block; `depth` is how many convolutions it has, each
    with batch norm and ReLU, and `pooling` how its last one halves height and width: by "max"-pool, by a "stride" of 2, or
    not at all ("none"). `padding` "same" keeps the edge pixels' neighbourhoods, "valid" takes only whole ones. `depth`,
    `kernel_size`, `padding` and `pooling` hold a value for each block, or one for all. `separable` makes each convolution but
    the first of two: one that looks at each channel alone, then one of 1x1 that mixes them (Sifre 2014, Chollet 2017): a
    fraction of the parameters.

    The `head` lays what is left out in one row ("flatten"), or keeps only the mean of each channel ("average"). `hidden` puts a
    linear layer of that width before the last one (0: none). `dropout` is the fraction of values zeroed before each linear
    layer in training.

    With `deskew` the network, where it is not training, first takes the slant out of each image (`geometry.deskew`); it is to be
    trained on images that are so already (`MNISTDataLoader(prepare=deskew)`), lest it undo their augmentation.
    With `test_shifts` the network, where it is not training, looks at each image five times, as it is and moved by one pixel
    to each side, and gives the log of the mean probabilities in place of the logits.

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
        deskew: bool = False,
        test_shifts: bool = False,
    ) -> None:
        super().__init__()
        self.architecture: dict[str, Any] = {
            "widths": plain(widths),
            "classes": plain(classes),
            "image_size": plain(image_size),
            "depth": plain(depth),
            "kernel_size": plain(kernel_size),
            "padding": plain(padding),
            "pooling": plain(pooling),
            "separable": separable,
            "batch_norm": batch_norm,
            "pool_last": pool_last,
            "head": head,
            "hidden": plain(hidden),
            "dropout": plain(dropout),
            "deskew": deskew,
            "test_shifts": test_shifts,
        }
        size = check(self.architecture)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        channels, number = 1, 0
        for block in blocks(self.architecture):
            for place in range(1, block.depth + 1):
                number += 1
                pooling = block.pooling if place == block.depth else "none"
                shape: dict[str, Any] = {
                    "kernel_size": block.kernel_size,
                    "stride": 2 if pooling == "stride" else 1,
                    "padding": block.kernel_size // 2 if block.padding == "same" else 0,
                }
                if separable and number > 1:
                    layers[f"depthwise{number}"] = nn.Conv2d(channels, channels, groups=channels, bias=False, **shape)
                    shape = {"kernel_size": 1}
                layers[f"conv{number}"] = nn.Conv2d(channels, block.width, bias=not batch_norm, **shape)
                norm = {f"norm{number}": nn.BatchNorm2d(block.width)} if batch_norm else {}
                relu = {f"relu{number}": nn.ReLU()}
                pool = {f"pool{number}": nn.MaxPool2d(2)} if pooling == "max" else {}
                layers |= {**norm, **relu, **pool} if pool_last else {**pool, **norm, **relu}
                channels = block.width
        if head == "average":
            layers["average"] = nn.AdaptiveAvgPool2d(1)
            size = (1, 1)
        features = channels * size[0] * size[1]
        layers["flatten"] = nn.Flatten()
        if hidden:
            layers |= {"dropout1": nn.Dropout(dropout)} if dropout else {}
            layers["linear1"] = nn.Linear(features, hidden, bias=not batch_norm)
            layers |= {f"norm{number + 1}": nn.BatchNorm1d(hidden)} if batch_norm else {}
            layers[f"relu{number + 1}"] = nn.ReLU()
            features = hidden
        last = 2 if hidden else 1
        layers |= {f"dropout{last}": nn.Dropout(dropout)} if dropout else {}
        layers[f"linear{last}"] = nn.Linear(features, classes)
        self.layers = nn.Sequential(layers)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits float (B, classes) of images float (B, 1, H, W)."""
        if not self.training:
            images = self.prepare(images)
        if self.training or not self.architecture["test_shifts"]:
            logits: torch.Tensor = self.layers(images)
            return logits
        height, width = images.shape[2:]
        padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
        views = [padded[:, :, y : y + height, x : x + width] for y, x in FIVE_VIEWS]
        return mean_probability([self.layers(view) for view in views])

    def prepare(self, images: torch.Tensor) -> torch.Tensor:
        """Images float (B, 1, H, W) as the layers are to see them in use: deskewed, where they were trained on such."""
        return deskew(images) if self.architecture["deskew"] else images

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


FIVE_VIEWS = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
"""Where the picture is cut out of itself with a margin of 1 pixel: y, x of the upper left corner."""


def mean_probability(logits: Sequence[torch.Tensor]) -> torch.Tensor:
    """Log of the mean of the probabilities that each float (B, classes) of `logits` stands for."""
    each = torch.stack([value.float().log_softmax(dim=1) for value in logits])
    return each.logsumexp(dim=0) - math.log(len(logits))


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
