"""Frames and combs printed in a flattened field, wherever they are in it.

The sides of a frame are vertical lines that horizontal lines join at both ends. A comb is a horizontal line with short vertical
ones on it, all equally high and at equal distances.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.paper import Gray
from mnistlab.reading.sheets.flat import BESIDE, Segment, is_unbroken
from mnistlab.reading.sheets.lines import CLEAR, THICKEST, Floats, Segments

__all__ = ["combs", "sides_of_frames"]

STEEPEST = 0.12
"""How steep a frame's lines may be."""
NARROWEST = 0.55
"""The least width of a frame, as a share of its height: the sides of an angular 0 are closer together."""
LEAST_HIGH = 0.37
"""The least height of a frame, as a share of the picture's: digits are lower."""
UPRIGHT = 0.07
"""How far from perpendicular to the horizontal sides the vertical ones may be: a 1 leans further."""
NEAR, ASIDE = 8, 5
"""How many pixels a corner may be above, below or beside the end of a vertical line as it was seen."""
SOFT = 3
"""How many pixels a corner may be off."""
MOST_SIDES = 80
"""With more vertical lines than this, a field is hatched rather than framed."""
APART = 2.5
"""Lines that are closer together than this many pixels are one line."""
INSET, POINTS = 0.05, 32
"""A side is examined at this many points, but not within this share of its length from a corner."""
ALMOST_ALL = 0.94
"""The share of these points at which it must be dark."""
MOST_TEETH = 40
"""The most cells that a comb may have."""
AS_DARK = 0.4
"""The least darkness of a comb's pixels, as a share of the usual darkness of its base line."""
SHORTEST, WHOLE = 0.32, 0.8
"""The least length of a comb's base line, as a share of the picture's height, and of the line that was seen there."""
LOWEST = 0.12
"""The least height of a comb's teeth, as a share of the picture's height."""
EVEN = 3
"""How many pixels a tooth may be off its place, or be higher than the lowest one."""
MOST_ALIKE = 0.6
"""The least share of teeth that are equally high: digits may stand on the others, and the first and last be a frame's sides."""

Points = NDArray[np.float64]
Dark = NDArray[np.bool_]


def sides_of_frames(gray: Gray, dark: Floats, upright: Segments) -> tuple[list[Segment], list[Segment]]:
    """The horizontal and vertical sides of frames, in the form that `erased` takes.

    Parameters
    ----------
    gray : ndarray of uint8, shape (H, W)
        The flattened field.
    dark : ndarray of float32, shape (H, W)
        The result of `darker` for `gray`.
    upright : Segments
        The vertical lines in the field; some may be strokes of digits.
    """
    ink = blackhat(gray)
    rows, columns = (np.asarray(cv2.dilate(dark, np.ones(size, np.uint8))) > CLEAR for size in ((3, 1), (1, 3)))
    ends = [ends_of(upright, places) for places in (upright.start, upright.end)]
    level, sides = list[Segment](), list[Segment]()
    known: set[int] = set()
    for left, right in pairs_of(upright):
        if known >= {left, right}:
            continue
        down = np.arange(-NEAR, NEAR + 1)[:, None] * (0, 1)
        corners = [darkest(ink, rows, end[left] + down, end[right] + down) for end in ends]
        first, last = corners
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
    """The pairs of vertical lines that may be the left and right side of a frame, those closest together first."""
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
    """Add to `lines` those of `more` that `lines` does not hold yet, or only in part."""
    for line in more:
        if not any(other[1] <= line[1] + SOFT and line[2] <= other[2] + SOFT and same(line, other) for other in lines):
            lines.append(line)


def blackhat(gray: Gray) -> Floats:
    """How much darker each pixel is than its surroundings, if it is part of something thin; float32 (H, W)."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (THICKEST, THICKEST))
    return np.asarray(cv2.morphologyEx(gray, cv2.MORPH_BLACKHAT, kernel), np.float32)


def ends_of(upright: Segments, places: Floats) -> Points:
    """The points (N, 2) on N vertical lines, each at its line's y in `places`."""
    x = upright.middle[:, 1] + upright.slope * (places - upright.middle[:, 0])
    return np.column_stack([x, places]).astype(np.float64)


