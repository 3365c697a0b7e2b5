"""Finds digits on a picture with a network that marks the middle, the kind and the size of each at once.

The network knows digits about 22 pixels high; so it looks at the picture at many sizes, and each digit is taken from where it
had about that height. A digit's ink comes from the network too: what else is there, rules, frames, patterns, is not in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.paper import Gray, resized

__all__ = ["CELL", "SIZES", "Found", "Level", "contrast", "find", "levels"]

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
LEAST = 0.25
"""The least that the network must make of a digit for it to be looked at."""
SPREAD = 0.4
"""How far a digit's height, as a logarithm, may be from the usual one at a size."""
ALIKE = 0.25
"""How far apart the heights of one page's digits are, as logarithms."""
MOST_FOUND = 5000
"""Where there is more, only what the network is surest of is looked at."""
PLACE = ("x", "y", "width", "height", "weight")

Floats = NDArray[np.float32]
Network = Callable[[Floats], tuple[Floats, Floats, Floats]]
"""Contrast (H, W) in; probabilities of kinds (classes, h, w), boxes (4, h, w), ink (H, W) 0 to 1 out."""


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
    ink: Floats
    """float32 (H, W), 0 to 1."""
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

    @property
    def kind(self) -> int:
        return int(self.kinds.argmax())

    @property
    def digit(self) -> bool:
        return self.kind < 10


def scales(height: int, width: int) -> list[float]:
    """At which sizes a picture is looked at: from where it is as high as a digit to where the smallest digits are."""
    most = min(SIZES[1] / SMALLEST, (MOST_PIXELS / (height * width)) ** 0.5)
    least = SIZES[1] / max(height, width)
    count = max(0, int(np.ceil(np.log(most / least) / np.log(STEP))))
    return [most / STEP**n for n in range(count + 1)]


def look(network: Network, gray: Gray, scale: float, number: int) -> Level:
    """What the network finds at one size."""
    small = resized(gray, scale)
    height, width = small.shape
    below, right = FRAME + -(height + 2 * FRAME) % CELL, FRAME + -(width + 2 * FRAME) % CELL
    framed = cv2.copyMakeBorder(small, FRAME, below, FRAME, right, cv2.BORDER_REPLICATE)
    kinds, boxes, ink = network(contrast(framed))
    best = kinds.max(0)
    peaks = (best >= cv2.dilate(best, np.ones((3, 3), np.uint8))) & (best > LEAST)
    found = []
    fx, fy = width / gray.shape[1], height / gray.shape[0]
    for row, column in zip(*(part.tolist() for part in np.nonzero(peaks)), strict=True):
        dx, dy, wide, high = boxes[:, row, column].tolist()
        own = SIZES[1] * np.exp(high)
        kind = kinds[:, row, column]
        off = np.log(own / SIZES[1]) if kind[:10].max() >= kind[10:16].max() else 0.0
        found.append(
            Found(
                ((column + 0.5 + dx) * CELL - FRAME) / fx, ((row + 0.5 + dy) * CELL - FRAME) / fy,
                SIZES[0] * float(np.exp(wide)) / fx, float(own) / fy, kind, float(kind.max() * np.exp(-0.5 * (off / SPREAD) ** 2)), number,
            )
        )  # fmt: skip
    return Level(scale, ink[FRAME : FRAME + height, FRAME : FRAME + width], found)


def levels(network: Network, gray: Gray) -> list[Level]:
    """What the network finds at each size."""
    return [look(network, gray, scale, number) for number, scale in enumerate(scales(*gray.shape))]


def find(looked: list[Level]) -> list[Found]:
    """The marks on a picture: what was found at several sizes once, and no two on one spot.

    Where two do not go together, the one stays that the network is surer of, and whose height more of the others have.
    """
    found = [mark for level in looked for mark in level.found if mark.weight > LEAST]
    found.sort(key=lambda mark: -mark.weight)
    found = found[:MOST_FOUND]
    if not found:
        return []
    x, y, width, height, weight = (np.array([getattr(mark, name) for mark in found]) for name in PLACE)
    digits = np.array([mark.digit for mark in found])
    height_of_digits, sure = np.log(height[digits]), weight[digits]
    alike = np.array([(sure * np.exp(-0.5 * ((h - height_of_digits) / ALIKE) ** 2)).sum() for h in np.log(height)])
    rank = weight * np.sqrt(alike / max(alike.max(), 1e-9))
    left = np.ones(len(found), bool)
    kept = []
    for number in np.argsort(-rank, kind="stable"):
        if not left[number]:
            continue
        kept.append(found[number])
        across, down = np.abs(x - x[number]), np.abs(y - y[number])
        inside = (across < 0.5 * np.maximum(width, width[number])) & (down < 0.5 * np.maximum(height, height[number]))
        over = (across < 0.45 * np.minimum(width, width[number])) & (down < 0.5 * np.minimum(height, height[number]))
        left &= ~(inside | over)
    return kept
