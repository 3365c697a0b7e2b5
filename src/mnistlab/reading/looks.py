"""Look at copies of a picture in many sizes, so that each digit has, in one of them, about the size that the finder knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from mnistlab.reading.finder import CELL, OTHER, SIZES, Found, Level, Network, contrast, peaks
from mnistlab.reading.paper import Gray, resized
from mnistlab.reading.windows import Boxes, grown, of_boxes, windows

__all__ = ["ALWAYS", "FRAME", "LEAST", "Sizes", "levels", "look"]

SMALLEST = 8.0
"""Digits less than this many pixels high in the picture are not looked for."""
STEP = 2**0.5
"""Each size at which a picture is looked at is this many times as large as the one before."""
MOST_PIXELS = 2_500_000
"""The largest size at which a picture is looked at has at most this many pixels."""
FRAME = 16
"""At least this many pixels are added on each side of a picture, so that digits at the edge have surroundings too."""
HINT = 0.3
"""Above this probability, a detection hints at a digit, even at one that is too small for the network."""
ALWAYS = 400_000
"""Every size at which a picture has no more than this many pixels is tried."""
LEAST = 0.25
"""The lowest probability at which a digit is considered."""
SPREAD = 0.4
"""How much digits' heights may differ, at one size, from the height in `SIZES`: the standard deviation of their logarithms."""
SURE = 0.5
"""A digit of more than this weight counts as known; until one is known, the whole picture is looked at, even at large sizes."""
FINE = 19.0
"""Digits of at least this height, in pixels of the network's input, are large enough for the network."""
SETTLED = 0.8
"""A digit with a weight above this and a height of at least `FINE` need not be looked at in a larger copy of the picture."""
FEW = 0.05
"""Above `ALWAYS`, no larger copy is looked at if there are at most this many hints at small digits for each known digit."""
AROUND = 1.0
"""In larger copies of a picture, the finder looks this far around a small or doubtful digit, as a multiple of its height."""
WHOLE = 160_000
"""At sizes with at most this many pixels, the whole picture is looked at, because writing may be too faint to be found as ink."""
SPECK = 3.0
"""Strokes shorter than this, in pixels of the network's input, are ignored when parts of a picture are chosen."""
REACH = 24.0
"""In larger copies of a picture, the finder looks this far around a stroke, in pixels of the network's input."""


def scales(shape: tuple[int, ...], boxes: Boxes | None) -> list[float]:
    """The scales at which to look at a picture, from the smallest up.

    At the first scale, the whole picture, or the largest of `boxes`, is only as large as the digits that the network knows. At
    the last scale, the smallest digits are large enough for the network, unless the picture would then exceed `MOST_PIXELS`.
    """
    most = min(SIZES[1] / SMALLEST, (MOST_PIXELS / np.prod(shape)) ** 0.5)
    least = SIZES[1] / float(max(shape) if boxes is None else boxes[:, 2:].max())
    count = max(0, int(np.ceil(np.log(most / least) / np.log(STEP))))
    return [most / STEP**n for n in range(count, -1, -1)]


class Sizes:
    """Makes copies of a picture in any size; small copies are made quickly, from the picture halved as often as possible.

    Parameters
    ----------
    gray : ndarray of uint8, shape (H, W)
        The picture.
    """

    def __init__(self, gray: Gray) -> None:
        self.halves = [gray]

    def __call__(self, scale: float) -> Gray:
        """The picture scaled by `scale`: uint8 (h, w)."""
        while scale <= 0.5 ** len(self.halves) and min(self.halves[-1].shape) > 1:
            self.halves.append(resized(self.halves[-1], 0.5))
        height, width = self.halves[0].shape
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        base = self.halves[min(len(self.halves) - 1, int(-np.log2(min(scale, 1))))]
        return np.asarray(
            cv2.resize(base, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA), np.uint8
        )


