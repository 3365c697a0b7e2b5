"""The line reader: a network that reads a line of digits as a whole, without first deciding where each digit is.

It sees each digit beside its neighbours, so it reads digits that touch or overlap better than a network that is shown one
digit at a time. It was trained with the connectionist temporal classification (CTC) loss (Graves et al. 2006), and gives,
for each column of the line, the probability of each digit and of no digit ("blank").
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.finder import contrast
from mnistlab.reading.marks import Box, as_rows
from mnistlab.reading.network import FOLDER, BundledNetwork
from mnistlab.reading.paper import Gray

__all__ = ["BLANK", "HEIGHT", "USUAL", "LineReader", "Seen", "Strip", "digits_of", "likelihood", "seen_in", "strip_of"]

HEIGHT = 48
"""The height of a strip in pixels."""
USUAL = 24.0
"""The median height of a strip's digits, in pixels."""
COLUMN = 2
"""The network gives one answer for each column, this many pixels wide."""
MULTIPLE = 4
"""A strip's width is a multiple of this many pixels."""
BLANK = 10
"""The class of a column in which no digit is recognised."""
BESIDE = 1.0
"""How far a strip extends beyond the first and the last digit, in digit heights."""
WIDEST = 0.8
"""A line is compressed horizontally if most of its digits would otherwise be wider than this many digit heights."""
STEEPEST = 0.5
"""The steepest slope that a line is taken to have, in pixels down per pixel to the right; a steeper fit is an accident."""
COARSE, BLUR = 0.8, 0.4
"""A picture to be scaled by less than `COARSE` is blurred first, with the standard deviation `BLUR`, in pixels of the strip."""
OUTSIDE = 0.3
"""How far a strip may extend beyond the picture, in digit heights."""

Floats = NDArray[np.float32]


class LineReader(BundledNetwork):
    """The line reader that comes with mnistlab, run by ONNX Runtime."""

    def __init__(self, path: Path = FOLDER / "lines.onnx", *, threads: int | None = None) -> None:
        super().__init__(path, threads=threads)

    def __call__(self, pixels: Gray) -> Floats:
        """The probabilities of the ten digits and of no digit, float32 (W / 2, 11), in each column of a strip, uint8 (48, W).

        Columns are 2 pixels wide, W is a multiple of 4, and the writing is darker than the paper.
        """
        (classes,) = self.session.run(None, {"contrast": contrast(pixels)[None, None]})
        return np.asarray(classes[0], np.float32)


@dataclass(frozen=True)
class Strip:
    """A line of digits, cut out of a picture, made level and brought to the size that the line reader knows."""

    pixels: Gray
    """The grey levels of the strip, uint8 (48, W)."""
    left: float
    """The x at which the strip begins, in pixels of the picture."""
    scale: float
    """The strip's horizontal scale relative to the picture."""
    level: float
    slope: float
    """The line's middle is at y = `level` + `slope` * x in the picture."""

    def x(self, column: float) -> float:
        """The x of the middle of a column of the network's answer, in pixels of the picture."""
        return self.left + (column + 0.5) * COLUMN / self.scale

    def y(self, x: float) -> float:
        """The y of the line's middle at `x`, in pixels of the picture."""
        return self.level + self.slope * x


def strip_of(picture: Gray, boxes: Sequence[Box]) -> Strip:
    """Cut out the line of the digits in these boxes, with some space before and after; `picture` is uint8 (H, W)."""
    x, y, width, height = as_rows(boxes).T
    usual, middle_x, middle_y = float(np.median(height)), x + width / 2, y + height / 2
    spread = middle_x - middle_x.mean()
    is_long = len(boxes) > 2 and spread @ spread > usual**2
    slope = float(np.clip(spread @ middle_y / (spread @ spread), -STEEPEST, STEEPEST)) if is_long else 0.0
    level, scale = float(np.median(middle_y - slope * middle_x)), USUAL / usual
    left = max(float(x.min()) - BESIDE * usual, -OUTSIDE * usual)
    right = min(float((x + width).max()) + BESIDE * usual, picture.shape[1] + OUTSIDE * usual)
    across = scale * min(1.0, WIDEST / float(np.quantile(width / height, 0.25)))
    wide = MULTIPLE * int(np.ceil((right - left) * across / MULTIPLE))
    half = HEIGHT / 2 / scale
    ends = (level + slope * left, level + slope * right)
    top, bottom = (int(np.clip(y, 0, len(picture))) for y in (min(ends) - half - 2, max(ends) + half + 3))
    first, last = (int(np.clip(x, 0, picture.shape[1])) for x in (left - 2, right + 3))
    part = np.ascontiguousarray(picture[top:bottom, first:last])
    if scale < COARSE:  # blurred first, because warpAffine looks at only four pixels
        part = np.asarray(cv2.GaussianBlur(part, (0, 0), BLUR / scale), np.uint8)
    back = np.array([[1 / across, 0, left - first], [slope / across, 1 / scale, ends[0] - half - top]])
    pixels = cv2.warpAffine(
        part, back, (wide, HEIGHT), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    return Strip(np.asarray(pixels, np.uint8), left, across, level, slope)


class Seen(NamedTuple):
    """A digit that the line reader saw."""

    label: int
    x: float
    """The x of the middle of the digit's columns, in pixels of the picture."""
    opinion: Floats
    """float32 (10,): the probability of each class if there is a digit; the ten probabilities sum to 1."""
    there: float
    """The probability, 0 to 1, that there is a digit at `x`."""


def seen_in(classes: Floats, strip: Strip) -> list[Seen]:
    """The digits, from left to right, in `classes`, the network's answer: float32 (W / 2, 11)."""
    seen = []
    for digit, first, end in digits_of(classes):
        opinion = classes[first:end, :BLANK].sum(0)
        there = 1 - float(classes[first:end, BLANK].min())
        seen.append(Seen(digit, strip.x((first + end - 1) / 2), opinion / opinion.sum(), there))
    return seen


def digits_of(classes: Floats) -> list[tuple[int, int, int]]:
    """Each digit in `classes`, the network's answer, float32 (W / 2, 11), with its first column and the column after its last.

    This is greedy decoding: the most probable class of each column counts, repeats in neighbouring columns are merged, and
    columns of the class `BLANK` are dropped.
    """
    best = np.append(classes.argmax(1), BLANK)
    starts = np.flatnonzero(np.diff(best, prepend=BLANK)).tolist()
    return [(int(best[first]), first, end) for first, end in itertools.pairwise(starts) if best[first] != BLANK]


def likelihood(classes: Floats, labels: Sequence[int]) -> float:
    """The log-probability that `classes`, the network's answer, float32 (W / 2, 11), gives to exactly these digits.

    The forward algorithm of CTC adds up the probabilities of all ways to spread the digits over the columns.
    """
    log = np.log(np.maximum(classes, 1e-9))
    path = np.array([BLANK, *(value for label in labels for value in (label, BLANK))])
    skips = np.zeros(len(path), bool)
    skips[2:] = (path[2:] != BLANK) & (path[2:] != path[:-2])
    at = np.full(len(path), -np.inf)
    at[:2] = log[0, path[:2]]
    for column in log[1:]:
        after = at.copy()
        after[1:] = np.logaddexp(after[1:], at[:-1])
        after[2:] = np.where(skips[2:], np.logaddexp(after[2:], at[:-2]), after[2:])
        at = after + column[path]
    return float(np.logaddexp(at[-1], at[-2])) if len(path) > 1 else float(at[-1])
