"""Assemble pieces of ink into digits: join parts of digits, and cut touching digits apart, where the classifier prefers that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.classifier import Classifier
from mnistlab.reading.ink import LOW
from mnistlab.reading.layout import typical_height
from mnistlab.reading.mnist_form import to_mnist_form
from mnistlab.reading.paper import INK_LEVEL
from mnistlab.reading.pieces import Piece, trimmed

__all__ = ["Unit", "assemble", "look"]

MOST_TRIES = 600
"""At most this many ways of joining pieces, or of cutting them, are tried in one pass: a page of specks offers countless ways."""
THICKEST_CUT = 0.6
"""The most ink that a cut may cross, as a fraction of the piece's height: touching digits share no more than that."""


@dataclass(frozen=True)
class Unit:
    """A piece of ink, its image in MNIST's form, uint8 (28, 28), and the classifier's probabilities, float32 (classes,)."""

    piece: Piece
    image: NDArray[np.uint8]
    probabilities: NDArray[np.float32]

    @property
    def sure(self) -> float:
        """The probability of the most likely class."""
        return float(self.probabilities.max())


def assemble(
    classifier: Classifier, pieces: Sequence[Piece], raise_if_cancelled: Callable[[], None] = lambda: None
) -> list[Unit]:
    """The pieces as digits: parts are joined, touching digits are cut apart, and pieces too small to be digits are left out."""
    units = look(classifier, pieces)
    for _ in range(3):
        raise_if_cancelled()
        size = typical_height([unit.piece.box for unit in units])
        joined = join_parts(classifier, units, size)
        if len(joined) == len(units):
            break
        units = joined
    size = typical_height([unit.piece.box for unit in units])
    units = [u for u in units if u.piece.height >= 0.38 * size or u.piece.width >= 0.8 * size]
    for _ in range(3):
        raise_if_cancelled()
        cut = cut_touching(classifier, units, size)
        if len(cut) == len(units):
            break
        units = cut
    return [u for u in units if u.piece.height >= 0.38 * size]


def look(classifier: Classifier, pieces: Sequence[Piece]) -> list[Unit]:
    """Each piece with its image and the classifier's answer."""
    if not pieces:
        return []
    images = np.stack([to_mnist_form(piece) for piece in pieces])
    return [Unit(*parts) for parts in zip(pieces, images, classifier.classify(images)[1], strict=True)]


def join_parts(classifier: Classifier, units: list[Unit], size: float) -> list[Unit]:
    """In one pass, join neighbouring units that look more like a digit together than apart."""
    pairs = neighbours([unit.piece for unit in units], size)
    unions = look(classifier, [join(units[a].piece, units[b].piece) for a, b in pairs])
    gains = []
    for k, ((a, b), union) in enumerate(zip(pairs, unions, strict=True)):
        gains.append(union.sure - min(sureness(units[a], size), sureness(units[b], size)))
        if inside(units[a].piece, units[b].piece):  # a part of the larger one, or a speck
            larger = max(units[a], units[b], key=lambda unit: unit.piece.width * unit.piece.height)
            gains[k] = 1 + union.sure
            unions[k] = union if union.sure >= 0.8 * larger.sure else larger
    gone: set[int] = set()
    new = []
    for n in np.argsort(gains)[::-1]:
        a, b = pairs[n]
        if gains[n] > 0 and unions[n].sure > 0.5 and not {a, b} & gone:
            gone |= {a, b}
            new.append(unions[n])
    return [unit for n, unit in enumerate(units) if n not in gone] + new


def neighbours(pieces: list[Piece], size: float) -> list[tuple[int, int]]:
    """Pairs of pieces, as indices, that may be parts of one digit: close together and, if joined, not much larger than `size`."""
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
        # Two pieces of full height side by side are two digits, unless their boxes overlap. Two pieces that almost touch,
        # one above the other, may be the halves of a digit; if other digits are in halves too, `size` is the size of a half.
        narrower = np.minimum(right[others] - x[others], right[a] - x[a])
        near |= (gap_x < -0.3 * narrower) & (gap_y < 0.15 * size) & (wide < 2 * size) & (tall < 2.4 * size)
        shorter = np.minimum(bottom[others] - y[others], bottom[a] - y[a])
        near &= (shorter < 0.75 * size) | (gap_x < 0.02 * size)
        near &= np.maximum(bottom[others] - y[others], bottom[a] - y[a]) >= 0.35 * size  # two specks are not a digit
        pairs += [(a, int(b)) for b in others[near]]
    return pairs[:MOST_TRIES]


def inside(first: Piece, second: Piece) -> bool:
    """Whether most of the smaller piece's box lies in the other's box."""
    width = min(first.right, second.right) - max(first.x, second.x)
    height = min(first.bottom, second.bottom) - max(first.y, second.y)
    smaller = min(first.width * first.height, second.width * second.height)
    return width > 0 and height > 0 and width * height >= 0.7 * smaller


def sureness(unit: Unit, size: float) -> float:
    """How much a unit by itself looks like a digit, 0 to 1: low for units much smaller than `size`, the usual height."""
    small = max(unit.piece.height, 0.6 * unit.piece.width) / size
    return unit.sure * min(1.0, max(0.0, small / 0.6 - 0.3))


def join(first: Piece, second: Piece) -> Piece:
    """The two pieces as one."""
    x, y = min(first.x, second.x), min(first.y, second.y)
    both = np.zeros((max(first.bottom, second.bottom) - y, max(first.right, second.right) - x), np.uint8)
    for piece in (first, second):
        part = both[piece.y - y : piece.bottom - y, piece.x - x : piece.right - x]
        np.maximum(part, piece.strength, out=part)
    return Piece(x, y, both)


def cut_touching(classifier: Classifier, units: list[Unit], size: float) -> list[Unit]:
    """In one pass, cut each unit that is wide enough for two digits, if both halves look more like digits than the unit does."""
    wide = [
        n
        for n, unit in enumerate(units)
        if (unit.piece.width > 1.15 * unit.piece.height and unit.piece.width > 0.8 * size)
        or (unit.sure < 0.8 and unit.piece.width > 0.75 * size)
    ]
    ways = [(n, pair) for n in wide[: MOST_TRIES // 6] for pair in cuts(units[n].piece)]
    halves = look(classifier, [half for _, pair in ways for half in pair])
    best: dict[int, tuple[float, list[Unit]]] = {}
    for k, (n, _) in enumerate(ways):
        left, right = halves[2 * k : 2 * k + 2]
        score = min(sureness(left, size), sureness(right, size))
        enough = max(units[n].sure, 0.5)
        if units[n].piece.width <= 1.15 * units[n].piece.height:  # a single digit may be that wide
            enough = max(units[n].sure + 0.2, 0.85)
        if score > enough and score > best.get(n, (0.0, []))[0]:
            best[n] = (score, [left, right])
    return [part for n, unit in enumerate(units) for part in (best[n][1] if n in best else [unit])]


def cuts(piece: Piece, most: int = 6) -> list[tuple[Piece, Piece]]:
    """Up to `most` ways to cut a piece into a left and a right part, at columns with little ink, best first."""
    mask = piece.strength > INK_LEVEL * LOW
    columns = mask.sum(0).astype(np.float32)
    width, height = piece.width, piece.height
    low, high = int(0.2 * width), int(0.8 * width)
    if high - low < 3:
        return []
    smooth = np.convolve(columns, np.ones(3) / 3, "same")
    chosen: list[int] = []
    for column in low + np.argsort(smooth[low:high], kind="stable"):
        if smooth[column] > THICKEST_CUT * height:  # a blot, not two touching digits
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
