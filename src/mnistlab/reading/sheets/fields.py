"""The content of a form's fields, and whether a person should check it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.messages.sentences import Clause
from mnistlab.reading.ink import find_ink
from mnistlab.reading.marks import Box, Mark, as_rows, meeting, middles_in
from mnistlab.reading.page import UNKNOWN, Digit
from mnistlab.reading.paper import Gray
from mnistlab.reading.pieces import box_in_picture, find_pieces
from mnistlab.reading.sheets.closely import CELL_HEIGHT, marks_on
from mnistlab.reading.sheets.combs import combs
from mnistlab.reading.sheets.flat import Flattened, Points, Segment, erased, is_unbroken, laid_flat
from mnistlab.reading.sheets.frames import sides_of_frames
from mnistlab.reading.sheets.layout import Field, Layout
from mnistlab.reading.sheets.lines import Segments, darker, level_segments, thin_ink, upright_segments
from mnistlab.reading.sheets.register import Placed, register

if TYPE_CHECKING:
    from mnistlab.reading.reader import Reader

__all__ = ["Entry", "read_fields"]

AROUND = 0.35
"""The margin included around a field, as a share of its height: for its frame, and for writing that crosses the frame."""
WIDEST = 8000
"""The greatest width of a flattened field, in pixels."""
ACROSS, DOWN = 0.5, 0.6
"""The length of the stretches in which printed lines are searched for, as a share of a field's width or height."""
LEVEL, SHORT = 0.05, 0.12
"""How far a line across a field may slant, and what share may be missing at each end: strokes slant more and are shorter."""
ROOM = 6.0
"""How far, in pixels, lines are assumed to continue beyond where they were seen."""
CLOSE = 4.0
"""A line less than this many pixels away from a side of the field is taken for that side."""
SPECK = 0.3
"""Ink whose height and width are both at most this share of the digits' height is ignored."""
IMPROBABLE = 0.05
"""Readings less probable than this are not chosen, however well they would fit."""
MOST_CHOICES = 20_000
SURE_OF_ALL = 0.945
"""A field is to be checked if the probability that all its digits are right is below this."""


@dataclass(frozen=True)
class Entry:
    """The content of a field.

    Attributes
    ----------
    name : str
        The field's name.
    digits : tuple of Digit
        The digits, from left to right.
    corners : tuple of (float, float)
        The field's four corners in the picture, in pixels, clockwise from the top left one.
    why : tuple of str
        Why a person should check the field, in English; empty if there is no reason to.
    text : str
        The digits, with "?" for those that are not accepted; empty if the field has no digits.
    """

    name: str
    digits: tuple[Digit, ...]
    corners: tuple[tuple[float, float], ...]
    reasons: tuple[Clause, ...] = ()

    @property
    def why(self) -> tuple[str, ...]:
        """Why a person should check the field, in English."""
        return tuple(map(str, self.reasons))

    @property
    def text(self) -> str:
        """The digits, with "?" for those that are not accepted; empty if the field has no digits."""
        return "".join(str(digit.value) if digit.accepted else UNKNOWN for digit in self.digits)

    def to_dict(self) -> dict[str, Any]:
        """The entry in plain types, for JSON.

        Returns
        -------
        dict
            text, check (whether a person should check the field), why, corners (in pixels, rounded to tenths), and digits (as in
            `Digit.to_dict`).
        """
        return {
            "text": self.text, "check": bool(self.why), "why": list(self.why),
            "corners": [[round(x, 1), round(y, 1)] for x, y in self.corners],
            "digits": [digit.to_dict() for digit in self.digits],
        }  # fmt: skip


def read_fields(
    reader: Reader, picture: Gray, layout: Layout, raise_if_cancelled: Callable[[], None] = lambda: None
) -> tuple[tuple[Entry, ...], tuple[tuple[float, float], ...]]:
    """The content of each field of a form in a picture, uint8 (H, W) or (H, W, 3), and the form's four corners in the picture.

    Raises `UserError` if the form is not found in the picture, or if the picture shows a different form.
    """
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture
    placed = register(layout, gray)
    entries = []
    for field in layout.fields:
        raise_if_cancelled()
        entries.append(read_field(reader, gray, field, placed, raise_if_cancelled))
    return tuple(entries), placed.corners


def read_field(
    reader: Reader, gray: Gray, field: Field, placed: Placed, raise_if_cancelled: Callable[[], None]
) -> Entry:
    """The content of one field."""
    flat, inside = flattened(gray, field, placed)
    clean = erased(flat.gray, *printed_lines(flat.gray, inside))
    marks = marks_on(reader, clean, raise_if_cancelled)
    held = middles_in(as_rows([mark.box for mark in marks]), np.array(inside)).tolist()
    own = sorted(
        (mark for mark, holds in zip(marks, held, strict=True) if holds), key=lambda mark: mark.box[0] + mark.box[2] / 2
    )
    why = [Clause("reading.ink_unread")] if is_unread(clean, inside, own) else []
    chosen = chosen_to_fit(own, field, reader)
    if chosen is not own:
        read, now = ("".join(str(reader.values[mark.label]) for mark in some) for some in (own, chosen))
        why.append(Clause("reading.chosen_to_fit", text=now, read=read))
    size = (gray.shape[1], gray.shape[0])
    digits = tuple(reader._digit(mark, flat.box_in_picture(mark.box, size)) for mark in chosen)
    if refused := sum(not digit.accepted for digit in digits):
        why.append(Clause("reading.digits_not_accepted", count=refused))
    elif (all_right := math.prod(digit.probability for digit in digits)) < SURE_OF_ALL:
        why.append(Clause("reading.digits_doubtful", chance=100 * all_right))
    why += field.misfits("".join(str(digit.value) for digit in digits))
    return Entry(field.name, digits, placed.in_picture(field.box), tuple(why))


