"""The two ways to look for digits, and how they are put together.

Strokes that hang together are found to a hair where the paper is clean, whatever a model knows. The finder knows digits
alone, and finds them where they touch each other or lines, and on patterned paper.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mnistlab.reading.assembly import Unit, assemble, look
from mnistlab.reading.classifier import Classifier
from mnistlab.reading.finder import Finder, Level
from mnistlab.reading.ink import Ink, find_ink
from mnistlab.reading.marks import Box, Mark, covered, middle_in, overlap, places, sureness
from mnistlab.reading.overlaps import find
from mnistlab.reading.paper import Gray
from mnistlab.reading.pieces import Piece, box_in_picture, find_pieces, in_picture
from mnistlab.reading.separators import Sign, signs_among, signs_between
from mnistlab.reading.spots import agreed, spots
from mnistlab.reading.upright import as_dark_on_light, has_dark_parts, look_everywhere, turns

__all__ = ["Writing", "connected_strokes", "in_order", "writing_on_paper"]

SHINES_THROUGH = 0.25
"""Marks that are fainter than this share of the others stand on the other side of the paper."""
MOST_PIECES = 400
"""Where there are more pieces of ink than that, they are not put together before the finder has looked."""
ALIKE = 1.7
"""How many times as high as usual, or as low, a digit may be without a question."""
THIN = 0.12
"""A stroke that is less wide than this share of its height may be a line."""
SPECK, DOUBTFUL = 0.45, 0.5
"""What is lower than that share of the usual height, and hardly a digit, is a speck."""
AS_HIGH = 1.5
"""How many times as high as what the finder found, or as low, strokes may be that it missed."""
PART = 0.4
"""What is covered to that share by what is surer, and is not accepted, is a part of it."""
SAME = 0.5
"""Boxes that share so much of what they cover together are of one digit."""
FEW = 0.25
"""Where the classifier accepts fewer of the marks than this share, most are noise."""
CLEAR = 1.2
"""The finder is as sure as that of a mark that is not."""


class Writing(NamedTuple):
    """The digits, and what stands between them, both with boxes in the picture."""

    marks: list[Mark]
    signs: list[Sign]


def in_order(written: Writing, line: Sequence[int]) -> list[Mark | Sign]:
    """The marks with these numbers and the signs beside them, from left to right."""
    row: list[Mark | Sign] = [written.marks[number] for number in line]
    row += [sign for sign in written.signs if sign.beside in line]
    return sorted(row, key=lambda mark: 2 * mark.level_box[0] + mark.level_box[2])


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


def writing_on_paper(
    finder: Finder,
    classifier: Classifier,
    picture: Gray,
    threshold: float,
    raise_if_cancelled: Callable[[], None] = lambda: None,
) -> Writing:
    """The digits on a paper, and what stands between them; `threshold` is the probability to accept a digit from.

    Where strokes alone leave no question, they are the answer. Else the finder looks, and each place is read by whichever
    of the two is surer of it.
    """
    size = (picture.shape[1], picture.shape[0])
    ink = find_ink(picture)
    raise_if_cancelled()
    pieces = find_pieces(ink)
    raise_if_cancelled()
    strokes: list[Mark] = []
    plain = False
    if len(pieces) <= MOST_PIECES:
        strokes = assembled(classifier, ink, pieces, picture, raise_if_cancelled)
        plain = ink.rules is None and leaves_no_question(strokes, picture, threshold)
        plain = plain and not has_dark_parts(as_dark_on_light(picture))
    found, looked, quarters = (
        ([], [], 0) if plain else found_digits(finder, classifier, picture, threshold, raise_if_cancelled)
    )
    if not found:
        signs = signs_between(finder, picture, ink, strokes, raise_if_cancelled)
        return with_signs(strokes, [replace(sign, box=in_picture(sign.level_box, ink, size)) for sign in signs])
    if not quarters:
        found = surest(found, strokes, classifier, ink, pieces, picture, threshold, raise_if_cancelled)
    turned = size if quarters % 2 == 0 else size[::-1]
    signs = signs_among(looked, None if quarters else ink, found)
    return with_signs(found, [replace(sign, box=turned_back(sign.level_box, quarters, turned)) for sign in signs])


def with_signs(marks: Sequence[Mark], signs: Sequence[Sign]) -> Writing:
    """The marks without those that are strokes of signs, and the signs beside them."""
    gone = {number for sign in signs for number in sign.instead_of}
    left = [number for number in range(len(marks)) if number not in gone]
    place = {number: n for n, number in enumerate(left)}
    kept = [replace(sign, beside=place[sign.beside], instead_of=()) for sign in signs if sign.beside in place]
    return Writing([marks[number] for number in left], kept)


def surest(
    found: Sequence[Mark],
    strokes: Sequence[Mark],
    classifier: Classifier,
    ink: Ink,
    pieces: Sequence[Piece],
    picture: Gray,
    threshold: float,
    raise_if_cancelled: Callable[[], None],
) -> list[Mark]:
    """The digits by what the finder found and by strokes, at each place as the surer of the two has them."""
    kept = missed_by(found, strokes, ink, pieces, picture, threshold)
    strokes = strokes_where(found, classifier, ink, pieces, picture, raise_if_cancelled)
    for theirs, ours in places(strokes, found):
        if not ours:
            continue  # a bit of a line or a pattern, most often
        if any(mark.light for mark in ours):  # the strokes are what it stands on
            kept += ours
            continue
        if len(theirs) == len(ours) == 1 and overlap(theirs[0].box, ours[0].box) > SAME:
            probabilities = agreed(theirs[0].probabilities, ours[0].probabilities)
            clean = theirs[0].label == probabilities.argmax()
            kept.append(replace(theirs[0] if clean else ours[0], probabilities=probabilities))
            continue
        certain = all(mark.sure >= threshold for mark in theirs) and (len(theirs) >= len(ours) or len(theirs) == 1)
        kept += theirs if theirs and (certain or sureness(theirs) >= sureness(ours)) else ours
    return kept


def leaves_no_question(strokes: Sequence[Mark], picture: Gray, threshold: float) -> bool:
    """Whether all strokes are plainly digits."""
    return bool(strokes) and len(unremarkable(strokes, picture, threshold)) == len(strokes)


def unremarkable(strokes: Sequence[Mark], picture: Gray, threshold: float) -> list[Mark]:
    """Those that are plainly digits: accepted, of the usual size, not at the picture's edge, and not as thin as a line."""
    if not strokes:
        return []
    left, top, width, height = np.array([mark.box for mark in strokes]).T
    high, wide = picture.shape[:2]
    plain = (left > 0) & (top > 0) & (left + width < wide) & (top + height < high) & (width > THIN * height)
    plain &= (height < ALIKE * np.median(height)) & (height * ALIKE > np.median(height))
    return [mark for mark, is_plain in zip(strokes, plain, strict=True) if is_plain and mark.sure >= threshold]


