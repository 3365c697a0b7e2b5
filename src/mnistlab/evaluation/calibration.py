"""How far a model's probabilities can be trusted: the model's logits for images, the temperature that calibrates the
probabilities, and the lowest probability at which an answer is accepted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from mnistlab.data.batches import BATCH
from mnistlab.dependencies import require
from mnistlab.errors import Failure
from mnistlab.networks.checkpoint import SavedModel
from mnistlab.networks.network import evaluating

__all__ = [
    "UNCALIBRATED_THRESHOLD",
    "Calibration",
    "Probabilities",
    "at_temperature",
    "check_finite",
    "find_logits",
    "find_threshold",
    "fit_temperature",
]


TEMPERATURES = (0.1, 10.0)
"""The range in which the temperature is sought; models trained with the recipes need 0.5 to 1."""
UNCALIBRATED_THRESHOLD = 0.5
"""The threshold for a model whose calibration is unknown."""

Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Calibration:
    """The expected calibration error, 0 to 1, of the model as trained (`before`) and as exported (`after`).

    `images` is the number of validation images on which both errors are measured.
    """

    before: float
    after: float
    images: int


def find_logits(saved: SavedModel, images: NDArray[np.uint8]) -> torch.Tensor:
    """The model's logits, float32 (N, classes), for images uint8 (N, H, W), computed with PyTorch in fp32, without gradients."""
    logits = []
    saved.model.to(memory_format=torch.channels_last)  # 1.5 times as fast with PyTorch on a CPU
    with evaluating(saved.model):
        for first in range(0, len(images), BATCH):
            batch = torch.tensor(images[first : first + BATCH]).unsqueeze(1).float()
            logits.append(saved.model(saved.normalisation(batch)))
    found = torch.cat(logits)
    check_finite(found)
    return found


def check_finite(logits: torch.Tensor) -> None:
    """Raise `Failure` if a logit is NaN or infinite."""
    if not logits.isfinite().all():
        raise Failure("evaluation.outputs_not_finite")


def at_temperature(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    """Probabilities (N, classes) from logits (N, classes), which are divided by the temperature before the softmax."""
    return (logits / temperature).softmax(dim=1)


def fit_temperature(logits: torch.Tensor, labels: NDArray[np.int64] | torch.Tensor) -> float:
    """The temperature, 0.1 to 10, that maximises the likelihood of the labels (N,) given logits (N, classes) (Guo et al. 2017).

    It is 1 if every prediction is right, because then nothing shows how confident is too confident.
    """
    require("train", "scipy")
    from scipy.optimize import minimize_scalar

    exact, truth = logits.double(), torch.as_tensor(labels)
    if (exact.argmax(dim=1) == truth).all():
        return 1.0
    low, high = map(math.log, TEMPERATURES)
    found = minimize_scalar(lambda log: float(F.cross_entropy(exact / math.exp(log), truth)), bounds=(low, high))
    return round(math.exp(found.x), 4)


def find_threshold(confidence: Probabilities, coverage: float) -> float:
    """The largest threshold, rounded down to 6 decimals, reached by at least the fraction `coverage` of the confidences."""
    accepted = math.ceil(round(coverage * len(confidence), 6))
    return math.floor(float(np.sort(confidence)[-accepted]) * 1e6) / 1e6
