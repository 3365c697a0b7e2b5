"""Draw scenes, with what a finder found on them, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnistlab.evaluation.figures import BLUE, GREY, ORANGE, PANEL_WIDTH, panels
from mnistlab.evaluation.finds import FinderEvaluation, Seen
from mnistlab.papers.canvas import Mark
from mnistlab.reading.finder import CLASSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_scenes"]


def draw_scenes(evaluation: FinderEvaluation) -> Figure:
    """The first scenes: right detections in blue and wrong ones in orange, with what was read; missed digits in dashed boxes."""
    seen = evaluation.seen
    height, width = seen[0].scene.pixels.shape if seen else (1, 2)
    title = (
        f"{evaluation.split}: {evaluation.correct:,} of {evaluation.total:,} digits found and right (blue),"
        f" {evaluation.false_finds:,} found where there is none (orange); dashed: missed"
    )
    return panels(seen, draw_scene, height=PANEL_WIDTH * height / width, above=0.7, title=title)


def draw_scene(axes: Axes, one: Seen) -> None:
    """Draw one scene with its detections; those that count neither as right nor as wrong are grey."""
    axes.imshow(one.scene.pixels, cmap="gray", vmin=0, vmax=255)
    for mark in one.missed:
        draw_box(axes, mark, "--", ORANGE)
    for find in one.finds:
        colour = GREY if find.right is None else BLUE if find.right else ORANGE
        draw_box(axes, find.mark, "-", colour)
        corner, around = (
            (find.mark.x - find.mark.width / 2, find.mark.y - find.mark.height / 2),
            {"pad": 1, "color": colour},
        )
        axes.annotate(CLASSES[find.mark.kind], corner, color="white", fontsize=7, va="center", ha="center", bbox=around)


def draw_box(axes: Axes, mark: Mark, line: str, colour: str) -> None:
    """Draw a mark's box."""
    from matplotlib.patches import Rectangle

    # In matplotlib, the coordinates of the centre of a pixel are whole numbers.
    corner = (mark.x - mark.width / 2 - 0.5, mark.y - mark.height / 2 - 0.5)
    axes.add_patch(
        Rectangle(corner, mark.width, mark.height, fill=False, linestyle=line, edgecolor=colour, linewidth=1.2)
    )
