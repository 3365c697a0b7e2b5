"""The two ways to look for digits, and how they are put together.

Strokes that hang together are found to a hair where the paper is clean, whatever a model knows. The finder knows digits
alone, and finds them where they touch each other or lines, and on patterned paper.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.assembly import Unit, assemble, look
from mnistlab.reading.classifier import Classifier
from mnistlab.reading.finder import Finder
from mnistlab.reading.ink import Ink, find_ink
from mnistlab.reading.overlaps import find
from mnistlab.reading.paper import Gray
from mnistlab.reading.pieces import Piece, box_in_picture, find_pieces
from mnistlab.reading.spots import lessened, spots
from mnistlab.reading.upright import as_dark_on_light, look_everywhere, turns

__all__ = ["Mark", "connected_strokes", "digits_on_paper"]

Box = tuple[int, int, int, int]
SHINES_THROUGH = 0.25
"""Marks that are fainter than this share of the others stand on the other side of the paper."""
MOST_PIECES = 400
"""Where there are more pieces of ink than that, they are not put together before the finder has looked."""
ALIKE = 1.7
"""How many times as high as usual, or as low, a digit may be without a question."""
THIN = 0.12
"""A stroke that is less wide than this share of its height may be a line."""
FEW = 0.25
"""Where the classifier accepts fewer of the marks than this share, most are noise."""
CLEAR = 1.2
"""The finder is as sure as that of a mark that is not."""


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

    @property
    def label(self) -> int:
        """The likeliest class."""
        return int(self.probabilities.argmax())

    @property
    def sure(self) -> float:
        """The largest probability."""
        return float(self.probabilities.max())


def connected_strokes(
    classifier: Classifier, picture: Gray, raise_if_cancelled: Callable[[], None] = lambda: None
) -> list[Mark]:
    """The strokes that hang together, put together and cut as the classifier likes them best."""
    ink = find_ink(picture)
    raise_if_cancelled()
    pieces = find_pieces(ink)
    raise_if_cancelled()
    return assembled(classifier, ink, pieces, picture, raise_if_cancelled)


def assembled(
    classifier: Classifier, ink: Ink, pieces: Sequence[Piece], picture: Gray, raise_if_cancelled: Callable[[], None]
) -> list[Mark]:
    """Pieces of ink as marks."""
    units = (
        look(classifier, pieces) if ink.whole else assemble(classifier, pieces, raise_if_cancelled) if pieces else []
    )
    return [marked(unit, ink, picture) for unit in units]


def marked(unit: Unit, ink: Ink, picture: Gray) -> Mark:
    """A unit of ink as a mark."""
    box = box_in_picture(unit.piece, ink, (picture.shape[1], picture.shape[0]))
    return Mark(unit.image, unit.probabilities, box, unit.piece.box)


def digits_on_paper(
    finder: Finder,
    classifier: Classifier,
    picture: Gray,
    threshold: float,
    raise_if_cancelled: Callable[[], None] = lambda: None,
) -> list[Mark]:
    """The digits on a paper; `threshold` is the probability to accept one from.

    Where strokes alone leave no question, they are the answer. Else the finder looks, and each place is read by whichever
    of the two is surer of it.
    """
    ink = find_ink(picture)
    raise_if_cancelled()
    pieces = find_pieces(ink)
    raise_if_cancelled()
    strokes: list[Mark] = []
    if len(pieces) <= MOST_PIECES and ink.rules is None:
        strokes = assembled(classifier, ink, pieces, picture, raise_if_cancelled)
        if leaves_no_question(strokes, picture, threshold):
            return strokes
    found, turned = found_digits(finder, classifier, picture, threshold, raise_if_cancelled)
    if turned or not found:
        return found or strokes
    strokes = strokes_where(found, classifier, ink, pieces, picture, raise_if_cancelled)
    kept: list[Mark] = []
    for theirs, ours in places(strokes, found):
        if not ours:
            continue  # a bit of a line or a pattern, most often
        if len(theirs) == len(ours) == 1 and theirs[0].label != ours[0].label:  # one of them is wrong
            surer, other = sorted((theirs[0], ours[0]), key=lambda mark: -mark.sure)
            kept.append(replace(surer, probabilities=lessened(surer.probabilities, surer.sure * (1 - other.sure))))
            continue
        certain = all(mark.sure >= threshold for mark in theirs) and (len(theirs) >= len(ours) or len(theirs) == 1)
        kept += theirs if theirs and (certain or sureness(theirs) >= sureness(ours)) else ours
    return kept


def leaves_no_question(strokes: Sequence[Mark], picture: Gray, threshold: float) -> bool:
    """Whether all strokes are digits of one size, none at the picture's edge, and none as thin as a line."""
    if not strokes or any(mark.sure < threshold for mark in strokes):
        return False
    left, top, width, height = np.array([mark.box for mark in strokes]).T
    high, wide = picture.shape[:2]
    inside = (left > 0) & (top > 0) & (left + width < wide) & (top + height < high)
    alike = height.max() < ALIKE * np.median(height) and height.min() * ALIKE > np.median(height)
    return bool(inside.all() and alike and (width > THIN * height).all())


