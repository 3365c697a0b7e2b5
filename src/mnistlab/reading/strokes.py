"""Read connected strokes as digits: on clean paper, strokes are found exactly, whatever a model has learnt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from mnistlab.reading.assembly import Unit, assemble, look
from mnistlab.reading.classifier import Classifier
from mnistlab.reading.ink import SMALL, Ink, find_ink
from mnistlab.reading.line_reader import LineReader
from mnistlab.reading.lines import contradicted
from mnistlab.reading.marks import Mark, as_rows, middles_in
from mnistlab.reading.paper import Gray
from mnistlab.reading.pieces import Piece, box_in_picture, find_pieces
from mnistlab.reading.windows import Boxes

__all__ = ["assembled", "connected_strokes", "leaves_no_question", "light_strokes", "marked", "unremarkable"]

ALIKE = 1.7
"""By what factor a digit may be taller or shorter than usual without raising doubt."""
THIN = 0.12
"""A stroke narrower than this share of its height may be a line."""
RIM = 4.0
"""How much of a dark part's box is left out on each side, in pixels of a copy of the page with at most 160 pixels per side."""
MOSTLY = 0.6
"""A dark part is searched for light writing only if at least this share of its pixels is dark."""
MOST_PARTS, MOST_DIGITS = 4, 20
"""The largest number of dark parts in which light writing is looked for, and the largest number of pieces of ink in each."""


def connected_strokes(
    classifier: Classifier, picture: Gray, raise_if_cancelled: Callable[[], None] = lambda: None
) -> list[Mark]:
    """The connected strokes in a picture, joined and cut as the classifier finds most likely."""
    ink = find_ink(picture)
    raise_if_cancelled()
    pieces = find_pieces(ink)
    raise_if_cancelled()
    return assembled(classifier, ink, pieces, picture, raise_if_cancelled)


def assembled(
    classifier: Classifier, ink: Ink, pieces: Sequence[Piece], picture: Gray, raise_if_cancelled: Callable[[], None]
) -> list[Mark]:
    """Pieces of ink as marks: joined and cut into digits, unless the whole picture is one digit."""
    units = (
        look(classifier, pieces) if ink.whole else assemble(classifier, pieces, raise_if_cancelled) if pieces else []
    )
    return [marked(unit, ink, picture) for unit in units]


def marked(unit: Unit, ink: Ink, picture: Gray) -> Mark:
    """The mark for a classified piece of ink."""
    box = box_in_picture(unit.piece, ink, (picture.shape[1], picture.shape[0]))
    return Mark(unit.image, unit.probabilities, box, unit.piece.box)


def light_strokes(
    classifier: Classifier,
    line_reader: LineReader | None,
    gray: Gray,
    dark: Boxes,
    threshold: float,
    raise_if_cancelled: Callable[[], None],
) -> list[Mark]:
    """The light digits on dark parts of a page, such as illustrations, if their connected strokes alone leave no doubt.

    `dark` holds the boxes of parts that may be dark. Only the largest ones are looked at. Each piece of ink has to be a digit:
    where there are signs or dirt too, nothing is read.
    """
    lit: list[Mark] = []
    rim, level = RIM * max(1.0, max(gray.shape) / 160), 0.5 * float(np.quantile(gray[::4, ::4], 0.9))
    for x, y, width, height in dark[np.argsort(-dark[:, 2:].prod(1))[:MOST_PARTS]].tolist():
        left, top = max(0, round(x + rim)), max(0, round(y + rim))
        part = gray[top : max(top, round(y + height - rim)), left : max(left, round(x + width - rim))]
        if min(part.shape) <= SMALL or (part < level).mean() < MOSTLY:
            continue
        raise_if_cancelled()
        light = 255 - part
        ink = find_ink(light)
        pieces = find_pieces(ink)
        if ink.on_dark or ink.rules is not None or len(pieces) > MOST_DIGITS:
            continue
        found = assembled(classifier, ink, pieces, light, raise_if_cancelled)
        lengths = ink.strokes.boxes[:, 2:].max(1, initial=0)
        if (lengths > ink.pen / 2).sum() != len(found) or not leaves_no_question(found, pieces, light, threshold):
            continue
        if not contradicted(line_reader, light, found, raise_if_cancelled):
            boxes = [(left + mark.box[0], top + mark.box[1], *mark.box[2:]) for mark in found]
            lit += [replace(mark, box=box, level_box=box, light=True) for mark, box in zip(found, boxes, strict=True)]
    return lit


def leaves_no_question(strokes: Sequence[Mark], pieces: Sequence[Piece], picture: Gray, threshold: float) -> bool:
    """Whether there are strokes, and all are plainly digits, none of them cut from a wider piece of ink."""
    parts, wholes = as_rows([mark.level_box for mark in strokes]), as_rows([piece.box for piece in pieces])
    is_cut = middles_in(parts[:, None], wholes) & (parts[:, None, 2] < wholes[:, 2])
    return bool(strokes) and not is_cut.any() and len(unremarkable(strokes, picture, threshold)) == len(strokes)


def unremarkable(strokes: Sequence[Mark], picture: Gray, threshold: float) -> list[Mark]:
    """The marks that are plainly digits: accepted, of the usual size, not at the picture's edge, and not as thin as a line."""
    if not strokes:
        return []
    left, top, width, height = np.array([mark.box for mark in strokes]).T
    high, wide = picture.shape[:2]
    plain = (left > 0) & (top > 0) & (left + width < wide) & (top + height < high) & (width > THIN * height)
    plain &= (height < ALIKE * np.median(height)) & (height * ALIKE > np.median(height))
    return [mark for mark, is_plain in zip(strokes, plain, strict=True) if is_plain and mark.sure >= threshold]
