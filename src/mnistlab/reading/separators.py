"""Separators between digits: points, commas, dashes, slashes, percent signs and colons, as the finder sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mnistlab.reading.finder import CLASSES, OTHER, SIZES, Found, Level, Network
from mnistlab.reading.ink import Ink
from mnistlab.reading.layout import lines_of
from mnistlab.reading.marks import Box, Mark, covers
from mnistlab.reading.paper import Gray
from mnistlab.reading.questions import Row, boxes_in_picture, larger_in_picture, look_between, windows
from mnistlab.reading.windows import Boxes

__all__ = ["Sign", "signs_among", "signs_between"]

SURE, ALONE = 0.52, 0.55
"""The finder's minimum probability for a sign that has a small stroke of its own, and for one that has none."""
STRONGEST = 1.5
"""The finder's probability is multiplied by this or by the square of the length of the sign's longest stroke, in pen widths,
whichever is less, because dirt is finer than the pen."""
DOT, ON_DOTS = 0.2, 2.5
"""If strokes shorter than the first number times the digits' height outnumber the digits, the paper has dots, and the smallest
sign's length is the second number times the pen's width."""
AS_DARK = 0.92
"""Strokes paler than this share of the page's typical ink are dirt, because a written point is no paler than a written digit."""
SLASH = 0.8
"""A leaning 1 is a slash if the odds of a slash, times the fourth power of the 1's height in digit heights, are at least this."""
COMMA = 2.5
"""A point is a comma if the odds of a comma, times the square of (height / width * height in digit heights / `HIGH_POINT`),
are above this."""
HIGH_POINT = 0.25
"""The height, from top to bottom, of the tallest points (the sign "."), in digit heights."""
WRITTEN = 0.3
"""A small stroke longer than this, in digit heights, was written on purpose, even if it cannot be read."""
WHERE = {".": (-0.25, 0.3), ",": (-0.4, 0.35), "-": (0.15, 0.85), "/": (0.2, 0.8), "%": (0.2, 0.8), ":": (0.1, 0.8)}
"""The least and greatest height of each sign's centre above the feet of the digits beside it, in digit heights."""
REACH = 0.08
"""How far outside the box of a sign the sign's strokes may be, in digit heights."""


@dataclass(frozen=True)
class Sign:
    """A sign between digits."""

    kind: str
    """As it is written: one of ".,-/%:", or "?" for a small stroke that cannot be read."""
    sure: float
    """The finder's probability, 0 to 1; not calibrated."""
    level_box: Box
    """x, y, width, height on the page turned upright, as for marks."""
    box: Box
    """Like `level_box`, but in the picture's pixels."""
    beside: int
    """The index of the mark beside the sign."""
    instead_of: tuple[int, ...] = ()
    """The indices of the marks that are really part of the sign."""


@dataclass(frozen=True)
class Small:
    """The small strokes near a line, how dark each is relative to the page's typical ink, and how long the smallest sign is."""

    boxes: Boxes
    darkest: Boxes
    pen: float
    apart: bool
    """True if no sign's strokes are connected with a digit's."""


def signs_between(
    network: Network, gray: Gray, ink: Ink, marks: Sequence[Mark], raise_if_cancelled: Callable[[], None]
) -> list[Sign]:
    """The signs between `marks`, in the coordinates of their `level_box`.

    This is for marks that were found from strokes alone; the writing in `gray` has to be dark on light.
    """
    signs: list[Sign] = []
    strokes = ink.strokes.boxes.astype(np.float64)
    finest = ink.pen * coarser(strokes, marks) if len(strokes) else 1.0
    for line in lines_of([mark.level_box for mark in marks]):
        row = Row(marks, line)
        boxes, darkest = row.small_strokes(ink, strokes)
        if len(row.marks) == 1 and not len(boxes):
            continue  # a single digit and nothing else
        small = Small(boxes, darkest, finest if len(boxes) else 1.0, apart=True)
        found: list[Found] = []
        for window in windows(np.concatenate([boxes, row.boxes[row.unusual]]), row):
            raise_if_cancelled()
            found += look_between(network, gray, ink, window, row.height)
        read = signs_of(row, found, small)
        signs += read + unreadable(row, found, read, small)
    return signs


def coarser(strokes: Boxes, marks: Sequence[Mark]) -> float:
    """The length of the smallest sign, in pen widths: 1, or more if the paper itself has dots."""
    if not marks:
        return 1.0
    high = float(np.median([mark.level_box[3] for mark in marks]))
    return ON_DOTS if (strokes[:, 2:].max(1) < DOT * high).sum() > len(marks) else 1.0


def signs_among(levels: Sequence[Level], ink: Ink | None, marks: Sequence[Mark]) -> list[Sign]:
    """The signs among the finder's detections on the whole page, in the coordinates of the marks' `level_box`.

    `ink` is the page's ink; None if the page was rotated.
    """
    signs: list[Sign] = []
    strokes = None if ink is None else boxes_in_picture(ink)
    finest = 1.0 if ink is None or strokes is None else ink.pen * coarser(strokes, marks)
    for line in lines_of([mark.level_box for mark in marks]):
        row = Row(marks, line)
        best = min(levels, key=lambda level: abs(np.log(level.scale * row.height / SIZES[1])))
        small = None
        if ink is not None and strokes is not None:
            small = Small(*row.small_strokes(ink, strokes), finest * larger_in_picture(ink), apart=False)
        read = signs_of(row, best.found, small)
        signs += read
        if ink is not None and ink.rules is None and small is not None:
            signs += unreadable(row, best.found, read, small)
    return signs


