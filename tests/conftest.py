"""What the tests share: the real MNIST, fetched once per session through mnistlab itself, and pictures made from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mnistlab.datasets import open_dataset


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that holds the real MNIST; tests read it and leave it as it is."""
    folder = tmp_path_factory.mktemp("data")
    open_dataset("mnist", folder).read("train")
    return folder


@pytest.fixture(scope="session")
def pictures(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 pictures each of three digits of MNIST, a folder per digit: trained on in well under a second."""
    folder = tmp_path_factory.mktemp("pictures") / "digits"
    images, labels = open_dataset("mnist", data_dir).read("train")
    for digit in range(3):
        (folder / str(digit)).mkdir(parents=True)
        for index in np.flatnonzero(labels == digit)[:30]:
            Image.fromarray(images[index]).save(folder / str(digit) / f"{index:05}.png")
    return folder


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Networks as small as those of the tests only wait for a second thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
