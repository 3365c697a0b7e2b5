"""The two ways to look for digits, and how they are combined.

On clean paper, connected strokes are found exactly, whatever a model has learnt. The finder knows only digits and
separators, but it also finds them where they touch each other or lines, and on patterned paper.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import cv2
import numpy as np

from mnistlab.reading.classifier import Classifier
from mnistlab.reading.finder import Finder, Level
from mnistlab.reading.ink import Ink, find_ink
from mnistlab.reading.line_reader import LineReader
from mnistlab.reading.lines import contradicted, reread
from mnistlab.reading.marks import Box, Mark, covered, meeting
from mnistlab.reading.overlaps import find
from mnistlab.reading.paper import Gray
from mnistlab.reading.pieces import Piece, box_in_picture, find_pieces, in_picture
from mnistlab.reading.questions import boxes_in_picture, larger_in_picture
from mnistlab.reading.separators import Sign, signs_among, signs_between
from mnistlab.reading.spots import spots
from mnistlab.reading.strokes import assembled, leaves_no_question, light_strokes
from mnistlab.reading.surest import surest
from mnistlab.reading.unread import unread
from mnistlab.reading.upright import dark_parts, look_everywhere, turns
from mnistlab.reading.windows import Boxes

__all__ = ["Writing", "in_order", "writing_on_paper"]

SHINES_THROUGH = 0.25
"""Marks with less than this share of the other marks' darkness shine through from the other side of the paper."""
MOST_PIECES = 400
"""If there are more pieces of ink than this, they are not assembled before the finder has looked."""
SPECK, DOUBTFUL = 0.45, 0.5
"""Marks shorter than the first number times the usual height are specks if their probability is below the second number."""
PART = 0.4
"""A mark that is not accepted is part of a more confident one if their boxes overlap by more than this share of the smaller."""
FEW = 0.25
"""If less than this share of the marks is accepted, most are noise."""
THICKEST = 0.2
"""Ink with strokes wider than this share of its height may be the background of lighter writing rather than writing."""
FILLED = 0.6
"""A drawing that covers more than this share of its box may be a background too, unless it is likely to be a digit."""
BOLDEST = 1 / 6
"""A digit's stroke width is hardly more than this share of its height."""
LONGEST = 25
"""A digit drawn with a broad pen is at most this many times as high as the pen is wide; frames and grids are taller."""
WIDEST = 1.5
"""A piece wider than this many times its height may hold several digits. These show which way is up; a single digit does not."""
LEAST_PART = 0.5
"""Digits inside one piece are at least this high, as a share of the piece's height."""
CLEAR = 1.2
"""If most marks are noise, only those that the finder detected with at least this weight are kept."""


class Writing(NamedTuple):
    """The digits and separators, with boxes in the picture."""

    marks: list[Mark]
    signs: list[Sign]


def in_order(written: Writing, line: Sequence[int]) -> list[Mark | Sign]:
    """The marks with these indices, and the signs beside these marks, from left to right."""
    row: list[Mark | Sign] = [written.marks[number] for number in line]
    row += [sign for sign in written.signs if sign.beside in line]
    return sorted(row, key=lambda mark: 2 * mark.level_box[0] + mark.level_box[2])


def writing_on_paper(
    finder: Finder,
    line_reader: LineReader | None,
    classifier: Classifier,
    picture: Gray,
    raise_if_cancelled: Callable[[], None] = lambda: None,
) -> Writing:
    """The digits and separators on a page. They depend on the threshold in the model's file, not on the one a caller gives.

    If strokes alone are unambiguous, the page has neither rules nor dark parts, and the line reader, if any, does not contradict
    the strokes, they are the answer. Otherwise the finder looks too, and at each place the more confident of the two answers, the
    one from strokes or the finder's, is kept; the line reader then reads each line once more.
    """
    threshold = classifier.threshold
    size = (picture.shape[1], picture.shape[0])
    ink = find_ink(picture)
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture
    gray = 255 - gray if ink.on_dark else gray
    raise_if_cancelled()
    pieces = find_pieces(ink)
    raise_if_cancelled()
    strokes: list[Mark] = []
    is_plain = False
    if len(pieces) <= MOST_PIECES:
        strokes = assembled(classifier, ink, pieces, picture, raise_if_cancelled)
        is_plain = ink.rules is None and leaves_no_question(strokes, pieces, picture, threshold)
        is_plain = is_plain and not contradicted(line_reader, gray, strokes, raise_if_cancelled)
    drawing = lone_drawing(ink, pieces)
    is_line = drawing is not None and (drawing.strength > 0).mean() < FILLED
    likely = [mark for mark in strokes if is_line or mark.sure >= DOUBTFUL] if drawing else []
    written = [mark.box for mark in likely if ink.pen < THICKEST * mark.level_box[3]]
    dark = dark_parts(gray, written)
    found: list[Mark] = []
    looked: list[Level] = []
    quarters = 0
    if len(dark) or not is_plain:
        look, way_up = ways(finder, classifier, ink, drawing, size, dark, strokes)
        found, looked, quarters = found_digits(look, way_up, classifier, gray, threshold, raise_if_cancelled)
    if len(dark) and not quarters and not any(mark.sure >= threshold for mark in found):
        found = light_strokes(classifier, line_reader, gray, dark, threshold, raise_if_cancelled) or found
    if not found:
        signs = signs_between(finder, gray, ink, strokes, raise_if_cancelled)
        return with_signs(strokes, [replace(sign, box=in_picture(sign.level_box, ink, size)) for sign in signs])
    if not quarters:
        found = surest(found, looked, strokes, classifier, ink, pieces, picture, threshold, raise_if_cancelled)
    turned = size if quarters % 2 == 0 else size[::-1]
    if line_reader is not None:
        parts = {n for sign in signs_among(looked, None if quarters else ink, found) for n in sign.instead_of}
        digits = [mark for number, mark in enumerate(found) if number not in parts]
        digits = reread(line_reader, classifier, np.rot90(gray, quarters), digits, looked, raise_if_cancelled)
        met = meeting([mark.level_box for mark in found], [mark.level_box for mark in digits])
        found = [*digits, *(found[number] for number in sorted(parts) if not met[number].any())]
        found = [replace(mark, box=turned_back(mark.level_box, quarters, turned)) for mark in found]
    for mark in unread(classifier, looked, found, [] if quarters else strokes, threshold):
        found.append(replace(mark, box=turned_back(mark.level_box, quarters, turned)))
    signs = signs_among(looked, None if quarters else ink, found)
    return with_signs(found, [replace(sign, box=turned_back(sign.level_box, quarters, turned)) for sign in signs])


