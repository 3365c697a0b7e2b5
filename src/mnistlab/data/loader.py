"""A split of a dataset as batches of tensors.

loader = MNISTDataLoader("train", batch_size=64)
images, labels = next(iter(loader))      # float32 (64, 1, 28, 28), normalised; int64 (64,)
image, label = loader.dataset[0]         # float32 (1, 28, 28), normalised; int
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, Sampler
from torch.utils.data import Dataset as TorchDataset

from mnistlab.augmentation.affine import Augmentation
from mnistlab.augmentation.hands import other_hands
from mnistlab.augmentation.pens import Writing
from mnistlab.augmentation.rejects import REJECT, Rejects
from mnistlab.data.dataset import Dataset, open_dataset
from mnistlab.data.formats import Arrays
from mnistlab.data.splits import Split, read_split
from mnistlab.devices import pick_device
from mnistlab.errors import UserError, counted, number, whole_number
from mnistlab.networks.deskew import deskew

__all__ = ["MNISTDataLoader"]

BATCH = 1000
"""Images a batch where there are no gradients to keep: enough to fill the cores."""
HIGHEST_SEED = 2**32 - 1
MOST = 1e6
"""Mean and standard deviation of pixels, in whatever scale, are smaller."""
Batch = tuple[torch.Tensor, torch.Tensor]
Example = tuple[torch.Tensor, int]


class BatchDataset(TorchDataset[Example]):
    """A split in memory: examples one by one, as any dataset gives them, or a whole batch in one indexing.

    What is random (`augment` and the like) is drawn anew each time that an example is asked for.
    """

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

    def __getitem__(self, index: int) -> Example:
        """Image float32 (1, H, W), normalised, and label. Raises `IndexError` where there is none."""
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Example]:
        """Several examples at once: what torch's own DataLoader asks for, also through a `Subset`."""
        there = range(len(self))
        images, labels = self.batch(torch.tensor([there[index] for index in indices], device=self.labels.device))
        return list(zip(images, labels.tolist(), strict=True))[: len(indices)]  # rejects come after them

    def batch(self, indices: torch.Tensor) -> Batch:
        """Images float32 (B, 1, H, W), normalised, and labels int64 (B,) of `indices` int64 (B,), on the split's device."""
        images = self.images.index_select(0, indices).float()  # twice as fast as self.images[indices]
        labels = self.labels.index_select(0, indices)
        images, labels = self.rejects(images, labels)
        if self.writing and self.digits is not None:
            images = other_hands(images, self.digits[labels], self.writing.strength)
        images = self.writing(self.augment(images))  # before normalisation: what comes in from outside is paper, 0
        return images.mul_(self.scale).add_(self.shift), labels


class Order(Sampler[int]):
    """The examples' indices: shuffled anew each epoch from (seed, epoch), or in file order. Each `iter()` is an epoch."""

    def __init__(self, total: int, shuffle: bool, seed: int) -> None:
        self.total = total
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0  # epochs completed

    def __len__(self) -> int:
        return self.total

    def __iter__(self) -> Iterator[int]:
        indices = self.indices().tolist()
        self.epoch += 1
        yield from indices

    def indices(self) -> torch.Tensor:
        """Those of the current epoch, int64 (N,), on the CPU."""
        if not self.shuffle:
            return torch.arange(self.total)
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + self.epoch) % 2**63)
        return torch.randperm(self.total, generator=generator)


class MNISTDataLoader(DataLoader[Example]):
    """A split as batches: images float32 (B, 1, H, W), normalised; labels int64 (B,).

    `download` asks torchvision's mirrors for what is missing in `data_dir` even where a copy ships in the package (MNIST).
    `normalise` is the mean and std (of pixels scaled to [0, 1]) to do that with, where they are not the dataset's own.

    The split lies in memory (on `device`) as uint8 and a whole batch is fetched by one indexing: no picture is decoded
    twice and no worker process is needed. Each `iter()` is an epoch; `train` is shuffled unless `shuffle` says otherwise,
    by `seed` (0 to 2**32 - 1) and the epoch's number alone, so `state_dict()` is three integers and an epoch can be resumed in
    its middle. `batch_size` None takes 1,000 images, or the whole split where that is smaller.
    The last batch may be smaller, or is left out with `drop_last`. `deskew` takes the digits' slant out, once, before `augment`
    and `writing` change the images; `rejects` adds pictures of no class, labelled -1, after those of the split: a batch then
    holds more than `batch_size`.

    All else is as torch's DataLoader has it: `batch_size`, `drop_last`, `len()`, and `dataset`, whose examples are
    (image float32 (1, H, W), label int) and which `Subset`, `random_split` and other DataLoaders take.

    Raises `UserError` for an unknown dataset, split or device, a batch size under 1 or over the split's size, another number
    out of range, or data that can neither be read nor fetched.
    """

    dataset: BatchDataset
    sampler: Order
    batch_size: int

    def __init__(
        self,
        split: Split = "train",
        *,
        dataset: str | Path | Dataset = "mnist",
        data_dir: str | Path = "data",
        download: bool = False,
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
        seed = whole_number(seed, "Seed", 0, HIGHEST_SEED)
        target = pick_device(device)
        opened = open_dataset(dataset, data_dir, download=download) if isinstance(dataset, str | Path) else dataset
        arrays = read_split(opened, split)
        total = len(arrays[1])
        misfit = f"does not fit the split {split!r} of {counted(total, 'image')}"
        self.spec = opened.spec
        self.split = split
        mean, std = normalise or (self.spec.mean, self.spec.std)
        super().__init__(
            BatchDataset(
                arrays,
                number(mean, "Mean", -MOST, MOST),
                number(std, "Standard deviation", 1 / MOST, MOST),
                augment or Augmentation(),
                writing or Writing(),
                rejects or Rejects(),
                self.spec.digits,
                deskew,
                target,
            ),
            batch_size=min(BATCH, total)
            if batch_size is None
            else whole_number(batch_size, "Batch size", 1, total, misfit),
            sampler=Order(total, split.startswith("train") if shuffle is None else shuffle, seed),
            drop_last=drop_last,
        )
        self.batch = 0  # batches handed out in the current epoch
        self.resuming = False

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]
        """The batches of an epoch, or of what is left of it after `load_state_dict`."""
        order, count = self.sampler, len(self)
        if self.resuming:
            self.resuming = False
        elif self.batch:  # the iterator before this one was left in the middle: its epoch is over
            order.epoch += 1
            self.batch = 0
        epoch, indices = order.epoch, order.indices().to(self.dataset.labels.device)
        for batch in range(self.batch, count):
            order.epoch, self.batch = (epoch + 1, 0) if batch + 1 == count else (epoch, batch + 1)
            yield self.dataset.batch(indices[batch * self.batch_size : (batch + 1) * self.batch_size])

    def state_dict(self) -> dict[str, int]:
        """Where the loader is: its seed, the epochs completed, the batches handed out since."""
        return {"seed": self.sampler.seed, "epoch": self.sampler.epoch, "batch": self.batch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict()`: the next `iter()` gives the batches that would have come next.

        Raises `UserError` for a state of a loader with more batches.
        """
        if not 0 <= state["batch"] < len(self):
            raise UserError(
                f"The state is at batch {state['batch']} of an epoch, and this loader has {len(self)}.",
                "Use the batch size and the data that the state was made with.",
            )
        self.sampler.seed = state["seed"]
        self.sampler.epoch = state["epoch"]
        self.batch = state["batch"]
        self.resuming = True
