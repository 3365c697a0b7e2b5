"""Make digits upright by removing their slant (deskewing)."""

from __future__ import annotations

import dataclasses

import torch
from torch import nn

from mnistlab.geometry import centres, sample
from mnistlab.networks.network import NeuralNet
from mnistlab.networks.shifts import Shifted

__all__ = ["Deskewed", "deskew", "upright"]


LITTLE = 1e-6
"""Added to divisors that may be 0."""
BATCH = 1000
"""The most images that `upright` deskews at once."""


class Deskewed(nn.Module):
    """A wrapper around a network, called the inner network: it deskews each image before the inner network sees it.

    Train the inner network without this wrapper, on images deskewed beforehand (`MNISTDataLoader(prepare=deskew)`), because the
    wrapper would undo the augmentation. Takes normalised images, float (B, 1, H, W), and returns the inner network's answer,
    float (B, classes).
    """

    def __init__(self, network: NeuralNet | Shifted) -> None:
        super().__init__()
        self.network = network
        self.architecture = dataclasses.replace(network.architecture, deskew=True)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The inner network's answer, float (B, classes), to `images`, float (B, 1, H, W), which are deskewed first."""
        answer: torch.Tensor = self.network(deskew(images))
        return answer

    @property
    def parameters_count(self) -> int:
        """The number of parameters."""
        return self.network.parameters_count


def deskew(images: torch.Tensor) -> torch.Tensor:
    """Make digits upright: remove their slant, and move their centre of mass to the middle of the image.

    Takes images, float (B, 1, H, W), whose lowest value is that of the paper; returns the same shape, dtype and range. Up to 45
    degrees of slant are removed, so that the x and y of the ink are no longer correlated (LeCun et al. 1998, section III.A). The
    paper must be even, because everything above the lowest value counts as ink.
    """
    height, width = images.shape[2:]
    paper = images.amin((2, 3), keepdim=True)
    ink = (images - paper).float()
    mass = ink[:, 0]
    total = mass.sum((1, 2), keepdim=True) + LITTLE
    columns = torch.arange(width, device=images.device).view(1, 1, width)
    rows = torch.arange(height, device=images.device).view(1, height, 1)
    middle_x = (mass * columns).sum((1, 2), keepdim=True) / total
    middle_y = (mass * rows).sum((1, 2), keepdim=True) / total
    away_x, away_y = columns - middle_x, rows - middle_y
    spread = (mass * away_y * away_y).sum((1, 2), keepdim=True) + LITTLE
    slant = ((mass * away_x * away_y).sum((1, 2), keepdim=True) / spread).clamp(-1, 1)
    x = centres(width, images).view(1, 1, width)
    y = centres(height, images).view(1, height, 1)
    straight = sample(ink, middle_x + x + slant * y, middle_y + y, mode="bicubic")
    straight = straight.clamp(min=0).minimum(ink.amax((2, 3), keepdim=True))
    return (straight + paper).to(images.dtype)


def upright(images: torch.Tensor) -> torch.Tensor:
    """The images, uint8 (N, 1, H, W), after `deskew`, as uint8 again: a `Deskewed`'s inner network is trained on such images."""
    return torch.cat([deskew(part.float()).round_().to(torch.uint8) for part in torch.split(images, BATCH)])
