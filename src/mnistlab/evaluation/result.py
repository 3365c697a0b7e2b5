"""The results of a model on a split, and the counting of a classifier's right and wrong answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import rounded
from mnistlab.evaluation.by_writer import count_by_writer, interval_by_writer

__all__ = ["Evaluation", "Mistake"]


BINS = 15
"""The number of confidence bins of the calibration error, as in Guo et al. 2017."""


@dataclass(frozen=True)
class Mistake:
    """One example that was misread."""

    index: int
    """The example's index in the split, from 0."""
    label: int
    predicted: int
    probability: float
    """The probability of the predicted class, 0 to 1."""
    label_probability: float
    """The probability of the label, 0 to 1."""
    label_known_wrong: bool
    """Whether the dataset lists this label as wrong."""
    image: NDArray[np.uint8]
    """The image, of shape (H, W), as in the dataset."""


@dataclass(frozen=True)
class Evaluation:
    """The results of a model on a split, in counts; the fractions are derived from them. `Evaluation.of` does the counting.

    Attributes
    ----------
    split : {"val", "val-random", "test"}
    classes : tuple of str
        Names of the classes, in the order of the labels.
    confusion : ndarray of int64, shape (classes, classes)
        How often each label (row) was read as each class (column).
    loss_sum : float
        Cross-entropy in nats, summed over the examples.
    confidence_bins : ndarray of float64, shape (15, 3)
        For each fifteenth of the confidence range, how many examples are in it, how many of them were read correctly, and the
        sum of the confidences of all these examples.
    mistakes : tuple of Mistake
        The misread examples, in the order of the split; empty if `Evaluation.of` was given no images.
    by_writer : ndarray of int64, shape (writers, 3), or None
        Each writer's number, how many examples the writer wrote, and how many of them were read correctly; None if the
        writers are not known.
    corrected : (int, int) or None
        How many predictions are right by the corrected labels, and out of how many; examples without a right label are left
        out. None if no label is known to be wrong.
    """

    split: str
    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    loss_sum: float
    confidence_bins: NDArray[np.float64]
    mistakes: tuple[Mistake, ...]
    by_writer: NDArray[np.int64] | None = None
    corrected: tuple[int, int] | None = None

    @staticmethod
    def of(
        split: str,
        classes: Sequence[str],
        probabilities: NDArray[np.float32],
        labels: NDArray[np.int64],
        *,
        loss_sum: float | None = None,
        images: NDArray[np.uint8] | None = None,
        corrected: Mapping[int, int | None] | None = None,
        writers: NDArray[np.int16] | None = None,
    ) -> Evaluation:
        """Count how many of a model's answers are right.

        Parameters
        ----------
        split : {"val", "val-random", "test"}
        classes : sequence of str
            Names of the classes, in the order of the labels.
        probabilities : ndarray of float32, shape (N, classes)
            Each row sums to 1; the prediction is the most probable class.
        labels : ndarray of int64, shape (N,)
            The label of each example, from 0.
        loss_sum : float, optional
            The summed cross-entropy in nats, if it is known from the logits. Otherwise, it is computed from the probabilities;
            float32's smallest normal number (a loss of 87 nats) replaces any smaller probability.
        images : ndarray of uint8, shape (N, H, W), optional
            The images, for the list of mistakes.
        corrected : mapping, optional
            By index, the right label of each example whose label is known to be wrong; None for an example without a right label.
        writers : ndarray of int16, shape (N,), optional
            Who wrote each example.
        """
        wrong_labels = corrected or {}
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
                label_known_wrong=index in wrong_labels,
                image=images[index],
            )
            for index in np.flatnonzero(predicted != labels).tolist()
        ]  # fmt: skip
        return Evaluation(
            split, tuple(classes), confusion, loss_sum, bins, tuple(mistakes),
            by_writer=None if writers is None else count_by_writer(writers, predicted == labels),
            corrected=count_corrected(predicted, labels, wrong_labels) if wrong_labels else None,
        )  # fmt: skip

    @property
    def total(self) -> int:
        """How many examples there are."""
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        """The number of predictions that equal their example's label."""
        return int(self.confusion.trace())

    @property
    def accuracy(self) -> float:
        """`correct / total`, 0 to 1."""
        return self.correct / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy (Wilson 1927), with each example counted as an independent trial.

        scipy.stats can compute this interval too, but importing scipy.stats takes as long as the rest of an evaluation.
        """
        z, n, p = NormalDist().inv_cdf(0.975), self.total, self.accuracy
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2) / (1 + z * z / n)
        return max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half))  # rounding must not leave p outside

    @property
    def interval_by_writer(self) -> tuple[float, float] | None:
        """95 % interval of the accuracy on other writers' examples; the interval takes into account that the examples of one
        writer are alike (see `mnistlab.evaluation.by_writer`); None if the writers are not known.
        """
        return None if self.by_writer is None else interval_by_writer(self.by_writer)

    @property
    def mean_loss(self) -> float:
        """Mean cross-entropy in nats."""
        return self.loss_sum / self.total

    @property
    def precision(self) -> list[float | None]:
        """For each class, the fraction of right answers among the examples read as this class; None if no example was."""
        return fractions(self.confusion.diagonal(), self.confusion.sum(axis=0))

    @property
    def recall(self) -> list[float | None]:
        """For each class, the fraction of its examples that were read as this class; None for a class without examples."""
        return fractions(self.confusion.diagonal(), self.confusion.sum(axis=1))

    @property
    def calibration_error(self) -> float:
        """Expected calibration error, 0 to 1 (Guo et al. 2017): distance of confidence from accuracy, averaged over answers."""
        answers = max(1.0, float(self.confidence_bins[:, 0].sum()))
        return float(np.abs(self.confidence_bins[:, 1] - self.confidence_bins[:, 2]).sum() / answers)

    def score(self) -> dict[str, Any]:
        """The fields of the command line's JSON: `correct`, `total`, `accuracy`, `interval`, `interval_by_writer`, and
        `corrected`, which holds the first three again, but by the corrected labels (None if there are no such labels).
        """
        right, of = self.corrected or (0, 0)
        return {
            "correct": self.correct,
            "total": self.total,
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "interval_by_writer": list(found) if (found := self.interval_by_writer) else None,
            "corrected": {"correct": right, "total": of, "accuracy": right / of} if of else None,
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything in plain types, as in test.json, with the mistakes but not their images."""
        return {
            "split": self.split,
            **self.score(),
            "mean_loss": self.mean_loss,
            "calibration_error": self.calibration_error,
            "classes": list(self.classes),
            "precision": self.precision,
            "recall": self.recall,
            "confusion": self.confusion.tolist(),
            "writers": None if self.by_writer is None else self.by_writer.tolist(),
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


def count_corrected(
    predicted: NDArray[np.int64], labels: NDArray[np.int64], corrected: Mapping[int, int | None]
) -> tuple[int, int]:
    """How many predictions are right by the corrected labels, and out of how many."""
    right, known = predicted == labels, np.ones(len(labels), np.bool_)
    for index, label in corrected.items():
        if index >= len(labels):  # the loader left out the last examples
            continue
        known[index] = label is not None
        right[index] = predicted[index] == label
    return int((right & known).sum()), int(known.sum())


def fractions(parts: NDArray[np.int64], wholes: NDArray[np.int64]) -> list[float | None]:
    return [int(part) / int(whole) if whole else None for part, whole in zip(parts, wholes, strict=True)]
