"""Marks that may be digits, grouped by place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "SAME",
    "Box",
    "Mark",
    "as_rows",
    "covered",
    "covers",
    "meeting",
    "middles_in",
    "overlap",
    "places",
    "sureness",
]

Box = tuple[int, int, int, int]
SAME = 0.5
"""Boxes with a larger intersection over union than this belong to the same digit."""


@dataclass(frozen=True)
class Mark:
    """Something that may be a digit."""

    image: NDArray[np.uint8]
    """uint8 (28, 28): what the classifier saw."""
    probabilities: NDArray[np.float32]
    """float32 (classes,): the probability of each class."""
    box: Box
    """x, y, width, height in the picture's pixels."""
    level_box: Box
    """Like `box`, but on the page turned upright."""
    light: bool = False
    """Whether the mark is lighter than its background, while the picture's other ink is darker than the paper."""
    confirmed: bool = False
    """Whether the line reader sees the same digit in the same place."""

    @property
    def label(self) -> int:
        """The most likely class."""
        return int(self.probabilities.argmax())

    @property
    def sure(self) -> float:
        """The probability of the most likely class."""
        return float(self.probabilities.max())


def sureness(marks: Sequence[Mark]) -> float:
    """How well marks explain a place: the mean of their highest probabilities; 0 if there are no marks."""
    return sum(mark.sure for mark in marks) / len(marks) if marks else 0.0


def places(strokes: Sequence[Mark], found: Sequence[Mark]) -> list[tuple[list[Mark], list[Mark]]]:
    """For each place, the list of its marks from strokes, and the list of its marks from the finder.

    Marks that meet (see `meeting`), directly or through others, share a place.
    """
    marks = [*strokes, *found]
    parent = list(range(len(marks)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number

    for one, other in np.argwhere(meeting([mark.box for mark in strokes], [mark.box for mark in found])).tolist():
        parent[root(one)] = root(len(strokes) + other)
    groups: dict[int, tuple[list[Mark], list[Mark]]] = {}
    for number, mark in enumerate(marks):
        groups.setdefault(root(number), ([], []))[number >= len(strokes)].append(mark)
    return list(groups.values())


def as_rows(boxes: Sequence[Box]) -> NDArray[np.float64]:
    """The boxes as an array, float64 (N, 4)."""
    return np.array(boxes, np.float64).reshape(-1, 4)


def meeting(ones: Sequence[Box], others: Sequence[Box]) -> NDArray[np.bool_]:
    """For each box of `ones` (rows) and each of `others` (columns), whether the centre of one lies in the other: bool (N, M)."""
    left, right = as_rows(ones)[:, None], as_rows(others)[None]
    return middles_in(left, right) | middles_in(right, left)


def middles_in(ones: NDArray[Any], others: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether the centre of each box in `ones` lies in the matching box in `others`: bool (...).

    Both arrays are (..., 4) and are broadcast against each other.
    """
    inside = np.ones(np.broadcast_shapes(ones.shape, others.shape)[:-1], bool)
    for axis in (0, 1):
        middle = ones[..., axis] + ones[..., axis + 2] / 2
        inside &= (others[..., axis] <= middle) & (middle < others[..., axis] + others[..., axis + 2])
    return inside


def covers(box: Sequence[float], x: float, y: float) -> bool:
    """Whether a point lies in a box (x, y, width, height)."""
    return bool(box[0] <= x < box[0] + box[2] and box[1] <= y < box[1] + box[3])


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    both = shared(one, other)
    return both / (one[2] * one[3] + other[2] * other[3] - both)


def covered(one: Box, other: Box) -> float:
    """The share of the smaller box that lies in the larger box, 0 to 1."""
    return shared(one, other) / min(one[2] * one[3], other[2] * other[3])


def shared(one: Box, other: Box) -> int:
    """The area of the two boxes' intersection, in pixels."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(0, wide) * max(0, high)