def darkness(ink: Floats, dark: Dark, first: Points, last: Points) -> Floats:
    """The mean of `ink` along the lines from points `first` to `last`, (..., 2).

    It is -1 for lines that are not dark throughout or that are steep.
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


def combs(gray: Gray, dark: Floats, level: Segments) -> tuple[list[Segment], list[Segment]]:
    """The base lines and the teeth of combs, in the form that `erased` takes.

    Parameters
    ----------
    gray, dark
        As for `sides_of_frames`.
    level : Segments
        The horizontal lines in the field.
    """
    ink = np.where(dark > CLEAR, blackhat(gray), 0)
    rows, columns = (np.asarray(cv2.dilate(ink, np.ones(size, np.uint8))) for size in ((3, 1), (1, 3)))
    lines, teeth = list[Segment](), list[Segment]()
    for slope, (middle, place), start, end in zip(level.slope, level.middle, level.start, level.end, strict=True):
        if abs(slope) > STEEPEST:
            continue
        x = np.arange(gray.shape[1])
        y = place + slope * (x - middle)
        on = rows[np.clip(np.rint(y).astype(int), 0, len(gray) - 1), x]
        enough = AS_DARK * float(np.median(on[round(start) : round(end) + 1]))
        first, last = whole_run(on > enough, round((start + end) / 2))
        if last - first < max(SHORTEST * len(gray), WHOLE * (end - start)):
            continue
        high = heights(columns > enough, np.column_stack([x, y])[first : last + 1], float(slope))
        found = teeth_of(high, LOWEST * len(gray))
        if found is None:
            continue
        lines.append((float(y[first]), float(first), float(last), float(slope)))
        for column, tall in found:
            foot = float(x[first + column]), float(y[first + column])
            teeth.append((foot[0] + slope * tall, foot[1] - tall, foot[1], -float(slope)))
    return lines, teeth


def whole_run(on: Dark, place: int) -> tuple[int, int]:
    """The first and last index of the run of True, perhaps with gaps of a pixel, around index `place` in `on`, bool (N,)."""
    closed = cv2.morphologyEx(on.astype(np.uint8)[None], cv2.MORPH_CLOSE, np.ones((1, 3), np.uint8))
    off = np.asarray(closed)[0] == 0
    before, after = np.flatnonzero(off[:place]), np.flatnonzero(off[place:])
    return int(before[-1]) + 1 if len(before) else 0, place + int(after[0]) - 1 if len(after) else len(on) - 1


def heights(dark: Dark, base: Points, slope: float) -> NDArray[np.int64]:
    """The height in pixels, int64 (N,), of the unbroken ink on each point (x, y), (N, 2), of a line with slope `slope`."""
    up = np.arange(SOFT, len(dark))
    x = np.clip(np.rint(base[:, :1] + slope * up).astype(int), 0, dark.shape[1] - 1)
    y = np.rint(base[:, 1:] - up).astype(int)
    ink = dark[np.clip(y, 0, len(dark) - 1), x] & (y >= 0)
    return np.where(ink.all(1), len(up), ink.argmin(1)) + SOFT


def teeth_of(high: NDArray[np.int64], least: float) -> list[tuple[int, int]] | None:
    """The places of a comb's teeth, as indices into `high`, and the teeth's heights; None if there is no comb.

    `high`, int64 (N,), is the ink's height on each point of a line; teeth lower than `least` do not count.
    """
    for cells in range(min(MOST_TEETH, len(high) // (4 * EVEN)), 0, -1):
        places = np.rint(np.linspace(0, len(high) - 1, cells + 1)).astype(int)
        near = [np.arange(max(0, place - EVEN), min(len(high), place + EVEN + 1)) for place in places]
        usual = min(int(high[some].max()) for some in near)
        off = [np.abs(high[some] - usual) + np.abs(some - place) for some, place in zip(near, places, strict=True)]
        nearest = [int(some[far.argmin()]) for some, far in zip(near, off, strict=True)]
        alike = np.abs(high[nearest] - usual) <= EVEN
        if usual < least or alike.sum() < max(2, MOST_ALIKE * len(near)) or (cells % 2 == 0 and not alike[1::2].any()):
            continue
        return [(place, int(min(high[place], usual + EVEN))) for place in nearest]
    return None


def segment(ends: Points) -> Segment:
    """The line between two points, (2, 2), as `erased` takes it; each point is (x, y), or (y, x) for a vertical line."""
    (start, place), (end, other) = ends.tolist()
    return place, start, end, (other - place) / max(1.0, end - start)
