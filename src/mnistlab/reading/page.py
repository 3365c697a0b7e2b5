"""What was read: digits, in lines, on a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import rounded

if TYPE_CHECKING:
    pass

__all__ = ["Digit", "Line", "Page"]

UNKNOWN = "?"
GAP = 1.1
"""A space is read where the gap between two digits is over so many digits' heights, and wide for its line."""


@dataclass(frozen=True)
class Digit:
    """One digit on a page."""

    value: int | str
    """The digit; of a model of other classes, the class's name."""
    probability: float
    """That it is this one, calibrated, 0 to 1."""
    box: tuple[int, int, int, int]
    """x, y, width, height of its ink in the upright picture, in pixels from its top left corner."""
    accepted: bool
    """Whether the probability reaches the reader's threshold."""
    image: NDArray[np.uint8] = field(repr=False, compare=False)
    """(28, 28), ink 255 on 0: what the network saw."""
    probabilities: NDArray[np.float32] = field(repr=False, compare=False)
    """(classes,): of each class."""

    def to_dict(self) -> dict[str, Any]:
        """Plain types, for JSON."""
        return {
            "value": self.value,
            "probability": rounded(self.probability, 4),
            "box": list(self.box),
            "accepted": self.accepted,
        }


@dataclass(frozen=True)
class Line:
    """Digits that stand beside each other, from left to right."""

    digits: tuple[Digit, ...]

    @property
    def text(self) -> str:
        """The digits, "?" for those not accepted, a space where a wide gap is."""
        if not self.digits:
            return ""
        shown = [str(digit.value) if digit.accepted else UNKNOWN for digit in self.digits]
        gaps = [
            later.box[0] - (one.box[0] + one.box[2]) for one, later in zip(self.digits, self.digits[1:], strict=False)
        ]
        if not gaps:
            return shown[0]
        height = float(np.median([digit.box[3] for digit in self.digits]))
        wide = max(GAP * height, 2.2 * max(float(np.median(gaps)), 0.0))
        return shown[0] + "".join((" " if gap > wide else "") + one for gap, one in zip(gaps, shown[1:], strict=True))


@dataclass(frozen=True)
class Page:
    """What was read from a picture."""

    lines: tuple[Line, ...]
    size: tuple[int, int]
    """Width and height of the upright picture, in pixels."""

    @property
    def text(self) -> str:
        """The lines' texts, one under the other; empty where no digit was found."""
        return "\n".join(line.text for line in self.lines)

    @property
    def digits(self) -> list[Digit]:
        """All digits in reading order."""
        return [digit for line in self.lines for digit in line.digits]

    def to_dict(self) -> dict[str, Any]:
        """Plain types, for JSON."""
        return {
            "text": self.text,
            "lines": [{"digits": [digit.to_dict() for digit in line.digits]} for line in self.lines],
        }
