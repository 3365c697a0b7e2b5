"""What tall pictures are drawn with: a canvas that is filled from top to bottom, and words and numbers in English or French."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from mnistlab.errors import rounded
from mnistlab.evaluation.figures import BLUE, ORANGE, plain_text
from mnistlab.messages.sentences import Clause

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

__all__ = ["NAME", "SMALL", "TEXT", "TITLE", "WIDTH", "Canvas", "diverging", "numeral", "percentage", "spoken"]

WIDTH = 12.8
"""Width of the pictures in inches."""
TITLE, NAME, TEXT, SMALL = 40, 28, 20, 13
"""Font sizes in points, large enough for the back row of a room."""


def spoken(key: str, language: str, **values: Any) -> str:
    """The message `key` (see messages/en.toml) in `language`, as text that matplotlib can draw (see `plain_text`)."""
    return plain_text(Clause(key, **values).said(language))


def numeral(value: float, spec: str, language: str) -> str:
    """The number as printed in `language`: 1,234.5 in English, 1 234,5 in French, with a real minus sign."""
    text = format(value, spec)
    if not text.strip("-0.,"):  # a value rounded to 0 has no sign
        text = text.removeprefix("-")
    text = text.replace("-", "\N{MINUS SIGN}")
    if language == "fr":
        text = text.replace(",", "\N{NO-BREAK SPACE}").replace(".", ",")
    return text


def percentage(probability: float, language: str) -> str:
    """A probability in percent, such as "99.98"; at most "99.99", because no network is certain."""
    return numeral(100 * rounded(probability, 4), ".2f", language)


@dataclass
class Canvas:
    """A figure that is filled row by row, from top to bottom; all positions and lengths are in inches."""

    figure: Figure
    height: float
    top: float = 0.0

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes without a frame; `left` and `top` are in inches, from the figure's left edge and from the current row's top."""
        axes = self.figure.add_axes((
            left / WIDTH, 1 - (self.top + top + height) / self.height, width / WIDTH, height / self.height,
        ))  # fmt: skip
        axes.axis("off")
        return axes

    def write(self, left: float, top: float, text: str, size: float = TEXT, **how: Any) -> Text:
        """Text with its upper left corner `left` inches from the figure's left edge and `top` inches below the row's top."""
        return self.figure.text(left / WIDTH, 1 - (self.top + top) / self.height, text, fontsize=size, va="top", **how)

    def show(self, left: float, top: float, side: float, image: NDArray[Any], **how: Any) -> Axes:
        """Axes that show the image, with its longer side `side` inches long; `left` and `top` mean the same as in `axes`."""
        tall = side * image.shape[0] / max(image.shape[:2])
        wide = side * image.shape[1] / max(image.shape[:2])
        axes = self.axes(left, top, wide, tall)
        axes.imshow(image, aspect="auto", interpolation="nearest", **how)
        return axes


@functools.cache
def diverging() -> Any:
    """The colour map that is blue below 0, white at 0 and orange above 0, as everywhere in mnistlab."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("blue_to_orange", [BLUE, "white", ORANGE])
