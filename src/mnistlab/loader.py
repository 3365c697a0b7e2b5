"""A split of a dataset as batches of tensors.

loader = MNISTDataLoader("train", batch_size=64)
images, labels = next(iter(loader))      # float32 (64, 1, 28, 28), normalised; int64 (64,)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from torch.utils.data import DataLoader, Sampler
from torch.utils.data import Dataset as TorchDataset

from mnistlab.augment import Augmentation
from mnistlab.datasets import Dataset, open_dataset, validation_mask
from mnistlab.datasets.raw import Arrays
from mnistlab.errors import UserError
from mnistlab.geometry import deskew
from mnistlab.hands import other_hands
from mnistlab.rejects import REJECT, Rejects
from mnistlab.writing import Writing

__all__ = ["SPLITS", "MNISTDataLoader", "Split", "read_split"]

Split = Literal["train", "val", "train+val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "train+val", "test")
BATCH = 1000
"""Images a batch where there are no gradients to keep: enough to fill the cores."""
Batch = tuple[torch.Tensor, torch.Tensor]


def read_split(dataset: Dataset, split: Split) -> Arrays:
    """Images uint8 (N, H, W) and labels int64 (N,) of the split. Raises `UserError` for a split there is not."""
    if split not in SPLITS:
        raise UserError(f"Unknown split {split!r}.", f"Choose one of {', '.join(SPLITS)}.")
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


class BatchDataset(TorchDataset[Batch]):
    """A split in memory; a tensor of indices in, the whole batch out, in one indexing."""

    def __init__(
        self,
        arrays: Arrays,
        mean: float,
        std: float,
        augment: Augmentation,
        writing: Writing,
        rejects: Rejects,
        digits: tuple[int, ...],
        upright: bool,
        device: torch.device,
    ) -> None:
        images, labels = arrays
        self.images = torch.tensor(images).unsqueeze(1).to(device)
        if upright:
            parts = [deskew(part.float()).round_().to(torch.uint8) for part in torch.split(self.images, BATCH)]
            self.images = torch.cat(parts)
        self.labels = torch.tensor(labels).to(device)
        self.scale = 1 / (255 * std)
        self.shift = -mean / std
        self.augment = augment
        self.writing = writing
        self.rejects = rejects
        self.digits = torch.tensor((*digits, REJECT), device=device) if digits else None  # of each label, -1 the last

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, indices: torch.Tensor) -> Batch:
        images = self.images.index_select(0, indices).float()  # twice as fast as self.images[indices]
        labels = self.labels.index_select(0, indices)
        images, labels = self.rejects(images, labels)
        if self.writing and self.digits is not None:
            images = other_hands(images, self.digits[labels], self.writing.strength)
        images = self.writing(self.augment(images))  # before normalisation: what comes in from outside is paper, 0
        return images.mul_(self.scale).add_(self.shift), labels


class BatchOrder(Sampler[torch.Tensor]):
    """The indices of each batch, int64 (B,): shuffled anew each epoch from (seed, epoch), or in file order."""

    def __init__(
        self, total: int, batch_size: int, shuffle: bool, seed: int, drop_last: bool, device: torch.device
    ) -> None:
        self.total = total
        self.batches = total // batch_size if drop_last else -(-total // batch_size)
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.device = device
        self.epoch = 0  # epochs completed
        self.batch = 0  # batches handed out in the current epoch
        self.resuming = False

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[torch.Tensor]:
        if self.resuming:
            self.resuming = False
        elif self.batch:  # the iterator before this one was left in the middle: its epoch is over
            self.epoch += 1
            self.batch = 0
        epoch, order = self.epoch, self.order().to(self.device)
        for batch in range(self.batch, len(self)):
            last = batch + 1 == len(self)
            self.epoch, self.batch = (epoch + 1, 0) if last else (epoch, batch + 1)
            yield order[batch * self.batch_size : (batch + 1) * self.batch_size]

    def order(self) -> torch.Tensor:
        """The current epoch's indices, int64 (N,), on the CPU."""
        if not self.shuffle:
            return torch.arange(self.total)
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + self.epoch) % 2**63)
        return torch.randperm(self.total, generator=generator)


class MNISTDataLoader(DataLoader[Batch]):
    """A split as batches: images float32 (B, 1, H, W), normalised; labels int64 (B,).

    `normalise` is the mean and std (of pixels scaled to [0, 1]) to do that with, where they are not the dataset's own.

    The split lies in memory (on `device`) as uint8 and a whole batch is fetched by one indexing: no picture is decoded
    twice and no worker process is needed. Each `iter()` is an epoch; `train` is shuffled unless `shuffle` says otherwise,
    by `seed` and the epoch's number alone, so `state_dict()` is three integers and an epoch can be resumed in its middle.
    `batch_size` None takes 1,000 images, or the whole split where that is smaller.
    The last batch may be smaller, or is left out with `drop_last`. `deskew` takes the digits' slant out, once, before `augment`
    and `writing` change the images; `rejects` adds pictures of no class, labelled -1, after those of the split: a batch then
    holds more than `batch_size`.

    Raises `UserError` for an unknown dataset or split, a batch size under 1 or over the split's size, or data that can
    neither be read nor fetched.
    """

    def __init__(
        self,
        split: Split = "train",
        *,
        dataset: str | Dataset = "mnist",
        data_dir: str | Path = "data",
        batch_size: int | None = 64,
        shuffle: bool | None = None,
        seed: int = 0,
        drop_last: bool = False,
        augment: Augmentation | None = None,
        writing: Writing | None = None,
        rejects: Rejects | None = None,
        deskew: bool = False,
        normalise: tuple[float, float] | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        opened = open_dataset(dataset, data_dir) if isinstance(dataset, str) else dataset
        arrays = read_split(opened, split)
        total = len(arrays[1])
        if batch_size is None:
            batch_size = min(BATCH, total)
        if not 1 <= batch_size <= total:
            raise UserError(
                f"Batch size {batch_size} does not fit the split {split!r} of {total:,} images.",
                f"Choose 1 to {total:,}.",
            )
        device = torch.device(device)
        self.spec = opened.spec
        self.split = split
        mean, std = normalise or (self.spec.mean, self.spec.std)
        self.batches = BatchDataset(
            arrays,
            mean,
            std,
            augment or Augmentation(),
            writing or Writing(),
            rejects or Rejects(),
            self.spec.digits,
            deskew,
            device,
        )
        shuffle = split.startswith("train") if shuffle is None else shuffle
        self.batch_order = BatchOrder(total, batch_size, shuffle, seed, drop_last, device)
        # The generator takes the base seed that DataLoader draws for workers, which would else come from the global one
        # and make the number of iterators part of the result.
        super().__init__(self.batches, batch_size=None, sampler=self.batch_order, generator=torch.Generator())

    def state_dict(self) -> dict[str, int]:
        """Where the loader is: its seed, the epochs completed, the batches handed out since."""
        return {"seed": self.batch_order.seed, "epoch": self.batch_order.epoch, "batch": self.batch_order.batch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict()`: the next `iter()` gives the batches that would have come next.

        Raises `UserError` for a state of a loader with more batches.
        """
        if not 0 <= state["batch"] < len(self.batch_order):
            raise UserError(
                f"The state is at batch {state['batch']} of an epoch, and this loader has {len(self.batch_order)}.",
                "Use the batch size and the data that the state was made with.",
            )
        self.batch_order.seed = state["seed"]
        self.batch_order.epoch = state["epoch"]
        self.batch_order.batch = state["batch"]
        self.batch_order.resuming = True
