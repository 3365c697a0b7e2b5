"""Combs printed in a flattened field, wherever they are in it.

A comb is a horizontal line with short vertical ones on it, its teeth, which are equally high and evenly spaced.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.sheets.flat import Segment
from mnistlab.reading.sheets.lines import CLEAR, Floats, Segments

__all__ = ["combs"]

STEEPEST = 0.12
"""How steep a comb's base line may be."""
SOFT = 3
"""Ink is examined for teeth only from this many pixels above the middle of the base line, to leave out the line itself."""
MOST_CELLS = 40
"""The most cells that a comb may have."""
AS_DARK = 0.4
"""The least darkness of a comb's pixels, as a share of the usual darkness of its base line."""
SHORTEST, WHOLE = 0.32, 0.8
"""The least length of a comb's base line, as a share of the picture's height, and as a share of the line that is examined."""
LOWEST = 0.12
"""The least height of a comb's teeth, as a share of the picture's height."""
EVEN = 3
"""How far, in pixels, a tooth may be from its expected place, and by how many pixels it may be taller than the shortest tooth."""
MOST_ALIKE = 0.6
"""The least share of a comb's teeth that must be equally high: digits may stand on other teeth, and the first and last may be
sides of a frame."""

Points = NDArray[np.float64]
Dark = NDArray[np.bool_]


def combs(dark: Floats, ink: Floats, level: Segments) -> tuple[list[Segment], list[Segment]]:
    """The base lines and the teeth of combs, in the form that `erased` takes.

    Parameters
    ----------
    dark, ink : ndarray of float32, shape (H, W)
        The results of `darker` and `thin_ink` for the flattened field.
    level : Segments
        The horizontal lines in the field.
    """
    ink = np.where(dark > CLEAR, ink, 0)
    rows, columns = (np.asarray(cv2.dilate(ink, np.ones(size, np.uint8))) for size in ((3, 1), (1, 3)))
    lines, teeth = list[Segment](), list[Segment]()
    for slope, (middle, place), start, end in zip(level.slope, level.middle, level.start, level.end, strict=True):
        if abs(slope) > STEEPEST:
            continue
        x = np.arange(ink.shape[1])
        y = place + slope * (x - middle)
        on = rows[np.clip(np.rint(y).astype(int), 0, len(ink) - 1), x]
        enough = AS_DARK * float(np.median(on[round(start) : round(end) + 1]))
        first, last = whole_run(on > enough, round((start + end) / 2))
        if last - first < max(SHORTEST * len(ink), WHOLE * (end - start)):
            continue
        high = heights(columns > enough, np.column_stack([x, y])[first : last + 1], float(slope))
        found = teeth_of(high, LOWEST * len(ink))
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
    """The height in pixels, int64 (N,), of the unbroken ink standing on each point (x, y), (N, 2), of a line of slope `slope`."""
    up = np.arange(SOFT, len(dark))
    x = np.clip(np.rint(base[:, :1] + slope * up).astype(int), 0, dark.shape[1] - 1)
    y = np.rint(base[:, 1:] - up).astype(int)
    ink = dark[np.clip(y, 0, len(dark) - 1), x] & (y >= 0)
    return np.where(ink.all(1), len(up), ink.argmin(1)) + SOFT


def teeth_of(high: NDArray[np.int64], least: float) -> list[tuple[int, int]] | None:
    """The places of a comb's teeth, as indices into `high`, and the teeth's heights; None if there is no comb.

    `high`, int64 (N,), is the height of the ink above each point of a line; teeth shorter than `least` do not count.
    """
    for cells in range(min(MOST_CELLS, len(high) // (4 * EVEN)), 0, -1):
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
