"""A split of a dataset as batches of tensors.

loader = MNISTDataLoader("train", batch_size=64)
images, labels = next(iter(loader))      # float32 (64, 1, 28, 28), normalised; int64 (64,)
image, label = loader.dataset[0]         # float32 (1, 28, 28), normalised; int
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from mnistlab.data.batches import BATCH, Augment, Batch, BatchDataset, Example, Order, Prepare
from mnistlab.data.dataset import Dataset, open_dataset
from mnistlab.data.normalisation import Normalisation
from mnistlab.data.splits import Split, read_split, split_writers
from mnistlab.devices import pick_device
from mnistlab.errors import UserError, shown, whole_number
from mnistlab.messages.sentences import Clause

__all__ = ["MNISTDataLoader"]
HIGHEST_SEED = 2**32 - 1


class MNISTDataLoader(DataLoader[Example]):
    """A split as batches: images float32 (B, 1, H, W), normalised; labels int64 (B,).

    The split is held in memory (on `device`) as uint8, and one indexing operation fetches a whole batch: no picture is decoded
    twice, and no worker process is needed. Each `iter()` yields one epoch. `batch_size`, `drop_last` and `len()` are as in
    torch's DataLoader. So is `dataset`, whose examples are (image float32 (1, H, W), label int); `Subset`, `random_split` and
    other DataLoaders accept it. `writers` says who wrote each example, int16 (N,), or is None if the writers are unknown.

    Parameters
    ----------
    split : {"train", "val", "train+val", "train-random", "val-random", "test"}
        See `mnistlab.data.splits.SPLITS`.
    dataset : str, path or Dataset
        A name or folder, as for `open_dataset`, or a dataset that is already open.
    data_dir : str or path
        The folder for raw files.
    download : bool
        Try torchvision's mirrors first for files that are missing in `data_dir`, even if a copy ships in the package (MNIST).
    batch_size : int, 1 to the split's size, or None
        The last batch may be smaller. None means 1,000 images, or the whole split if that is smaller.
    shuffle : bool, optional
        Whether to shuffle; by default, only the training splits are shuffled. The order depends only on `seed` and the epoch's
        number, so `state_dict()` needs only three integers, and an epoch can be resumed in the middle.
    seed : int, 0 to 2**32 - 1
        Decides the order of shuffled examples.
    drop_last : bool
        Leave out a last batch that would be smaller than `batch_size`.
    prepare : callable, optional
        Applied once to all images, float (B, 1, H, W), with values from 0 to 255; for example `mnistlab.networks.deskew.deskew`.
    augment : callable, optional
        Takes each batch's images, not yet normalised, and its labels; returns both. Images are float (B, 1, H, W),
        from 0 (paper) to 255 (ink). Give an `Augmentation`, a `mnistlab.augmentation.pipeline.Pipeline`, or a transform of
        torchvision's v2. If `augment` adds images of no class, labelled -1, batches become larger than `batch_size`.
    normalise : Normalisation or (float, float), optional
        Mean and std of pixels scaled to [0, 1]; by default, the dataset's own.
    device : str or torch.device
        Where the split is held and the batches are made.
    writing, rejects, deskew
        Deprecated: see `augment` and `prepare`.

    Raises
    ------
    UserError
        For an unknown dataset, split or device, a batch size under 1 or over the split's size, another number out of range,
        an `augment` or `prepare` that cannot be called, or data that can neither be read nor fetched.
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
        prepare: Prepare | None = None,
        augment: Augment | None = None,
        normalise: Normalisation | tuple[float, float] | None = None,
        device: str | torch.device = "cpu",
        writing: Any = None,
        rejects: Any = None,
        deskew: bool = False,
    ) -> None:
        seed = whole_number(seed, Clause("names.seed"), 0, HIGHEST_SEED)
        target = pick_device(device)
        if isinstance(dataset, str | Path) or not hasattr(dataset, "spec"):  # open_dataset refuses what is neither
            dataset = open_dataset(dataset, data_dir, download=download)  # type: ignore[arg-type]
        if deskew or writing is not None or rejects is not None:
            from mnistlab.data.deprecated import replace_keywords

            prepare, augment = replace_keywords(prepare, augment, writing, rejects, deskew, dataset.spec.digits)
        for name, given in (("prepare", prepare), ("augment", augment)):
            if given is not None and not callable(given):
                raise UserError("data.not_callable", name=name, given=shown(given))
        if normalise is None:
            normalise = dataset.spec.normalisation
        elif not isinstance(normalise, Normalisation):
            normalise = Normalisation(*normalise)
        arrays = read_split(dataset, split)
        self.writers = split_writers(dataset, split)
        total = len(arrays[1])
        if batch_size is None:
            batch_size = min(BATCH, total)
        self.spec = dataset.spec
        self.split = split
        super().__init__(
            BatchDataset(arrays, normalise, prepare, augment, target),
            batch_size=whole_number(
                batch_size, Clause("names.batch_size"), 1, total, wrong="data.batch_size_misfit", split=split
            ),
            sampler=Order(total, split.startswith("train") if shuffle is None else shuffle, seed),
            drop_last=drop_last,
        )
        self.batch = 0  # batches handed out in the current epoch
        self.resuming = False

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]
        """The batches of an epoch; after `load_state_dict`, only those that remain."""
        order, count = self.sampler, len(self)
        if self.resuming:
            self.resuming = False
        elif self.batch:  # the previous iterator was abandoned in the middle: its epoch is over
            order.epoch += 1
            self.batch = 0
        epoch, indices = order.epoch, order.indices().to(self.dataset.labels.device)
        for batch in range(self.batch, count):
            order.epoch, self.batch = (epoch + 1, 0) if batch + 1 == count else (epoch, batch + 1)
            yield self.dataset.batch(indices[batch * self.batch_size : (batch + 1) * self.batch_size])

    def state_dict(self) -> dict[str, int]:
        """The position: the seed, the number of completed epochs, and the number of batches handed out in the current epoch."""
        return {"seed": self.sampler.seed, "epoch": self.sampler.epoch, "batch": self.batch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from the position that `state_dict()` returned: the next `iter()` gives the batches that would have come next.

        Raises `UserError` if an epoch of this loader has too few batches to continue from that position.
        """
        if not 0 <= state["batch"] < len(self):
            raise UserError("data.state_of_longer_epoch", batch=state["batch"], count=len(self))
        self.sampler.seed = state["seed"]
        self.sampler.epoch = state["epoch"]
        self.batch = state["batch"]
        self.resuming = True
