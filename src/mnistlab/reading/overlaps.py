"""Merge what the finder detected in a picture scaled to several sizes, so that each mark is kept once and no two share a spot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.finder import CLASSES, Floats, Found, Level
from mnistlab.reading.looks import LEAST
from mnistlab.reading.marks import SAME, Box, overlap

__all__ = ["find", "supported"]

COMMON = 0.2
"""The exponent that says how much a mark's rank depends on how many other marks have about the same height."""
ALIKE = 0.45
"""How much the heights of one page's digits differ: the standard deviation of their logarithms."""
ENOUGH = 0.65
"""The lowest weight, summed over all sizes, of a mark that is kept."""
APART = 0.57
"""The least distance between the centres of two neighbouring digits, as a share of the wider digit's width."""
BELOW = 0.5
"""The least distance between the centres of two digits one below the other, as a share of the taller one's height."""
MOST_FOUND = 3000
"""If there are more detections than this, only the most confident ones are considered."""
LINE, BESIDE = 0.5, 3.0
"""How far above or below a mark, and how far beside it, other marks of its line may be, as multiples of the mark's height."""
PLACE = ("x", "y", "width", "height", "weight", "light")


def find(looked: Sequence[Level]) -> list[Found]:
    """The marks in a picture: each once, even if it was found at several sizes of the picture, and no two marks in one spot.

    If two marks exclude each other, the one kept is the one whose weights at all sizes of the picture add up to more; a height
    that is common in the picture also counts in a mark's favour.
    """
    found = [mark for level in looked for mark in level.found if mark.weight > LEAST]
    found.sort(key=lambda mark: -mark.weight)
    found = found[:MOST_FOUND]
    if not found:
        return []
    place = place_of(found)
    kinds = np.stack([mark.kinds for mark in found])
    digits = kinds.argmax(1) < 10
    sure, high = place.weight[digits], np.log(place.height[digits])
    alike = np.array([(sure * np.exp(-0.5 * ((h - high) / ALIKE) ** 2)).sum() for h in np.log(place.height)])
    shown = np.array([place.weight[place.same(n) & (digits == digits[n])].sum() for n in range(len(found))])
    rank = shown * (alike / max(float(alike.max()), 1e-9)) ** COMMON
    left = np.ones(len(found), bool)
    kept = []
    for number in np.argsort(-rank, kind="stable"):
        if left[number]:
            same = place.same(number) & (digits == digits[number])
            best = found[number]
            together = np.average(kinds[same], axis=0, weights=place.weight[same]).astype(np.float32)
            if shown[number] > ENOUGH:
                kept.append(replace(best, kinds=together, weight=float(shown[number])))
            left &= ~place.excluded(number)
    return [as_one(mark) if begins_a_line(mark, kept) else mark for mark in kept]


def place_of(found: Sequence[Found]) -> Place:
    """The marks' centres, sizes and weights, as arrays."""
    return Place(*(np.array([getattr(mark, name) for mark in found], np.float32) for name in PLACE))


def begins_a_line(mark: Found, others: Sequence[Found]) -> bool:
    """Whether a mark taken for a slash has digits only on its right: it is then a leaning 1, because slashes separate numbers."""
    if CLASSES[mark.kind] != "/":
        return False
    line = [other for other in others if other.digit and abs(other.y - mark.y) < LINE * mark.height]
    beside = [other.x > mark.x for other in line if abs(other.x - mark.x) < BESIDE * mark.height]
    return bool(beside) and all(beside)


def as_one(slash: Found) -> Found:
    """The slash, read as the digit 1 instead."""
    kinds = slash.kinds.copy()
    kinds[[1, CLASSES.index("/")]] = kinds[[CLASSES.index("/"), 1]]
    return replace(slash, kinds=kinds)


def supported(boxes: Sequence[Box], detected: Sequence[Found]) -> bool:
    """Whether, for each of these boxes (x, y, width, height), the finder detected a digit that has roughly the same box.

    Detections at any size of the picture count, even if they were not kept, but no two digits may share a spot.
    """
    places = [around(mark) for mark in detected]
    shares = [[overlap(box, place) for place in places] for box in boxes]
    if any(max(row, default=0.0) <= SAME for row in shares):
        return False
    nearest = place_of([detected[row.index(max(row))] for row in shares])
    return all(nearest.excluded(number).sum() == 1 for number in range(len(boxes)))  # each mark excludes itself


def around(mark: Found) -> Box:
    """A mark's box (x, y, width, height) in whole pixels."""
    return (
        round(mark.x - mark.width / 2),
        round(mark.y - mark.height / 2),
        round(mark.width) or 1,
        round(mark.height) or 1,
    )


@dataclass(frozen=True)
class Place:
    """The centres, sizes and weights of N marks; each field is float32 (N,)."""

    x: Floats
    y: Floats
    width: Floats
    height: Floats
    weight: Floats
    light: Floats
    """1 if the mark is lighter than its background, otherwise 0."""

    def same(self, number: int) -> NDArray[np.bool_]:
        """Which marks are the same as the mark with index `number`, perhaps seen at another size of the picture: bool (N,)."""
        across, down = np.abs(self.x - self.x[number]), np.abs(self.y - self.y[number])
        narrow = np.minimum(self.width, self.width[number])
        low = np.minimum(self.height, self.height[number])
        larger = np.maximum(self.height, self.height[number])
        return np.asarray(
            (across < 0.35 * np.maximum(narrow, 0.3 * low))
            & (down < 0.3 * low)
            & (larger < 1.45 * low)
            & (self.light == self.light[number])
        )

    def excluded(self, number: int) -> NDArray[np.bool_]:
        """Which marks cannot stand beside the mark with index `number`, because the two centres are too close: bool (N,)."""
        across, down = np.abs(self.x - self.x[number]), np.abs(self.y - self.y[number])
        wide, high = np.maximum(self.width, self.width[number]), np.maximum(self.height, self.height[number])
        return np.asarray((across < APART * wide) & (down < BELOW * high))