def strokes_where(
    found: Sequence[Mark],
    classifier: Classifier,
    ink: Ink,
    pieces: Sequence[Piece],
    picture: Gray,
    raise_if_cancelled: Callable[[], None],
) -> list[Mark]:
    """The strokes where something was found; one with several finds in it, as a frame is, only if it is surer than they."""
    size = (picture.shape[1], picture.shape[0])
    one, several = [], []
    middles = np.array([(m.box[0] + m.box[2] / 2, m.box[1] + m.box[3] / 2) for m in found])
    for piece in pieces:
        x, y, width, height = box_in_picture(piece, ink, size)
        inside = (np.abs(middles[:, 0] - x - width / 2) < width / 2) & (
            np.abs(middles[:, 1] - y - height / 2) < height / 2
        )
        if inside.sum() > 1:
            several.append((piece, max(mark.sure for mark, is_in in zip(found, inside, strict=True) if is_in)))
        elif inside.any() or any(middle_in((x, y, width, height), mark.box) for mark in found):
            one.append(piece)
    strokes = assembled(classifier, ink, one, picture, raise_if_cancelled)
    units = look(classifier, [piece for piece, _ in several])
    strokes += [marked(unit, ink, picture) for unit, (_, sure) in zip(units, several, strict=True) if unit.sure > sure]
    # A page that lies askew was turned level for its strokes: lines are told from boxes in the picture, which the finds have.
    return [replace(mark, level_box=mark.box) for mark in strokes]


def sureness(marks: Sequence[Mark]) -> float:
    """How well marks explain a place: the mean of their probabilities, 0 for none."""
    return sum(mark.sure for mark in marks) / len(marks) if marks else 0.0


def places(strokes: Sequence[Mark], found: Sequence[Mark]) -> list[tuple[list[Mark], list[Mark]]]:
    """The marks of both, by place: those that overlap, directly or through others, are in one."""
    marks = [*strokes, *found]
    parent = list(range(len(marks)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number

    for one in range(len(strokes)):
        for other in range(len(strokes), len(marks)):
            if middle_in(marks[one].box, marks[other].box) or middle_in(marks[other].box, marks[one].box):
                parent[root(one)] = root(other)
    groups: dict[int, tuple[list[Mark], list[Mark]]] = {}
    for number, mark in enumerate(marks):
        groups.setdefault(root(number), ([], []))[number >= len(strokes)].append(mark)
    return list(groups.values())


def middle_in(one: Box, other: Box) -> bool:
    """Whether the middle of a box lies in another."""
    x, y = one[0] + one[2] / 2, one[1] + one[3] / 2
    return other[0] <= x < other[0] + other[2] and other[1] <= y < other[1] + other[3]


def found_digits(
    finder: Finder,
    classifier: Classifier,
    picture: Gray,
    threshold: float,
    raise_if_cancelled: Callable[[], None] = lambda: None,
) -> tuple[list[Mark], bool]:
    """What the finder takes for digits, or for something else as large as they, as the classifier sees it.

    And whether the page had to be turned for that.
    """
    gray = as_dark_on_light(picture)
    looked = look_everywhere(finder, gray, raise_if_cancelled)
    quarters = turns(finder, classifier, gray, looked)
    if quarters:
        gray = np.ascontiguousarray(np.rot90(gray, quarters))
        looked = look_everywhere(finder, gray, raise_if_cancelled)
    size = (gray.shape[1], gray.shape[0])
    seen = [spot for spot in spots(classifier, find(looked), looked, raise_if_cancelled) if spot.is_whole]
    faint = SHINES_THROUGH * float(np.median([spot.darkness for spot in seen])) if seen else 0.0
    accepted = [spot for spot in seen if spot.sure >= threshold]
    is_noise = len(accepted) < FEW * len(seen)
    marks = []
    for spot in seen:
        if spot.darkness < faint or (is_noise and spot.found.weight < CLEAR):
            continue
        box = spot.box(size)
        marks.append(Mark(spot.image, spot.probabilities, turned_back(box, quarters, size), box))
    return marks, quarters > 0


def turned_back(box: Box, quarters: int, size: tuple[int, int]) -> Box:
    """Where a box (x, y, width, height) of a page of `size`, turned by so many quarters, lies on the page itself."""
    x, y, width, height = box
    for _ in range(quarters):  # a quarter back: clockwise
        x, y, width, height = size[1] - y - height, x, height, width
        size = (size[1], size[0])
    return x, y, width, height
