"""What all of mnistlab's pictures have in common: how they are made without pyplot, saved, coloured and labelled."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mnistlab.dependencies import import_matplotlib
from mnistlab.files import write_output

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "BLUE",
    "DPI",
    "GREY",
    "ORANGE",
    "PANEL_WIDTH",
    "blank_figure",
    "label_text",
    "lay_out",
    "panels",
    "plain_text",
    "save_figure",
    "tidy",
]


BLUE, ORANGE, GREY = "#2563a8", "#d9730d", "#6b7280"
DPI = 120
"""Dots per inch of saved pictures."""
PANELS, PANEL_WIDTH = 3, 4.2
"""How many panels there are to a row, and the width of each in inches."""
Shown = TypeVar("Shown")


def blank_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, made without pyplot, so that the user's own figures and backend stay unaffected."""
    import_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def panels(
    shown: Sequence[Shown], draw: Callable[[Axes, Shown], None], *, height: float, above: float, title: str
) -> Figure:
    """A figure with a panel for each of `shown`; there are `PANELS` panels to a row, and `draw` fills in each of them.

    `height` is the height of a panel, and `above` the height that the title needs; both are in inches.
    """
    rows = max(1, -(-len(shown) // PANELS))
    figure = blank_figure(PANELS * PANEL_WIDTH, rows * height + above)
    grid = figure.subplots(rows, PANELS, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, one in zip(grid.flat, shown, strict=False):
        draw(axes, one)
    figure.suptitle(title, fontweight="bold")
    lay_out(figure)
    return figure


def lay_out(figure: Figure) -> None:
    """Call the figure's `tight_layout()`, without a warning for characters that the font lacks (each is drawn as a box)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.tight_layout()


def save_figure(figure: Figure, path: Path) -> None:
    """Write the figure as PNG, atomically. Raises `UserError` or `Failure` if that is not possible."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # drawn as a box, which is warning enough
        figure.savefig(buffer, format="png", dpi=DPI)
    write_output(path, buffer.getvalue())


def tidy(axes: Axes) -> None:
    """Remove the upper and right sides of the axes' frame, and put pale horizontal grid lines behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e5e7eb")
    axes.set_axisbelow(True)


def label_text(name: str) -> str:
    """The class name, cut off if it is too long for a picture."""
    return plain_text(name if len(name) <= 16 else name[:15] + "…")


def plain_text(text: str) -> str:
    """The text with dollar signs escaped, because they would start a formula, and with "?" for lone surrogates, which stand for
    bytes in a file's name that are invalid in this locale's encoding."""
    return text.encode("utf-8", "replace").decode().replace("$", r"\$")