def lone_drawing(ink: Ink, pieces: Sequence[Piece]) -> Piece | None:
    """The only piece of ink, if it was drawn with a broad pen (so it is not a grid or frame) and has paper all around; else None.

    Ink that reaches the picture's edge may be a line with digits standing on it.
    """
    if ink.rules is not None or len(pieces) != 1:
        return None
    (piece,), (height, width) = pieces, ink.strength.shape
    inside = min(piece.x, piece.y) > 0 and piece.right < width and piece.bottom < height
    return piece if inside and piece.height < LONGEST * ink.pen else None


def ways(
    finder: Finder,
    classifier: Classifier,
    ink: Ink,
    drawing: Piece | None,
    size: tuple[int, int],
    dark: Boxes,
    strokes: Sequence[Mark],
) -> tuple[Callable[..., list[Level]], Callable[[Gray, list[Level]], int]]:
    """Two functions: one detects marks with the finder, the other finds the page's orientation.

    For a lone drawing, the finder looks only at the smaller ones among the scaled copies of the picture.
    """
    if drawing is None:
        look = partial(look_everywhere, finder, lowest=0.0, dark=dark, inked=boxes_in_picture(ink))
        return look, partial(turns, finder, classifier, strokes=strokes)
    least, is_wide = ink.finest / BOLDEST, drawing.width >= WIDEST * drawing.height
    lowest = (least if is_wide else max(least, LEAST_PART * drawing.height)) * larger_in_picture(ink)
    box = None if len(dark) else box_in_picture(drawing, ink, size)
    boxes = np.array([box], np.float64) if box else None
    look = partial(look_everywhere, finder, lowest=lowest, dark=dark, boxes=boxes)
    if is_wide and drawing.height > least:
        return look, partial(turns, finder, classifier, box=box)
    return look, lambda *_: 0


def with_signs(marks: Sequence[Mark], signs: Sequence[Sign]) -> Writing:
    """The marks, without those that are part of a sign; and the signs that are beside a remaining mark.

    A sign is left out if the line reader confirmed a digit in the sign's place.
    """
    signs = [sign for sign in signs if not any(marks[number].confirmed for number in sign.instead_of)]
    gone = {number for sign in signs for number in sign.instead_of}
    left = [number for number in range(len(marks)) if number not in gone]
    place = {number: n for n, number in enumerate(left)}
    kept = [replace(sign, beside=place[sign.beside], instead_of=()) for sign in signs if sign.beside in place]
    return Writing([marks[number] for number in left], kept)


def found_digits(
    look: Callable[..., list[Level]],
    way_up: Callable[[Gray, list[Level]], int],
    classifier: Classifier,
    gray: Gray,
    threshold: float,
    raise_if_cancelled: Callable[[], None] = lambda: None,
) -> tuple[list[Mark], list[Level], int]:
    """What the finder takes for digits, or for something else as large as a digit, with both networks' combined answer for each.

    Also returns the page at each size that the finder looked at, and by how many quarter turns counterclockwise the page had to
    be rotated to be upright. The writing in `gray` is dark on light.
    """
    looked = look(gray, raise_if_cancelled)
    quarters = way_up(gray, looked)
    if quarters:
        gray = np.ascontiguousarray(np.rot90(gray, quarters))
        dark = dark_parts(gray) if any(level.light for level in looked) else np.empty((0, 4))
        looked = look(gray, raise_if_cancelled, dark=dark, boxes=None, inked=None)
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
    """A box (x, y, width, height) of a page of `size` (width, height), turned back (clockwise) by `quarters` quarter turns."""
    x, y, width, height = box
    for _ in range(quarters):  # a quarter turn back: clockwise
        x, y, width, height = size[1] - y - height, x, height, width
        size = (size[1], size[0])
    return x, y, width, height
