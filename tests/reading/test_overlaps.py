"""The finder's finds at several sizes, merged; and which boxes share a place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.reading.finder import CLASSES, Found, Level
from mnistlab.reading.marks import covers, meeting
from mnistlab.reading.overlaps import around, find, supported

SLASH = CLASSES.index("/")
BOX = st.tuples(*[st.integers(0, 60)] * 2, *[st.integers(1, 40)] * 2)


def found(kind: int, x: float, y: float = 30.0, weight: float = 0.9) -> Found:
    kinds = np.full(len(CLASSES), 0.01, np.float32)
    kinds[kind] = weight
    return Found(x, y, 14.0, 22.0, kinds, weight, 0)


def level(*marks: Found) -> Level:
    blank = np.zeros((60, 120), np.float32)
    return Level(1.0, blank, blank, list(marks))


@pytest.mark.parametrize(
    ("marks", "read"),
    [
        ([found(SLASH, 10), found(0, 40), found(0, 60)], "100"),
        ([found(2, 10), found(SLASH, 40), found(3, 60)], "2/3"),
        ([found(2, 10, y=200), found(SLASH, 40), found(3, 60)], "213"),  # a digit of another line is not on its left
        ([found(SLASH, 10)], "/"),  # with no digit beside it there is no number that it could begin
        ([found(CLASSES.index("-"), 10), found(5, 40)], "-5"),
    ],
)
def test_a_slash_that_begins_a_number_is_a_one(marks: list[Found], read: str) -> None:
    kept = sorted(find([level(*marks)]), key=lambda mark: mark.x)
    assert "".join(CLASSES[mark.kind] for mark in kept) == read
    assert all(mark.digit == CLASSES[mark.kind].isdigit() for mark in kept)


def test_strokes_are_supported_where_a_digit_like_them_was_seen_at_any_size() -> None:
    detected = [found(7, 30, weight=0.3)]
    assert supported([(23, 19, 14, 22)], detected)
    assert not supported([(23, 19, 6, 22)], detected)  # less than half of it
    assert not supported([(73, 19, 14, 22)], detected)  # no digit
    assert not supported([(23, 19, 14, 22)], [])


def test_two_strokes_of_one_digit_are_not_supported_as_two_digits() -> None:
    digits = [found(1, 30), found(1, 50), found(1, 34, weight=0.3)]
    boxes = [around(mark) for mark in digits]
    assert supported(boxes[:2], digits[:2])
    assert not supported([boxes[0], boxes[2]], digits)  # the upstroke and the stem of one 1
    assert not supported([boxes[0], boxes[0]], digits)


@given(st.lists(BOX, max_size=5), st.lists(BOX, max_size=5))
def test_boxes_meet_where_the_middle_of_either_lies_in_the_other(ones: list[tuple], others: list[tuple]) -> None:
    def middle(box: tuple) -> tuple[float, float]:
        return box[0] + box[2] / 2, box[1] + box[3] / 2

    met = meeting(ones, others)
    assert met.shape == (len(ones), len(others))
    for row, one in zip(met, ones, strict=True):
        assert row.tolist() == [covers(one, *middle(other)) or covers(other, *middle(one)) for other in others]
