"""Letters as people write them, drawn stroke by stroke: MNIST has none, and printed letters do not show how a hand forms them.

Letters that look like handwritten digits (see `glyphs.LETTERS`) are left out, as are forms that do: a y like an open 4, an L
with loops, which looks like a 2.
"""

from __future__ import annotations

import torch

from mnistlab.augmentation.draws import between
from mnistlab.augmentation.hands import in_forms, in_ink_of, pen
from mnistlab.geometry import fit_and_centre

__all__ = ["letters_like"]

STROKES = in_forms(
    # A, C, E, F, H
    "0,10 2.5,5 5,0 7.5,5 10,10 8,6.5 2,6.5",
    "0,10 1,4 4,0 7,1 9,5 10,10 9,6.5 4,6 0.5,6.5",
    "9,1 5,0 1,3 0.5,7 4,10 9,9",
    "9,0 1,0.3 1,5 7,5 1,5 1,10 9,9.8",
    "9,1 4,0 1,2.5 5,4.8 1,7.5 4,10 9,9",
    "9,0 1,0.3 1,5 7,5 1,5 1,10",
    "1,0 1,5 1,10 1,5 9,5 9,0 9,5 9,10",
    # J, K, L, M, N
    "3,0 9,0 6,0 6,7 4,10 0.5,9 0,7.5",
    "1,0 1,10 1,5.5 9,0 2,5.5 9,10",
    "1,0 1,5 1,10 9,10",
    "0,10 1,0 5,6 9,0 10,10",
    "1,10 1,0 9,10 9,0",
    # P, R, T, U, V
    "1,10 1,5 1,0 6,0 9,2.5 6,5 1,5.2",
    "1,10 1,0 6,0 8.5,2.5 6,5 1.5,5.2 5,6 9,10",
    "0,0 10,0 5,0 5,10",
    "0.5,0 0.5,6 3,10 7,10 9.5,6 9.5,0",
    "0,0 2.5,5 5,10 7.5,5 10,0",
    # W, X, Y
    "0,0 2.5,10 5,2 7.5,10 10,0",
    "0,0 1,8 3,10 5,7 5,3 5,7 7,10 9,8 10,0",
    "0,0 10,10 5,5 10,0 0,10",
    "0,1 2,0 5,5 8,10 10,9 5,5 9,0 5,5 1,10",
    "0,0 5,5 10,0 5,5 5,10",
    # a, c, d, e, f
    "8,1.5 4,0 0.5,3 0.5,8 4,10 8,6 8,0.5 8,6 8.5,9.5 10,10",
    "1,2 4,0 8,1.5 8,6 8,10 8,6 4,4.5 0.5,6.5 2,10 5,9.5 8,6",
    "9,2 6,0 2,1.5 0,5 2,8.5 6,10 10,8",
    "8,4.5 4,4 0.5,6 1,9 4,10 8,7.5 8.5,0 8.5,7 9,10",
    "0.5,5.5 5,5 9.5,4 8,0.5 4,0 0.5,4 1,8 5,10 9.5,8.5",
    "9,1 6,0 4,2 4,6 4,10 4,6 4,4.5 0,4.5 8,4.5",
    # h, k, m, n
    "1,0 1,5 1,10 1,6 4,4.5 7.5,5 8,7 8,10",
    "1,0 1,5 1,10 1,7 8,3.5 2.5,6.5 9,10",
    "0,1 0.5,10 0.5,4 2.5,0.5 4.5,2 4.8,10 4.8,4 7,0.5 9,2 9.5,10",
    "1,0.5 1,10 1,4 4,0.5 8,1 8.5,5 9,10",
    # p, r, t, u, y
    "1,0 1,5 1,10 1,5 1,1.5 5,0 9,2 8,5 4,6 1,4.5",
    "2,0.5 2,5 2,10 2,4 4,1 8,0.5 9,2",
    "5,0 5,5 5,9 7,10 10,9 7,10 5,8 5,3 0,3 10,3",
    "0.5,0 0.5,6 3,10 6,9.5 9,5 9,0 9,6 10,10",
    "0,1 1,0 1,6 2.5,9.5 5,9.5 8,6 8.5,0 8.5,7 10,9.5",
    "0,0 4.5,5 9,0 5,5 1,10",
)
"""Draws letters in these forms, each about as large as an image's ink: see `hands.in_forms`."""


def letters_like(images: torch.Tensor) -> torch.Tensor:
    """For each image of a digit, float (B, 1, H, W), 0 to 255, a letter about as large as the digit, drawn with the same pen.

    The letter is chosen at random.
    """
    return fit_and_centre(in_ink_of(images, STROKES(images), pen(images) * between(0.7, 1.1, images)))
