"""Read a flattened part of a sheet, its lines erased: the part is level, and its cells have a known size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from mnistlab.reading.finder import SIZES
from mnistlab.reading.looks import Sizes, look
from mnistlab.reading.marks import Mark, places, sureness
from mnistlab.reading.overlaps import find
from mnistlab.reading.paper import Gray
from mnistlab.reading.spots import lessened, spots
from mnistlab.reading.strokes import connected_strokes

if TYPE_CHECKING:
    from mnistlab.reading.reader import Reader

__all__ = ["CELL_HEIGHT", "marks_on"]

CELL_HEIGHT = 64
"""The approximate height in pixels of a flattened cell or field."""
SHARES = (0.85, 0.6, 0.42, 0.3)
"""The heights of digits to look for, as shares of their cell's height."""


def marks_on(reader: Reader, gray: Gray, raise_if_cancelled: Callable[[], None] = lambda: None) -> list[Mark]:
    """The digits found, from strokes and by the finder, in a flattened picture, uint8 (H, W), whose cells are `CELL_HEIGHT` high.

    Where both gave an answer, only the more confident one is kept; if the two differ, its probability may be lowered.
    """
    classifier, finder = reader.classifier, reader.finder
    strokes = connected_strokes(classifier, gray, raise_if_cancelled)
    if finder is None:
        return strokes
    scales, sizes = [SIZES[1] / (share * CELL_HEIGHT) for share in SHARES], Sizes(gray)
    levels = [look(finder, sizes(scale), scale, number) for number, scale in enumerate(scales)]
    raise_if_cancelled()
    size = (gray.shape[1], gray.shape[0])
    seen = [spot for spot in spots(classifier, find(levels), levels, raise_if_cancelled) if spot.is_whole]
    found = [Mark(spot.image, spot.probabilities, spot.box(size), spot.box(size)) for spot in seen if spot.found.digit]
    kept: list[Mark] = []
    for theirs, ours in places(strokes, found):
        if len(theirs) == len(ours) == 1:
            kept.append(seen_both_ways(theirs[0], ours[0]))
        elif not theirs or not ours:
            kept += theirs or ours
        else:
            better, other = (theirs, ours) if sureness(theirs) >= sureness(ours) else (ours, theirs)
            doubt = min(sureness(better) * (1 - sureness(other)), 0.99 * reader.threshold)
            kept += [replace(mark, probabilities=lessened(mark.probabilities, doubt)) for mark in better]
    return kept


def seen_both_ways(stroke: Mark, found: Mark) -> Mark:
    """A mark for a digit that was found both from strokes and by the finder.

    If the two readings differ, the mark's probability is at most the chance that the surer one is right, if one of them is.
    """
    if stroke.label == found.label:
        return stroke if stroke.sure >= found.sure else replace(stroke, probabilities=found.probabilities)
    surer, other = (stroke, found) if stroke.sure >= found.sure else (found, stroke)
    right, wrong = surer.sure * (1 - other.sure), other.sure * (1 - surer.sure)
    return replace(surer, probabilities=lessened(surer.probabilities, right / max(right + wrong, 1e-9)))
