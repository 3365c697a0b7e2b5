"""Connected pieces of ink."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.ink import HIGH, LOW, Ink
from mnistlab.reading.paper import INK_LEVEL, Gray, typical_size

__all__ = ["Piece", "box_in_picture", "find_pieces", "in_picture", "trimmed"]

SMALLEST, LARGEST = 7, 2600
"""The least and greatest length, in pixels, of the longer side of a piece that may be a digit."""
MOST_PIECES = 2000
"""If there are more pieces than this, only the largest are considered."""


@dataclass(frozen=True)
class Piece:
    """Connected strokes, or strokes that were joined: a digit, part of a digit, or several digits."""

    x: int
    y: int
    strength: Gray
    """uint8 (height, width): the ink of this piece alone; its top left corner is at (x, y) in `Ink.strength`."""

    @property
    def width(self) -> int:
        """The piece's width in pixels."""
        return int(self.strength.shape[1])

    @property
    def height(self) -> int:
        """The piece's height in pixels."""
        return int(self.strength.shape[0])

    @property
    def right(self) -> int:
        """The first column to the right of the piece."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row below the piece."""
        return self.y + self.height

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The piece's x, y, width and height."""
        return self.x, self.y, self.width, self.height


def find_pieces(ink: Ink) -> list[Piece]:
    """The connected strokes, except specks, dust, faint print from the back of the page and whatever else is not writing.

    If `ink.whole`, all ink is one piece.
    """
    strength = ink.strength
    if ink.whole:
        everything = trimmed(Piece(0, 0, strength), 0, strength.shape[1])
        return [everything] if everything else []
    x, y, width, height = ink.strokes.boxes.T
    if not len(x):
        return []
    longest = np.maximum(width, height)
    size = typical_size(longest, ink.strokes.areas[:, 0])
    if len(longest) > 200 and np.median(longest) < SMALLEST and size < 2.5 * SMALLEST:
        return []  # a page of dust
    keep = (longest >= max(SMALLEST, 0.1 * size)) & (longest <= min(LARGEST, 3.5 * size))
    # A piece that crosses the whole picture is the edge of a shadow, a table or another sheet.
    across = (width >= 0.97 * strength.shape[1]) & (width > 8 * height)
    down = (height >= 0.97 * strength.shape[0]) & (height > 8 * width)
    numbers = np.flatnonzero(keep & ~across & ~down)
    if len(numbers) > MOST_PIECES:
        numbers = numbers[np.argsort(-longest[numbers])[:MOST_PIECES]]
    pieces = []
    for n in numbers.tolist():
        rows, columns = slice(y[n], y[n] + height[n]), slice(x[n], x[n] + width[n])
        own = ink.of_stroke(n + 1)
        if ink.rules is not None and left_of_a_rule(own, ink.rules[rows, columns], ink.rule_level):
            continue
        if own.max() >= INK_LEVEL * HIGH:
            pieces.append(Piece(int(x[n]), int(y[n]), own))
    return pieces


def left_of_a_rule(own: Gray, rules: Gray, level: float) -> bool:
    """Whether a piece is left over from a rule: it lies where rules were, and is hardly darker than they were."""
    inked = own[own > 0]
    return bool((rules & (own > 0)).sum() > 0.8 * len(inked) and np.quantile(inked, 0.75) < 1.5 * level)


def trimmed(piece: Piece, left: int, right: int) -> Piece | None:
    """The piece's columns `left` to `right` - 1, without empty rows and columns at the edges; None if no ink is left."""
    part = piece.strength[:, left:right]
    mask = part > INK_LEVEL * LOW
    if not mask.any():
        return None
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, first = int(rows[0]), int(columns[0])
    cut = part[top : rows[-1] + 1, first : columns[-1] + 1]
    return Piece(piece.x + left + first, piece.y + top, cut)


def box_in_picture(piece: Piece, ink: Ink, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """x, y, width, height of the piece's ink, in pixels of the picture; `size` is the picture's width and height."""
    y, x = np.nonzero(piece.strength > INK_LEVEL * LOW)
    return around(np.stack([x + piece.x, y + piece.y]), ink, size)


def in_picture(box: Sequence[float], ink: Ink, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """A box (x, y, width, height) of the ink, converted to pixels of the picture; `size` is the picture's width and height."""
    left, top, right, bottom = box[0], box[1], box[0] + box[2] - 1, box[1] + box[3] - 1
    return around(np.array([[left, right, left, right], [top, top, bottom, bottom]]), ink, size)


def around(pixels: NDArray[Any], ink: Ink, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The box, in pixels of the picture, around `pixels` of the ink, x and y (2, N); `size` is the picture's width and height."""
    across, down = ink.to_picture @ np.concatenate([pixels, np.ones((1, pixels.shape[1]))])
    half = np.abs(ink.to_picture[:, :2]).sum(1) / 2 - 0.05
    left, right = int(np.floor(across.min() - half[0] + 0.5)), int(np.ceil(across.max() + half[0] + 0.5))
    top, bottom = int(np.floor(down.min() - half[1] + 0.5)), int(np.ceil(down.max() + half[1] + 0.5))
    left, top = max(0, min(left, size[0] - 1)), max(0, min(top, size[1] - 1))
    return left, top, max(1, min(right, size[0]) - left), max(1, min(bottom, size[1]) - top)
