"""The splits of a dataset: for training, for making choices, and for measuring at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.catalog import Part
from mnistlab.data.dataset import Dataset, RawDataset
from mnistlab.data.formats import Arrays
from mnistlab.data.writers import validation_writers
from mnistlab.errors import UserError

__all__ = ["SPLITS", "Split", "held_out", "read_split", "split_writers", "validation_mask", "writers_of"]


Split = Literal["train", "val", "train+val", "train-random", "val-random", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "train+val", "train-random", "val-random", "test")
"""The training data is divided: "val" is kept for validation, "train" is the rest. MNIST's "val" is everything by 45 of the 539
writers; "val-random" and "train-random" divide the images without regard to the writers, as mnistlab 0.1 did. If the writers are
unknown, "val-random" is the same as "val", and "train-random" as "train"."""


def validation_mask(labels: NDArray[np.int64], classes: int) -> NDArray[np.bool_]:
    """Which training examples are held out if the writers are unknown: one in twelve, stratified by class, the same for everyone.

    Returns bool (N,). Each class contributes its share of N / 12, rounded by the largest-remainder method so that the sum is
    exact (5,000 of MNIST's 60,000), and its examples are taken at even intervals in file order. No random generator is
    involved, so the choice can be repeated in any programming language.

    Raises `UserError` if there are fewer than 12 examples.
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


def held_out(dataset: Dataset, *, by_writer: bool = True) -> NDArray[np.bool_]:
    """Which examples of `read("train")` are kept for validation: bool (N,).

    These are the examples that the dataset's makers set aside. If the makers set none aside, all examples by some of the
    writers are kept or, if the writers are unknown or `by_writer` is false, one example in twelve.

    Raises `UserError` if there are fewer than 12 examples, or fewer than 12 writers to choose from.
    """
    if (mask := dataset.validation) is not None:
        return mask
    labels, classes = dataset.read("train")[1], len(dataset.spec.classes)
    if by_writer and (writers := writers_of(dataset, "train")) is not None:
        if (count := len(np.unique(writers))) < 12:
            raise UserError("data.too_few_writers_to_split", count=count)
        return validation_writers(writers, labels, classes)
    return validation_mask(labels, classes)


def split_writers(dataset: Dataset, split: Split) -> NDArray[np.int16] | None:
    """Who wrote each example of the split, as a number, int16 (N,), in the order of `read_split`; None if unknown."""
    writers = writers_of(dataset, "test" if split == "test" else "train")
    if writers is None or split in ("test", "train+val"):
        return writers
    mask = held_out(dataset, by_writer="random" not in split)
    return writers[mask if split.startswith("val") else ~mask]


def writers_of(dataset: Dataset, part: Part) -> NDArray[np.int16] | None:
    """Like `Dataset.writers`, but it also accepts a user's own dataset, which may lack this method.

    Raises `UserError` if the method does not return a whole number for each example.
    """
    known: Callable[[Part], NDArray[np.int16] | None] | None = getattr(dataset, "writers", None)
    found = known(part) if known else None
    if found is None or isinstance(dataset, RawDataset):  # its file has been checked
        return found
    writers, count = np.asarray(found), len(dataset.read(part)[1])
    if writers.shape != (count,) or not np.issubdtype(writers.dtype, np.integer):
        raise UserError("data.writers_misfit", part=part, count=count, shape=writers.shape, dtype=str(writers.dtype))
    return writers


def read_split(dataset: Dataset, split: Split) -> Arrays:
    """Images uint8 (N, H, W) and labels int64 (N,) of the split. Raises `UserError` for an unknown split."""
    if split not in SPLITS:
        raise UserError("data.unknown_split", split=split, splits=SPLITS)
    if split == "test":
        return dataset.read("test")
    images, labels = dataset.read("train")
    if split == "train+val":
        return images, labels
    part, _, random = split.partition("-")
    mask = held_out(dataset, by_writer=not random)
    if part == "train":
        mask = ~mask
    return images[mask], labels[mask]
