"""Flatten part of a sheet, and remove the printed lines on it, keeping strokes that cross them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.marks import Box
from mnistlab.reading.paper import Gray

__all__ = ["Flattened", "erased", "is_unbroken", "laid_flat"]

Points = NDArray[np.float64]
Segment = tuple[float, float, float, float]
"""For a horizontal line: y at its start, x at its start and end, and its slope; for a vertical line, x and y are swapped."""
BESIDE = 9
"""How many pixels on each side of a line's position are examined."""
ASTRAY = 4
"""How far, in pixels, a line may be from its expected position."""
FAINTEST = 0.012
"""A line absorbs at least this share of the paper's light."""
EDGE = 0.12
"""A line's edge is where it absorbs this share of the light that it absorbs in its middle."""
THICKEST = 11
"""The maximum thickness of a line in pixels."""
UNBROKEN = 0.3
"""A line is unbroken if it is nowhere fainter than this share of its usual strength."""
NEXT_TO, CROSSED = (6, 7, 8), 0.93
"""The paper is measured at these distances from a line, in pixels; where it has less than this share of its usual light, another
line crosses."""
PIECE = 24
"""How many pixels of a line are examined at a time, because paper bends and light changes."""


@dataclass(frozen=True)
class Flattened:
    """A flattened part of a picture.

    Attributes
    ----------
    gray : ndarray of uint8, shape (H, W)
        The pixels.
    to_picture : callable
        Maps points, float64 (N, 2), of the flattened part to points of the picture.
    """

    gray: Gray
    to_picture: Callable[[Points], Points]

    def box_in_picture(self, box: Box, size: tuple[int, int]) -> Box:
        """The box in the picture around a box (x, y, width, height) of this part; `size` is the picture's width and height."""
        x, y, width, height = box
        ends = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], np.float64) - 0.5
        moved = self.to_picture(ends) + 0.5
        left, top = np.clip(np.floor(moved.min(0) + 0.02), 0, np.array(size) - 1).astype(int).tolist()
        right, bottom = np.clip(np.ceil(moved.max(0) - 0.02), 1, size).astype(int).tolist()
        return left, top, max(1, right - left), max(1, bottom - top)


