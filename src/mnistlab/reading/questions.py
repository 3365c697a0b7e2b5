"""Find the places between the digits of a line where strokes alone are ambiguous: a point or a speck, a slash or a leaning 1?

The finder looks only at these places, with the picture scaled so that its digits have the size that the finder was trained on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from mnistlab.reading.finder import SIZES, Found, Network
from mnistlab.reading.ink import HIGH, Ink
from mnistlab.reading.looks import look
from mnistlab.reading.marks import Mark
from mnistlab.reading.paper import INK_LEVEL, Gray, resized
from mnistlab.reading.pieces import in_picture
from mnistlab.reading.windows import Boxes

__all__ = ["Row", "boxes_in_picture", "larger_in_picture", "look_between", "windows"]

LEAST, LOWEST, LONGEST = 0.05, 0.6, 1.0
"""A small stroke's minimum length, and its maximum height and width, in digit heights."""
NEAR = 1.6
"""How far from a digit a small stroke may be, in digit heights."""
BELOW, ABOVE = 0.45, 1.1
"""How far below the digits' feet a small stroke's centre may be, and how far above them, in digit heights."""
HEAD = 0.3
"""Small strokes in the top part of a digit (this share of its height) belong to the digit, like the bar of a 5."""
TALL, LEANING = 1.12, 0.2
"""A 1 may be a slash if it is more than the first number times as high as its line's digits, and leans to the right by more than
the second number of pixels per pixel of height."""
OUTSIZED = 1.2
"""A mark more than this many times as high as the digits of its line may have a comma attached."""
PLAIN, LIKE_OTHERS = 0.999, 1.03
"""A line's last mark may be a percent sign if its probability as a digit is below the first number, or if its height is more
than the second number times the usual height of the line's marks."""
AROUND, OVER = 1.6, 0.6
"""How far beside an ambiguous place, and how far above and below the digits there, the finder looks, in digit heights."""


class Row:
    """The marks of one line, from the left, in the coordinates of their `level_box`.

    Attributes
    ----------
    boxes : float64 (N, 4)
        x, y, width and height of each mark.
    height : float
        The median height of the marks.
    tall : float64 (N,)
        Each mark's height, relative to `height`.
    leaning, slashes : list of int
        The indices of the 1s that lean to the right, and of those among them that are tall enough to be slashes.
    """

    def __init__(self, marks: Sequence[Mark], numbers: Sequence[int]) -> None:
        self.numbers = numbers
        self.marks = [marks[number] for number in numbers]
        self.boxes: Boxes = np.array([mark.level_box for mark in self.marks], np.float64)
        self.height = float(np.median(self.boxes[:, 3]))
        self.tall = self.boxes[:, 3] / self.height
        self.leaning = [n for n, mark in enumerate(self.marks) if mark.label == 1 and lean(mark.image) > LEANING]
        self.slashes = [n for n in self.leaning if self.tall[n] > TALL]

    @property
    def unusual(self) -> list[int]:
        """The indices of the marks that may be a slash or a percent sign, or may have a comma attached."""
        last = len(self.marks) - 1
        asked = {*self.slashes, *np.flatnonzero(self.tall > OUTSIZED).tolist()}
        if self.marks[last].sure < PLAIN or self.tall[last] > LIKE_OTHERS or last in self.leaning:
            asked.add(last)
        return sorted(asked)

    def beside(self, x: float, without: Sequence[int] = ()) -> tuple[int, float] | None:
        """The index of the mark nearest to column `x`, and the mean baseline of the one or two nearest; None if none is near."""
        left, right = self.boxes[:, 0], self.boxes[:, 0] + self.boxes[:, 2]
        apart = np.maximum(np.maximum(left - x, x - right), 0) + 1e-3 * np.abs((left + right) / 2 - x)
        apart[list(without)] = np.inf
        nearest = np.argsort(apart)[:2]
        if not apart[nearest[0]] < NEAR * self.height:
            return None
        close = nearest[apart[nearest] < 2 * NEAR * self.height]
        return int(nearest[0]), float((self.boxes[close, 1] + self.boxes[close, 3]).mean())

    def small_strokes(self, ink: Ink, strokes: Boxes) -> tuple[Boxes, Boxes]:
        """The boxes, in the marks' coordinates, of the strokes that may be signs, rather than dirt or digits.

        Also returns how dark each stroke is at its darkest, float64 (N,), relative to the page's typical ink.
        """
        high, wide = strokes[:, 3] / self.height, strokes[:, 2] / self.height
        middles = strokes[:, :2] + strokes[:, 2:] / 2
        corner, opposite = self.boxes[:, :2].min(0), (self.boxes[:, :2] + self.boxes[:, 2:]).max(0)
        fits = ((middles > corner - NEAR * self.height) & (middles < opposite + NEAR * self.height)).all(1)
        fits &= (np.maximum(high, wide) >= LEAST) & (high < LOWEST) & (wide < LONGEST)
        numbers = [number for number in np.flatnonzero(fits).tolist() if self.asks_about(*middles[number])]
        darkest = np.array([ink.of_stroke(number + 1).max() / INK_LEVEL for number in numbers], np.float64)
        return np.asarray(strokes[numbers][darkest >= HIGH]), darkest[darkest >= HIGH]

    def asks_about(self, x: float, y: float) -> bool:
        """Whether a small stroke at (x, y) may be a sign, rather than dirt or part of a digit."""
        near = self.beside(x)
        if near is None or not -BELOW < (near[1] - y) / self.height < ABOVE:
            return False
        over = self.boxes[(self.boxes[:, 0] <= x) & (x < self.boxes[:, 0] + self.boxes[:, 2])]
        return not ((y > over[:, 1] - 0.05 * self.height) & (y < over[:, 1] + HEAD * over[:, 3])).any()


