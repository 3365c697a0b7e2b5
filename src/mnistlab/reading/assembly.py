"""From pieces to digits: joining what belongs together, cutting what touches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mnistlab.reading.pieces import Piece

from mnistlab.reading.ink import LOW
from mnistlab.reading.paper import INK_LEVEL
from mnistlab.reading.pieces import Piece, trimmed

__all__ = ["cuts", "join"]

MOST_TRIES = 600
"""Ways to join or cut pieces that are tried at a time: a page full of specks has no end of them."""


@dataclass(frozen=True)
class Unit:
    """A piece, as the network sees it."""

    piece: Piece
    image: NDArray[np.uint8]
    probabilities: NDArray[np.float32]

    @property
    def sure(self) -> float:
        """The largest probability."""
        return float(self.probabilities.max())


def inside(first: Piece, second: Piece) -> bool:
    """Whether most of the smaller one's box lies in the other's."""
    width = min(first.right, second.right) - max(first.x, second.x)
    height = min(first.bottom, second.bottom) - max(first.y, second.y)
    smaller = min(first.width * first.height, second.width * second.height)
    return width > 0 and height > 0 and width * height >= 0.7 * smaller


def neighbours(pieces: list[Piece], size: float) -> list[tuple[int, int]]:
    """Pairs so near that they may be parts of one digit: together they are not much larger than the others."""
    x = np.array([p.x for p in pieces])
    y = np.array([p.y for p in pieces])
    right = np.array([p.right for p in pieces])
    bottom = np.array([p.bottom for p in pieces])
    pairs = []
    for a in range(len(pieces)):
        others = np.arange(a + 1, len(pieces))
        gap_x = np.maximum(x[others], x[a]) - np.minimum(right[others], right[a])
        gap_y = np.maximum(y[others], y[a]) - np.minimum(bottom[others], bottom[a])
        wide = np.maximum(right[others], right[a]) - np.minimum(x[others], x[a])
        tall = np.maximum(bottom[others], bottom[a]) - np.minimum(y[others], y[a])
        near = (gap_x < 0.22 * size) & (gap_y < 0.3 * size) & (wide < 1.35 * size) & (tall < 1.5 * size)
        # Two of full height beside each other are two digits, unless their boxes overlap.
        # One above the other, almost touching, they may be a whole digit cut in two, with nothing to tell its size by.
        narrower = np.minimum(right[others] - x[others], right[a] - x[a])
        near |= (gap_x < -0.3 * narrower) & (gap_y < 0.15 * size) & (wide < 2 * size) & (tall < 2.4 * size)
        shorter = np.minimum(bottom[others] - y[others], bottom[a] - y[a])
        near &= (shorter < 0.75 * size) | (gap_x < 0.02 * size)
        near &= np.maximum(bottom[others] - y[others], bottom[a] - y[a]) >= 0.35 * size  # two specks are no digit
        pairs += [(a, int(b)) for b in others[near]]
    return pairs[:MOST_TRIES]


THICKEST_CUT = 0.6
"""Of a piece's height: touching digits do not hang together by more ink than that."""


def join(first: Piece, second: Piece) -> Piece:
    """Both as one."""
    x, y = min(first.x, second.x), min(first.y, second.y)
    both = np.zeros((max(first.bottom, second.bottom) - y, max(first.right, second.right) - x), np.uint8)
    for piece in (first, second):
        part = both[piece.y - y : piece.bottom - y, piece.x - x : piece.right - x]
        np.maximum(part, piece.strength, out=part)
    return Piece(x, y, both)


def cuts(piece: Piece, most: int = 6) -> list[tuple[Piece, Piece]]:
    """Ways to cut a piece into a left and a right one, where its strokes are thinnest, the best first."""
    mask = piece.strength > INK_LEVEL * LOW
    columns = mask.sum(0).astype(np.float32)
    width, height = piece.width, piece.height
    low, high = int(0.2 * width), int(0.8 * width)
    if high - low < 3:
        return []
    smooth = np.convolve(columns, np.ones(3) / 3, "same")
    chosen: list[int] = []
    for column in low + np.argsort(smooth[low:high], kind="stable"):
        if smooth[column] > THICKEST_CUT * height:  # a blot, and no two digits that touch
            break
        if all(abs(int(column) - c) >= max(2, 0.08 * height) for c in chosen):
            chosen.append(int(column))
        if len(chosen) == most:
            break
    found = []
    for column in chosen:
        left, right = trimmed(piece, 0, column), trimmed(piece, column, width)
        if left is not None and right is not None:
            found.append((left, right))
    return found
