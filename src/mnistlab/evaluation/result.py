"""What a model did on a split, in counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import rounded

__all__ = ["Evaluation", "Mistake"]


BINS = 15
"""Confidence bins of the calibration error, as in Guo et al. 2017."""


@dataclass(frozen=True)
class Mistake:
    """One example that was read wrongly; probabilities are 0 to 1, the image is uint8 (H, W)."""

    index: int
    label: int
    predicted: int
    probability: float
    label_probability: float
    label_known_wrong: bool
    image: NDArray[np.uint8]


@dataclass(frozen=True)
class Evaluation:
    """What a model did on a split, in counts; fractions are derived from them.

    `confusion` is int64 (classes, classes), rows the labels, columns the predictions. `confidence_bins` is float64
    (15, 3): for each fifteenth of the confidence range the examples in it, how many were right, their summed confidence.
    `loss_sum` is the cross-entropy summed over the examples, in nats.
    """

    split: str
    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    loss_sum: float
    confidence_bins: NDArray[np.float64]
    mistakes: tuple[Mistake, ...]

    @property
    def total(self) -> int:
        """Examples seen."""
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        """Examples whose prediction is their label."""
        return int(self.confusion.trace())

    @property
    def accuracy(self) -> float:
        """`correct / total`, 0 to 1."""
        return self.correct / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """The accuracy's 95 % interval (Wilson 1927): what other test sets of this size would give.

        scipy.stats has it too, and takes as long to import as all the rest of an evaluation.
        """
        z, n, p = NormalDist().inv_cdf(0.975), self.total, self.accuracy
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2) / (1 + z * z / n)
        return max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half))  # rounding must not leave p outside

    @property
    def mean_loss(self) -> float:
        """Mean cross-entropy in nats."""
        return self.loss_sum / self.total

    @property
    def precision(self) -> list[float | None]:
        """By class: of what was read as it, the fraction that was it; None where nothing was."""
        return fractions(self.confusion.diagonal(), self.confusion.sum(axis=0))

    @property
    def recall(self) -> list[float | None]:
        """By class: of what was it, the fraction that was read as it; None where there was none."""
        return fractions(self.confusion.diagonal(), self.confusion.sum(axis=1))

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: mean distance of confidence from accuracy over the bins, 0 to 1 (Guo et al. 2017)."""
        return float(np.abs(self.confidence_bins[:, 1] - self.confidence_bins[:, 2]).sum() / self.total)

    def score(self) -> dict[str, Any]:
        """`correct`, `total`, `accuracy` and `interval`: the keys that the command line's JSON promises."""
        return {
            "correct": self.correct,
            "total": self.total,
            "accuracy": self.accuracy,
            "interval": list(self.interval),
        }

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain types, as test.json holds it; the mistakes without their images."""
        return {
            "split": self.split,
            **self.score(),
            "mean_loss": self.mean_loss,
            "calibration_error": self.calibration_error,
            "classes": list(self.classes),
            "precision": self.precision,
            "recall": self.recall,
            "confusion": self.confusion.tolist(),
            "mistakes": [
                {
                    "index": m.index,
                    "label": m.label,
                    "predicted": m.predicted,
                    "probability": rounded(m.probability, 6),
                    "label_probability": rounded(m.label_probability, 6),
                    "label_known_wrong": m.label_known_wrong,
                }
                for m in self.mistakes
            ],
        }


def fractions(parts: NDArray[np.int64], wholes: NDArray[np.int64]) -> list[float | None]:
    return [int(part) / int(whole) if whole else None for part, whole in zip(parts, wholes, strict=True)]


def add_to_bins(bins: NDArray[np.float64], confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> None:
    which = np.minimum((confidence * BINS).astype(int), BINS - 1)
    for column, values in enumerate((np.ones_like(confidence), right.astype(float), confidence)):
        np.add.at(bins[:, column], which, values)