def lean(image: Gray) -> float:
    """By how many pixels the stroke in an image, uint8 (28, 28), leans to the right per pixel of height."""
    moments = cv2.moments(image)
    return -float(moments["mu11"]) / max(float(moments["mu02"]), 1e-6)


def windows(questions: Boxes, row: Row) -> Iterator[tuple[float, float, float, float]]:
    """The parts of a line to look at (x, y, width, height): one around each of the boxes `questions`, merged if they overlap."""
    spans: list[list[float]] = []
    for x, _, width, _ in sorted(questions.tolist()):
        left, right = x - AROUND * row.height, x + width + AROUND * row.height
        if spans and left < spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], right)
        else:
            spans.append([left, right])
    for left, right in spans:
        near = row.boxes[(row.boxes[:, 0] < right) & (row.boxes[:, 0] + row.boxes[:, 2] > left)]
        top, bottom = near[:, 1].min() - OVER * row.height, (near[:, 1] + near[:, 3]).max() + OVER * row.height
        yield left, top, right - left, bottom - top


def look_between(network: Network, gray: Gray, ink: Ink, window: Sequence[float], height: float) -> list[Found]:
    """The detections in `window` (x, y, width, height), a part of the ink; window and detections are in the ink's coordinates.

    The digits in the window are `height` pixels high in the ink.
    """
    x, y, wide, high = in_picture(window, ink, (gray.shape[1], gray.shape[0]))
    larger = larger_in_picture(ink)
    back = cv2.invertAffineTransform(ink.to_picture)
    scale = SIZES[1] / (height * larger)
    level = look(network, resized(gray[y : y + high, x : x + wide], scale), scale)
    found = []
    for mark in level.found:
        at = back @ (mark.x + x - 0.5, mark.y + y - 0.5, 1)
        size = mark.width / larger, mark.height / larger
        found.append(Found(float(at[0]) + 0.5, float(at[1]) + 0.5, *size, mark.kinds, mark.weight, 0))
    return found


def boxes_in_picture(ink: Ink) -> Boxes:
    """The approximate box of each of the ink's strokes, in pixels of the picture."""
    boxes = ink.strokes.boxes.astype(np.float64)
    sizes = larger_in_picture(ink) * boxes[:, 2:]
    middles = (boxes[:, :2] + boxes[:, 2:] / 2) @ ink.to_picture[:, :2].T + ink.to_picture[:, 2]
    return np.asarray(np.concatenate([middles - sizes / 2, sizes], axis=1))


def larger_in_picture(ink: Ink) -> float:
    """By what factor lengths are larger in the picture than in the ink."""
    return float(np.sqrt(abs(np.linalg.det(ink.to_picture[:, :2]))))
