"""The network that marks the middle, the kind and the size of each digit on a picture at once, and what it says.

It knows digits about 22 pixels high: looks.py shows it a picture at many sizes. A digit's ink comes from it too: what else is
there, rules, frames, patterns, is not in it.
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

__all__ = ["CELL", "CLASSES", "OTHER", "SIZES", "Found", "Level", "Peak", "contrast", "peaks"]

BUNDLED = Path(__file__).parent.parent / "bundled" / "reader" / "finder.onnx"
CELL = 4
"""The network answers for cells of so many pixels a side."""
SIZES = (14.0, 22.0)
"""Width and height in pixels of a usual digit: sizes are logarithms of ratios to these."""
AROUND = 65
"""The side in pixels of the surroundings that a pixel is compared with."""
CLASSES = (*"0123456789", ".", ",", "-", "/", "%", ":", "?")
"""What a mark may be: a digit, what stands between digits, or something else that is written as large as a digit."""
OTHER = CLASSES.index("?")

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
        """ONNX Runtime's. Raises `UserError` if the file is missing or is not ONNX."""
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
    light: bool = False
    """Whether it looked for what is lighter than its ground."""


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
    """Whether it is lighter than what it stands on, as all of its level are."""

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
