"""Add clutter to a whole batch of images at once, so that a network learns to look only at the shape of digits.

The clutter includes none of the corruptions that a network may be measured on later (`mnistlab.augmentation.corruptions`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from mnistlab.augmentation.draws import between, some
from mnistlab.augmentation.pens import thicker, thinner
from mnistlab.errors import number
from mnistlab.geometry import axes
from mnistlab.messages.sentences import Clause

__all__ = ["CLUTTER", "Clutter"]


@dataclass(frozen=True)
class Clutter:
    """Gives each image some of the `CLUTTER`: thinner or thicker strokes, other digits, ink and paper swapped, parts covered.

    All random numbers come from torch's global generator for the batch's device, so restoring that generator's state
    repeats the same choices. Sizes in pixels are for images 28 pixels high; only those of rectangles scale with the height.
    """

    strength: float = 0.0
    """0 changes nothing; at 1 each effect has the probability that `CLUTTER` gives."""

    def __post_init__(self) -> None:
        number(self.strength, Clause("names.clutter_strength"), 0, 1)

    def __bool__(self) -> bool:
        return self.strength > 0

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Add clutter to images, float (B, 1, H, W), with values from 0 (paper) to 255 (ink).

        The result has the same shape, dtype, device and range as `images`.
        """
        if not self or len(images) == 0:
            return images
        cluttered = images.float()
        for chance, effect in CLUTTER:
            chosen = some(cluttered, chance * self.strength)
            if len(chosen):
                cluttered = cluttered.index_copy(0, chosen, effect(cluttered.index_select(0, chosen)))
        return cluttered.clamp_(0, 255).to(images.dtype)


def invert(images: torch.Tensor) -> torch.Tensor:
    """Ink becomes paper, and paper becomes ink."""
    return 255 - images


def boxes(images: torch.Tensor, least: float, most: float) -> torch.Tensor:
    """A random rectangle for each image, `least` to `most` pixels wide and high, as a mask: bool (B, 1, H, W), True inside."""
    x, y = axes(images)
    across = (x - between(-14, 14, images)).abs() < between(least, most, images) / 2
    return across & ((y - between(-14, 14, images)).abs() < between(least, most, images) / 2)


def cover(images: torch.Tensor) -> torch.Tensor:
    """A uniform grey rectangle covers part of the image (DeVries and Taylor 2017, Zhong et al. 2017)."""
    return torch.where(boxes(images, 4, 13), between(0, 255, images), images)


def others(images: torch.Tensor) -> torch.Tensor:
    """The images in a random order."""
    return images[torch.randperm(len(images), device=images.device)]


def pieces(images: torch.Tensor) -> torch.Tensor:
    """A piece of another digit appears beside or across the digit (after CutMix, Yun et al. 2019; the label is unchanged)."""
    across, down = torch.randint(-9, 10, (2,)).tolist()
    other = torch.roll(others(images), (down, across), (2, 3))
    return torch.maximum(images, other * boxes(images, 6, 14))


def ghost(images: torch.Tensor) -> torch.Tensor:
    """Another digit shows through with 10 to 60 % of its ink (after mixup, Zhang et al. 2018; the label is unchanged)."""
    return torch.maximum(images, others(images) * between(0.1, 0.6, images))


CLUTTER: tuple[tuple[float, Callable[[torch.Tensor], torch.Tensor]], ...] = (
    (0.2, thinner),
    (0.2, thicker),
    (0.3, ghost),
    (0.3, pieces),
    (0.5, invert),
    (0.3, cover),
)
"""The changes that an image may undergo, in this order, each with its probability."""