def signs_of(row: Row, found: Sequence[Found], small: Small | None) -> list[Sign]:
    """The signs that belong to one line, out of the detections `found`; `small` is None if the strokes are not known."""
    taken: list[Found] = []
    signs = []
    for mark in sorted(found, key=lambda mark: -mark.weight):
        known = not 10 <= mark.kind < OTHER or any(overlap(mark, other) for other in taken)
        if not known and (sign := sign_of(row, mark, small)) is not None:
            taken.append(mark)
            signs.append(sign)
    # A 1 may be tall because a comma is attached to it.
    ones = [n for n in row.slashes if not any(covers(row.boxes[n], mark.x, mark.y) for mark in taken)]
    slashes = [slash_of(row, number, found) for number in ones]
    return signs + [slash for slash in slashes if slash is not None]


def sign_of(row: Row, mark: Found, small: Small | None) -> Sign | None:
    """The detection as a sign; None if it is not one, or if it is a slash where a mark was read (see `slash_of`)."""
    kind, sure = CLASSES[mark.kind], mark.weight
    reach = np.array([mark.width, mark.height]) / 2 + REACH * row.height
    inside = within(row.boxes, mark, reach) if kind in "/%" else []
    numbers = within(small.boxes, mark, reach) if small is not None else []
    shown = small.boxes[numbers] if small is not None else np.empty((0, 4))
    if kind in ".,-:" and small is not None and len(shown):
        if small.darkest[numbers].max() < AS_DARK:
            return None
        sure *= min(STRONGEST, (float(shown[:, 2:].max()) / small.pen) ** 2)
    elif kind == "/" and inside:
        return None
    elif kind == "-" and small is not None and (small.apart or any(covers(own, mark.x, mark.y) for own in row.boxes)):
        return None  # a digit's own bar
    near = row.beside(mark.x, inside)
    if near is None or sure < (SURE if len(shown) or inside else ALONE):
        return None
    low, high = WHERE[kind]
    if not low < (near[1] - mark.y) / row.height < high:
        return None
    box = (mark.x - mark.width / 2, mark.y - mark.height / 2, mark.width, mark.height)
    if len(shown) and kind in ".,-:":
        corner = shown[:, :2].min(0)
        box = (*corner, *((shown[:, :2] + shown[:, 2:]).max(0) - corner))
    if kind in ".,":
        point, comma = (float(mark.kinds[CLASSES.index(one)]) for one in ".,")
        odds = comma / max(point, 1e-3) * (box[3] / box[2] * box[3] / row.height / HIGH_POINT) ** 2
        kind = "," if odds > COMMA else "."
    at = whole(box)
    return Sign(kind, min(mark.weight, 1.0), at, at, row.numbers[near[0]], tuple(row.numbers[n] for n in inside))


def slash_of(row: Row, number: int, found: Sequence[Found]) -> Sign | None:
    """The row's mark with index `number`, as a slash; None if it is a 1, as it always is at the beginning or end of a line."""
    x, y, width, height = row.boxes[number]
    here = [mark for mark in found if max(abs(mark.x - x - width / 2), abs(mark.y - y - height / 2)) < 0.4 * row.height]
    slash, one = (max((float(mark.kinds[CLASSES.index(kind)]) for mark in here), default=0.0) for kind in "/1")
    near = row.beside(x + width / 2, [number])
    is_between = (row.boxes[:, 0] < x).any() and (row.boxes[:, 0] > x).any()
    if near is None or not is_between or slash * row.tall[number] ** 4 < SLASH * max(one, 1e-3):
        return None
    at = row.marks[number].level_box
    return Sign("/", slash / (slash + one), at, at, row.numbers[near[0]], (row.numbers[number],))


def unreadable(row: Row, found: Sequence[Found], read: Sequence[Sign], small: Small) -> list[Sign]:
    """The small strokes that are too long to be dirt but were not read; none if there are so many that they form a pattern."""
    signs = []
    for box in small.boxes[small.boxes[:, 2:].max(1) > WRITTEN * row.height]:
        x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
        digits = (mark for mark in found if mark.digit and mark.weight > SURE)
        known = any(abs(2 * (mark.x - x)) < mark.width and abs(2 * (mark.y - y)) < mark.height for mark in digits)
        known |= any(covers(sign.level_box, x, y) for sign in read) or any(covers(own, x, y) for own in row.boxes)
        near = row.beside(x)
        if not known and near is not None:
            at = whole(box)
            signs.append(Sign("?", 0.0, at, at, row.numbers[near[0]]))
    return signs if len(signs) <= len(row.marks) else []


def within(boxes: Boxes, mark: Found, reach: Boxes) -> list[int]:
    """The indices of the boxes whose centres are no further than `reach`, across and down, from a mark's centre."""
    off = np.abs(boxes[:, :2] + boxes[:, 2:] / 2 - (mark.x, mark.y))
    return [int(number) for number in np.flatnonzero((off < reach).all(1))]


def overlap(one: Found, other: Found) -> bool:
    """Whether two detections' centres are less than half the larger width apart across, and half the larger height apart down."""
    across, down = abs(one.x - other.x), abs(one.y - other.y)
    return 2 * across < max(one.width, other.width) and 2 * down < max(one.height, other.height)


def whole(box: Sequence[float]) -> Box:
    """A box in whole pixels, at least one pixel wide and high."""
    left, top = int(np.floor(box[0])), int(np.floor(box[1]))
    return left, top, max(1, int(np.ceil(box[0] + box[2])) - left), max(1, int(np.ceil(box[1] + box[3])) - top)
