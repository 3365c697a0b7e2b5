"""The effect of differing writers on intervals and tests, for simulated writers whose true accuracy is known."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest, t

from mnistlab.data.catalog import find_spec
from mnistlab.data.writers import read_writers
from mnistlab.evaluation.by_writer import (
    count_by_writer,
    interval_by_writer,
    permutation_p_value,
    variance_ratio,
)
from mnistlab.evaluation.result import Evaluation


def counts_of(images: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.column_stack([np.arange(len(images)), images, right])


@pytest.fixture(scope="module")
def images() -> NDArray[np.int64]:
    """How many test images each of MNIST's 297 writers has."""
    writers = read_writers(find_spec("mnist"), "test")
    return np.unique(writers, return_counts=True)[1]  # type: ignore[arg-type]


@pytest.mark.parametrize(("error_rate", "alike", "size"), [(0.01, 100, 297), (0.03, 50, 297), (0.03, 50, 45)])
def test_intervals_by_writer_hold_the_truth_where_the_usual_one_is_too_narrow(
    images: NDArray[np.int64], error_rate: float, alike: float, size: int
) -> None:
    """Writers' own error rates vary as Beta(rate * alike, (1 - rate) * alike) does; 45 of them have what `val` has each."""
    random = np.random.default_rng(0)
    images = images if size == 297 else random.integers(60, 131, size)
    trials, held, held_by_wilson = 400, 0, 0
    for _ in range(trials):
        rates = random.beta(error_rate * alike, (1 - error_rate) * alike, len(images))
        right = images - random.binomial(images, rates)
        counts = counts_of(images, right)
        low, high = interval_by_writer(counts)
        held += low <= 1 - error_rate <= high
        confusion = np.array([[right.sum(), images.sum() - right.sum()], [0, 0]])
        low, high = Evaluation("test", ("a", "b"), confusion, 0.0, np.zeros((15, 3)), ()).interval
        held_by_wilson += low <= 1 - error_rate <= high
    assert 0.93 <= held / trials <= 0.97
    assert held_by_wilson / trials < 0.91


def test_the_variance_of_independent_images_is_the_usual_one(images: NDArray[np.int64]) -> None:
    random = np.random.default_rng(1)
    ratios = [variance_ratio(counts_of(images, images - random.binomial(images, 0.01))) for _ in range(30)]
    assert np.mean(ratios) == pytest.approx(1, abs=0.1)


def test_few_writers_leave_much_open() -> None:
    """By hand, for 12 writers with 10 images each: in the log odds, t of 11 degrees of freedom times the standard error."""
    right = np.array([10, 9, 8, 10, 7, 10, 9, 9, 10, 6, 10, 8])
    p = right.sum() / 120
    error = np.std(right / 10, ddof=1) / np.sqrt(12) / (p * (1 - p))
    low, high = interval_by_writer(counts_of(np.full(12, 10), right))
    odds = np.log(np.array([low, p, high]) / (1 - np.array([low, p, high])))
    assert np.diff(odds) == pytest.approx(float(t.ppf(0.975, 11)) * error, rel=0.05)
    # One writer says nothing about others.
    assert interval_by_writer(counts_of(np.array([50]), np.array([49]))) == (0, 1)


def test_ten_copies_of_each_image_are_worth_as_much_as_one() -> None:
    random = np.random.default_rng(2)
    wrong = random.random(400) < 0.1
    once = counts_of(np.ones(400, np.int64), (~wrong).astype(np.int64))
    tenfold = counts_of(np.full(400, 10), 10 * (~wrong).astype(np.int64))
    assert interval_by_writer(tenfold) == pytest.approx(interval_by_writer(once))
    assert variance_ratio(tenfold) == pytest.approx(10 * variance_ratio(once))
    assert variance_ratio(once) == pytest.approx(1, abs=0.15)


@given(st.lists(st.tuples(st.integers(1, 30), st.floats(0, 1)), min_size=1, max_size=40), st.integers(0, 5))
def test_an_interval_lies_around_the_accuracy_and_is_the_same_again(rows: list[tuple[int, float]], seed: int) -> None:
    images = np.array([count for count, _ in rows])
    counts = counts_of(images, np.array([round(count * share) for count, share in rows]))
    low, high = interval_by_writer(counts, seed)
    assert 0 <= low <= counts[:, 2].sum() / images.sum() <= high <= 1
    assert interval_by_writer(counts, seed) == (low, high)


@pytest.mark.parametrize("right", [0, 1])
def test_where_nothing_varies_the_number_of_writers_counts(right: int) -> None:
    """Wilson's interval for no success in 30 trials ends at z^2 / (30 + z^2)."""
    images = np.full(30, 100)
    low, high = interval_by_writer(counts_of(images, right * images))
    far = 1.96**2 / (30 + 1.96**2)
    assert (low, high) == pytest.approx((1 - far, 1) if right else (0, far), abs=1e-4)
    assert variance_ratio(counts_of(images, right * images)) == 1


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=200))
def test_examples_are_counted_by_writer(rows: list[tuple[int, bool]]) -> None:
    writers, right = np.array([w for w, _ in rows], np.int16), np.array([r for _, r in rows])
    counts = count_by_writer(writers, right)
    expected = [
        [w, sum(writer == w for writer, _ in rows), sum(r for writer, r in rows if writer == w)]
        for w in sorted({writer for writer, _ in rows})
    ]
    assert counts.tolist() == expected


@given(st.integers(0, 40), st.integers(0, 40))
def test_with_one_image_a_writer_it_is_mcnemar_s_exact_test(first: int, second: int) -> None:
    p_value = permutation_p_value(np.array([1] * first + [-1] * second + [0] * 5))
    expected = binomtest(first, first + second).pvalue if first + second else 1
    assert p_value == pytest.approx(expected)


@given(st.lists(st.integers(-6, 6), max_size=9))
def test_it_is_the_fraction_of_all_signs_that_go_so_far(differences: list[int]) -> None:
    outcomes = itertools.product(*[(size, -size) for size in differences])
    sums = np.array([abs(sum(outcome)) for outcome in outcomes])
    expected = np.mean(sums >= abs(sum(differences)))
    assert permutation_p_value(np.array(differences, np.int64)) == pytest.approx(expected)


def test_errors_of_one_hand_are_one_sign_and_not_many() -> None:
    """Twelve more errors, all by one writer, may be luck with that writer: McNemar's test sees twelve images."""
    assert permutation_p_value(np.array([12])) == 1
    assert binomtest(0, 12).pvalue < 0.001
    assert permutation_p_value(np.array([1] * 12)) == pytest.approx(2 / 2**12)


@pytest.mark.parametrize(("error_rate", "limit"), [(0.02, 0.07)])
def test_by_writer_equal_models_seldom_seem_different(
    images: NDArray[np.int64], error_rate: float, limit: float
) -> None:
    """All digits of a writer suit one model or the other by chance; the test errs in about 5 of 100 cases."""
    random = np.random.default_rng(3)
    trials, found, found_by_image = 300, 0, 0
    for _ in range(trials):
        suits = random.choice([0.2, 1.8], len(images))
        first, second = (random.binomial(images, error_rate * rate) for rate in (suits, 2 - suits))
        found += permutation_p_value(first - second) < 0.05
        found_by_image += binomtest(int(first.sum()), int(first.sum() + second.sum())).pvalue < 0.05
    assert found / trials <= limit < found_by_image / trials
    assert math.isfinite(found_by_image)
