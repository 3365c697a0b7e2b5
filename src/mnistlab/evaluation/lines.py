"""Turn a line reader's answers into digits, and count how many of these are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.evaluation.result import BINS, Evaluation
from mnistlab.networks.line_reader import CLASSES
from mnistlab.papers.strips import Strip
from mnistlab.reading.line_reader import BLANK, digits_of

__all__ = ["Counting", "LineEvaluation", "Seen", "alignment", "read_columns"]

SHOWN, SHOWN_WRONG = 15, 9
"""How many of the first strips an evaluation keeps for its picture, and the maximum number of misread ones kept after these."""


@dataclass(frozen=True)
class Seen:
    """A strip, its index among all strips, and what was read on it."""

    index: int
    strip: Strip
    read: str


@dataclass(frozen=True)
class LineEvaluation(Evaluation):
    """The results of a line reader on the strips of a split, in counts.

    An example is a strip: `total` counts the strips, and `correct` those on which all digits and nothing else were read. The
    confusion matrix counts digits, after each strip's text and what was read on the strip have been aligned with the fewest
    errors. Its last class is "nothing": that class's row counts what was read where there is no digit, and its column counts
    the digits that were left out.

    Attributes
    ----------
    strips : int
        The number of strips.
    wrong : tuple of (int, str, str)
        The index of each misread strip, its text, and what was read.
    seen : tuple of Seen
        The strips to draw, with what was read on them: the first ones, then the first misread ones among the others.
    """

    strips: int = 0
    wrong: tuple[tuple[int, str, str], ...] = ()
    seen: tuple[Seen, ...] = ()

    @property
    def total(self) -> int:
        """The number of strips."""
        return self.strips

    @property
    def correct(self) -> int:
        """How many strips were read exactly right."""
        return self.strips - len(self.wrong)

    @property
    def digits(self) -> int:
        """The number of digits on the strips."""
        return int(self.confusion[:BLANK].sum())

    @property
    def wrong_digits(self) -> int:
        """How many digits were misread, left out or added: the sum over the strips of the edit distance from text to reading."""
        return int(self.confusion.sum() - self.confusion.trace())

    @property
    def character_error_rate(self) -> float:
        """`wrong_digits / digits`; it can be above 1 if many more digits were read than there are."""
        return self.wrong_digits / max(1, self.digits)

    def score(self) -> dict[str, Any]:
        """`Evaluation.score` with `digits`, `wrong_digits` and `character_error_rate` added."""
        more = {"digits": self.digits, "wrong_digits": self.wrong_digits}
        return {**super().score(), **more, "character_error_rate": self.character_error_rate}

    def to_dict(self) -> dict[str, Any]:
        """Everything in plain types, as in test.json. Each mistake is a misread strip."""
        mistakes = [{"index": index, "label": text, "predicted": read} for index, text, read in self.wrong]
        return {**super().to_dict(), "mistakes": mistakes}


def read_columns(columns: NDArray[np.float32]) -> list[tuple[int, float]]:
    """The digits of a strip from left to right, each with its probability; `columns` holds the classes' probabilities, (W/2, 11).

    A digit's probability is the highest that any of its columns gives it.
    """
    return [(digit, float(columns[first:end, digit].max())) for digit, first, end in digits_of(columns)]


def alignment(text: Sequence[int], read: Sequence[int]) -> list[tuple[int | None, int | None]]:
    """Pairs of indices of digits, one in `text` and one in `read`, aligned with the fewest errors; None for a missing partner."""
    costs = np.zeros((len(text) + 1, len(read) + 1), np.int64)
    costs[:, 0], costs[0] = np.arange(len(text) + 1), np.arange(len(read) + 1)
    for i, own in enumerate(text, 1):
        for j, other in enumerate(read, 1):
            costs[i, j] = min(costs[i - 1, j - 1] + (own != other), costs[i - 1, j] + 1, costs[i, j - 1] + 1)
    pairs: list[tuple[int | None, int | None]] = []
    i, j = len(text), len(read)
    while i or j:
        if i and j and costs[i, j] == costs[i - 1, j - 1] + (text[i - 1] != read[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif i and costs[i, j] == costs[i - 1, j] + 1:
            i -= 1
            pairs.append((i, None))
        else:
            j -= 1
            pairs.append((None, j))
    return pairs[::-1]


class Counting:
    """Adds up the counts of an evaluation, strip by strip."""

    def __init__(self) -> None:
        self.confusion = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
        self.bins = np.zeros((BINS, 3))
        self.wrong: list[tuple[int, str, str]] = []
        self.seen: list[Seen] = []
        self.strips = 0
        self.loss_sum = 0.0

    def add(self, strip: Strip, digits: Sequence[tuple[int, float]]) -> None:
        """Count what was read on a strip, as `read_columns` returns it."""
        text, read = [int(digit) for digit in strip.text], [kind for kind, _ in digits]
        for own, other in alignment(text, read):
            true, found = BLANK if own is None else text[own], BLANK if other is None else read[other]
            self.confusion[true, found] += 1
            if other is not None:
                probability = digits[other][1]
                self.bins[min(int(probability * BINS), BINS - 1)] += (1, true == found, probability)
        told = "".join(map(str, read))
        if told != strip.text:
            self.wrong.append((self.strips, strip.text, told))
        if len(self.seen) < SHOWN or (told != strip.text and len(self.seen) < SHOWN + SHOWN_WRONG):
            self.seen.append(Seen(self.strips, strip, told))
        self.strips += 1

    def evaluation(self, split: str) -> LineEvaluation:
        """The evaluation that consists of the counts so far."""
        return LineEvaluation(
            split, CLASSES, self.confusion, self.loss_sum, self.bins, (), strips=self.strips, wrong=tuple(self.wrong),
            seen=tuple(self.seen),
        )  # fmt: skip
