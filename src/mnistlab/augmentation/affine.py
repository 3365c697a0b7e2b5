"""Random affine and elastic changes, for a whole batch of images at once, on the batch's device."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import overload

import torch
import torch.nn.functional as F

from mnistlab.errors import number
from mnistlab.geometry import centres
from mnistlab.messages.sentences import Clause

__all__ = ["Augmentation"]


ELASTIC_GRID = 5
"""The number of control points along each side of the grid; between the points, elastic displacements are interpolated."""


@dataclass(frozen=True)
class Augmentation:
    """How far a training image may be turned, scaled, moved, slanted and bent; each image gets its own amounts, drawn uniformly.

    All random numbers come from torch's global generator for the batch's device, so restoring that generator's state
    repeats the same choices.

    Parameters
    ----------
    rotate : float, 0 to 180
        The largest angle, in degrees, in either direction.
    scale : float, 0 to 0.7
        Fraction: with 0.1, an image becomes up to 10 % smaller or larger; in addition, its height alone changes by up to 3.3 %.
    shift : float, 0 to 100
        The largest distance in pixels, in x and in y, in either direction.
    shear : float, 0 to 2
        How far the top may move relative to the bottom (a slant), as a fraction of the height.
    elastic : float, 0 to 100
        Pixels by which each point of a 5x5 grid may move, in x and in y (compare Simard et al. 2003, who bend digits too).

    Raises
    ------
    UserError
        If an amount is not a number or is out of range.
    """

    rotate: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    elastic: float = 0.0

    def __post_init__(self) -> None:
        for name, most in (("rotate", 180), ("scale", 0.7), ("shift", 100), ("shear", 2), ("elastic", 100)):
            amount = number(getattr(self, name), Clause("names.augmentation", field=name), 0, most)
            object.__setattr__(self, name, amount)

    def __bool__(self) -> bool:
        return any((self.rotate, self.scale, self.shift, self.shear, self.elastic))

    @overload
    def __call__(self, images: torch.Tensor) -> torch.Tensor: ...
    @overload
    def __call__(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]: ...
    def __call__(
        self, images: torch.Tensor, labels: torch.Tensor | None = None
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Change a batch of images.

        Parameters
        ----------
        images : float tensor (B, 1, H, W)
            0 is paper; whatever comes in from outside the image is paper, too.
        labels : tensor (B,), optional
            Returned unchanged, as torchvision's transforms return them, so that this object can be a loader's `augment`.

        Returns
        -------
        float tensor (B, 1, H, W), or a tuple of such a tensor and `labels` if `labels` is given
            The changed images, with the same dtype and on the same device.
        """
        if self and len(images):
            images = F.grid_sample(
                images, self.grid(images), mode="bilinear", padding_mode="zeros", align_corners=False
            )
        return images if labels is None else (images, labels)

    def grid(self, images: torch.Tensor) -> torch.Tensor:
        """The place in the image that each result pixel comes from: float (B, H, W, 2), x then y, -1 to 1 from edge to edge."""
        count, _, height, width = images.shape
        drawn = torch.rand(count, 6, 1, 1, device=images.device).mul_(2).sub_(1)
        angle, scale_x, scale_y, shift_x, shift_y, shear = drawn.unbind(1)
        angle = angle * math.radians(self.rotate)
        cos, sin = angle.cos(), angle.sin()
        # Both axes share one scale; the aspect ratio changes a third as much.
        scale_x, scale_y = 1 + self.scale * scale_x, 1 + self.scale * (scale_x + scale_y / 3)
        y = centres(height, images).view(1, height, 1) / scale_y
        x = centres(width, images).view(1, 1, width) / scale_x + self.shear * shear * y
        turned_x = cos * x - sin * y + self.shift * shift_x
        turned_y = sin * x + cos * y + self.shift * shift_y
        grid = torch.stack((turned_x * (2 / width), turned_y * (2 / height)), dim=-1)
        if self.elastic:
            points = torch.rand(count, 2, ELASTIC_GRID, ELASTIC_GRID, device=images.device).mul_(2).sub_(1)
            points *= self.elastic * torch.tensor([2 / width, 2 / height], device=images.device).view(1, 2, 1, 1)
            bent = F.interpolate(points, size=(height, width), mode="bicubic", align_corners=True)
            grid = grid + bent.permute(0, 2, 3, 1)
        return grid.to(images.dtype)
