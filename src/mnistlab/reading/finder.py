"""Finds digits on a picture with a network that marks the middle, the kind and the size of each at once.

The network knows digits about 22 pixels high; so it looks at the picture at many sizes, and each digit is taken from where it
had about that height. A digit's ink comes from the network too: what else is there, rules, frames, patterns, is not in it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.classifier import open_session, read_model
from mnistlab.reading.paper import Gray, resized

__all__ = [
    "CELL",
    "CLASSES",
    "OTHER",
    "SIZES",
    "Found",
    "Level",
    "Peak",
    "Sizes",
    "contrast",
    "levels",
    "look",
    "peaks",
]

BUNDLED = Path(__file__).parent.parent / "bundled" / "reader" / "finder.onnx"
CELL = 4
"""The network answers for cells of so many pixels a side."""
SIZES = (14.0, 22.0)
"""Width and height in pixels of a usual digit: sizes are logarithms of ratios to these."""
AROUND = 65
"""The side in pixels of the surroundings that a pixel is compared with."""
SMALLEST = 8.0
"""Digits lower than that, in pixels of the picture, are not looked for."""
STEP = 2**0.5
"""From one size at which the picture is looked at to the next."""
MOST_PIXELS = 2_500_000
"""At the largest size."""
FRAME = 16
"""Pixels that are added on all sides: digits at the edge have surroundings too."""
CLASSES = (*"0123456789", ".", ",", "-", "/", "%", ":", "?")
"""What a mark may be: a digit, what stands between digits, or something else that is written as large as a digit."""
OTHER = CLASSES.index("?")
HINT = 0.3
"""What the network makes of a digit that is too small for it, perhaps."""
ALWAYS = 400_000
"""Up to so many pixels a picture is looked at at every size."""
LEAST = 0.25
"""The least that the network must make of a digit for it to be looked at."""
SPREAD = 0.4
"""How far a digit's height, as a logarithm, may be from the usual one at a size."""
SURE = 0.5
"""From there on the network is sure enough of a digit for there to be no need to look for others at any size."""
FINE = 19.0
"""Digits higher than that need not be looked at any larger."""

Floats = NDArray[np.float32]
Network = Callable[[Floats], tuple[Floats, Floats, Floats]]
"""Contrast (H, W) in; probabilities of kinds (classes, h, w), boxes (4, h, w), ink (H, W) 0 to 1 out."""


class Finder:
    """The network that comes with mnistlab, in ONNX Runtime. It may be used from several threads, pickled and copied.

    Its file is opened when it is first asked: most readings need it never.

    Parameters
    ----------
    path : Path, optional
        Another file of that kind.
    threads : int, optional
        Processor threads of one call; all cores if None.
    """

    def __init__(self, path: Path = BUNDLED, *, threads: int | None = None) -> None:
        self.path, self.threads = path, threads

    @functools.cached_property
    def session(self) -> Any:
        """ONNX Runtime's. Raises `UserError` where the file is missing or is not ONNX."""
        return open_session(read_model(self.path), self.path, self.threads)

    def __getstate__(self) -> dict[str, Any]:
        """All but the session, which is made anew."""
        return {name: value for name, value in vars(self).items() if name != "session"}

    def __call__(self, seen: Floats) -> tuple[Floats, Floats, Floats]:
        """Kinds (classes, h, w), boxes (4, h, w) and ink (H, W) of the contrast float32 (H, W), multiples of `CELL`."""
        kinds, boxes, ink = self.session.run(None, {"contrast": seen[None, None]})
        return kinds[0], boxes[0], ink[0, 0]


def contrast(gray: NDArray[Any]) -> Floats:
    """How much lighter each pixel is than its surroundings, by their lightness: float32 (H, W) of uint8 (H, W)."""
    light = gray.astype(np.float32)
    around = cv2.blur(light, (AROUND, AROUND), borderType=cv2.BORDER_REFLECT_101)
    return np.asarray((light - around) / (0.25 * around + 16), np.float32)


@dataclass(frozen=True)
class Level:
    """The picture at one size, and what the network says of it."""

    scale: float
    """How many times as large as the picture."""
    seen: Floats
    """float32 (H, W): the contrast that it looked at."""
    ink: Floats
    """float32 (H, W), 0 to 1: how much of each pixel digits cover."""
    found: list[Found]


@dataclass(frozen=True)
class Found:
    """A mark, in pixels of the picture."""

    x: float
    y: float
    width: float
    height: float
    kinds: Floats
    """What the network makes of each kind, 0 to 1."""
    weight: float
    """The largest of these, less where the digit had an unusual height at this size."""
    level: int
    light: bool = False
    """Whether it is lighter than what it stands on."""

    @property
    def kind(self) -> int:
        """The kind that the network makes most of."""
        return int(self.kinds.argmax())

    @property
    def digit(self) -> bool:
        """Whether it is a digit rather than a separator or something else."""
        return self.kind < 10

    @property
    def other(self) -> bool:
        """Whether it is neither digit nor separator."""
        return self.kind == OTHER


