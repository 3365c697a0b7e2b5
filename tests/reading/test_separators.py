"""Separators are read with the digits: points, commas, dashes, slashes, percent signs and colons; dirt is not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from mnistlab import Reader
from mnistlab.reading.finder import CLASSES, Found
from mnistlab.reading.marks import Mark
from mnistlab.reading.page import Page
from mnistlab.reading.questions import Row
from mnistlab.reading.separators import Sign, Small, signs_of, slash_of
from tests.support import strings
from tests.support.notes import Digits
from tests.support.strings import Line


@pytest.fixture(scope="module")
def hand(clear: Digits) -> strings.Hand:
    """Some clear digits of each kind."""
    return {digit: list(clear[0][clear[1] == digit][:3]) for digit in range(10)}


def drawn(hand: strings.Hand, text: str, seed: int = 0, height: float = 50) -> Any:
    """A text in black on white: uint8 (H, W)."""
    line = Line(np.random.default_rng(seed), height, strings.width_of_pen(hand, height), len(text))
    for character in text:
        if character.isdigit():
            line.digit(hand[int(character)][0])
        else:
            line.separator(character)
    return 255 - line.ink[:, : round(line.x + 0.6 * height)]


@pytest.mark.parametrize("text", ["3.14", "-5", "24/38", "7,234", "12.50", "84%", "7:05", "38-46", "20.-"])
def test_what_stands_between_digits_is_read(reader: Reader, hand: strings.Hand, text: str) -> None:
    page = reader.read(drawn(hand, text))
    assert page.text == text
    assert "".join(str(digit.value) for digit in page.digits) == "".join(filter(str.isdigit, text))
    assert [mark.value for mark in page.marks] == [int(one) if one.isdigit() else one for one in text]


def test_a_separator_has_a_box_and_a_probability(reader: Reader, hand: strings.Hand) -> None:
    picture = drawn(hand, "38-46")
    page = reader.read(picture)
    (dash,) = page.lines[0].separators
    left, right = page.digits[1].box, page.digits[2].box
    x, y, width, height = dash.box
    assert left[0] + left[2] <= x < x + width <= right[0]
    assert left[1] < y < y + height < left[1] + left[3]
    assert (picture[y : y + height, x : x + width] < 128).any()
    assert 0 < dash.probability <= 1
    assert dash.accepted
    told = page.to_dict()["lines"][0]["separators"]
    assert json.loads(json.dumps(told)) == told == [dash.to_dict()]


def test_the_finder_is_asked_only_where_strokes_leave_a_question(hand: strings.Hand) -> None:
    reader = Reader(threads=1)
    asked: list[tuple[int, ...]] = []
    finder = reader.finder
    assert finder is not None

    def count(seen: Any) -> Any:
        asked.append(seen.shape)
        return finder(seen)

    reader.finder = count  # type: ignore[assignment]
    assert reader.read(drawn(hand, "3846280")).text == "3846280"
    assert not asked or sum(height * width for height, width in asked) < 20_000
    asked.clear()
    picture = drawn(hand, "384628.0")
    assert reader.read(picture).text == "384628.0"
    assert len(asked) <= 2
    assert sum(height * width for height, width in asked) < 30_000


@pytest.mark.parametrize("seed", range(3))
def test_dirt_is_no_point(reader: Reader, hand: strings.Hand, seed: int) -> None:
    line = Line(np.random.default_rng(seed), 50, strings.width_of_pen(hand, 50), 5)
    for digit in (3, 8, 4, 6, 2):
        line.digit(hand[digit][0])
    for x in np.random.default_rng(seed).uniform(40, line.x, 8):
        line.ink[int(line.base) - 3 : int(line.base) - 1, int(x) : int(x) + 2] |= 200
    page = reader.read(255 - line.ink)
    assert [mark.value for mark in page.marks] == [3, 8, 4, 6, 2]


@pytest.mark.parametrize(("shade", "read"), [(255, "38.46"), (190, "3846")])
def test_a_point_is_as_dark_as_the_digits(reader: Reader, hand: strings.Hand, shade: int, read: str) -> None:
    line = Line(np.random.default_rng(0), 50, strings.width_of_pen(hand, 50), 5)
    for digit in (3, 8):
        line.digit(hand[digit][0])
    left = line.x
    line.separator(".")
    line.ink[:, round(left - 0.1 * line.height) :] = (
        line.ink[:, round(left - 0.1 * line.height) :].astype(np.uint16) * shade // 255
    )
    for digit in (4, 6):
        line.digit(hand[digit][0])
    assert reader.read(255 - line.ink).text == read


def test_a_dash_may_touch_a_digit_and_a_digits_bar_is_none() -> None:
    image, seven = np.zeros((28, 28), np.uint8), np.eye(10, dtype=np.float32)[7]
    row = Row([Mark(image, seven, box, box) for box in ((0, 0, 30, 50), (70, 0, 30, 50))], [0, 1])
    kinds = np.eye(len(CLASSES), dtype=np.float32)[CLASSES.index("-")]
    between, within = Found(50, 25, 30, 8, kinds, 0.7, 0), Found(85, 25, 30, 8, kinds, 0.7, 0)
    joined, apart = (Small(np.empty((0, 4)), np.empty(0), 5.0, apart) for apart in (False, True))
    assert [sign.kind for sign in signs_of(row, [between], joined)] == ["-"]
    assert signs_of(row, [within], joined) == []
    assert signs_of(row, [between], apart) == []


def test_a_slash_has_digits_on_both_sides() -> None:
    one = np.zeros((28, 28), np.uint8)
    cv2.line(one, (20, 4), (8, 24), 255, 2)
    leaning = Mark(one, np.eye(10, dtype=np.float32)[1], (80, 0, 30, 65), (80, 0, 30, 65))
    seven = Mark(one, np.eye(10, dtype=np.float32)[7], (0, 8, 30, 50), (0, 8, 30, 50))
    kinds = np.eye(len(CLASSES), dtype=np.float32)[CLASSES.index("/")]
    found = [Found(95, 32, 30, 65, kinds, 1.0, 0)]
    last = replace(seven, level_box=(130, 8, 30, 50))
    between, behind = (
        Row([seven, leaning, last], [0, 1, 2]),
        Row([seven, leaning, replace(last, level_box=(40, 8, 30, 50))], [0, 1, 2]),
    )
    assert slash_of(between, 1, found) is not None
    assert slash_of(behind, 1, found) is None


def test_a_small_stroke_that_cannot_be_read_does_not_vanish(reader: Reader, hand: strings.Hand) -> None:
    line = Line(np.random.default_rng(0), 60, strings.width_of_pen(hand, 60), 5)
    line.digit(hand[3][0])
    left = line.x
    line.line([(left + x, line.base - 30 + y) for x, y in ((0, 0), (9, -9), (18, 0), (9, 9), (0, 0), (18, 0))])
    line.x += 36
    line.digit(hand[8][0])
    text = reader.read(255 - line.ink).text
    assert text[0] + text[-1] == "38"
    assert len(text.replace(" ", "")) > 2


def test_most_composed_strings_are_read_and_few_gain_a_separator(reader: Reader, hand: strings.Hand) -> None:
    def read(separators: bool, count: int) -> list[tuple[Page, str]]:
        pictures = [
            strings.write(np.random.default_rng((1, number)), [hand], separators=separators) for number in range(count)
        ]
        return [(reader.read(picture), texts[0]) for picture, texts in pictures]

    assert sum(page.text == text for page, text in read(True, 20)) >= 16
    assert sum(bool(line.separators) for page, _ in read(False, 20) for line in page.lines) <= 1


def test_a_row_knows_what_stands_beside_a_column() -> None:
    class Stub:
        def __init__(self, box: Sequence[int]) -> None:
            self.level_box, self.label, self.sure, self.image = box, 3, 1.0, np.zeros((28, 28), np.uint8)

    marks: Any = [Stub((0, 0, 30, 50)), Stub((60, 4, 30, 50))]
    row = Row(marks, [0, 1])
    near = row.beside(50)
    assert near is not None
    assert near[0] == 1
    assert near[1] == pytest.approx(52)
    assert row.beside(400) is None
    assert Sign("-", 0.5, (1, 2, 3, 4), (1, 2, 3, 4), 0).instead_of == ()
