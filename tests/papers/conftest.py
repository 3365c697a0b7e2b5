"""The digits that the scenes of these tests are written with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mnistlab.data.dataset import open_dataset
from mnistlab.data.splits import read_split, split_writers
from mnistlab.papers.alphabet import Alphabet


@pytest.fixture(scope="session")
def alphabet(data_dir: Path) -> Alphabet:
    """MNIST's training digits, by writer."""
    dataset = open_dataset("mnist", data_dir)
    writers = split_writers(dataset, "train")
    assert writers is not None
    images, labels = read_split(dataset, "train")
    return Alphabet(np.asarray(images), np.asarray(labels), writers)
