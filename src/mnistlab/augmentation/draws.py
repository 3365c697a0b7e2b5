"""Random choices for augmentation: which images of a batch, amounts between two bounds, coin tosses."""

from __future__ import annotations

import torch

__all__ = ["between", "coin"]


def some(images: torch.Tensor, chance: float) -> torch.Tensor:
    """The indices, int64, of randomly chosen images; each image is chosen with probability `chance`."""
    return (torch.rand(len(images), device=images.device) < chance).nonzero().squeeze(1)


def between(low: float, high: float, images: torch.Tensor) -> torch.Tensor:
    """A random number for each image, float (B, 1, 1, 1), uniformly distributed from `low` to `high`."""
    return torch.empty(len(images), 1, 1, 1, device=images.device).uniform_(low, high)


def coin(chance: float, images: torch.Tensor) -> torch.Tensor:
    """For each image, a random choice that is True with probability `chance`: bool (B, 1, 1, 1)."""
    return between(0, 1, images) < chance
