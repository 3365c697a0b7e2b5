"""Draw strips: single lines of digits, as if cut out of a page. The same seed and number give the same strip."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.papers.alphabet import Alphabet
from mnistlab.papers.canvas import Canvas
from mnistlab.papers.layouts import anything, faint, lightness, rule
from mnistlab.papers.paper import camera, light, sheet
from mnistlab.papers.style import Style, style
from mnistlab.papers.writing import composed, cross_out, letter, number, scrawl
from mnistlab.pictures.fonts import font_files
from mnistlab.reading.line_reader import HEIGHT, USUAL

__all__ = ["Strip", "Strips"]

GAPS = {-0.25: 0.05, -0.18: 0.1, -0.1: 0.2, -0.02: 0.25, 0.08: 0.2, 0.3: 0.12, 0.8: 0.08}
"""The gaps between digits, as shares of a digit's height, and the probability of each."""


@dataclass(frozen=True)
class Strip:
    """A line of digits."""

    pixels: NDArray[np.uint8]
    """The grey levels of the strip, uint8 (H, W)."""
    text: str
    """The digits on the line, from left to right, as "0" to "9"; whatever else is on the strip is left out."""


class Strips:
    """Draws strips: `strips[n]` is always the same for the same seed.

    Parameters
    ----------
    alphabet : Alphabet
        The digits used for writing.
    height, width : int
        The size of each strip in pixels; the digits are about 24 pixels high, whatever the strip's height.
    seed : int
        The number that, together with n, decides all that is random in `strips[n]`.
    """

    def __init__(self, alphabet: Alphabet, height: int = HEIGHT, width: int = 256, seed: int = 0) -> None:
        self.alphabet, self.height, self.width, self.seed = alphabet, height, width, seed

    def __getitem__(self, index: int) -> Strip:
        random = np.random.default_rng((self.seed, index))
        while (strip := self.attempt(random)) is None:
            pass
        return strip

    def attempt(self, random: np.random.Generator) -> Strip | None:
        """A strip; None if a digit is cut off, or if it is unclear whether something on the line is a digit."""
        angle, shear = random.normal(0, 0.025), random.normal(0, 0.04)
        turn = np.array([[math.cos(angle), -math.sin(angle) + shear], [math.sin(angle), math.cos(angle)]])
        canvas = Canvas(sheet(random, self.height, self.width), turn)
        size = float(np.clip(USUAL * np.exp(random.normal(0, 0.15)), 14, 36))
        base = self.height / 2 + size / 2 + random.normal(0, 0.09) * size
        step = size * random.uniform(1.1, 2.2)
        if random.random() < 0.45:
            rule(random, canvas, size, base, step)
        how = style(random, self.alphabet, size, lightness(canvas), printed=random.random() < 0.12)
        if random.random() < 0.15:
            cells(random, canvas, size)
        self.write(random, canvas, how, base)
        if canvas.ignored.any():
            return None
        digits = sorted((mark.x, mark.kind) for mark in canvas.marks if mark.kind < 10)
        for away in (-step, step):
            if random.random() < 0.2:
                gap = float(random.uniform(-0.1, 0.3))
                number(random, canvas, how, composed(random), random.uniform(-size, 0.6 * self.width), base + away, gap)
        if random.random() < 0.08:
            scrawl(random, canvas, how)
        light(random, canvas.pixels)
        return Strip(camera(random, canvas.pixels), "".join(str(kind) for _, kind in digits))

    def write(self, random: np.random.Generator, canvas: Canvas, how: Style, base: float) -> None:
        """Write the line's text, and perhaps other things beside it."""
        size = how.height
        gap = float(random.choice(list(GAPS), p=list(GAPS.values())))
        x = random.uniform(0.1 * size, 0.35 * self.width)
        if random.random() < 0.06:
            word = ("TOTAL", "CHF", "EUR", "No.", "Nr", "Fr.", "US$", "Date")[int(random.integers(8))]
            canvas.words(word, anything(font_files(), random), 0.9 * size, (x, base - size), how.pen)
            x += 3 * size
        end = number(random, canvas, how, composed(random), x, base, gap)
        kind = random.random()
        if kind < 0.06:
            letter(random, canvas, how, (end + size, base - size / 2))
        elif kind < 0.1:
            cross_out(random, canvas, how, (end + 0.8 * size, base - size / 2))
        elif end < 0.6 * self.width and random.random() < 0.5:
            number(random, canvas, how, composed(random), end + size * random.uniform(0.5, 2), base, gap)


def cells(random: np.random.Generator, canvas: Canvas, size: float) -> None:
    """Draw the borders of cells; the digits need not stand inside the cells."""
    height, width = canvas.pixels.shape
    pen, thick = faint(random, canvas), random.uniform(0.6, 2.2)
    every = size * random.uniform(0.8, 2.2)
    ends = [((x, -50), (x, height + 50)) for x in np.arange(random.uniform(-every, 0), width, every)]
    half = size * random.uniform(0.55, 1.1)
    ends += [((-50, height / 2 + side * half), (width + 50, height / 2 + side * half)) for side in (-1, 1)]
    canvas.lines(ends, thick, pen)
