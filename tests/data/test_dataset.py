from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torchvision.datasets
from numpy.typing import NDArray

from mnistlab.data.dataset import DATASETS, Dataset, open_dataset
from mnistlab.errors import UserError


@pytest.fixture(scope="module")
def mnist(data_dir: Path) -> Dataset:
    return open_dataset("mnist", data_dir)


@pytest.mark.parametrize("name", ["nist", "", "MNIST", "mnist "])
def test_an_unknown_name_is_answered_with_the_known_ones(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Unknown dataset") as caught:
        open_dataset(name or "no-such-folder", tmp_path)
    assert all(known in caught.value.remedy for known in DATASETS)


def test_a_name_of_the_table_goes_before_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mnist").mkdir()
    monkeypatch.chdir(tmp_path)
    assert open_dataset("mnist", "data").spec is DATASETS["mnist"]


def test_opening_reads_and_writes_nothing(tmp_path: Path) -> None:
    open_dataset("mnist", tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_what_is_neither_a_name_nor_a_path_is_refused() -> None:
    with pytest.raises(
        UserError, match=r"^dataset None is not a path\. Choose one of mnist, .* or give a folder of pictures"
    ):
        open_dataset(None)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"^data_dir None is not a path\. Give text or a pathlib\.Path\.$"):
        open_dataset("mnist", None)  # type: ignore[arg-type]


# MNIST itself


@pytest.mark.parametrize(("part", "count"), [("train", 60_000), ("test", 10_000)])
def test_mnist_s_arrays(mnist: Dataset, part: Any, count: int) -> None:
    images, labels = mnist.read(part)
    assert (images.shape, images.dtype) == ((count, 28, 28), np.uint8)
    assert (labels.shape, labels.dtype) == ((count,), np.int64)
    assert set(labels) == set(range(10))


def test_mnist_s_first_labels(mnist: Dataset) -> None:
    assert mnist.read("train")[1][:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert mnist.read("test")[1][:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_mnist_s_class_counts(mnist: Dataset) -> None:
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(mnist.read("train")[1]).tolist() == counts


def moments(images: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean and std of the pixels scaled to [0, 1], from exact sums."""
    squares = (np.arange(256) ** 2).astype(np.uint16)
    mean = int(images.sum(dtype=np.int64)) / images.size
    mean_of_squares = int(squares[images].sum(dtype=np.int64)) / images.size
    return mean / 255, math.sqrt(mean_of_squares - mean**2) / 255


def test_mnist_s_mean_and_std_are_those_of_its_training_pixels(mnist: Dataset) -> None:
    mean, std = moments(mnist.read("train")[0])
    assert (round(mean, 4), round(std, 4)) == (0.1307, 0.3081)
    assert (mnist.spec.mean, mnist.spec.std) == (0.1307, 0.3081)


def test_mnist_is_what_torchvision_reads(mnist: Dataset, data_dir: Path) -> None:
    theirs = torchvision.datasets.MNIST(str(data_dir), train=False)
    images, labels = mnist.read("test")
    assert np.array_equal(images, theirs.data.numpy())
    assert np.array_equal(labels, theirs.targets.numpy())


def test_ink_is_bright_on_dark(mnist: Dataset) -> None:
    images, _ = mnist.read("test")
    assert images[:, 0].mean() < 1
    assert images[:, 8:20, 8:20].mean() > 50


def test_a_part_is_read_once(mnist: Dataset) -> None:
    assert mnist.read("train")[0] is mnist.read("train")[0]
