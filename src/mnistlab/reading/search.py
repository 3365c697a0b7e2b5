"""The two ways to look for digits: with the finder, anywhere on a paper; or as strokes that hang together, on clean paper.

The second serves models that know other things than digits, which the finder does not, and pictures of a single digit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.assembly import assemble, look
from mnistlab.reading.classifier import Classifier
from mnistlab.reading.finder import Finder, find
from mnistlab.reading.ink import find_ink
from mnistlab.reading.paper import Gray
from mnistlab.reading.pieces import box_in_picture, find_pieces
from mnistlab.reading.spots import spots
from mnistlab.reading.upright import as_dark_on_light, look_everywhere, turns

__all__ = ["Mark", "connected_strokes", "found_digits"]

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Mark:
    """Something that may be a digit."""

    image: NDArray[np.uint8]
    """uint8 (28, 28): what the classifier saw."""
    probabilities: NDArray[np.float32]
    """float32 (classes,)."""
    box: Box
    """x, y, width, height in the picture's pixels."""
    level_box: Box
    """Likewise, on the page turned so that it can be read."""


def connected_strokes(
    classifier: Classifier, picture: Gray, raise_if_cancelled: Callable[[], None] = lambda: None
) -> list[Mark]:
    """The strokes that hang together, put together and cut as the classifier likes them best."""
    ink = find_ink(picture)
    raise_if_cancelled()
    pieces = find_pieces(ink)
    raise_if_cancelled()
    units = look(classifier, pieces) if ink.whole else assemble(classifier, pieces, raise_if_cancelled)
    size = (picture.shape[1], picture.shape[0])
    return [
        Mark(unit.image, unit.probabilities, box_in_picture(unit.piece, ink, size), unit.piece.box) for unit in units
    ]


def found_digits(
    finder: Finder, classifier: Classifier, picture: Gray, raise_if_cancelled: Callable[[], None] = lambda: None
) -> list[Mark]:
    """What the finder takes for digits, or for something else as large as they, as the classifier sees it."""
    gray = as_dark_on_light(picture)
    looked = look_everywhere(finder, gray, raise_if_cancelled)
    quarters = turns(finder, classifier, gray, looked)
    if quarters:
        gray = np.ascontiguousarray(np.rot90(gray, quarters))
        looked = look_everywhere(finder, gray, raise_if_cancelled)
    size = (gray.shape[1], gray.shape[0])
    marks = []
    for spot in spots(classifier, find(looked), looked, raise_if_cancelled):
        box = spot.box(size)
        marks.append(Mark(spot.image, spot.probabilities, turned_back(box, quarters, size), box))
    return marks


def turned_back(box: Box, quarters: int, size: tuple[int, int]) -> Box:
    """Where a box (x, y, width, height) of a page of `size` (width, height), turned by so many quarters, lies on the page itself."""
    x, y, width, height = box
    for _ in range(quarters):  # a quarter back: clockwise
        x, y, width, height = size[1] - y - height, x, height, width
        size = (size[1], size[0])
    return x, y, width, height
