from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.data.dataset import Dataset, open_dataset
from mnistlab.data.splits import validation_mask
from mnistlab.errors import UserError


@pytest.fixture(scope="module")
def mnist(data_dir: Path) -> Dataset:
    return open_dataset("mnist", data_dir)


MASK_SHA256 = "3db020e64ad2257fb7674dce0d70a58460d7da3fc966a0de2626167e16fd3664"


def test_mnist_s_validation_split_stays_what_it_is(mnist: Dataset) -> None:
    """Every figure ever measured on the validation split depends on this."""
    mask = validation_mask(mnist.read("train")[1], 10)
    assert hashlib.sha256(mask.tobytes()).hexdigest() == MASK_SHA256


def test_mnist_s_validation_split_is_5000_and_stratified(mnist: Dataset) -> None:
    labels = mnist.read("train")[1]
    mask = validation_mask(labels, 10)
    assert (mask.shape, mask.dtype) == ((60_000,), np.bool_)
    assert mask.sum() == 5000
    assert np.abs(np.bincount(labels[mask]) - np.bincount(labels) / 12).max() < 1


@given(st.data(), st.integers(1, 12))
def test_any_validation_split_is_a_twelfth_and_stratified(data: st.DataObject, classes: int) -> None:
    labels = np.array(data.draw(st.lists(st.integers(0, classes - 1), min_size=12, max_size=300)), np.int64)
    mask = validation_mask(labels, classes)
    total = len(labels) // 12
    assert mask.sum() == total
    counts = np.bincount(labels, minlength=classes)
    taken = np.bincount(labels[mask], minlength=classes)
    assert np.all(np.abs(taken - counts * total / len(labels)) < 1)
    assert np.array_equal(mask, validation_mask(labels.copy(), classes))


@given(st.integers(1, 40), st.integers(2, 5))
def test_each_class_gives_examples_from_all_along_the_file(share: int, classes: int) -> None:
    labels = np.arange(12 * share * classes) % classes
    chosen = np.flatnonzero(validation_mask(labels, classes))
    for label in range(classes):
        places = chosen[labels[chosen] == label] // classes
        assert np.array_equal(places, np.arange(share) * 12 + 6)


def test_fewer_than_twelve_examples_cannot_be_split() -> None:
    with pytest.raises(UserError, match="11 training examples cannot be split: at least 12 are needed"):
        validation_mask(np.zeros(11, np.int64), 2)
