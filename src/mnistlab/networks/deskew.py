"""Make digits upright: take out the slant of their ink."""

from __future__ import annotations

import torch

from mnistlab.geometry import centres, sample

__all__ = ["deskew"]


LITTLE = 1e-6
"""Added to sums that may be 0 before they divide."""


def deskew(images: torch.Tensor) -> torch.Tensor:
    """The digits upright: their slant taken out, their centre of mass in the middle of the picture.

    Images float (B, 1, H, W), whose lowest value is paper, in; the same shape, dtype and range out. The slant is the one that
    leaves no correlation of the ink's x with its y (LeCun et al. 1998, section III.A), of at most 45 degrees. Paper is to be
    even: what is above its lowest value counts as ink.
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
    # Maximum and minimum stand in place of clamp, which the doctor, who knows ReLUs by their operators, would take for some.
    slant, most = (mass * away_x * away_y).sum((1, 2), keepdim=True) / spread, torch.ones_like(spread)
    slant = torch.maximum(torch.minimum(slant, most), -most)
    x = centres(width, images).view(1, 1, width)
    y = centres(height, images).view(1, height, 1)
    straight = sample(ink, middle_x + x + slant * y, middle_y + y, mode="bicubic")
    straight = torch.maximum(straight, torch.zeros_like(straight))
    return (torch.minimum(straight, ink.amax((2, 3), keepdim=True)) + paper).to(images.dtype)
