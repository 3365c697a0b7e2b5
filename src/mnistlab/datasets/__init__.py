"""Every dataset with MNIST's interface, and folders of pictures, as arrays held in memory.

    dataset = open_dataset("mnist", "data")
    images, labels = dataset.read("train")      # uint8 (60000, 28, 28), int64 (60000,)

Reading fetches what is missing and verifies what is there. Nothing here imports torch, and torchvision only to download.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mnistlab.datasets.fetch import import_files, read_files
from mnistlab.datasets.pictures import PictureFolder
from mnistlab.datasets.raw import Arrays
from mnistlab.datasets.table import DATASETS, DatasetSpec, Part, find_spec
from mnistlab.errors import UserError
from mnistlab.files import is_file, is_folder
from mnistlab.wording import counted, place

__all__ = [
    "DATASETS",
    "Arrays",
    "Dataset",
    "DatasetSpec",
    "Part",
    "find_spec",
    "import_files",
    "open_dataset",
    "validation_mask",
]


class Dataset(Protocol):
    """What a dataset offers to the rest of mnistlab."""

    @property
    def spec(self) -> DatasetSpec:
        """Its row: class names, mean, std, image size."""

    @property
    def at_hand(self) -> bool:
        """Whether `read("train")` can do without a network."""

    @property
    def validation(self) -> NDArray[np.bool_] | None:
        """Which examples of "train" its makers set aside for validation, bool (N,); None where they did not."""

    def read(self, part: Part) -> Arrays:
        """Images uint8 (N, height, width) and labels int64 (N,) of "train" or "test"."""


@dataclass(frozen=True)
class RawDataset:
    """A dataset of the table, its raw files below `data_dir`."""

    spec: DatasetSpec
    data_dir: Path
    download: bool = False
    """Whether what is missing is asked of the mirrors even where a copy ships in the package."""
    parts: dict[Part, Arrays] = field(default_factory=dict, compare=False, repr=False)

    @property
    def at_hand(self) -> bool:
        """Whether all files of the training part are there; they may still be corrupt."""
        return all(is_file(self.data_dir / self.spec.folder / file.name) for file in self.spec.part_files("train"))

    @property
    def validation(self) -> None:
        """None: see `validation_mask`."""
        return

    def read(self, part: Part) -> Arrays:
        """Images uint8 (N, height, width) and labels int64 (N,); see `Dataset.read`. Read once, then kept.

        Raises `UserError` where a file is missing or corrupt and cannot be fetched.
        """
        if part not in self.parts:
            images, labels = read_files(self.spec, self.spec.part_files(part), self.data_dir, self.download)
            self.parts[part] = images, labels
        return self.parts[part]


def open_dataset(name: str | Path, data_dir: str | Path = "data", *, download: bool = False) -> Dataset:
    """The dataset called `name` in the table, or the folder of pictures at that path. Reads no file of the table's yet.

    What is missing in `data_dir` is unpacked from the copy in the package (MNIST), or downloaded by torchvision; `download`
    asks torchvision's mirrors first also where there is a copy.

    Raises `UserError` for a name that is neither, and for the download of a folder.
    """
    if str(name) not in DATASETS and is_folder(Path(name)):
        if download:
            raise UserError(
                f"{place(Path(name))} is a folder of pictures: there is nothing to download.", "Leave download out."
            )
        return PictureFolder.open(Path(name))
    return RawDataset(find_spec(str(name)), Path(data_dir), download)


def validation_mask(labels: NDArray[np.int64], classes: int) -> NDArray[np.bool_]:
    """Which training examples are the validation split: bool (N,), one in twelve, stratified, the same for everyone.

    Each class gives its share of N / 12 (largest remainders make the sum exact: 5,000 of MNIST's 60,000), taken at even
    distances through the class in file order. No random generator is involved, so any language gives the same split.

    Raises `UserError` where there are fewer than 12 examples.
    """
    total = len(labels) // 12
    if total == 0:
        raise UserError(
            f"{counted(len(labels), 'training example')} cannot be split: that takes 12.", "Give at least 12 pictures."
        )
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
