"""What was read: digits, in lines, on a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import rounded

if TYPE_CHECKING:
    from mnistlab.reading.sheets.fields import Entry
    from mnistlab.reading.sheets.table import Table

__all__ = ["Digit", "Line", "Page"]

UNKNOWN = "?"
GAP = 1.1
"""A space is read where the gap between two digits is over so many digits' heights, and wide for its line."""


@dataclass(frozen=True)
class Digit:
    """One digit on a page.

    Attributes
    ----------
    value : int or str
        The digit, 0 to 9; the class's name where the model knows other classes.
    probability : float
        That it is this one, calibrated, 0 to 1.
    box : tuple of int
        x, y, width, height of its ink in the upright picture, in pixels from its top left corner.
    accepted : bool
        Whether the probability reaches the reader's threshold.
    image : ndarray of uint8, shape (28, 28)
        What the network saw: ink 255 on 0.
    probabilities : ndarray of float32, shape (classes,)
        The probability of each class; they sum to 1.
    """

    value: int | str
    probability: float
    box: tuple[int, int, int, int]
    accepted: bool
    image: NDArray[np.uint8] = field(repr=False, compare=False)
    probabilities: NDArray[np.float32] = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Tell it in plain types, for JSON.

        Returns
        -------
        dict
            value, probability (rounded to 4 digits, never to 1), box as a list, accepted.
        """
        return {
            "value": self.value,
            "probability": rounded(self.probability, 4),
            "box": list(self.box),
            "accepted": self.accepted,
        }


@dataclass(frozen=True)
class Line:
    """Digits that stand beside each other.

    Attributes
    ----------
    digits : tuple of Digit
        From left to right.
    text : str
        The digits, "?" for those that are not accepted, a space where there is a wide gap.
    """

    digits: tuple[Digit, ...]

    @property
    def text(self) -> str:
        """The digits, "?" for those that are not accepted, a space where there is a wide gap."""
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
    """What was read from a picture.

    Attributes
    ----------
    lines : tuple of Line
        From top to bottom; none where no digit was found.
    size : tuple of int
        Width and height of the upright picture, in pixels.
    text : str
        The lines' texts, one under the other; empty where no digit was found.
    digits : list of Digit
        All of them in reading order.
    table : Table or None
        The table, where one was asked for and found: then the lines are its rows.
    entries : tuple of Entry
        What stands in each field, where a layout was given: then the lines are these.
    fields : dict of str to Entry
        The same by name.
    """

    lines: tuple[Line, ...]
    size: tuple[int, int]
    table: Table | None = None
    entries: tuple[Entry, ...] = ()

    @property
    def text(self) -> str:
        """The lines' texts, one under the other; empty where no digit was found."""
        return "\n".join(line.text for line in self.lines)

    @property
    def fields(self) -> dict[str, Entry]:
        """What stands in each field, by its name; empty where no layout was given."""
        return {entry.name: entry for entry in self.entries}

    @property
    def digits(self) -> list[Digit]:
        """All digits in reading order."""
        return [digit for line in self.lines for digit in line.digits]

    def to_dict(self) -> dict[str, Any]:
        """Tell it in plain types, for JSON.

        Returns
        -------
        dict
            text, and lines, each with its text and its digits as `Digit.to_dict` tells them; table, as `Table.to_dict` tells
            it, and fields, each by its name as `Entry.to_dict` tells it, where there are any.
        """
        told: dict[str, Any] = {
            "text": self.text,
            "lines": [{"text": line.text, "digits": [digit.to_dict() for digit in line.digits]} for line in self.lines],
        }
        if self.table is not None:
            told["table"] = self.table.to_dict()
        if self.entries:
            told["fields"] = {entry.name: entry.to_dict() for entry in self.entries}
        return told
