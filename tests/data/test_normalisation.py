from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.data.catalog import DATASETS
from mnistlab.data.normalisation import Normalisation
from mnistlab.errors import UserError


@given(st.floats(0, 1), st.floats(0.01, 1), st.lists(st.integers(0, 255), min_size=1, max_size=20))
def test_there_and_back(mean: float, std: float, values: list[int]) -> None:
    normalisation = Normalisation(mean, std)
    for pixels in (np.array(values, np.float64), torch.tensor(values, dtype=torch.float64)):
        there = normalisation(pixels)
        assert type(there) is type(pixels)
        assert np.allclose(np.asarray(there), (np.array(values) / 255 - mean) / std, rtol=1e-9, atol=1e-9)
        assert np.allclose(np.asarray(normalisation.undo(there)), values, rtol=0, atol=1e-6)


def test_floats_stay_float32() -> None:
    assert Normalisation(0.1307, 0.3081)(torch.zeros(2)).dtype == torch.float32
    assert Normalisation(0.1307, 0.3081)(np.zeros(2, np.float32)).dtype == np.float32


def test_each_dataset_has_its_own() -> None:
    for spec in DATASETS.values():
        assert spec.normalisation == Normalisation(spec.mean, spec.std)


def test_numbers_of_every_kind_are_taken() -> None:
    given: Any = (Fraction(1, 2), np.float64(0.25))
    normalisation = Normalisation(*given)
    assert normalisation == Normalisation(0.5, 0.25)
    assert (type(normalisation.mean), type(normalisation.std)) == (float, float)


@pytest.mark.parametrize(
    ("mean", "std", "sentence"),
    [
        ("0", 1, "Mean '0' is not a number."),
        (float("nan"), 1, "Mean nan is out of range."),
        (0, None, "Standard deviation None is not a number."),
        (0, 0, "Standard deviation 0 is out of range."),
        (0, float("inf"), "Standard deviation inf is out of range."),
    ],
)
def test_what_is_no_mean_or_std_is_refused(mean: Any, std: Any, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        Normalisation(mean, std)
    assert caught.value.message == sentence
