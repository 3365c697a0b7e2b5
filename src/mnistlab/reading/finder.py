"""The finder: a network that marks the centre, kind and size of each digit in a picture, in one pass.

It was trained on digits about 22 pixels high, so looks.py shows it a picture at many sizes. It also separates the digits'
ink from rules, frames, patterns and whatever else the picture shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.network import FOLDER, BundledNetwork

__all__ = ["CELL", "CLASSES", "OTHER", "SIZES", "Found", "Level", "Peak", "contrast", "peaks"]

BUNDLED = FOLDER / "finder.onnx"
CELL = 4
"""The network gives one answer for each cell, a square with this many pixels per side."""
SIZES = (14.0, 22.0)
"""Width and height in pixels of a typical digit; the network gives the logarithms of sizes relative to these."""
AROUND = 65
"""Each pixel is compared with a square around it; this is the square's side, in pixels."""
CLASSES = (*"0123456789", ".", ",", "-", "/", "%", ":", "?")
"""What a mark may be: a digit, a separator, or something else as large as a digit."""
OTHER = CLASSES.index("?")

Floats = NDArray[np.float32]
Network = Callable[[Floats], tuple[Floats, Floats, Floats]]
"""Takes the contrast (H, W); returns the kinds' probabilities (classes, h, w), boxes (4, h, w), and the share of ink (H, W)."""


class Finder(BundledNetwork):
    """The finder that comes with mnistlab, in ONNX Runtime."""

    def __init__(self, path: Path = BUNDLED, *, threads: int | None = None) -> None:
        super().__init__(path, threads=threads)

    def __call__(self, seen: Floats) -> tuple[Floats, Floats, Floats]:
        """The kinds' probabilities (classes, h, w), boxes (4, h, w) and ink (H, W) that the network finds.

        `seen` is a contrast picture, float32 (H, W); H and W are multiples of `CELL`, h and w count cells.
        """
        kinds, boxes, ink = self.session.run(None, {"contrast": seen[None, None]})
        return kinds[0], boxes[0], ink[0, 0]


def contrast(gray: NDArray[Any]) -> Floats:
    """How much lighter each pixel is than its surroundings, relative to their lightness: float32 (H, W) from uint8 (H, W)."""
    light = gray.astype(np.float32)
    around = cv2.blur(light, (AROUND, AROUND), borderType=cv2.BORDER_REFLECT_101)
    return np.asarray((light - around) / (0.25 * around + 16), np.float32)


@dataclass(frozen=True)
class Level:
    """The picture at one size, and the network's answer to it."""

    scale: float
    """The scale relative to the picture: above 1 if the picture was enlarged."""
    seen: Floats
    """float32 (H, W): the contrast that the network was given."""
    ink: Floats
    """float32 (H, W), 0 to 1: how much of each pixel is the ink of digits."""
    found: list[Found]
    light: bool = False
    """Whether the network looked for writing that is lighter than its background."""


@dataclass(frozen=True)
class Found:
    """A mark that the finder detected: its centre (x, y) and its size, in pixels of the picture, and what it may be."""

    x: float
    y: float
    width: float
    height: float
    kinds: Floats
    """The network's probability of each kind, 0 to 1."""
    weight: float
    """The largest of `kinds`, reduced if a digit's height is unusual for the network; `overlaps.find` sums it over all levels."""
    level: int
    """The number of the `Level` on which the mark was detected."""
    light: bool = False
    """Whether the mark, like all marks on its level, is lighter than its background."""

    @property
    def kind(self) -> int:
        """The most probable kind, as an index into `CLASSES`."""
        return int(self.kinds.argmax())

    @property
    def digit(self) -> bool:
        """Whether the mark is a digit rather than a separator or something else."""
        return self.kind < 10

    @property
    def other(self) -> bool:
        """Whether the mark is neither a digit nor a separator."""
        return self.kind == OTHER


class Peak(NamedTuple):
    """A mark as the network gives it: its centre (x, y) and its size, in pixels of the network's input."""

    x: float
    y: float
    width: float
    height: float
    kinds: Floats
    """float32 (classes,), 0 to 1: the probability of each kind."""


def peaks(kinds: Floats, boxes: Floats, least: float, within: NDArray[np.bool_] | None = None) -> list[Peak]:
    """The local maxima of `least` or more in the probabilities `kinds` (classes, h, w), with their `boxes` (4, h, w), float32.

    If `within`, bool (h, w), is given, maxima in cells where it is False are left out.
    """
    best = kinds.max(0)
    at = (best >= np.asarray(cv2.dilate(best, np.ones((3, 3), np.uint8)))) & (best >= least)
    at = at if within is None else at & within
    found = []
    for row, column in zip(*(part.tolist() for part in np.nonzero(at)), strict=True):
        dx, dy, wide, high = boxes[:, row, column].tolist()
        size = (SIZES[0] * float(np.exp(wide)), SIZES[1] * float(np.exp(high)))
        found.append(Peak((column + 0.5 + dx) * CELL, (row + 0.5 + dy) * CELL, *size, kinds[:, row, column]))
    return found