class Peak(NamedTuple):
    """Where the network marks a middle, in pixels of what it looked at."""

    x: float
    y: float
    width: float
    height: float
    kinds: Floats
    """float32 (classes,), 0 to 1."""


def peaks(kinds: Floats, boxes: Floats, least: float) -> list[Peak]:
    """The peaks of the kinds' probabilities, float32 (classes, h, w), from `least` on, with their boxes, float32 (4, h, w)."""
    best = kinds.max(0)
    at = (best >= np.asarray(cv2.dilate(best, np.ones((3, 3), np.uint8)))) & (best >= least)
    found = []
    for row, column in zip(*(part.tolist() for part in np.nonzero(at)), strict=True):
        dx, dy, wide, high = boxes[:, row, column].tolist()
        size = (SIZES[0] * float(np.exp(wide)), SIZES[1] * float(np.exp(high)))
        found.append(Peak((column + 0.5 + dx) * CELL, (row + 0.5 + dy) * CELL, *size, kinds[:, row, column]))
    return found


def scales(height: int, width: int) -> list[float]:
    """At which sizes a picture is looked at: from where it is as high as a digit to where the smallest digits are."""
    most = min(SIZES[1] / SMALLEST, (MOST_PIXELS / (height * width)) ** 0.5)
    least = SIZES[1] / max(height, width)
    count = max(0, int(np.ceil(np.log(most / least) / np.log(STEP))))
    return [most / STEP**n for n in range(count, -1, -1)]


class Sizes:
    """A picture at any size, each made of one that is less than twice as large: no look needs all pixels of a photo again.

    Parameters
    ----------
    gray : ndarray of uint8, shape (H, W)
    """

    def __init__(self, gray: Gray) -> None:
        self.halves = [gray]

    def __call__(self, scale: float) -> Gray:
        """The picture `scale` times as large."""
        while scale <= 0.5 ** len(self.halves) and min(self.halves[-1].shape) > 1:
            self.halves.append(resized(self.halves[-1], 0.5))
        height, width = self.halves[0].shape
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        base = self.halves[min(len(self.halves) - 1, int(-np.log2(min(scale, 1))))]
        return np.asarray(
            cv2.resize(base, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA), np.uint8
        )


def look(network: Network, small: Gray, scale: float, number: int = 0, *, light: bool = False) -> Level:
    """What the network finds at one size: `small` is `scale` times as large as the picture.

    With `light` it looks for what is lighter than its ground.
    """
    height, width = small.shape
    below, right = FRAME + -(height + 2 * FRAME) % CELL, FRAME + -(width + 2 * FRAME) % CELL
    framed = cv2.copyMakeBorder(255 - small if light else small, FRAME, below, FRAME, right, cv2.BORDER_REPLICATE)
    seen = contrast(framed)
    kinds, boxes, ink = network(seen)
    found = []
    for peak in peaks(kinds, boxes, LEAST):
        off = np.log(peak.height / SIZES[1]) if peak.kinds[:10].max() >= peak.kinds[10:OTHER].max() else 0.0
        weight = float(peak.kinds.max()) * float(np.exp(-0.5 * (off / SPREAD) ** 2))
        place = ((peak.x - FRAME) / scale, (peak.y - FRAME) / scale, peak.width / scale, peak.height / scale)
        found.append(Found(*place, peak.kinds, weight, number, light))
    inside = (slice(FRAME, FRAME + height), slice(FRAME, FRAME + width))
    return Level(scale, seen[inside], ink[inside], found)


def levels(
    network: Network,
    sizes: Sizes,
    raise_if_cancelled: Callable[[], None] = lambda: None,
    *,
    light: bool = False,
    most: float = MOST_PIXELS,
    first: int = 0,
) -> list[Level]:
    """What the network finds at each size, from the smallest one on, until all that there is has been large enough.

    Parameters
    ----------
    network : callable
    sizes : Sizes
        The picture.
    raise_if_cancelled : callable
        Called before each size.
    light : bool
        Whether to look for what is lighter than its ground instead of darker.
    most : float
        Pixels at the largest size.
    first : int
        The first level's number.
    """
    looked: list[Level] = []
    whole = sizes.halves[0]
    for number, scale in enumerate(scales(*whole.shape)):
        pixels = scale**2 * whole.size
        if pixels > 1.01 * most:
            break
        raise_if_cancelled()
        looked.append(look(network, sizes(scale), scale, first + number, light=light))
        if pixels > ALWAYS and not worth_more(looked):
            break
    return looked


def worth_more(looked: list[Level]) -> bool:
    """Whether a larger size may show digits better: where none is known yet, or there are hints of small ones."""
    known = [mark for level in looked for mark in level.found if mark.weight > SURE and mark.digit]
    hints = [
        mark
        for mark in looked[-1].found
        if mark.digit and float(mark.kinds.max()) > HINT and mark.height * looked[-1].scale < FINE
    ]
    return not known or len(hints) > 0.05 * len(known)
