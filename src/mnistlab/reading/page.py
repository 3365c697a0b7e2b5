"""What was read: digits and what stands between them, in lines, on a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import rounded

if TYPE_CHECKING:
    from mnistlab.reading.sheets.fields import Entry
    from mnistlab.reading.sheets.table import Table

__all__ = ["Digit", "Line", "Page", "Separator"]

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
class Separator:
    """What stands between digits, or before or after them.

    Attributes
    ----------
    value : str
        One of ``. , - / % :``.
    probability : float
        What the network that finds digits makes of it, 0 to 1; unlike a digit's it is not calibrated.
    box : tuple of int
        x, y, width, height in the upright picture, in pixels from its top left corner.
    accepted : bool
        Whether that is enough.
    """

    value: str
    probability: float
    box: tuple[int, int, int, int]
    accepted: bool

    def to_dict(self) -> dict[str, Any]:
        """Tell it in plain types, for JSON, as `Digit.to_dict` does."""
        return {
            "value": self.value,
            "probability": rounded(self.probability, 4),
            "box": list(self.box),
            "accepted": self.accepted,
        }


@dataclass(frozen=True)
class Line:
    """Digits that stand beside each other, and what stands between them.

    Attributes
    ----------
    marks : tuple of Digit and Separator
        From left to right.
    digits : tuple of Digit
        The digits alone.
    separators : tuple of Separator
        What stands between, before and after them.
    text : str
        The marks, "?" for those that are not accepted, a space where there is a wide gap.
    """

    marks: tuple[Digit | Separator, ...]

    @property
    def digits(self) -> tuple[Digit, ...]:
        """The digits alone."""
        return tuple(mark for mark in self.marks if isinstance(mark, Digit))

    @property
    def separators(self) -> tuple[Separator, ...]:
        """What stands between, before and after them."""
        return tuple(mark for mark in self.marks if isinstance(mark, Separator))

    @property
    def text(self) -> str:
        """The marks, "?" for those that are not accepted, a space where there is a wide gap."""
        if not self.marks:
            return ""
        shown = [str(mark.value) if mark.accepted else UNKNOWN for mark in self.marks]
        gaps = [
            later.box[0] - (one.box[0] + one.box[2]) for one, later in zip(self.marks, self.marks[1:], strict=False)
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
        From top to bottom; none if no digit was found.
    size : tuple of int
        Width and height of the upright picture, in pixels.
    number, count : int
        Which page of its file it is, from 1, and how many the file has.
    text : str
        The lines' texts, one under the other; empty if no digit was found.
    digits : list of Digit
        All of them in reading order.
    marks : list of Digit and Separator
        Likewise, with what stands between them.
    table : Table or None
        The table, where one was asked for and found: then the lines are its rows.
    entries : tuple of Entry
        What stands in each field, where a layout was given: then the lines are these.
    fields : dict of str to Entry
        The same by name.
    sheet : tuple of (float, float)
        The four corners, in pixels and clockwise from the top left one, of what the layout's fields are fractions of.
    """

    lines: tuple[Line, ...]
    size: tuple[int, int]
    number: int = 1
    count: int = 1
    table: Table | None = None
    entries: tuple[Entry, ...] = ()
    sheet: tuple[tuple[float, float], ...] = ()

    @property
    def text(self) -> str:
        """The lines' texts, one under the other; empty if no digit was found."""
        return "\n".join(line.text for line in self.lines)

    @property
    def fields(self) -> dict[str, Entry]:
        """What stands in each field, by its name; empty if no layout was given."""
        return {entry.name: entry for entry in self.entries}

    @property
    def digits(self) -> list[Digit]:
        """All digits in reading order."""
        return [digit for line in self.lines for digit in line.digits]

    @property
    def marks(self) -> list[Digit | Separator]:
        """All digits and separators in reading order."""
        return [mark for line in self.lines for mark in line.marks]

    def to_dict(self) -> dict[str, Any]:
        """Tell it in plain types, for JSON.

        Returns
        -------
        dict
            text, and lines, each with its text, and its digits and separators as `Digit.to_dict` tells them; table, as
            `Table.to_dict` tells it, and fields, each by its name as `Entry.to_dict` tells it, and the corners of the sheet
            that they are fractions of, where there are any.
        """
        lines = [
            {
                "text": line.text,
                "digits": [digit.to_dict() for digit in line.digits],
                "separators": [separator.to_dict() for separator in line.separators],
            }
            for line in self.lines
        ]
        told: dict[str, Any] = {"text": self.text, "lines": lines}
        if self.table is not None:
            told["table"] = self.table.to_dict()
        if self.entries:
            told["fields"] = {entry.name: entry.to_dict() for entry in self.entries}
            told["sheet"] = [[round(x, 1), round(y, 1)] for x, y in self.sheet]
        return told
