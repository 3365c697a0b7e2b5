"""Level a sheet that was seen at an angle: find the matrix that makes its lines horizontal and vertical again."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.sheets.lines import Floats, Segments

__all__ = ["Lines", "gathered", "level_sheet", "on_level_sheet"]

ALIKE = 0.005
"""Lines closer to each other than this share of the picture's longer side count as one line."""
LEVEL = 0.03
"""How far a line may still slant on the levelled sheet."""
MOST_TRIED = 24
"""How many of the longest lines of one direction are tried, in pairs, to find the point where all such lines would meet."""
ASTRAY = 0.01
"""A line counts half if it misses, by this angle in radians, the point where all lines of its direction should meet."""


@dataclass(frozen=True)
class Lines:
    """The lines of one direction on a levelled sheet; each line is made of parts at about the same position."""

    at: Floats
    """(N,): the y of horizontal lines, or the x of vertical ones, ascending."""
    spans: list[list[tuple[float, float]]]
    """The start and end of each part of each line."""

    def covering(self, at: float, reach: float) -> NDArray[np.bool_]:
        """Which lines have a part that covers the coordinate `at`, or has an end within `reach` pixels of it: bool (N,).

        The coordinate is measured along the lines.
        """
        return np.array([any(a - reach <= at <= b + reach for a, b in parts) for parts in self.spans], bool)

    def kept(self, which: NDArray[np.bool_]) -> Lines:
        """The lines selected by `which`, bool (N,)."""
        return Lines(self.at[which], [parts for parts, keep in zip(self.spans, which, strict=True) if keep])

    @property
    def lengths(self) -> NDArray[np.float64]:
        """(N,): the length of each line, counting overlaps of its parts once."""
        return np.array([covered(parts) for parts in self.spans])

    @property
    def first(self) -> float:
        """The smallest coordinate, measured along the lines, at which any line starts."""
        return min(a for parts in self.spans for a, _ in parts)

    @property
    def last(self) -> float:
        """The largest coordinate, measured along the lines, at which any line ends."""
        return max(b for parts in self.spans for _, b in parts)


def covered(parts: list[tuple[float, float]]) -> float:
    """The total length of a line's parts, each given as its start and end; where parts overlap, the overlap counts once."""
    total, reached = 0.0, -np.inf
    for start, end in sorted(parts):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def level_sheet(level: Segments, upright: Segments, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The matrix (3, 3) that makes lines horizontal (`level`) or vertical (`upright`), keeping the picture's middle and size."""
    height, width = shape
    to_middle = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, max(width, height) / 2]])
    ends = vanishing(level, False, to_middle), vanishing(upright, True, to_middle)
    horizon = np.cross(*ends)
    horizon /= horizon[2]
    flat = np.array([[1, 0, 0], [0, 1, 0], horizon])
    (ax, ay), (bx, by) = ((flat @ end)[:2] / np.linalg.norm((flat @ end)[:2]) for end in ends)
    ax, ay = (-ax, -ay) if ax < 0 else (ax, ay)
    bx, by = (-bx, -by) if by < 0 else (bx, by)
    unsheared = np.eye(3)
    unsheared[:2, :2] = np.linalg.inv(np.array([[ax, bx], [ay, by]]))
    return np.asarray(np.linalg.inv(to_middle) @ unsheared @ flat @ to_middle)


def vanishing(lines: Segments, upright: bool, to_middle: NDArray[np.float64]) -> NDArray[np.float64]:
    """The point where lines of one direction meet, float64 (3,), in the coordinates that `to_middle` converts to.

    Lines that miss the point count little.
    """
    ends = []
    for end in (lines.start, lines.end):
        aside = lines.middle[:, 1] + lines.slope * (end - lines.middle[:, 0])
        x, y = (aside, end) if upright else (end, aside)
        point = np.column_stack([x, y, np.ones(len(x))]) @ to_middle.T
        ends.append(point / point[:, 2:])
    normals = np.cross(ends[0], ends[1])
    normals /= np.linalg.norm(normals[:, :2], axis=1, keepdims=True)
    middles, length = (ends[0] + ends[1]) / 2, lines.length.astype(np.float64)
    point, best = np.zeros(3), -1.0
    longest = np.argsort(-length)[:MOST_TRIED]
    for one, other in itertools.combinations(longest, 2):  # the two that most of the others agree with
        tried = np.cross(normals[one], normals[other])
        agreed = float((length / (1 + (astray(tried, middles, normals) / ASTRAY) ** 2)).sum())
        if agreed > best:
            point, best = tried, agreed
    for _ in range(8):
        weight = length / (1 + (astray(point, middles, normals) / ASTRAY) ** 2)
        _, _, axes = np.linalg.svd(normals * weight[:, None], full_matrices=True)
        point = axes[-1]
    return np.asarray(point)


def astray(
    point: NDArray[np.float64], middles: NDArray[np.float64], normals: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The angle in radians by which each line, given by its middle and normal, misses a point."""
    towards = np.cross(middles, point)
    towards /= np.maximum(np.linalg.norm(towards[:, :2], axis=1, keepdims=True), 1e-12)
    return np.abs(towards[:, 0] * normals[:, 1] - towards[:, 1] * normals[:, 0])


def on_level_sheet(
    lines: Segments, matrix: NDArray[np.float64], upright: bool
) -> tuple[Floats, Floats, Floats, Floats]:
    """Lines after `matrix` has levelled the sheet: y, the x of both ends, and the slope, float32 (N,) each.

    This holds for horizontal lines; for `upright` ones, x and y are swapped.
    """
    ends = []
    for end in (lines.start, lines.end):
        aside = lines.middle[:, 1] + lines.slope * (end - lines.middle[:, 0])
        points = np.column_stack([aside, end] if upright else [end, aside]).astype(np.float64)
        moved = cv2.perspectiveTransform(points[None], matrix)[0]
        ends.append(moved[:, ::-1] if upright else moved)
    first, second = (end.astype(np.float32) for end in ends)
    along = np.abs(second[:, 0] - first[:, 0])
    slope = np.abs(second[:, 1] - first[:, 1]) / np.maximum(along, 1)
    start, end = np.minimum(first[:, 0], second[:, 0]), np.maximum(first[:, 0], second[:, 0])
    return (first[:, 1] + second[:, 1]) / 2, start, end, slope


def gathered(at: Floats, start: Floats, end: Floats, slope: Floats, side: float) -> Lines:
    """Parts grouped into lines; parts that slope too much are left out. `side` is the longer side of the picture in pixels."""
    places: list[float] = []
    parts: list[list[tuple[float, float]]] = []
    for n in np.argsort(at, kind="stable"):
        if slope[n] > LEVEL:
            continue
        span = (float(start[n]), float(end[n]))
        if places and at[n] - places[-1] < ALIKE * side:
            length, own = sum(b - a for a, b in parts[-1]), span[1] - span[0]
            places[-1] = (places[-1] * length + float(at[n]) * own) / (length + own)
            parts[-1].append(span)
        else:
            places.append(float(at[n]))
            parts.append([span])
    return Lines(np.array(places, np.float32), parts)
