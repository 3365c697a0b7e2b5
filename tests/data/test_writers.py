"""Who wrote MNIST's images, and the validation split of writers whose images are not trained on."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mnistlab.data import writers as module
from mnistlab.data.catalog import DATASETS, DatasetSpec, Part, find_spec
from mnistlab.data.dataset import Arrays, Dataset, open_dataset
from mnistlab.data.loader import MNISTDataLoader
from mnistlab.data.splits import held_out, read_split
from mnistlab.data.writers import FOLDER, read_writers, validation_writers
from mnistlab.errors import UserError
from mnistlab.runs.run import Run
from mnistlab.training.ensembles import combine
from mnistlab.training.experiment import train

MASK_SHA256 = "f28f15eb05ae80142fe8ef01a6f34abb124865df4a94e6535617f293c02b9610"


@pytest.fixture(scope="module")
def mnist(data_dir: Path) -> Dataset:
    return open_dataset("mnist", data_dir)


def writers_of(dataset: Dataset, part: str) -> NDArray[np.int16]:
    numbers = dataset.writers(part)  # type: ignore[arg-type]
    assert numbers is not None
    return numbers


def test_every_image_of_mnist_has_a_writer_and_none_is_in_both_parts(mnist: Dataset) -> None:
    train, test = writers_of(mnist, "train"), writers_of(mnist, "test")
    assert (train.shape, train.dtype, test.shape, test.dtype) == ((60_000,), np.int16, (10_000,), np.int16)
    assert (len(set(train)), len(set(test)), len(set(train) & set(test))) == (539, 297, 0)


def test_mnist_s_validation_split_stays_what_it_is(mnist: Dataset) -> None:
    """Every choice that is made from now on depends on this."""
    assert hashlib.sha256(held_out(mnist).tobytes()).hexdigest() == MASK_SHA256


def test_mnist_s_validation_split_is_all_that_45_writers_wrote_and_balanced(mnist: Dataset) -> None:
    mask, numbers, labels = held_out(mnist), writers_of(mnist, "train"), mnist.read("train")[1]
    assert mask.sum() == 5004
    assert len(set(numbers[mask])) == 45
    assert not set(numbers[mask]) & set(numbers[~mask])
    assert np.abs(np.bincount(labels[mask]) - np.bincount(labels) / 12).max() <= 1.5


def test_train_and_val_hold_no_writer_in_common_and_are_all_there_is(mnist: Dataset) -> None:
    images, labels = mnist.read("train")
    mask = held_out(mnist)
    for split, chosen in (("train", ~mask), ("val", mask)):
        loader = MNISTDataLoader(split, dataset=mnist, batch_size=None, shuffle=False)  # type: ignore[arg-type]
        assert np.array_equal(loader.dataset.labels.numpy(), labels[chosen])
        assert np.array_equal(loader.dataset.images[:, 0].numpy(), images[chosen])


def test_the_split_of_0_1_is_there_as_val_random(mnist: Dataset) -> None:
    labels = mnist.read("train")[1]
    mask = held_out(mnist, by_writer=False)
    assert mask.sum() == 5000
    assert np.array_equal(read_split(mnist, "val-random")[1], labels[mask])
    assert np.array_equal(read_split(mnist, "train-random")[1], labels[~mask])
    numbers = writers_of(mnist, "train")
    assert len(set(numbers[mask]) & set(numbers[~mask])) > 500  # which is why it is no longer used


def test_where_nobody_knows_the_writers_both_ways_are_the_same(pictures: Path) -> None:
    folder = open_dataset(pictures)
    assert folder.writers("train") is None
    for part in ("train", "val"):
        first, second = (read_split(folder, split)[0] for split in (part, f"{part}-random"))  # type: ignore[arg-type]
        assert np.array_equal(first, second)


def test_only_mnist_s_writers_are_known() -> None:
    assert [name for name, spec in DATASETS.items() if spec.writers] == ["mnist"]
    assert read_writers(find_spec("fashion"), "test") is None


@given(st.data(), st.integers(2, 5))
def test_of_each_twelve_writers_one_is_kept_with_all_that_is_theirs(data: st.DataObject, classes: int) -> None:
    size = data.draw(st.integers(1, 300))
    numbers = np.array(data.draw(st.lists(st.integers(0, 40), min_size=size, max_size=size)), np.int16)
    labels = np.array(data.draw(st.lists(st.integers(0, classes - 1), min_size=size, max_size=size)), np.int64)
    mask = validation_writers(numbers, labels, classes)
    everyone = sorted(set(numbers))
    kept = sorted(set(numbers[mask]))
    assert not set(numbers[~mask]) & set(kept)
    groups = [everyone[start : start + 12] for start in range(0, len(everyone), 12)]
    assert [len(set(group) & set(kept)) for group in groups] == [1] * len(groups)


@given(st.permutations(range(120)))
def test_the_order_of_the_examples_does_not_matter(order: list[int]) -> None:
    random = np.random.default_rng(0)
    numbers, labels = random.integers(0, 30, 120).astype(np.int16), random.integers(0, 3, 120)
    mask = validation_writers(numbers, labels, 3)
    assert np.array_equal(validation_writers(numbers[order], labels[order], 3), mask[order])


def test_what_other_writers_would_balance_is_balanced() -> None:
    """24 writers of one digit each, half of them for each of two digits: two who write different ones are kept."""
    numbers = np.repeat(np.arange(24), 10).astype(np.int16)
    labels = (numbers % 12 >= 6).astype(np.int64)
    mask = validation_writers(numbers, labels, 2)
    assert np.bincount(labels[mask], minlength=2).tolist() == [10, 10]


@pytest.mark.parametrize("damage", ["missing", "cut", "other", "empty"])
def test_a_damaged_file_says_what_to_do(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(FOLDER, tmp_path / "writers")
    path = tmp_path / "writers" / "writers-train.npz"
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"cut": content[:-5], "other": content[::-1], "empty": b""}[damage])
    monkeypatch.setattr(module, "FOLDER", tmp_path / "writers")
    with pytest.raises(
        UserError, match=r"writers-train\.npz, which says who wrote .* Install mnistlab again\.$"
    ) as caught:
        read_writers(find_spec("mnist"), "train")
    assert str(path) in str(caught.value)
    assert read_writers(find_spec("mnist"), "test") is not None


@dataclass
class Own:
    """A user's own dataset, 240 images of two classes."""

    numbers: Any
    at_hand = True
    validation = None
    spec = DatasetSpec("own", "Own", ("a", "b"), mean=0.1, std=0.3)

    def read(self, part: Part) -> Arrays:
        return np.zeros((240, 28, 28), np.uint8), np.arange(240) % 2

    def writers(self, part: Part) -> Any:
        return self.numbers


