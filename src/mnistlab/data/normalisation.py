"""The numbers that bring pixels to a mean of 0 and a standard deviation of 1, and the one way to use them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from mnistlab.errors import number
from mnistlab.messages.sentences import Clause

__all__ = ["Normalisation"]

MOST = 1e6
"""Mean and standard deviation of pixels, in whatever scale, are smaller."""
Pixels = TypeVar("Pixels", bound=Any)


@dataclass(frozen=True)
class Normalisation:
    """How a model wants its pixels. Call it with pixels, and the values that the model takes come back.

    Parameters
    ----------
    mean, std : float
        Mean and standard deviation of the training images' pixels, scaled to [0, 1].

    Raises
    ------
    UserError
        For what is not a number, a mean outside -1e6 to 1e6, or a std outside 1e-6 to 1e6.
    """

    mean: float
    std: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", number(self.mean, Clause("names.mean"), -MOST, MOST))
        object.__setattr__(self, "std", number(self.std, Clause("names.std"), 1 / MOST, MOST))

    @property
    def scale(self) -> float:
        """What a pixel, 0 to 255, is multiplied by; then `shift` is added."""
        return 1 / (255 * self.std)

    @property
    def shift(self) -> float:
        """What a pixel of 0 becomes."""
        return -self.mean / self.std

    def __call__(self, pixels: Pixels) -> Pixels:
        """Floats of any shape, 0 (paper) to 255 (ink), as NumPy's or torch's, to (pixels / 255 - mean) / std."""
        values: Pixels = pixels * self.scale + self.shift
        return values

    def undo(self, values: Pixels) -> Pixels:
        """What was normalised back to pixels, 0 to 255."""
        pixels: Pixels = (values - self.shift) / self.scale
        return pixels
