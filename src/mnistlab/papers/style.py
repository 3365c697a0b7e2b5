"""How somebody writes: a hand, a pen, and the habits that all of a writer's digits share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnistlab.papers.alphabet import Alphabet, Hand
from mnistlab.papers.canvas import Pen
from mnistlab.pictures.fonts import font_files

__all__ = ["Style", "style"]


@dataclass(frozen=True)
class Style:
    """How somebody writes: in which hand, with which pen, how slanted, how wide, how irregularly."""

    hand: Hand
    pen: Pen
    height: float
    """The height of a digit, in pixels."""
    slant: float
    aspect: float
    irregular: float
    """How much sizes and positions vary: 0 for print, 0.7 to 2.2 for handwriting."""
    zeros: float = 1.0
    """The height of zeros, as a share of the other digits' height."""

    @property
    def line_width(self) -> float:
        """The width in pixels of lines drawn with the style's pen."""
        return max(0.8, 2 * (self.pen.radius or 0.045 * self.height))


def style(random: np.random.Generator, alphabet: Alphabet, height: float, paper: float, printed: bool) -> Style:
    """A random style, handwritten or printed, for digits `height` pixels high on paper of lightness `paper`, 0 to 255."""
    images = alphabet.by_hand[random.integers(len(alphabet.by_hand))]
    font = None
    if printed:
        fonts = font_files()
        font = fonts[random.integers(len(fonts))]
    colour = random.uniform(0, 0.5) * paper if random.random() < 0.75 else random.uniform(0.4, 0.8) * paper
    cover = random.uniform(0.75, 1) if random.random() < 0.8 else random.uniform(0.5, 1)
    radius, bolder = None, float(random.normal(0, 0.3))
    if not printed and random.random() < 0.6:  # a pen of one width: a pencil, a ball-point, a felt-tip
        radius = float(np.clip(height * np.exp(random.normal(np.log(0.045), 0.45)), 0.45, 0.12 * height))
    slant = 0.0 if printed else float(random.normal(0.06, 0.24))
    aspect = float(np.exp(random.normal(0, 0.13)))
    irregular = 0.0 if printed else float(random.choice([0.7, 1.4, 2.2], p=[0.5, 0.3, 0.2]))
    zeros = random.uniform(0.55, 1) if not printed and random.random() < 0.35 else 1.0
    hand = Hand(alphabet, images, font, not printed and random.random() < 0.5)
    return Style(hand, Pen(colour, cover, radius, bolder), height, slant, aspect, irregular, zeros)