def flattened(gray: Gray, field: Field, placed: Placed) -> tuple[Flattened, Box]:
    """A field and a margin around it, flattened; and the field's box (x, y, width, height) in the flattened picture."""
    x, y, width, height = field.box
    high, wide = height * placed.size[1], width * placed.size[0]
    scale = min(CELL_HEIGHT / high, WIDEST / wide)
    box = (
        round(AROUND * CELL_HEIGHT),
        round(AROUND * CELL_HEIGHT),
        max(8, round(scale * wide)),
        max(8, round(scale * high)),
    )
    matrix = placed.matrix @ np.array(
        [
            [width / box[2], 0, x - box[0] * width / box[2]],
            [0, height / box[3], y - box[1] * height / box[3]],
            [0, 0, 1],
        ]
    )

    def to_picture(points: Points) -> Points:
        return np.asarray(cv2.perspectiveTransform(points[None] + 0.5, matrix)[0])

    return laid_flat(gray, to_picture, (box[2] + 2 * box[0], box[3] + 2 * box[1])), box


def printed_lines(flat: Gray, box: Box) -> tuple[list[Segment], list[Segment]]:
    """The horizontal and vertical lines of a flattened field: its sides, lines all the way across it, frames and combs."""
    dark, ink = darker(flat), thin_ink(flat)
    x, y, width, height = box
    lines = level_segments(dark, max(24, round(ACROSS * width)), 1.0)
    sides = upright_segments(dark, max(24, round(DOWN * height)), 1.0)
    framed, combed = sides_of_frames(flat, dark, ink, sides), combs(dark, ink, lines)
    level = elsewhere(framed[0] + combed[0], (y, y + height)) + segments(lines, (x, x + width))
    upright = [line for line in segments(sides, (y, y + height)) if is_unbroken(flat.T, line, y, y + height)]
    upright = elsewhere(framed[1] + combed[1], (x, x + width)) + upright
    level += [(float(place), x - ROOM, x + width + ROOM, 0.0) for place in (y, y + height)]
    upright += [(float(place), y - ROOM, y + height + ROOM, 0.0) for place in (x, x + width)]
    return level, upright


def elsewhere(lines: list[Segment], sides: tuple[int, int]) -> list[Segment]:
    """The lines, without those at the coordinates `sides`, which are the field's own sides."""
    ends = [(place, place + slope * (end - start)) for place, start, end, slope in lines]
    own = [any(max(abs(place - side) for place in both) < CLOSE for side in sides) for both in ends]
    return [line for line, is_own in zip(lines, own, strict=True) if not is_own]


def segments(found: Segments, sides: tuple[int, int]) -> list[Segment]:
    """The lines that go from one side of the field to the other, in the form that `erased` takes."""
    return [
        (float(middle[1] + slope * (start - ROOM - middle[0])), float(start) - ROOM, float(end) + ROOM, float(slope))
        for slope, middle, start, end in zip(found.slope, found.middle, found.start, found.end, strict=True)
        if abs(slope) < LEVEL
        and start < sides[0] + SHORT * (sides[1] - sides[0])
        and end > sides[1] - SHORT * (sides[1] - sides[0])
    ]


def is_unread(clean: Gray, inside: Box, marks: Sequence[Mark]) -> bool:
    """Whether there is ink in the field, more than a speck, that does not belong to any digit."""
    ink = find_ink(clean)
    size = (clean.shape[1], clean.shape[0])
    usual = float(np.median([mark.box[3] for mark in marks])) if marks else 0.5 * inside[3]
    for piece in find_pieces(ink):
        box = box_in_picture(piece, ink, size)
        large = box[3] > SPECK * usual or box[2] > SPECK * usual
        is_inside = middles_in(np.array(box), np.array(inside)).item()
        if large and is_inside and not meeting([box], [mark.box for mark in marks]).any():
            return True
    return False


def chosen_to_fit(marks: list[Mark], field: Field, reader: Reader) -> list[Mark]:
    """The marks, in the most probable reading that fits the field (only unclear marks may change); unchanged if no reading fits.

    The marks' probabilities are not raised: a fit is a hint for whoever checks the field, not a proof.
    """
    if not marks or not field.misfits("".join(str(reader.values[mark.label]) for mark in marks)):
        return marks
    options: list[list[int]] = []
    for mark in marks:
        unclear = mark.sure < reader.threshold
        likely = np.argsort(-mark.probabilities)
        options.append([int(n) for n in likely if n == mark.label or (unclear and mark.probabilities[n] >= IMPROBABLE)])
    best: tuple[float, tuple[int, ...]] | None = None
    for labels in itertools.islice(itertools.product(*options), MOST_CHOICES):
        probable = float(np.prod([mark.probabilities[n] for mark, n in zip(marks, labels, strict=True)]))
        if (best is None or probable > best[0]) and not field.misfits("".join(str(reader.values[n]) for n in labels)):
            best = (probable, labels)
    if best is None:
        return marks
    return [with_label(mark, label) for mark, label in zip(marks, best[1], strict=True)]


def with_label(mark: Mark, label: int) -> Mark:
    """The mark, now read as class `label`.

    The probability of this class is swapped with that of the class that the mark was read as before.
    """
    if label == mark.label:
        return mark
    probabilities: NDArray[np.float32] = mark.probabilities.copy()
    probabilities[[label, mark.label]] = probabilities[[mark.label, label]]
    return replace(mark, probabilities=probabilities)
