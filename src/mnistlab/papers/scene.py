"""Scenes: small parts of filled-in pages, with the marks to be found. The same seed and number always give the same scene."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.papers.alphabet import Alphabet
from mnistlab.papers.canvas import Canvas, Mark, Size
from mnistlab.papers.layouts import boxes, grid, lines, nothing, scattered
from mnistlab.papers.paper import camera, light, sheet

__all__ = ["Scene", "Scenes"]


LOWEST, HIGHEST = 12.0, 36.0
"""The usual range of digit heights in pixels."""
TOO_LOW, TOO_HIGH = 10.0, 44.0
"""Digits shorter than the first number or taller than the second, in pixels, should not be found by the network."""
BEYOND = 0.17
"""The share of scenes whose writing is smaller or larger than usual."""


@dataclass(frozen=True)
class Scene:
    """Part of a page, and what is on it."""

    pixels: NDArray[np.uint8]
    """uint8 (H, W)."""
    marks: list[Mark]
    digits: NDArray[np.float32]
    """float32 (H, W), 0 to 1: how much of each pixel is the ink of digits."""
    ignored: NDArray[np.bool_]
    """bool (H, W): where detections do not count."""


class Scenes:
    """Draws scenes: `scenes[n]` is always the same for the same seed.

    Parameters
    ----------
    alphabet : Alphabet
        The digits used for writing.
    height, width : int
        The size of each scene in pixels, multiples of 4.
    seed : int
        The number that, together with n, decides all that is random in `scenes[n]`.
    """

    def __init__(self, alphabet: Alphabet, height: int = 96, width: int = 192, seed: int = 0) -> None:
        self.alphabet, self.height, self.width, self.seed = alphabet, height, width, seed

    def __getitem__(self, index: int) -> Scene:
        random = np.random.default_rng((self.seed, index))
        angle = random.normal(0, 0.05) if random.random() < 0.7 else random.normal(0, 0.16)
        shear = random.normal(0, 0.06)
        turn = np.array([[math.cos(angle), -math.sin(angle) + shear], [math.sin(angle), math.cos(angle)]])
        canvas = Canvas(sheet(random, self.height, self.width), turn)
        size, canvas.size = how_large(random)
        kind = random.choice(5, p=(0.44, 0.25, 0.13, 0.1, 0.08))
        (lines, grid, boxes, scattered, nothing)[kind](random, canvas, self.alphabet, size)
        light(random, canvas.pixels)
        return Scene(camera(random, canvas.pixels), canvas.marks, canvas.digits, canvas.ignored)


def how_large(random: np.random.Generator) -> tuple[float, Size]:
    """How tall the digits of a scene are, in pixels, and whether the network should find digits of this height."""
    if random.random() > BEYOND:
        return float(np.clip(np.exp(random.normal(math.log(21), 0.27)), LOWEST + 1, HIGHEST - 3)), Size.USUAL
    low, high = ((3.5, LOWEST), (HIGHEST, 180))[int(random.random() < 0.4)]
    size = math.exp(random.uniform(math.log(low), math.log(high)))
    return size, Size.BEYOND if size < TOO_LOW or size > TOO_HIGH else Size.UNUSUAL
