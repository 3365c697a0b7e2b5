"""Cast doubt on marks: lower their probabilities where another reading of their line differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mnistlab.reading.marks import Mark
from mnistlab.reading.spots import lessened

__all__ = ["beside", "doubted", "middle"]

LOWEST = 0.15
"""Doubt does not lower a digit's probability below this, so that the digit remains the most likely class."""


def middle(mark: Mark) -> float:
    """The x of a mark's centre."""
    return mark.level_box[0] + mark.level_box[2] / 2


def doubted(mark: Mark, sure: float) -> Mark:
    """The mark; a probability above `sure` is lowered to `sure`, or to `LOWEST` if that is higher."""
    return replace(mark, probabilities=lessened(mark.probabilities, max(sure, LOWEST)))


def beside(marks: list[Mark], places: Sequence[tuple[float, float]]) -> list[Mark]:
    """The marks; for each x and probability in `places`, the mark nearest to that x is doubted: see `doubted`."""
    marks = list(marks)
    for x, sure in places if marks else ():
        near = int(np.argmin([abs(middle(mark) - x) for mark in marks]))
        marks[near] = doubted(marks[near], sure)
    return marks
