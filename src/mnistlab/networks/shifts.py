"""Look at each image five times: as it is, and shifted by one pixel in each of four directions (left, right, up, down)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from mnistlab.networks.network import NeuralNet

__all__ = ["Shifted", "mean_probability"]

FIVE_VIEWS = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
"""The y and x of the upper left corner of each view, in the image padded by 1 pixel on each side."""


class Shifted(nn.Module):
    """A network whose answer is averaged over five views of each image: as it is, and shifted by one pixel in four directions.

    Takes normalised images, float (B, 1, H, W), and returns the logarithm of the mean probabilities, float (B, classes), which
    can be used like logits. Where a shift would leave a gap at the edge, the edge pixels are repeated.
    """

    def __init__(self, network: NeuralNet) -> None:
        super().__init__()
        self.network = network
        self.architecture = dataclasses.replace(network.architecture, test_shifts=True)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The logarithm of the mean probabilities over five views of each image: float (B, classes) from float (B, 1, H, W)."""
        height, width = images.shape[2:]
        padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
        views = [padded[:, :, y : y + height, x : x + width] for y, x in FIVE_VIEWS]
        return mean_probability([self.network(view) for view in views])

    @property
    def parameters_count(self) -> int:
        """The number of parameters."""
        return self.network.parameters_count


def mean_probability(logits: Sequence[torch.Tensor]) -> torch.Tensor:
    """Logarithm of the mean probabilities, float (B, classes), over several tensors of `logits`, each float (B, classes)."""
    each = torch.stack([value.float().log_softmax(dim=1) for value in logits])
    return each.logsumexp(dim=0) - math.log(len(logits))