def look(
    network: Network,
    small: Gray,
    scale: float,
    number: int = 0,
    *,
    light: bool = False,
    boxes: Boxes | None = None,
) -> Level:
    """Detect marks with the network at one size of the picture: `small` is the picture scaled by `scale`.

    With `light`, look for writing lighter than its background. With `boxes`, in pixels of the picture, look only inside them.
    """
    height, width = small.shape
    below, beside = FRAME + -(height + 2 * FRAME) % CELL, FRAME + -(width + 2 * FRAME) % CELL
    framed = cv2.copyMakeBorder(255 - small if light else small, FRAME, below, FRAME, beside, cv2.BORDER_REPLICATE)
    seen = contrast(framed)
    cells = (seen.shape[0] // CELL, seen.shape[1] // CELL)
    wanted = np.ones(cells, bool) if boxes is None else of_boxes(boxes, scale, FRAME, cells)
    ink, found, done = np.zeros_like(seen), list[Found](), np.zeros(cells, bool)
    for window in windows(wanted):
        shown = window.with_halo(cells)
        kinds, places, ink_shown = network(seen[shown.pixels])
        new = np.zeros(kinds.shape[1:], bool)
        new[window.within(shown)] = ~done[window.cells]
        done[window.cells] = True
        ink[window.pixels] = ink_shown[window.within(shown, CELL)]
        for peak in peaks(kinds, places, LEAST, new):
            off = np.log(peak.height / SIZES[1]) if peak.kinds[:10].max() >= peak.kinds[10:OTHER].max() else 0.0
            weight = float(peak.kinds.max()) * float(np.exp(-0.5 * (off / SPREAD) ** 2))
            x, y = peak.x + CELL * shown.left - FRAME, peak.y + CELL * shown.top - FRAME
            place = (x / scale, y / scale, peak.width / scale, peak.height / scale)
            found.append(Found(*place, peak.kinds, weight, number, light))
    inside = (slice(FRAME, FRAME + height), slice(FRAME, FRAME + width))
    return Level(scale, seen[inside], ink[inside], found, light)


def levels(
    network: Network,
    sizes: Sizes,
    raise_if_cancelled: Callable[[], None] = lambda: None,
    *,
    light: bool = False,
    most: float = MOST_PIXELS,
    first: int = 0,
    boxes: Boxes | None = None,
    inked: Boxes | None = None,
) -> list[Level]:
    """Detect marks with the network at ever larger sizes of the picture, until every digit was large enough at one of them.

    Parameters
    ----------
    network : callable
        As `mnistlab.reading.finder.Network`.
    sizes : Sizes
        The picture.
    raise_if_cancelled : callable
        Called before the network looks at each size.
    light : bool
        Whether to look for writing that is lighter than its background instead of darker.
    most : float
        The largest number of pixels that the scaled picture may have.
    first : int
        The number that the first level gets; each further level gets the next number.
    boxes : float64 (N, 4), optional
        The parts of the picture to look at; all of it if None.
    inked : float64 (N, 4), optional
        The boxes of all strokes. If they are given and a digit is known, the finder looks, at large sizes, only around strokes
        that are not yet read with certainty, and around digits that are too small or doubtful.
    """
    looked: list[Level] = []
    whole = sizes.halves[0]
    for number, scale in enumerate(scales(whole.shape, boxes)):
        pixels = scale**2 * whole.size
        if pixels > 1.01 * most:
            break
        raise_if_cancelled()
        looked.append(look(network, sizes(scale), scale, first + number, light=light, boxes=boxes))
        known = [mark for level in looked for mark in level.found if mark.weight > SURE and mark.digit]
        hints = [mark for mark in looked[-1].found if mark.digit and float(mark.kinds.max()) > HINT]
        small = [mark for mark in hints if mark.height * scale < FINE]
        if known and pixels > ALWAYS and len(small) <= FEW * len(known):
            break
        if known and inked is not None and pixels * STEP**2 > WHOLE:
            boxes = around([mark for mark in hints if mark.height * scale < FINE or mark.weight <= SETTLED])
            if pixels <= ALWAYS:
                settled = [mark for mark in known if mark.height * scale >= FINE and mark.weight > SETTLED]
                strokes = unsettled(inked, settled, SPECK / scale)
                boxes = np.concatenate([boxes, grown(strokes, REACH / scale)])
    return looked


def unsettled(inked: Boxes, known: Sequence[Found], least: float) -> Boxes:
    """The boxes of strokes, out of `inked`, that are longer than `least` and contain the centre of no mark in `known`."""
    strokes = inked[inked[:, 2:].max(1) > least]
    middles = np.array([(mark.x, mark.y) for mark in known]).reshape(-1, 1, 2)
    corner = strokes[:, :2]
    return np.asarray(strokes[~((middles > corner) & (middles < corner + strokes[:, 2:])).all(2).any(0)])


def around(found: Sequence[Found]) -> Boxes:
    """The marks' boxes, each extended on all sides by `AROUND` times its height: float64 (N, 4), in pixels of the picture."""
    x, y, width, height = np.array([(one.x, one.y, one.width, one.height) for one in found]).reshape(-1, 4).T
    return grown(np.stack([x - width / 2, y - height / 2, width, height], 1), AROUND * height)
