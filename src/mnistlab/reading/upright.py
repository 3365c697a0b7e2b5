"""Which way up a page is, and where its writing is lighter than its background."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from mnistlab.reading.classifier import Classifier
from mnistlab.reading.finder import SIZES, Found, Level, Network
from mnistlab.reading.looks import ALWAYS, FRAME, MOST_PIXELS, Sizes, levels, look
from mnistlab.reading.marks import Box, Mark, covers
from mnistlab.reading.overlaps import find
from mnistlab.reading.paper import Gray, resized
from mnistlab.reading.spots import spots
from mnistlab.reading.windows import Boxes, grown

__all__ = ["dark_parts", "look_everywhere", "turns"]

PARTS = (128, 160, 224, 320)
"""Pixels per side of the part of a page that is viewed in several orientations: the first size with enough marks is taken."""
ENOUGH = 20.0
"""A part of a page shows which way up the page is if the detections in it have at least this total weight."""
SIZES_TRIED = 3
CLEARLY, MORE = 1.2, 1.2
"""A page is rotated if this raises the count of readable digits above the first number times the old count, plus the second."""
MANY = 10
"""With fewer digits than this, strokes alone do not show that a page is upright."""
READ = 0.55
"""If more digits can be read than this share of the detections, plus `MORE`, the page is upright or upside down."""
DARK_SHARE = 0.04
"""Light writing is looked for only if more than this share of the picture is dark."""
EDGE = 2.0
"""How far around a dark part to look for light writing, in pixels of a copy with at most 160 pixels per side."""


def look_everywhere(
    network: Network,
    gray: Gray,
    raise_if_cancelled: Callable[[], None] = lambda: None,
    *,
    lowest: float,
    dark: Boxes,
    boxes: Boxes | None = None,
    inked: Boxes | None = None,
) -> list[Level]:
    """Detect marks with the network in the picture scaled to each size; in the boxes `dark`, detect light writing too.

    Digits less than `lowest` pixels high in the picture are not looked for; 0 leaves only the limit in looks.py. If `boxes` are
    given, the network looks only in these; if `inked`, the boxes of all strokes, are given, then at large sizes it looks only
    around strokes and digits that have not been read with certainty. Light writing is lighter than its background.
    """
    sizes = Sizes(gray)
    most = min(MOST_PIXELS, (SIZES[1] / lowest) ** 2 * gray.size) if lowest else MOST_PIXELS
    looked = levels(network, sizes, raise_if_cancelled, most=most, boxes=boxes, inked=inked)
    if len(dark):
        looked += levels(network, sizes, raise_if_cancelled, light=True, most=ALWAYS, first=len(looked), boxes=dark)
    return looked


def dark_parts(gray: Gray, written: Sequence[Box] = ()) -> Boxes:
    """The dark parts of a picture, where light writing is possible.

    Dark pixels in the boxes `written` count as strokes, not as background.

    The result is empty if these parts make up too small a share of the picture.
    """
    small = resized(gray, scale := min(1.0, 160 / max(gray.shape)))
    ground = cv2.medianBlur(small, 9) if min(small.shape) > 9 else small
    dark = ground < 0.5 * np.quantile(ground, 0.9)
    for x, y, width, height in written:
        dark[int(y * scale) : round((y + height) * scale) + 1, int(x * scale) : round((x + width) * scale) + 1] = False
    if dark.mean() <= DARK_SHARE:
        return np.empty((0, 4))
    _, _, stats, _ = cv2.connectedComponentsWithStats(dark.astype(np.uint8), connectivity=8)
    return np.asarray(grown(stats[1:, : cv2.CC_STAT_AREA].astype(np.float64), EDGE) / scale)


def turns(
    network: Network,
    classifier: Classifier,
    gray: Gray,
    looked: list[Level],
    *,
    strokes: Sequence[Mark] = (),
    box: Box | None = None,
) -> int:
    """By how many quarter turns, counterclockwise, the page must be rotated to be read: 0 to 3.

    If there are many `strokes` (those of the page as it is) and the network detected the same digits at nearly all of them, the
    page is upright.

    Part of the page, around `box` if given, is scaled to the sizes at which the network detected most. It is viewed as it is and
    upside down and then, if little can be read, on its sides; the classifier says how readable each view is.
    """
    seen_well = [level for level in looked if level.seen.size <= 2 * ALWAYS and hints(level) and not level.light]
    if not seen_well:
        return 0
    chosen = sorted(seen_well, key=hints)[-SIZES_TRIED:]
    marks = find(seen_well) if len(strokes) >= MANY else []
    confirmed = sum(mark.sure >= classifier.threshold and is_detected(mark, marks) for mark in strokes)
    if confirmed >= MANY and CLEARLY * confirmed + MORE > max(len(strokes), len(marks)):
        return 0
    part = around(gray, box, chosen[-1]) if box else part_of(gray, chosen[-1])
    smaller = [(resized(part, level.scale), level.scale) for level in chosen]
    read, may_lie = np.zeros(4), True
    for n in (0, 2, 1, 3):
        seen = [
            look(network, np.ascontiguousarray(np.rot90(small, n)), scale, number)
            for number, (small, scale) in enumerate(smaller)
        ]
        marks = find(seen)
        read[n] = readable(classifier, marks, seen)
        if n == 0 and CLEARLY * read[0] + MORE > len(marks):
            return 0  # nearly all digits can be read without a turn
        may_lie &= read[n] <= READ * len(marks) + MORE
        if n == 2 and not may_lie:
            break
    best = int(read.argmax())
    return best if read[best] > CLEARLY * read[0] + MORE else 0


def is_detected(stroke: Mark, marks: Sequence[Found]) -> bool:
    """Whether one of the marks that the network detected is the same digit as the stroke, in the same place."""
    return any(mark.kind == stroke.label and covers(stroke.box, mark.x, mark.y) for mark in marks)


def part_of(gray: Gray, level: Level) -> Gray:
    """The part of a page around the middle of what was detected on `level`, the page at one size."""
    x, y, weight = (np.array([getattr(mark, name) for mark in level.found]) for name in ("x", "y", "weight"))
    middle_x, middle_y = float(np.median(x)), float(np.median(y))
    for part in PARTS:
        side = int(part / level.scale) + 1
        left = int(np.clip(middle_x - side / 2, 0, max(0, gray.shape[1] - side)))
        top = int(np.clip(middle_y - side / 2, 0, max(0, gray.shape[0] - side)))
        inside = (x >= left) & (x < left + side) & (y >= top) & (y < top + side)
        if weight[inside].sum() >= ENOUGH:
            break
    return gray[top : top + side, left : left + side]


def around(gray: Gray, box: Box, level: Level) -> Gray:
    """The part of the page in `box`, with a margin as wide as the network's frame at the scale of `level`."""
    x, y, width, height = box
    more = round(FRAME / level.scale)
    return gray[max(0, y - more) : y + height + more, max(0, x - more) : x + width + more]


def hints(level: Level) -> float:
    """How much was detected on `level`, the page scaled to one size: the total weight of the detections."""
    return sum(mark.weight for mark in level.found)


def readable(classifier: Classifier, marks: list[Found], levels: list[Level]) -> float:
    """Roughly how many digits among the detections `marks` can be read; `levels` holds the page at each size."""
    return sum(
        max(0.0, 2 * spot.sure - 1) * min(1.0, spot.found.weight)
        for spot in spots(classifier, marks, levels)
        if spot.found.digit
    )