def laid_flat(gray: Gray, to_picture: Callable[[Points], Points], size: tuple[int, int]) -> Flattened:
    """`gray` at the points that `to_picture` gives, as a picture of `size` (width, height); outside `gray`, its edge repeats."""
    width, height = size
    step = 16  # between these, the mapping is practically straight
    columns, rows = np.arange(0, width + step, step), np.arange(0, height + step, step)
    x, y = np.meshgrid(columns.astype(np.float64), rows.astype(np.float64))
    places = to_picture(np.stack([x, y], 2).reshape(-1, 2)).reshape(*x.shape, 2).astype(np.float32)
    own_x = (np.arange(width, dtype=np.float32) / step)[None].repeat(height, 0)
    own_y = (np.arange(height, dtype=np.float32) / step)[:, None].repeat(width, 1)
    fine = [cv2.remap(np.ascontiguousarray(places[..., n]), own_x, own_y, cv2.INTER_LINEAR) for n in (0, 1)]
    shrink = float(np.sqrt(max(1e-9, abs(np.linalg.det(slope(places, step))))))
    if shrink > 1.5:  # otherwise pixels between the samples would be skipped
        gray = cv2.GaussianBlur(gray, (0, 0), 0.4 * shrink)
    taken = cv2.remap(gray, fine[0], fine[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return Flattened(taken, to_picture)


def slope(places: NDArray[np.float32], step: int) -> Points:
    """How far a point moves in the picture per pixel of the flattened part, measured in the middle of the part: float64 (2, 2).

    The first row is for a pixel across, the second for a pixel down.
    """
    row, column = places.shape[0] // 2, places.shape[1] // 2
    across = places[row, min(column + 1, places.shape[1] - 1)] - places[row, max(column - 1, 0)]
    down = places[min(row + 1, places.shape[0] - 1), column] - places[max(row - 1, 0), column]
    return np.stack([across, down]).astype(np.float64) / (2 * step)


def erased(gray: Gray, level: Sequence[Segment], upright: Sequence[Segment]) -> Gray:
    """The picture without the horizontal lines (y, first x, last x, slope) and the vertical ones (x, first y, last y, slope).

    Vertical lines are assumed to be hardly thicker than the horizontal ones.
    """
    result = np.ascontiguousarray(gray).copy()
    thick = [width for line in level if (width := erase(result, *line)) is not None]
    most = THICKEST if not thick else min(THICKEST, float(np.median(thick)) + 1)
    result = np.ascontiguousarray(result.T)
    for line in upright:
        erase(result, *line, most)
    return np.ascontiguousarray(result.T)


def erase(gray: Gray, place: float, start: float, end: float, slope: float, most: float = THICKEST) -> float | None:
    """Remove a horizontal line, piece by piece: each pixel gets a value between those beside the line, unless its own is lighter.

    If necessary, each edge of a piece is moved to within two pixels of the line's usual edge (the median over all pieces that
    are at most `most` pixels thick), so that a stroke running along the line is not taken for part of it. Returns the line's
    usual thickness; None if no piece was at most `most` pixels thick.
    """
    height, width = gray.shape
    first, last = max(0, round(start)), min(width, round(end))
    parts, found = [], []
    for left, right in itertools.pairwise(
        np.linspace(first, last, max(1, round((last - first) / PIECE)) + 1).astype(int)
    ):
        middle = round(place + slope * ((left + right) / 2 - start))
        top, bottom = middle - BESIDE, middle + BESIDE + 1
        if right - left < 2 or top < 0 or bottom > height:
            continue
        seen = thickness(gray[top:bottom, left:right].astype(np.float32))
        if seen is not None:
            parts.append((top, left, right))
            found.append(seen)
    if not found:
        return None
    thin = [seen for seen in found if seen[1] - seen[0] <= most]  # the others are strokes that run along the line
    usual = np.median(np.array(thin), 0) if thin else BESIDE + np.array([-0.5, 0.5]) * most
    for (top, left, right), seen in zip(parts, found, strict=True):
        above, below = (round(float(np.clip(edge, own - 2, own + 2))) for edge, own in zip(seen, usual, strict=True))
        part = gray[top : top + 2 * BESIDE + 1, left:right].astype(np.float32)
        above, below = max(0, above - 1), min(len(part) - 1, below + 1)  # its edges are soft
        share = (np.arange(above + 1, below) - above)[:, None] / max(1, below - above)
        between = part[above] * (1 - share) + part[below] * share
        gray[top + above + 1 : top + below, left:right] = np.maximum(part[above + 1 : below], between).round()
    return float(usual[1] - usual[0]) if thin else None


def is_unbroken(gray: Gray, line: Segment, start: int, end: int) -> bool:
    """Whether a horizontal line is unbroken from `start` to `end`, as a line of a frame is; a digit's stroke stops short."""
    place, first, _, slope = line
    x = np.arange(start, end)
    y = np.round(place + slope * (x - first)).astype(int)
    light = gray.astype(np.float32)

    def beside(*off: int) -> NDArray[np.float32]:
        return np.asarray(light[np.clip(y + np.array(off)[:, None], 0, len(light) - 1), x])

    sides = np.maximum(beside(*NEXT_TO).max(0), beside(*(-off for off in NEXT_TO)).max(0))
    missing = 1 - beside(-2, -1, 0, 1, 2).min(0) / np.maximum(sides, 1)
    smooth = np.convolve(missing, np.ones(3) / 3, "same")[sides >= CROSSED * np.median(sides)]
    return bool(smooth.min() > UNBROKEN * np.median(smooth))


def thickness(part: NDArray[np.float32]) -> tuple[int, int] | None:
    """The last row above a line and the first row below it, in `part`, the line's surroundings; None if no line is seen."""
    profile = np.median(part, 1)
    paper = float(np.quantile(profile, 0.8))
    missing = 1 - profile / max(paper, 1.0)
    middle = BESIDE - ASTRAY + int(missing[BESIDE - ASTRAY : BESIDE + ASTRAY + 1].argmax())
    if missing[middle] < FAINTEST:
        return None
    edge = max(EDGE * missing[middle], FAINTEST / 2)
    above = middle
    while above > 0 and missing[above] > edge:
        above -= 1
    below = middle
    while below < len(missing) - 1 and missing[below] > edge:
        below += 1
    return above, below
