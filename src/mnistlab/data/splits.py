"""The splits of a dataset: train, val, train+val and test."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.dataset import Dataset
from mnistlab.data.formats import Arrays
from mnistlab.errors import UserError

__all__ = ["SPLITS", "Split", "read_split", "validation_mask"]


def validation_mask(labels: NDArray[np.int64], classes: int) -> NDArray[np.bool_]:
    """Which training examples are the validation split: bool (N,), one in twelve, stratified, the same for everyone.

    Each class gives its share of N / 12 (largest remainders make the sum exact: 5,000 of MNIST's 60,000), taken at even
    distances through the class in file order. No random generator is involved, so any language gives the same split.

    Raises `UserError` where there are fewer than 12 examples.
    """
    total = len(labels) // 12
    if total == 0:
        raise UserError("data.too_few_to_split", count=len(labels))
    counts = np.bincount(labels, minlength=classes)
    shares = counts * total / len(labels)
    quotas = np.floor(shares).astype(int)
    for index in np.argsort(quotas - shares, kind="stable")[: total - quotas.sum()]:
        quotas[index] += 1
    mask = np.zeros(len(labels), np.bool_)
    for label, (count, quota) in enumerate(zip(counts, quotas, strict=True)):
        if quota:
            mask[np.flatnonzero(labels == label)[((np.arange(quota) + 0.5) * count / quota).astype(int)]] = True
    return mask


Split = Literal["train", "val", "train+val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "train+val", "test")


def read_split(dataset: Dataset, split: Split) -> Arrays:
    """Images uint8 (N, H, W) and labels int64 (N,) of the split. Raises `UserError` for a split there is not."""
    if split not in SPLITS:
        raise UserError("data.unknown_split", split=split, splits=SPLITS)
    if split == "test":
        return dataset.read("test")
    images, labels = dataset.read("train")
    if split == "train+val":
        return images, labels
    mask = dataset.validation
    if mask is None:
        mask = validation_mask(labels, len(dataset.spec.classes))
    if split == "train":
        mask = ~mask
    return images[mask], labels[mask]
