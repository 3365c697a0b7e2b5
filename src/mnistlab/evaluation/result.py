"""What a model did on a split: the one place where right and wrong are counted."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
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
    """One example that was read wrongly."""

    index: int
    """Its place in the split, from 0."""
    label: int
    predicted: int
    probability: float
    """The predicted class's, 0 to 1."""
    label_probability: float
    """The label's, 0 to 1."""
    label_known_wrong: bool
    """Whether the dataset lists this label as wrong."""
    image: NDArray[np.uint8]
    """Shape (H, W), as the dataset has it."""


@dataclass(frozen=True)
class Evaluation:
    """What a model did on a split, in counts; the fractions are derived from them. `Evaluation.of` counts."""

    split: str
    """"val" or "test"."""
    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    """How often each label (row) was read as each class (column), shape (classes, classes)."""
    loss_sum: float
    """Cross-entropy in nats, summed over the examples."""
    confidence_bins: NDArray[np.float64]
    """For each fifteenth of the confidence range the examples in it, how many were right, and the sum of their confidences:
    shape (15, 3)."""
    mistakes: tuple[Mistake, ...]
    """In the order of the split; empty where `of` was given no images."""

    @staticmethod
    def of(
        split: str,
        classes: Sequence[str],
        probabilities: NDArray[np.float32],
        labels: NDArray[np.int64],
        *,
        loss_sum: float | None = None,
        images: NDArray[np.uint8] | None = None,
        known_wrong: Collection[int] = (),
    ) -> Evaluation:
        """Count what a model's answers got right.

        Parameters
        ----------
        split : "val" or "test"
        classes : names of the classes
        probabilities : float32 (N, classes), each row with the sum 1; the prediction is the most probable class
        labels : int64 (N,), from 0
        loss_sum : the cross-entropy in nats, summed, where it is known from the logits. Left out, it is computed from the
            probabilities, none of them below float32's smallest number (87 nats)
        images : uint8 (N, H, W), for the list of the mistakes
        known_wrong : indices of examples whose label is known to be wrong

        """
        predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
        confusion = np.zeros((len(classes), len(classes)), np.int64)
        np.add.at(confusion, (labels, predicted), 1)
        bins = np.zeros((BINS, 3))
        which = np.minimum((confidence * BINS).astype(int), BINS - 1)
        for column, values in enumerate((np.ones_like(confidence), predicted == labels, confidence)):
            np.add.at(bins[:, column], which, values)
        of_labels = probabilities[np.arange(len(labels)), labels]
        if loss_sum is None:
            loss_sum = float(-np.log(np.maximum(of_labels, np.finfo(np.float32).tiny)).sum())
        mistakes = [] if images is None else [
            Mistake(
                index=index,
                label=int(labels[index]),
                predicted=int(predicted[index]),
                probability=float(confidence[index]),
                label_probability=float(of_labels[index]),
                label_known_wrong=index in known_wrong,
                image=images[index],
            )
            for index in np.flatnonzero(predicted != labels).tolist()
        ]  # fmt: skip
        return Evaluation(split, tuple(classes), confusion, loss_sum, bins, tuple(mistakes))

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
        """For each class, the fraction of what was read as it that was it; None where nothing was read as it."""
        return fractions(self.confusion.diagonal(), self.confusion.sum(axis=0))

    @property
    def recall(self) -> list[float | None]:
        """For each class, the fraction of its examples that were read as it; None where it has none."""
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
