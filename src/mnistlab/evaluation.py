"""A model and a split in, an honest account of what it got right out: counts first, division last."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from mnistlab.checkpoints import load_model
from mnistlab.datasets import open_dataset
from mnistlab.devices import pick_device
from mnistlab.errors import Failure, UserError
from mnistlab.loader import MNISTDataLoader, Split
from mnistlab.model import evaluating
from mnistlab.runs import Run, find_run
from mnistlab.wording import counted, rounded

__all__ = ["Evaluation", "Mistake", "evaluate", "evaluate_run"]

logger = logging.getLogger("mnistlab.evaluation")

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


def evaluate(model: nn.Module, loader: MNISTDataLoader) -> Evaluation:
    """Run `model` over all of `loader`, in fp32, without gradients, in evaluation mode (its mode is put back after).

    `model` takes images float32 (B, 1, H, W) and returns logits (B, classes). Raises `UserError` for a loader that shuffles
    (its indices would name other examples) or whose classes do not fit the logits, `Failure` where a logit is NaN or infinite.
    """
    if loader.sampler.shuffle or loader.dataset.augment:
        raise UserError(
            "This loader shuffles or augments, so its examples cannot be counted by index.",
            'Make it with split "val" or "test", or shuffle=False and no augmentation.',
        )
    classes = len(loader.spec.classes)
    wrong_labels = set(loader.spec.wrong_test_labels) if loader.split == "test" else set()
    confusion = np.zeros((classes, classes), np.int64)
    bins = np.zeros((BINS, 3))
    loss_sum = 0.0
    mistakes: list[Mistake] = []
    first = 0
    with evaluating(model):
        for images, labels in loader:
            logits = model(images).float()
            if logits.shape != (len(labels), classes):
                raise UserError(
                    f"The model gives logits of shape {tuple(logits.shape)}, and {loader.spec.name} has {classes} classes.",
                    "Evaluate it on the dataset that it was trained on.",
                )
            if not logits.isfinite().all():
                raise Failure(
                    "The model's outputs are not all finite numbers.", "Train it again with a smaller learning rate."
                )
            loss_sum += float(F.cross_entropy(logits, labels, reduction="sum"))
            probabilities = logits.softmax(dim=1).cpu().numpy()
            predicted, truth = logits.argmax(dim=1).cpu().numpy(), labels.cpu().numpy()
            np.add.at(confusion, (truth, predicted), 1)
            add_to_bins(bins, probabilities.max(axis=1), predicted == truth)
            for position in np.flatnonzero(predicted != truth).tolist():
                index, label = first + position, int(truth[position])
                mistakes.append(
                    Mistake(
                        index=index,
                        label=label,
                        predicted=int(predicted[position]),
                        probability=float(probabilities[position].max()),
                        label_probability=float(probabilities[position, label]),
                        label_known_wrong=index in wrong_labels,
                        image=loader.dataset.images[index, 0].cpu().numpy(),
                    )
                )
            first += len(labels)
    return Evaluation(loader.split, loader.spec.classes, confusion, loss_sum, bins, tuple(mistakes))


def add_to_bins(bins: NDArray[np.float64], confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> None:
    which = np.minimum((confidence * BINS).astype(int), BINS - 1)
    for column, values in enumerate((np.ones_like(confidence), right.astype(float), confidence)):
        np.add.at(bins[:, column], which, values)


def evaluate_run(
    run: Run | str | Path,
    split: Split = "test",
    *,
    device: str | torch.device = "auto",
    data_dir: str | Path | None = None,
    runs_dir: str | Path = "runs",
) -> Evaluation:
    """Evaluate the saved model of a run, which `find_run` finds; for the test split test.json is written too, unless another
    process trains the run.

    Of a run that is not finished it is said after which epoch its model was saved.

    Raises `UserError` where the model is missing, damaged, or was made for another dataset.
    """
    run = find_run(run, runs_dir)
    if not run.model_path.exists():
        raise UserError(f"{run.path} has no model.pth.", run.how_to_finish)
    if split == "val" and run.recipe.split == "train+val":
        raise UserError(
            f"{run.path} was trained on the validation split too, so it measures nothing there.", "Use the test split."
        )
    busy = not run.is_finished and run.is_being_trained
    saved = load_model(run.model_path)
    if not run.is_finished:
        state = "is being trained now" if busy else "is not finished"
        logger.info("%s %s: this is its model after epoch %d of %d.", run.path, state, *run.progress)
    dataset = open_dataset(run.dataset, run.find_data(data_dir))
    check_fit(run, saved.dataset, saved.classes, dataset.spec.classes)
    target = pick_device(device)
    loader = MNISTDataLoader(
        split, dataset=dataset, batch_size=None, shuffle=False, device=target, normalise=(saved.mean, saved.std)
    )
    model = saved.model.to(target, memory_format=torch.channels_last)  # type: ignore[call-overload]
    evaluation = evaluate(model, loader)
    if split == "test" and not busy:
        run.write_test(evaluation.to_dict())
    return evaluation


def check_fit(run: Run, dataset: str, classes: Sequence[str], expected: Sequence[str]) -> None:
    if dataset != run.dataset or tuple(classes) != tuple(expected):
        raise UserError(
            f"{run.model_path} was trained on {dataset} ({counted(len(classes), 'class')}), and the run is on {run.dataset}"
            f" ({counted(len(expected), 'class')}).",
            "Put back the model.pth that belongs to this run, or train again.",
        )