@pytest.mark.parametrize("numbers", [np.arange(240) // 10, (np.arange(240) // 10).tolist()])
def test_the_writers_of_a_user_s_own_dataset_are_kept_whole(numbers: Any) -> None:
    train, val = (MNISTDataLoader(split, dataset=Own(numbers), batch_size=9).writers for split in ("train", "val"))  # type: ignore[arg-type]
    assert train is not None
    assert val is not None
    assert (len(set(train)), len(set(val)), len({*train, *val})) == (22, 2, 24)


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        (
            np.zeros(100, np.int16),
            r"a whole number for each example \(240\), but it has shape \(100,\) and dtype int16\. Give an array",
        ),
        (
            np.array(["anna"] * 240),
            r"a whole number for each example \(240\), but it has shape \(240,\) and dtype <U4\. Give an array",
        ),
        (
            np.arange(240) % 11,
            r"^One writer in twelve is held back for validation, but this dataset has only 11 writers\. Use train-random",
        ),
    ],
)
@pytest.mark.parametrize("split", ["train", "val"])
def test_writers_that_cannot_be_used_get_a_sentence(numbers: Any, sentence: str, split: Any) -> None:
    with pytest.raises(UserError, match=sentence):
        MNISTDataLoader(split, dataset=Own(numbers))


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_damaged_file_shows_before_there_is_a_run_folder(
    part: str, data_dir: Path, mnist_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = shutil.copytree(mnist_run.path, tmp_path / "other")
    shutil.copytree(FOLDER, tmp_path / "writers")
    (tmp_path / "writers" / f"writers-{part}.npz").write_bytes(b"")
    monkeypatch.setattr(module, "FOLDER", tmp_path / "writers")
    runs = tmp_path / "runs"
    with pytest.raises(UserError, match="Install mnistlab again"):
        train("quick", dataset="mnist", data_dir=data_dir, runs_dir=runs, device="cpu")
    with pytest.raises(UserError, match="Install mnistlab again"):
        combine([mnist_run, other], data_dir=data_dir, runs_dir=runs, device="cpu")
    assert not list(runs.glob("*"))
