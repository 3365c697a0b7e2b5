"""Combine the digits found from strokes alone with those of the finder: at each place, the more confident method decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from mnistlab.reading.assembly import look
from mnistlab.reading.classifier import Classifier
from mnistlab.reading.finder import Level
from mnistlab.reading.ink import Ink
from mnistlab.reading.marks import SAME, Mark, as_rows, meeting, middles_in, overlap, places, sureness
from mnistlab.reading.overlaps import supported
from mnistlab.reading.paper import Gray
from mnistlab.reading.pieces import Piece, box_in_picture
from mnistlab.reading.spots import agreed
from mnistlab.reading.strokes import assembled, marked, unremarkable

__all__ = ["surest"]

AS_HIGH = 1.5
"""The greatest factor by which digits that the finder missed may be taller or shorter than the digits that it found."""

TOO_HIGH = 1.45
"""Strokes are not digits (but may be a frame) if they are taller than this many times the larger of two heights: the usual
height of a digit, and that of the tallest digit that the finder sees in the same place."""


def surest(
    found: Sequence[Mark],
    looked: Sequence[Level],
    strokes: Sequence[Mark],
    classifier: Classifier,
    ink: Ink,
    pieces: Sequence[Piece],
    picture: Gray,
    threshold: float,
    raise_if_cancelled: Callable[[], None],
) -> list[Mark]:
    """The digits from the finder, `found`, and from strokes: at each place, those of the more confident source.

    Where there are fewer strokes than digits from the finder, these digits stay, because digits that touch are one stroke.
    """
    usual = float(np.median([mark.box[3] for mark in found]))
    detected = [mark for level in looked for mark in level.found if mark.digit]
    kept = missed_by(found, usual, strokes, ink, pieces, picture, threshold)
    strokes = strokes_where(found, classifier, ink, pieces, picture, raise_if_cancelled)
    for theirs, ours in places(strokes, found):
        if not ours:
            continue  # usually part of a line or a pattern
        if any(mark.light for mark in ours) or len(theirs) < len(ours):
            kept += ours  # the strokes are the background of light writing, or several digits each
            continue
        if len(theirs) == len(ours) == 1 and overlap(theirs[0].box, ours[0].box) > SAME:
            probabilities = agreed(theirs[0].probabilities, ours[0].probabilities)
            clean = theirs[0].label == probabilities.argmax()
            kept.append(replace(theirs[0] if clean else ours[0], probabilities=probabilities))
            continue
        certain = all(mark.sure >= threshold for mark in theirs)
        high = max(usual, *(mark.box[3] for mark in ours))
        seen = all(mark.box[3] <= TOO_HIGH * high for mark in theirs)
        seen = seen and supported([mark.box for mark in theirs], detected)
        kept += theirs if seen and (certain or sureness(theirs) >= sureness(ours)) else ours
    return kept


def missed_by(
    found: Sequence[Mark],
    usual: float,
    strokes: Sequence[Mark],
    ink: Ink,
    pieces: Sequence[Piece],
    picture: Gray,
    threshold: float,
) -> list[Mark]:
    """The strokes that are plainly digits but were missed by the finder.

    Only whole pieces of ink are taken, because half a frame may look like a 1.
    """
    size = (picture.shape[1], picture.shape[0])
    whole = {box_in_picture(piece, ink, size) for piece in pieces}
    plain = unremarkable(strokes, picture, threshold)
    met = meeting([mark.box for mark in plain], [mark.box for mark in found])
    return [
        replace(mark, level_box=mark.box)
        for mark, ours in zip(plain, met, strict=True)
        if mark.box in whole and usual / AS_HIGH < mark.box[3] < usual * AS_HIGH and not ours.any()
    ]


def strokes_where(
    found: Sequence[Mark],
    classifier: Classifier,
    ink: Ink,
    pieces: Sequence[Piece],
    picture: Gray,
    raise_if_cancelled: Callable[[], None],
) -> list[Mark]:
    """The strokes at the places where the finder found something.

    A stroke around several detections, such as a frame, is kept only if its probability is higher than that of each of them.
    """
    size = (picture.shape[1], picture.shape[0])
    boxes = as_rows([box_in_picture(piece, ink, size) for piece in pieces])[:, None]
    theirs = as_rows([mark.box for mark in found])
    sure = np.array([mark.sure for mark in found])
    holding, held = middles_in(theirs, boxes), middles_in(boxes, theirs)
    one, several = [], []
    for piece, holds, holders in zip(pieces, holding, held, strict=True):
        if holds.sum() > 1:
            several.append((piece, float(sure[holds].max())))
        elif holds.any() or holders.any():
            one.append(piece)
    strokes = assembled(classifier, ink, one, picture, raise_if_cancelled)
    units = look(classifier, [piece for piece, _ in several])
    strokes += [
        marked(unit, ink, picture) for unit, (_, other) in zip(units, several, strict=True) if unit.sure > other
    ]
    # Strokes were found on the levelled page, detections in the picture itself; to form lines, all need the same coordinates.
    return [replace(mark, level_box=mark.box) for mark in strokes]
