"""Draw strips, with what a line reader read on them, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnistlab.evaluation.figures import BLUE, GREY, ORANGE, PANEL_WIDTH, panels
from mnistlab.evaluation.lines import SHOWN, LineEvaluation, Seen

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_strips"]


def draw_strips(evaluation: LineEvaluation) -> Figure:
    """The first few strips, then a few more that were misread; below each, what was read: blue if right, orange if wrong."""
    seen = evaluation.seen
    height, width = seen[0].strip.pixels.shape if seen else (1, 5)
    others = f"the first {SHOWN}, then the first mistakes" if len(seen) > SHOWN else f"the first {len(seen)}"
    title = (
        f"{evaluation.split}: {evaluation.correct:,} of {evaluation.total:,} lines read exactly (blue);"
        f" {100 * evaluation.character_error_rate:.2f} % of all digits wrong; {others}"
    )
    return panels(seen, draw_strip, height=PANEL_WIDTH * height / width + 0.32, above=0.9, title=title)


def draw_strip(axes: Axes, one: Seen) -> None:
    """Draw one strip, and below it the strip's index, what was read and, if that is wrong, the right text."""
    axes.imshow(one.strip.pixels, cmap="gray", vmin=0, vmax=255)
    height, width = one.strip.pixels.shape
    right = one.read == one.strip.text
    read = one.read or "nothing read"
    said = read if right else f"{read}, not {one.strip.text or 'anything'}"
    colour, weight = (BLUE, "normal") if right else (ORANGE, "bold")
    axes.text(-0.5, 1.05 * height, said, ha="left", va="top", fontsize=11, color=colour, fontweight=weight)
    axes.text(width - 0.5, 1.05 * height, f"#{one.index}", ha="right", va="top", fontsize=8, color=GREY)
