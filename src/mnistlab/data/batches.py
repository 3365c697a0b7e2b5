"""A split in memory, and the order in which its examples are put into batches."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, overload

import torch
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import Sampler

from mnistlab.data.formats import Arrays
from mnistlab.data.normalisation import Normalisation
from mnistlab.errors import UserError, shown

__all__ = ["Augment", "Batch", "BatchDataset", "Example", "Order", "Prepare", "prepared"]

BATCH = 1000
"""Images per batch when no gradients are needed; enough to keep all cores busy."""
Batch = tuple[torch.Tensor, torch.Tensor]
Example = tuple[torch.Tensor, int]
Prepare = Callable[[torch.Tensor], torch.Tensor]
"""Takes and returns images, float (B, 1, H, W), with values from 0 (paper) to 255 (ink); for example `networks.deskew.deskew`."""


class Augment(Protocol):
    """A random change to a batch: a `Pipeline`, an `Augmentation`, a transform of torchvision's, or a function of your own."""

    def __call__(self, images: torch.Tensor, labels: torch.Tensor, /) -> Batch:
        """Takes and returns images, float (B, 1, H, W), 0 (paper) to 255 (ink), and labels, int64 (B,); may add examples."""


class BatchDataset(TorchDataset[Example]):
    """A split in memory: examples one by one, as from any dataset, or a whole batch in one indexing operation.

    `augment` draws new random changes each time an example is asked for.
    """

    def __init__(
        self,
        arrays: Arrays,
        normalisation: Normalisation,
        prepare: Prepare | None,
        augment: Augment | None,
        device: torch.device,
    ) -> None:
        images, labels = arrays
        self.images = torch.tensor(images).unsqueeze(1).to(device)
        self.labels = torch.tensor(labels).to(device)
        if prepare:
            self.images = torch.cat([prepared(part, prepare) for part in torch.split(self.images, BATCH)])
        self.normalisation = normalisation
        self.augment = augment or None  # an Augmentation that changes nothing counts as none

    def __len__(self) -> int:
        return len(self.labels)

    @overload
    def __getitem__(self, index: int) -> Example: ...

    @overload
    def __getitem__(self, index: slice) -> Batch: ...

    def __getitem__(self, index: int | slice) -> Example | Batch:
        """The image, float32 (1, H, W), normalised, and its label; for a slice, images (N, 1, H, W) and labels, int64 (N,).

        Raises `IndexError` if there is no such example, `TypeError` if `index` is neither a whole number nor a slice.
        """
        if isinstance(index, slice):
            indices = torch.tensor(range(len(self))[index], dtype=torch.int64, device=self.labels.device)
            images, labels = self.batch(indices)
            return images[: len(indices)], labels[: len(indices)]
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Example]:
        """Several examples at once; torch's own DataLoader calls this method, directly or through a `Subset`."""
        images, labels = self.batch(torch.tensor(list(map(self.position, indices)), device=self.labels.device))
        return list(zip(images, labels.tolist(), strict=True))[: len(indices)]  # without rejects added by `augment`

    def position(self, index: Any) -> int:
        """`index` as a number from 0; a negative `index` counts from the end.

        Raises `IndexError` or `TypeError` if `index` is invalid.
        """
        try:
            return range(len(self))[operator.index(index)]
        except TypeError:
            raise TypeError(f"an example is taken by a whole number or a slice, not by {shown(index)}") from None
        except IndexError:
            raise IndexError(f"there is no example {shown(index)} among {len(self):,}") from None

    def batch(self, indices: torch.Tensor) -> Batch:
        """The normalised images, float32 (B, 1, H, W), and labels, int64 (B,), at `indices`; all are on the split's device."""
        images = self.images.index_select(0, indices).float()  # twice as fast as self.images[indices]
        labels = self.labels.index_select(0, indices)
        if self.augment is None or not len(indices):
            return images.mul_(self.normalisation.scale).add_(self.normalisation.shift), labels  # in place, for speed
        images, labels = self.augment(images, labels)  # before normalisation: augmentation fills gaps with 0 (paper)
        return self.normalisation(images), labels


def prepared(images: torch.Tensor, prepare: Prepare) -> torch.Tensor:
    """Apply `prepare` to images, uint8 (B, 1, H, W); returns uint8, too. Raises `UserError` if `prepare` changes the shape."""
    result = prepare(images.float())
    if result.shape != images.shape:
        raise UserError(
            "data.prepare_changed_shape", result_shape=tuple(result.shape), images_shape=tuple(images.shape)
        )
    return result.round_().clamp_(0, 255).to(torch.uint8)


class Order(Sampler[int]):
    """The examples' indices: in file order, or shuffled for each epoch as `seed` determines. Each `iter()` yields one epoch."""

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
        """The indices of the current epoch, int64 (N,), on the CPU."""
        if not self.shuffle:
            return torch.arange(self.total)
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + self.epoch) % 2**63)
        return torch.randperm(self.total, generator=generator)
