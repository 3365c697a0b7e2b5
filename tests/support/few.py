"""A dataset small enough for a test that is not about its size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mnistlab.data.dataset import Arrays, Dataset, DatasetSpec, Part, open_dataset


@dataclass(frozen=True)
class Few:
    """The first 500 images of each part of a dataset."""

    whole: Dataset
    validation: None = None

    @property
    def spec(self) -> DatasetSpec:
        return self.whole.spec

    def read(self, part: Part) -> Arrays:
        images, labels = self.whole.read(part)
        return images[:500], labels[:500]


def few_of_mnist(data_dir: Path) -> Dataset:
    return Few(open_dataset("mnist", data_dir))
