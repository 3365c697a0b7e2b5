"""What was read: digits and separators, in lines, on a page."""

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
"""A gap between two digits is read as a space if it is wider than this many digit heights, and wider than usual in its line."""


@dataclass(frozen=True)
class Digit:
    """One digit on a page.

    Attributes
    ----------
    value : int or str
        The digit, 0 to 9, or the name of the class if the model has other classes.
    probability : float
        The calibrated probability, 0 to 1, that `value` is right.
    box : tuple of int
        x, y, width, height of its ink in the upright picture, in pixels from the picture's top left corner.
    accepted : bool
        Whether the probability reaches the reader's threshold.
    image : ndarray of uint8, shape (28, 28)
        What the classifier was given: ink 255 on 0.
    probabilities : ndarray of float32, shape (classes,)
        The probability of each class; the probabilities sum to 1.
    """

    value: int | str
    probability: float
    box: tuple[int, int, int, int]
    accepted: bool
    image: NDArray[np.uint8] = field(repr=False, compare=False)
    probabilities: NDArray[np.float32] = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """The digit in plain types, for JSON.

        Returns
        -------
        dict
            value, probability (to 4 decimal places, but never rounded up to 1), box (as a list) and accepted.
        """
        return {
            "value": self.value,
            "probability": rounded(self.probability, 4),
            "box": list(self.box),
            "accepted": self.accepted,
        }


@dataclass(frozen=True)
class Separator:
    """A separator between digits, or before or after them.

    Attributes
    ----------
    value : str
        One of ``. , - / % :``, or ``?`` if it could not be read.
    probability : float
        The finder's probability, 0 to 1; unlike a digit's, it is not calibrated.
    box : tuple of int
        x, y, width, height in the upright picture, in pixels from the picture's top left corner.
    accepted : bool
        Whether it could be read.
    """

    value: str
    probability: float
    box: tuple[int, int, int, int]
    accepted: bool

    def to_dict(self) -> dict[str, Any]:
        """The separator in plain types, for JSON, with the same keys as `Digit.to_dict` has."""
        return {
            "value": self.value,
            "probability": rounded(self.probability, 4),
            "box": list(self.box),
            "accepted": self.accepted,
        }


@dataclass(frozen=True)
class Line:
    """A line of digits and separators.

    Attributes
    ----------
    marks : tuple of Digit and Separator
        The digits and separators, from left to right.
    digits : tuple of Digit
        Only the digits.
    separators : tuple of Separator
        The separators between, before and after the digits.
    text : str
        The marks, with "?" for those that are not accepted, and a space at each wide gap.
    """

    marks: tuple[Digit | Separator, ...]

    @property
    def digits(self) -> tuple[Digit, ...]:
        """The digits among the marks."""
        return tuple(mark for mark in self.marks if isinstance(mark, Digit))

    @property
    def separators(self) -> tuple[Separator, ...]:
        """The separators between, before and after the digits."""
        return tuple(mark for mark in self.marks if isinstance(mark, Separator))

    @property
    def text(self) -> str:
        """The marks, with "?" for those that are not accepted, and a space at each wide gap."""
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
        The lines, from top to bottom; none if no digit was found.
    size : tuple of int
        Width and height of the upright picture, in pixels.
    number, count : int
        The page's number in its file, from 1, and how many pages the file has.
    text : str
        The text of each line, one below the other; empty if no digit was found.
    digits : list of Digit
        All digits in reading order.
    marks : list of Digit and Separator
        All digits and separators in reading order.
    table : Table or None
        The table, if one was asked for and found; in that case, each of `lines` is a row of the table.
    entries : tuple of Entry
        The content of each field, if a layout was given; in that case, each of `lines` is a field that has digits.
    fields : dict of str to Entry
        `entries`, keyed by the names of the fields.
    sheet : tuple of (float, float)
        The four corners, in pixels, clockwise from the top left, of the area relative to which the layout's boxes are given.
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
        """The text of all lines, with line breaks between them; empty if no digit was found."""
        return "\n".join(line.text for line in self.lines)

    @property
    def fields(self) -> dict[str, Entry]:
        """The content of each field, by name; empty if no layout was given."""
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
        """The page in plain types, for JSON.

        Returns
        -------
        dict
            text and lines; for each line, text, digits and separators (as in `Digit.to_dict`). If a table was read, also table
            (as in `Table.to_dict`). If a layout was given, also fields (by name, each as in `Entry.to_dict`) and sheet (its four
            corners, in pixels).
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
