"""The digits of a split, from which pictures for training and measuring are drawn."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from mnistlab.augmentation.hands import other_hands
from mnistlab.data.dataset import Dataset
from mnistlab.data.splits import Split, read_split, split_writers
from mnistlab.errors import UserError
from mnistlab.papers.alphabet import Alphabet

__all__ = ["alphabet_of"]

PART = 1000
"""How many images are redrawn at a time."""


def alphabet_of(dataset: Dataset, split: Split) -> Alphabet:
    """The split's digits, by writer. Raises `UserError` if the dataset's classes are not the ten digits."""
    if sorted(dataset.spec.digits) != list(range(10)):
        raise UserError("evaluation.ten_digits_needed", dataset=dataset.spec.name)
    images, labels = read_split(dataset, split)
    writers = split_writers(dataset, split)
    if writers is None:
        writers = np.zeros(len(labels), np.int16)  # as if by one writer
    digits = np.asarray(dataset.spec.digits, np.int64)[labels]
    return Alphabet(np.asarray(images), digits, writers, written_elsewhere(np.asarray(images), digits))


def written_elsewhere(images: NDArray[np.uint8], digits: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The images, uint8 (N, 28, 28), some redrawn as if written outside the United States; equal inputs give equal results."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        parts = []
        for first in range(0, len(images), PART):
            part = torch.from_numpy(np.array(images[first : first + PART])).reshape(-1, 1, *images.shape[-2:]).float()
            labels = torch.from_numpy(np.array(digits[first : first + PART]))
            parts.append(other_hands(part, labels, 1.0).round().clamp(0, 255).to(torch.uint8))
    return np.asarray(torch.cat(parts).numpy()[:, 0])
