"""Strokes of a pen that does not leave the paper: between digits, through zeros written in one go, and after a number."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from mnistlab.papers.canvas import Canvas
from mnistlab.papers.style import Style

__all__ = ["chain_of_zeros", "tail", "tie"]

POINTS = 24
"""How many points a curve has."""


def tie(
    random: np.random.Generator,
    canvas: Canvas,
    how: Style,
    ends: tuple[float, float],
    foot: float,
    into: float,
    high: float,
) -> None:
    """Join two digits: the left one ends at x = `ends[0]`; the right one begins at x = `ends[1]` and stands on y = `foot`.

    The joining stroke overlaps each digit by `into` pixels. `high` is the right digit's height, as a share of the style's height.
    """
    to = random.uniform(0.3, 0.95) * high
    start = to if random.random() < 0.6 else random.uniform(0, 0.3)  # level, or up from the foot of the left digit
    x0, x1 = ends[0] - into, ends[1] + into
    y0, y1 = foot - start * how.height, foot - to * how.height
    stroke(canvas, how, bent((x0, y0), (x1, y1), random.normal(0, 0.06) * how.height))


def chain_of_zeros(
    random: np.random.Generator, canvas: Canvas, how: Style, count: int, left: float, base: float, gap: float
) -> float:
    """Write several zeros in one go, each joined at its top to the next one. Returns the x at which the text continues."""
    usual = how.zeros * how.height
    wide = usual * random.uniform(0.5, 1.1)
    apart = max(gap, -0.15) + random.uniform(-0.1, 0.15)
    first, turns = random.uniform(-0.5, 0.5), random.uniform(5.8, 7.2)  # radians; `first` goes left from the top
    lean, sag = how.slant, random.normal(0.05, 0.1)
    rings, x = [], left
    for _ in range(count):
        width, height = (side * np.exp(how.irregular * random.normal(0, 0.08)) for side in (wide, usual))
        angles = first + random.normal(0, 0.15) + np.linspace(0, turns + random.normal(0, 0.2), POINTS)
        round_ = 1 + random.uniform(0, 0.08) * np.sin(2 * angles + random.uniform(0, 6.3))
        foot = base + how.irregular * random.normal(0, 0.04) * usual
        right, up = 0.5 * width * (1 - round_ * np.sin(angles)), 0.5 * height * (1 + round_ * np.cos(angles))
        rings.append(np.column_stack([x + right + lean * (up - height / 2), foot - up]))
        x += width + apart * how.height
    for ring in rings:
        stroke(canvas, how, ring, 0)
    for before, after in itertools.pairwise(rings):
        stroke(canvas, how, bent(tuple(before[-1]), tuple(after[0]), sag * usual))
    return x


def tail(random: np.random.Generator, canvas: Canvas, how: Style, end: float, base: float) -> None:
    """Extend the last stroke of a number, which ends at x = `end`, further to the right."""
    long = random.uniform(0.2, 1.2) * how.height
    y = base - random.uniform(0, 0.15) * how.height
    rise = random.normal(0.1, 0.2) * long
    stroke(canvas, how, bent((end - 0.15 * how.height, y), (end + long, y - rise), random.normal(0, 0.1) * long))


def bent(start: tuple[float, float], end: tuple[float, float], sag: float) -> NDArray[np.float64]:
    """Points (N, 2) of a curve between two points; the curve's middle lies `sag` pixels below the straight line between them."""
    along = np.linspace(0, 1, POINTS)[:, None]
    return np.asarray((1 - along) * start + along * end + 4 * sag * along * (1 - along) * (0, 1))


def stroke(canvas: Canvas, how: Style, points: NDArray[np.float64], kind: int = -1) -> None:
    """Draw a curve with the style's pen through points (N, 2) of the level sheet, as a mark of `kind` (-1 for no mark)."""
    canvas.strokes([canvas.placed(points)], how.line_width, how.pen, kind)
