"""Look at a picture at many sizes: the finder knows digits of about one size, and each digit has that size in some copy."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from mnistlab.reading.finder import CELL, OTHER, SIZES, Found, Level, Network, contrast, peaks
from mnistlab.reading.marks import Box
from mnistlab.reading.paper import Gray, resized

__all__ = ["ALWAYS", "FRAME", "LEAST", "Sizes", "levels", "look"]

SMALLEST = 8.0
"""Digits less than this many pixels high in the picture are not looked for."""
STEP = 2**0.5
"""The factor from one size to the next."""
MOST_PIXELS = 2_500_000
"""The most pixels of a picture at the largest size at which it is looked at."""
FRAME = 16
"""Pixels added on all sides, so that digits at the edge have surroundings too."""
HINT = 0.3
"""Above this probability, a detection hints at a digit, even if it is too small for the network."""
ALWAYS = 400_000
"""Every size at which a picture has no more than this many pixels is tried."""
LEAST = 0.25
"""The lowest probability at which a digit is considered."""
SPREAD = 0.4
"""How far digits' heights may be from the one in `SIZES`, at one size: the standard deviation of their logarithm."""
SURE = 0.5
"""At this probability a digit is certain enough that no other size needs to be tried for it."""
FINE = 19.0
"""Digits higher than this, in pixels of the network's input, need no larger size."""


def scales(shape: tuple[int, ...], box: Box | None) -> list[float]:
    """The scales at which to look at a picture: from the one that makes the picture, or `box`, as large as one digit, to the one
    that makes the smallest digits large enough."""
    most = min(SIZES[1] / SMALLEST, (MOST_PIXELS / np.prod(shape)) ** 0.5)
    least = SIZES[1] / max(box[2:] if box else shape)
    count = max(0, int(np.ceil(np.log(most / least) / np.log(STEP))))
    return [most / STEP**n for n in range(count, -1, -1)]


class Sizes:
    """A picture at any size. Each copy is made from one less than twice as large, so that a photo's pixels are used only once.

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
    network: Network, small: Gray, scale: float, number: int = 0, *, light: bool = False, box: Box | None = None
) -> Level:
    """Detect marks with the network at one size: `small` is the picture scaled by `scale`.

    With `light`, look for writing lighter than its background. With `box`, in pixels of the picture, look only in and around it.
    """
    height, width = small.shape
    below, beside = FRAME + -(height + 2 * FRAME) % CELL, FRAME + -(width + 2 * FRAME) % CELL
    framed = cv2.copyMakeBorder(255 - small if light else small, FRAME, below, FRAME, beside, cv2.BORDER_REPLICATE)
    seen = contrast(framed)
    left, top, right, bottom = window(box, scale, seen.shape)
    ink = np.zeros_like(seen)
    kinds, boxes, ink[top:bottom, left:right] = network(seen[top:bottom, left:right])
    found = []
    for peak in peaks(kinds, boxes, LEAST):
        off = np.log(peak.height / SIZES[1]) if peak.kinds[:10].max() >= peak.kinds[10:OTHER].max() else 0.0
        weight = float(peak.kinds.max()) * float(np.exp(-0.5 * (off / SPREAD) ** 2))
        x, y = peak.x + left - FRAME, peak.y + top - FRAME
        place = (x / scale, y / scale, peak.width / scale, peak.height / scale)
        found.append(Found(*place, peak.kinds, weight, number, light))
    inside = (slice(FRAME, FRAME + height), slice(FRAME, FRAME + width))
    return Level(scale, seen[inside], ink[inside], found, light)


def window(box: Box | None, scale: float, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom, in the framed picture of that `shape`, of a box of the picture with a margin around it.

    They are multiples of `CELL`, so that the network's cells lie where they do when it sees the whole picture. Without a box,
    they are the edges of the framed picture.
    """
    if box is None:
        return 0, 0, shape[1], shape[0]
    x, y, width, height = (scale * side / CELL for side in box)
    right, bottom = (CELL * int(np.ceil(end)) + 2 * FRAME for end in (x + width, y + height))
    return CELL * int(x), CELL * int(y), min(right, shape[1]), min(bottom, shape[0])


def levels(
    network: Network,
    sizes: Sizes,
    raise_if_cancelled: Callable[[], None] = lambda: None,
    *,
    light: bool = False,
    most: float = MOST_PIXELS,
    first: int = 0,
    box: Box | None = None,
) -> list[Level]:
    """Detect marks with the network at each size, from the smallest up, until every digit has been large enough.

    Parameters
    ----------
    network : callable
        As `mnistlab.reading.finder.Network`.
    sizes : Sizes
        The picture.
    raise_if_cancelled : callable
        Called before each size.
    light : bool
        Whether to look for writing that is lighter than its background instead of darker.
    most : float
        The most pixels of the picture at the largest size.
    first : int
        The number of the first level.
    box : Box, optional
        The part of the picture to look at; all of it if None.
    """
    looked: list[Level] = []
    whole = sizes.halves[0]
    for number, scale in enumerate(scales(whole.shape, box)):
        pixels = scale**2 * whole.size
        if pixels > 1.01 * most:
            break
        raise_if_cancelled()
        looked.append(look(network, sizes(scale), scale, first + number, light=light, box=box))
        if pixels > ALWAYS and not worth_more(looked):
            break
    return looked


def worth_more(looked: list[Level]) -> bool:
    """Whether a larger size may show digits better: none is certain yet, or there are hints of small ones."""
    known = [mark for level in looked for mark in level.found if mark.weight > SURE and mark.digit]
    hints = [
        mark
        for mark in looked[-1].found
        if mark.digit and float(mark.kinds.max()) > HINT and mark.height * looked[-1].scale < FINE
    ]
    return not known or len(hints) > 0.05 * len(known)
