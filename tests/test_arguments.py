from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.errors import UserError, number, plain, shown, told, whole_number
from mnistlab.messages.sentences import Clause

WHOLE = [np.int64, np.uint8, np.int16, int, torch.tensor]
REAL = [np.float64, np.float32, np.int64, np.float16, int, float, Fraction]


@given(st.integers(0, 100), st.sampled_from(WHOLE))
def test_whole_numbers_of_every_kind_are_taken_as_an_int(value: int, kind: Any) -> None:
    taken = whole_number(kind(value), Clause("names.seed"), 0, 100)
    assert (type(taken), taken) == (int, value)


@given(st.integers(0, 100), st.sampled_from(REAL))
def test_numbers_of_every_kind_are_taken_as_a_float(value: int, kind: Any) -> None:
    taken = number(kind(value), Clause("names.threshold"), 0, 100)
    assert (type(taken), taken) == (float, value)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "Seed None is not a whole number."),
        (True, "Seed True is not a whole number."),
        (np.True_, f"Seed {np.True_!r} is not a whole number."),
        (1.0, "Seed 1.0 is not a whole number."),
        (np.float64(1), f"Seed {np.float64(1)!r} is not a whole number."),
        ("3", "Seed '3' is not a whole number."),
        ([3], "Seed [3] is not a whole number."),
        (torch.tensor([1, 2]), "Seed tensor([1, 2]) is not a whole number."),
        (-1, "Seed -1 is out of range."),
        (np.int64(-1), "Seed -1 is out of range."),
        (2**70, f"Seed {2**70} is out of range."),
        (10**5000, "Seed of thousands of digits is out of range."),
    ],
    ids=lambda value: str(shown(value))[:20],
)
def test_what_is_no_whole_number_in_the_range_gets_a_sentence(value: object, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        whole_number(value, Clause("names.seed"), 0, 4095)
    assert str(caught.value) == f"{sentence} Choose 0 to 4,095."


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "Coverage None is not a number."),
        (True, "Coverage True is not a number."),
        ("0.5", "Coverage '0.5' is not a number."),
        (0.5j, "Coverage 0.5j is not a number."),
        (math.nan, "Coverage nan is out of range."),
        (1.5, "Coverage 1.5 is out of range."),
        (10**400, "Coverage 100000000000000000...0000000000000000000 is out of range."),
    ],
)
def test_what_is_no_number_in_the_range_gets_a_sentence(value: object, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        number(value, Clause("names.coverage"), 0, 1)
    assert str(caught.value) == f"{sentence} Choose 0 to 1."


def test_what_is_shown_is_short_and_in_a_line() -> None:
    text = shown(np.zeros((50, 50)))
    assert len(text) < 60
    assert text.isprintable()


def test_plain_is_what_json_has() -> None:
    given = [np.int64(3), (np.float32(0.5), "a"), np.arange(2), torch.ones(1), range(2), np.True_, None, True]
    made = plain(given)
    assert repr(made) == "[3, [0.5, 'a'], [0, 1], [1.0], [0, 1], True, None, True]"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((16, 32), "16,32"), ([16, 32], "16,32"), (("best", "quick"), "best,quick"), ((), "none"), ([], "none"), (None, "none"),
        (True, "on"), (False, "off"), ((True, None, 2.0), "True,None,2.0"), (["a\nb"], "'a\\nb'"), ("sgd", "sgd"), (128, "128"),
        (0.0, "0"), (10.0, "10"), (0.0005, "0.0005"), (1e-9, "1e-9"), (1e6, "1e6"), (0.12345678, "0.12345678"),
    ],
    ids=repr,
)  # fmt: skip
def test_a_setting_is_told_as_the_command_line_takes_it(value: object, text: str) -> None:
    assert told(value) == text


@given(st.floats(allow_nan=False))
def test_a_number_is_told_to_its_last_digit(value: float) -> None:
    assert float(told(value)) == value
