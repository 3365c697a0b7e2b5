"""Frames printed in a flattened field, wherever they are in it: vertical lines joined at both ends by horizontal ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.paper import Gray
from mnistlab.reading.sheets.flat import BESIDE, Segment, is_unbroken
from mnistlab.reading.sheets.lines import CLEAR, Floats, Segments

__all__ = ["sides_of_frames"]

STEEPEST = 0.12
"""The greatest slope of a frame's lines: the tangent of the angle to the horizontal or the vertical."""
NARROWEST = 0.55
"""The least width of a frame, as a share of its height: the sides of an angular 0 are closer together."""
LEAST_HIGH = 0.37
"""The least height of a frame, as a share of the picture's height: most digits are shorter."""
UPRIGHT = 0.07
"""By how much, as a slope, the vertical sides may deviate from the perpendicular to the horizontal ones: a 1 leans further."""
NEAR, ASIDE = 8, 5
"""How many pixels above or below the visible end of a vertical line a corner may be, and how many to the left or right of it."""
SOFT = 3
"""By how many pixels the position found for a corner may be wrong."""
MOST_SIDES = 80
"""With more vertical lines than this, a field is hatched rather than framed."""
APART = 2.5
"""Lines that are closer together than this many pixels count as one line."""
INSET, POINTS = 0.05, 32
"""The share of a side's length, next to each corner, that is not examined, and at how many points the rest is examined."""
ALMOST_ALL = 0.94
"""The least share of a side's `POINTS` points at which the side must be dark."""

Points = NDArray[np.float64]
Dark = NDArray[np.bool_]


def sides_of_frames(gray: Gray, dark: Floats, ink: Floats, upright: Segments) -> tuple[list[Segment], list[Segment]]:
    """The horizontal and vertical sides of frames, in the form that `erased` takes.

    Parameters
    ----------
    gray : ndarray of uint8, shape (H, W)
        The flattened field.
    dark, ink : ndarray of float32, shape (H, W)
        The results of `darker` and `thin_ink` for `gray`.
    upright : Segments
        The vertical lines in the field; some may be strokes of digits.
    """
    rows, columns = (np.asarray(cv2.dilate(dark, np.ones(size, np.uint8))) > CLEAR for size in ((3, 1), (1, 3)))
    ends = [ends_of(upright, places) for places in (upright.start, upright.end)]
    level, sides = list[Segment](), list[Segment]()
    known: set[int] = set()
    for left, right in pairs_of(upright):
        if known >= {left, right}:
            continue
        down = np.arange(-NEAR, NEAR + 1)[:, None] * (0, 1)
        first, last = (darkest(ink, rows, end[left] + down, end[right] + down) for end in ends)
        if first is None or last is None or (last - first)[:, 1].min() < LEAST_HIGH * len(gray):
            continue
        found = [parallels(ink, columns, *side) for side in zip(first, last, strict=True)]
        lean = (segment(first)[3] + segment(last)[3]) / 2
        own = [[side for side in some if is_side(gray, side) and abs(side[3] + lean) < UPRIGHT] for some in found]
        if own[0] and own[1]:
            add(level, [segment(first), segment(last)])
            add(sides, own[0] + own[1])
            known |= {left, right}
    return level, sides


def pairs_of(upright: Segments) -> list[tuple[int, int]]:
    """The pairs of vertical lines that may be the left and right sides of a frame, those closest together first."""
    x, both = upright.middle[:, 1], (upright.start, upright.end)
    pairs = []
    for left, right in itertools.permutations(range(len(x)), 2) if len(x) <= MOST_SIDES else ():
        wide = float(x[right] - x[left])
        if wide >= NARROWEST * upright.length[[left, right]].min() and all(
            abs(ends[left] - ends[right]) < STEEPEST * wide + NEAR for ends in both
        ):
            pairs.append((wide, left, right))
    return [(left, right) for _, left, right in sorted(pairs)]


def add(lines: list[Segment], more: Iterable[Segment]) -> None:
    """Add to `lines` those of `more` that `lines` does not hold yet, or holds only in part."""
    for line in more:
        if not any(other[1] <= line[1] + SOFT and line[2] <= other[2] + SOFT and same(line, other) for other in lines):
            lines.append(line)


def ends_of(upright: Segments, places: Floats) -> Points:
    """For each of N vertical lines, the point (x, y) on the line at the y given in `places`: (N, 2)."""
    x = upright.middle[:, 1] + upright.slope * (places - upright.middle[:, 0])
    return np.column_stack([x, places]).astype(np.float64)


def darkness(ink: Floats, dark: Dark, first: Points, last: Points) -> Floats:
    """The mean of `ink` along the lines from points `first` to `last`, (..., 2).

    It is -1 for lines that are not dark throughout, or that are neither roughly horizontal nor roughly vertical.
    """
    along = np.linspace(INSET, 1 - INSET, POINTS)[:, None]
    x, y = np.moveaxis(np.rint(first[..., None, :] * (1 - along) + last[..., None, :] * along).astype(int), -1, 0)
    height, width = dark.shape
    on = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    across, down = np.abs(np.moveaxis(first - last, -1, 0))
    good = np.minimum(across, down) <= STEEPEST * np.maximum(across, down)
    good &= (on & dark[y, x]).mean(-1) >= ALMOST_ALL
    return np.asarray(np.where(good, ink[y, x].mean(-1), -1), np.float32)


def darkest(ink: Floats, dark: Dark, first: Points, last: Points) -> Points | None:
    """The ends (2, 2) of the darkest line from a point of `first`, (N, 2), to a point of `last`, (N, 2).

    None if no such line is dark throughout.
    """
    found = darkness(ink, dark, first[:, None], last[None])
    one, other = np.unravel_index(int(found.argmax()), found.shape)
    return np.array([first[one], last[other]]) if found[one, other] > 0 else None


def parallels(ink: Floats, dark: Dark, first: Points, last: Points) -> list[Segment]:
    """The vertical lines near the points `first` and `last`, (2,), that are darker than what is beside them.

    Where two frames stand side by side, there are two such lines, which `Segments` may hold as one line between the two.
    """
    aside = np.arange(-ASIDE, ASIDE + 1)[:, None] * (1, 0)
    best = darkest(ink, dark, first + aside, last + aside)
    if best is None:
        return []
    off = np.arange(-BESIDE, BESIDE + 1)[:, None] * (1, 0)
    found = darkness(ink, dark, best[0] + off, best[1] + off)
    peaks = (found > 0) & (found == np.asarray(cv2.dilate(found[None], np.ones((1, 2 * SOFT + 1), np.uint8)))[0])
    return [segment((best + off[place])[:, ::-1]) for place in np.flatnonzero(peaks)]


def is_side(gray: Gray, side: Segment) -> bool:
    """Whether a vertical line is unbroken from end to end, as a frame's side is."""
    return is_unbroken(gray.T, side, round(side[1]) + 1, round(side[2]) - 1)


def same(one: Segment, other: Segment) -> bool:
    """Whether two lines, both horizontal or both vertical, are in the same place."""
    middle = (one[1] + one[2]) / 2
    return abs(one[0] + one[3] * (middle - one[1]) - other[0] - other[3] * (middle - other[1])) < APART


def segment(ends: Points) -> Segment:
    """The line between two points, (2, 2), as `erased` takes it; each point is (x, y), or (y, x) for a vertical line."""
    (start, place), (end, other) = ends.tolist()
    return place, start, end, (other - place) / max(1.0, end - start)