def missed_by(
    found: Sequence[Mark], strokes: Sequence[Mark], ink: Ink, pieces: Sequence[Piece], picture: Gray, threshold: float
) -> list[Mark]:
    """The strokes that are plainly digits where nothing was found: whole pieces alone, for half a frame may look like a one."""
    size = (picture.shape[1], picture.shape[0])
    whole = {box_in_picture(piece, ink, size) for piece in pieces}
    high = float(np.median([mark.box[3] for mark in found]))
    return [
        replace(mark, level_box=mark.box)
        for mark in unremarkable(strokes, picture, threshold)
        if mark.box in whole
        and high / AS_HIGH < mark.box[3] < high * AS_HIGH
        and not any(middle_in(mark.box, other.box) or middle_in(other.box, mark.box) for other in found)
    ]


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


def found_digits(
    finder: Finder,
    classifier: Classifier,
    picture: Gray,
    threshold: float,
    raise_if_cancelled: Callable[[], None] = lambda: None,
) -> tuple[list[Mark], list[Level], int]:
    """What the finder takes for digits, or for something else as large as they, as the classifier sees it.

    And all that it found, and by how many quarters the page had to be turned for that.
    """
    gray = as_dark_on_light(picture)
    looked = look_everywhere(finder, gray, raise_if_cancelled)
    quarters = turns(finder, classifier, gray, looked)
    if quarters:
        gray = np.ascontiguousarray(np.rot90(gray, quarters))
        looked = look_everywhere(finder, gray, raise_if_cancelled)
    size = (gray.shape[1], gray.shape[0])
    seen = [spot for spot in spots(classifier, find(looked), looked, raise_if_cancelled) if spot.is_whole]
    usual = float(np.median([spot.found.height for spot in seen])) if seen else 0.0
    seen = [spot for spot in seen if spot.sure >= DOUBTFUL or spot.found.height >= SPECK * usual]
    darkness = float(np.median([spot.darkness for spot in seen])) if seen else 0.0
    faint = min(darkness, SHINES_THROUGH * darkness)
    accepted = [spot for spot in seen if spot.sure >= threshold]
    is_noise = len(accepted) < FEW * len(seen)
    marks: list[Mark] = []
    for spot in sorted(seen, key=lambda spot: -spot.sure):
        box = spot.box(size)
        is_part = spot.sure < threshold and any(covered(box, mark.level_box) > PART for mark in marks)
        if spot.darkness < faint or (is_noise and spot.found.weight < CLEAR) or is_part:
            continue
        marks.append(Mark(spot.image, spot.probabilities, turned_back(box, quarters, size), box, spot.found.light))
    return marks, looked, quarters


def turned_back(box: Box, quarters: int, size: tuple[int, int]) -> Box:
    """Where a box (x, y, width, height) of a page of `size`, turned by so many quarters, lies on the page itself."""
    x, y, width, height = box
    for _ in range(quarters):  # a quarter back: clockwise
        x, y, width, height = size[1] - y - height, x, height, width
        size = (size[1], size[0])
    return x, y, width, height
