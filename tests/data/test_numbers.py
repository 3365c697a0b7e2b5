"""Numbers by one hand, after MDW."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mnistlab.data.dataset import open_dataset
from mnistlab.data.numbers import KINDS, Number, NumberKind, picture, read_right, write_numbers
from mnistlab.data.splits import read_split, split_writers
from mnistlab.errors import UserError

Split = tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int16]]


@pytest.fixture(scope="module")
def val(data_dir: Path) -> Split:
    """Images, labels and writers of the validation split."""
    dataset = open_dataset("mnist", data_dir)
    writers = split_writers(dataset, "val")
    assert writers is not None
    return *read_split(dataset, "val"), writers


@pytest.mark.parametrize("kind", KINDS)
def test_each_number_is_written_by_one_hand(val: Split, kind: NumberKind) -> None:
    _, labels, writers = val
    numbers = write_numbers(kind, labels, writers, 500)
    assert len(numbers) == 500
    for number in numbers:
        assert "".join(map(str, labels[list(number.indices)])) == number.digits
        assert set(writers[list(number.indices)]) == {number.writer}
    assert len({number.writer for number in numbers}) > 40  # of 45
    assert write_numbers(kind, labels, writers, 500) == numbers
    assert write_numbers(kind, labels, writers, 500, seed=1) != numbers


def test_what_the_numbers_are(val: Split) -> None:
    _, labels, writers = val
    zips, amounts, times = ([n.text for n in write_numbers(kind, labels, writers, 3000)] for kind in KINDS)
    assert all(len(text) == 5 and 601 <= int(text) <= 99_926 for text in zips)
    assert all(1 <= float(text) < 100_000 and text[-3] == "." for text in amounts)
    leading = np.bincount([int(text[0]) for text in amounts], minlength=10)[1:] / len(amounts)
    assert np.abs(leading - np.log10(1 + 1 / np.arange(1, 10))).max() < 0.03  # Benford's law
    assert {len(text) for text in amounts} == {4, 5, 6, 7, 8}
    hours, minutes = zip(*(map(int, text.split(":")) for text in times), strict=True)
    assert (min(hours), max(hours), min(minutes), max(minutes)) == (0, 23, 0, 59)
    assert {len(text) for text in times} == {4, 5}


def test_a_writer_who_lacks_a_digit_writes_no_number_with_it() -> None:
    labels = np.array([*range(10), *range(9)], np.int64)
    writers = np.array([1] * 10 + [2] * 9, np.int16)
    numbers = write_numbers("zip", labels, writers, 200)
    assert {n.writer for n in numbers if "9" in n.text} == {1}
    assert {n.writer for n in numbers if "9" not in n.text} == {1, 2}


@given(st.sets(st.integers(0, 9)), st.integers(0, 3))
def test_a_number_is_read_right_where_every_digit_of_it_is(wrong: set[int], seed: int) -> None:
    numbers = write_numbers("amount", np.arange(10), np.zeros(10, np.int16), 50, seed)
    expected = np.mean([not any(int(digit) in wrong for digit in number.digits) for number in numbers])
    assert read_right(numbers, wrong) == pytest.approx(expected)


def test_a_picture_is_the_digits_beside_each_other(val: Split) -> None:
    images, labels, writers = val
    (number,) = write_numbers("time", labels, writers, 1)
    drawn = picture(number, images)
    assert drawn.shape == (28, 28 * len(number.digits))
    for place, index in enumerate(number.indices):
        assert np.array_equal(drawn[:, 28 * place : 28 * (place + 1)], images[index])


def test_what_cannot_be_written_gets_a_sentence() -> None:
    labels, writers = np.arange(9), np.zeros(9, np.int16)
    with pytest.raises(UserError, match=r"In the images given \(9\), no writer wrote all ten digits"):
        write_numbers("zip", labels, writers)
    with pytest.raises(UserError, match=r"Unknown kind of number 'phone'\. Choose one of zip, amount, time\."):
        write_numbers("phone", np.arange(10), np.zeros(10, np.int16))  # type: ignore[arg-type]


def test_the_digits_are_the_text_without_what_stands_between() -> None:
    assert Number("12,345.60", 1, ()).digits == "1234560"
