"""Turn the finder's detections into digits: cut out their ink, have the classifier read it, and combine the networks' answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.classifier import Classifier
from mnistlab.reading.finder import OTHER, Found, Level
from mnistlab.reading.mnist_form import to_mnist_form
from mnistlab.reading.paper import Gray
from mnistlab.reading.pieces import Piece, trimmed

__all__ = ["Spot", "agreed", "spots"]

AROUND = 1.0
"""How far from a digit's centre its ink may be, as a share of its box's sides."""
INSIDE = 0.5
"""Strokes that come this close to a digit's centre, as a share of its box's sides, belong to the digit."""
DOUBT = 0.01
"""The probability that each network leaves to every digit, however sure it is; chosen on generated pages (docs/RESULTS.md)."""
LEAST_INK = 0.4
"""A digit's ink must be taller than this share of the finder's box, or wider than this share of that box's longer side."""
PAPER = 0.8
"""The quantile of the contrast in a digit's box that is taken for the paper's contrast."""
STROKE = 80
"""Ink with a value above this, out of 255, is a stroke."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Spot:
    """A digit that the finder detected, its ink without any other ink, and which digit it may be."""

    found: Found
    piece: Piece
    scale: float
    """The scale of the piece relative to the picture."""
    image: NDArray[np.uint8]
    """uint8 (28, 28): what the classifier saw."""
    probabilities: Floats
    """float32 (10,): the probability of each digit."""
    darkness: float
    """How much darker the digit's ink is than the paper around it."""

    @property
    def sure(self) -> float:
        """The probability of the most probable digit."""
        return float(self.probabilities.max())

    @property
    def is_whole(self) -> bool:
        """Whether the ink is so tall or wide, compared with the finder's box, that it is more than a small part of the digit."""
        high, wide = self.piece.height / self.scale, self.piece.width / self.scale
        return high > LEAST_INK * self.found.height or wide > LEAST_INK * max(self.found.width, self.found.height)

    def box(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """x, y, width, height of the digit's ink, in pixels of the picture; `size` is the picture's width and height."""
        left, top = int(self.piece.x / self.scale), int(self.piece.y / self.scale)
        right = int(np.ceil(self.piece.right / self.scale))
        bottom = int(np.ceil(self.piece.bottom / self.scale))
        left, top = min(max(left, 0), size[0] - 1), min(max(top, 0), size[1] - 1)
        return left, top, max(1, min(right, size[0]) - left), max(1, min(bottom, size[1]) - top)


def spots(
    classifier: Classifier,
    found: Sequence[Found],
    levels: Sequence[Level],
    raise_if_cancelled: Callable[[], None] = lambda: None,
) -> list[Spot]:
    """The digits among the detections, and other marks as large as digits."""
    digits = [mark for mark in found if mark.digit or mark.other]
    pieces = [ink_of(mark, found, levels[mark.level]) for mark in digits]
    pairs = [(mark, piece) for mark, piece in zip(digits, pieces, strict=True) if piece is not None]
    if not pairs:
        return []
    raise_if_cancelled()
    images = np.stack([to_mnist_form(piece) for _, piece in pairs])
    probabilities = classifier.classify(images)[1]
    return [
        Spot(
            mark,
            piece,
            levels[mark.level].scale,
            image,
            together(seen, mark.kinds),
            darkness(piece, levels[mark.level]),
        )
        for (mark, piece), image, seen in zip(pairs, images, probabilities, strict=True)
    ]


def darkness(piece: Piece, level: Level) -> float:
    """How much darker a piece's ink is (at the median) than the paper in the piece's box."""
    seen = level.seen[piece.y : piece.bottom, piece.x : piece.right]
    stroke = piece.strength > STROKE
    return float(np.quantile(seen, PAPER) - np.median(seen[stroke])) if stroke.any() else 0.0


def together(seen: Floats, found: Floats) -> Floats:
    """The probabilities of the classifier, float32 (10,), and the finder, float32 (kinds,), combined into float32 (10,).

    The largest combined probability is lowered if, according to the finder, the mark may be something other than a digit.
    """
    digit, other = float(found[:10].max()), float(found[OTHER])
    both = agreed(seen, found[:10])
    return lessened(both, float(both.max()) * digit / max(digit + other, 1e-6))


def agreed(*opinions: Floats) -> Floats:
    """Several networks' probabilities for one mark, float32 (10,) each, multiplied so that no network alone rules out a digit."""
    product = np.prod([opinion / max(float(opinion.sum()), 1e-6) + DOUBT for opinion in opinions], axis=0)
    return np.asarray(product / product.sum(), np.float32)


def lessened(probabilities: Floats, sure: float) -> Floats:
    """The probabilities, evened out until the largest one is at most `sure`, or until all are equal.

    No two classes swap ranks, and the sum stays 1.
    """
    best, classes = float(probabilities.max()), len(probabilities)
    if best <= max(sure, 1 / classes):
        return probabilities
    share = (max(sure, 1 / classes) - 1 / classes) / (best - 1 / classes)
    return np.asarray(share * probabilities + (1 - share) / classes, np.float32)


def ink_of(mark: Found, others: Sequence[Found], level: Level) -> Piece | None:
    """The ink of one digit, without ink that is closer to another mark; None if no ink is left."""
    high, wide = mark.height, max(mark.width, 0.3 * mark.height)
    rows, columns = level.ink.shape
    scale = level.scale
    left, right = (int(np.clip((mark.x + side * wide) * scale, 0, columns)) for side in (-AROUND, AROUND))
    top, bottom = (int(np.clip((mark.y + side * high) * scale, 0, rows)) for side in (-AROUND, AROUND))
    if right - left < 2 or bottom - top < 2:
        return None
    x, y = (np.arange(left, right) + 0.5) / scale, (np.arange(top, bottom) + 0.5) / scale

    def distance(to: Found) -> Gray:
        across = np.abs(x - to.x) / max(to.width, 0.3 * to.height)
        return np.asarray(np.maximum(across[None, :], (np.abs(y - to.y) / to.height)[:, None]))

    own = distance(mark)
    mine = np.ones(own.shape, bool)
    for other in others:
        near = abs(other.x - mark.x) < wide + other.width and abs(other.y - mark.y) < high + other.height
        if other is not mark and near:
            mine &= own <= distance(other)
    part = (slice(top, bottom), slice(left, right))
    ink = (
        level.ink[part] if mark.digit else np.clip(-level.seen[part] / max(1e-3, -float(level.seen[part].min())), 0, 1)
    )
    mine_alone = (255 * ink * mine).astype(np.uint8)
    return trimmed(Piece(left, top, hanging_together(mine_alone, own < INSIDE)), 0, right - left)


def hanging_together(ink: Gray, inside: NDArray[np.bool_]) -> Gray:
    """The ink, uint8 (h, w), of the strokes that reach into `inside`, bool (h, w); each such stroke is kept whole."""
    count, labels = cv2.connectedComponents((ink > STROKE).astype(np.uint8))
    reaching = np.zeros(count, bool)
    reaching[labels[inside]] = True
    reaching[0] = False
    near = cv2.dilate(reaching[labels].astype(np.uint8), np.ones((3, 3), np.uint8))
    return ink * near
