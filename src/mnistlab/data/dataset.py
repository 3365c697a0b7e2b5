"""Open a dataset, in which all images have the same size, from raw files or from a folder of pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.catalog import DATASETS, DatasetSpec, Part, find_spec
from mnistlab.data.download import read_files
from mnistlab.data.formats import Arrays
from mnistlab.data.importing import import_files
from mnistlab.data.picture_folder import PictureFolder
from mnistlab.data.writers import read_writers
from mnistlab.errors import UserError
from mnistlab.files import check_links, given_path, is_file, is_folder

__all__ = ["DATASETS", "Arrays", "Dataset", "DatasetSpec", "Part", "find_spec", "import_files", "open_dataset"]


class Dataset(Protocol):
    """The interface through which the rest of mnistlab uses a dataset."""

    @property
    def spec(self) -> DatasetSpec:
        """What is known about the dataset: class names, mean, std, image size."""

    @property
    def at_hand(self) -> bool:
        """Whether `read("train")` works without fetching any files."""

    @property
    def validation(self) -> NDArray[np.bool_] | None:
        """Which examples of "train" the dataset's makers set aside for validation, bool (N,); None if they set none aside."""

    def writers(self, part: Part) -> NDArray[np.int16] | None:
        """Who wrote each example of "train" or "test", as a number, int16 (N,); None if unknown."""

    def read(self, part: Part) -> Arrays:
        """Images uint8 (N, height, width) and labels int64 (N,) of "train" or "test"."""


@dataclass(frozen=True)
class RawDataset:
    """A dataset of the catalogue, with its raw files below `data_dir`."""

    spec: DatasetSpec
    data_dir: Path
    download: bool = False
    """Whether to look for missing files on the mirrors first, even if a copy ships in the package."""
    parts: dict[Part, Arrays] = field(default_factory=dict, compare=False, repr=False)

    @property
    def at_hand(self) -> bool:
        """Whether all files of the training data exist; they may still be corrupt."""
        return all(is_file(self.data_dir / self.spec.folder / file.name) for file in self.spec.part_files("train"))

    @property
    def validation(self) -> None:
        """None: the makers of these datasets set no examples aside for validation (see `held_out`)."""
        return

    def writers(self, part: Part) -> NDArray[np.int16] | None:
        """Who wrote each example; see `Dataset.writers`. Raises `UserError` if the packaged file that says so is damaged."""
        return read_writers(self.spec, part)

    def read(self, part: Part) -> Arrays:
        """Images uint8 (N, height, width) and labels int64 (N,); see `Dataset.read`. Both are read once, then kept in memory.

        Raises `UserError` if a file is missing or corrupt and cannot be fetched.
        """
        if part not in self.parts:
            images, labels = read_files(self.spec, self.spec.part_files(part), self.data_dir, self.download)
            self.parts[part] = images, labels
        return self.parts[part]


def open_dataset(name: str | Path, data_dir: str | Path = "data", *, download: bool = False) -> Dataset:
    """Open a dataset of the catalogue, or a folder of pictures. The images are read later, when they are first needed.

    Parameters
    ----------
    name : str or path
        A name in `DATASETS`, or a folder of pictures with a sub-folder per class.
    data_dir : str or path
        The folder for raw files. Missing files are unpacked from the copy in the package (MNIST), or downloaded by
        torchvision.
    download : bool
        Try torchvision's mirrors first for missing files, even if a copy ships in the package.

    Returns
    -------
    Dataset
        `spec` describes it. `read("train")` and `read("test")` return images uint8 (N, height, width) and labels int64 (N,).

    Raises
    ------
    UserError
        If there is no such dataset or folder, if the folder does not hold pictures by class, if `download` is given with a folder
        of pictures, or if `data_dir` is not a path.
    """
    folder = given_path(name, "dataset", remedy="data.unknown_dataset", datasets=DATASETS)
    if str(name) not in DATASETS and is_folder(folder):
        if download:
            raise UserError("data.nothing_to_download", path=folder)
        return PictureFolder.open(folder)
    if str(name) not in DATASETS:
        check_links(folder)
    return RawDataset(find_spec(str(name)), given_path(data_dir, "data_dir"), download)
