"""The numbers that scale pixels to mean 0 and standard deviation 1, and the one formula that applies them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from mnistlab.errors import number
from mnistlab.messages.sentences import Clause

__all__ = ["Normalisation"]

MOST = 1e6
"""An upper bound for the mean and standard deviation of pixels, on whatever scale."""
Pixels = TypeVar("Pixels", bound=Any)


@dataclass(frozen=True)
class Normalisation:
    """The normalisation of a model's input. Call it with pixels to get the values that the model takes.

    Parameters
    ----------
    mean, std : float
        Mean and standard deviation of the training images' pixels, scaled to [0, 1].

    Raises
    ------
    UserError
        For a value that is not a number, a mean outside -1e6 to 1e6, or a std outside 1e-6 to 1e6.
    """

    mean: float
    std: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", number(self.mean, Clause("names.mean"), -MOST, MOST))
        object.__setattr__(self, "std", number(self.std, Clause("names.std"), 1 / MOST, MOST))

    @property
    def scale(self) -> float:
        """The factor by which a pixel, 0 to 255, is multiplied before `shift` is added."""
        return 1 / (255 * self.std)

    @property
    def shift(self) -> float:
        """The normalised value of a pixel whose value is 0."""
        return -self.mean / self.std

    def __call__(self, pixels: Pixels) -> Pixels:
        """(pixels / 255 - mean) / std. `pixels` are NumPy or torch floats of any shape, from 0 (paper) to 255 (ink)."""
        values: Pixels = pixels * self.scale + self.shift
        return values

    def undo(self, values: Pixels) -> Pixels:
        """Normalised values converted back to pixels, 0 to 255."""
        pixels: Pixels = (values - self.shift) / self.scale
        return pixels
