"""Lines: whatever the slope, the gaps and the order of the boxes, read as a person would."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.reading.layout import lines_of, typical_height
from tests.support.waiting import LIMIT

Box = tuple[int, int, int, int]

boxes = st.tuples(st.integers(0, 2000), st.integers(0, 2000), st.integers(1, 300), st.integers(1, 300))
many = settings(max_examples=75, derandomize=True)


def grid(
    seed: int, rows: int, columns: int, tilt: float = 0, height: float = 60, gap: float = 0.5, pitch: float = 1.9,
    wobble: float = 1.0,
) -> list[Box]:  # fmt: skip
    """Row by row, jittered as handwriting is, then turned by `tilt` degrees. Gaps and pitch are in heights."""
    rng = np.random.default_rng(seed)
    cos, sin = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    found = []
    for row in range(rows):
        x = wobble * height * rng.uniform(0, 0.5)
        for _ in range(columns):
            tall = height * (1 + wobble * rng.uniform(-0.15, 0.15))
            wide = tall * rng.uniform(0.25, 0.85)
            y = (row * pitch + wobble * rng.uniform(-0.08, 0.08)) * height - tall / 2
            middle = x + wide / 2, y + tall / 2
            turned = cos * middle[0] - sin * middle[1], sin * middle[0] + cos * middle[1]
            box = turned[0] - wide / 2, turned[1] - tall / 2, wide, tall
            found.append((round(box[0]), round(box[1]), max(1, round(wide)), max(1, round(tall))))
            x += wide + gap * height * (1 + wobble * rng.uniform(-0.3, 0.6))
    return found


def shuffled(placed: list[Box], seed: int) -> tuple[list[Box], list[int]]:
    """In a random order; and where each index of the new order was."""
    order = np.random.default_rng(seed).permutation(len(placed)).tolist()
    return [placed[i] for i in order], order


def in_first_order(placed: list[Box], seed: int) -> list[list[int]]:
    """The lines of the boxes given in a random order, by the indices that the boxes have in this one."""
    given_, order = shuffled(placed, seed)
    return [[order[i] for i in line] for line in lines_of(given_)]


def rows_of(rows: int, columns: int) -> list[list[int]]:
    return np.arange(rows * columns).reshape(rows, columns).tolist()


@many
@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(1, 8),
    columns=st.integers(1, 10),
    height=st.floats(12, 300),
    gap=st.floats(0.2, 0.8),
    pitch=st.floats(1.6, 3),
)
def test_level_rows(seed: int, rows: int, columns: int, height: float, gap: float, pitch: float) -> None:
    placed = grid(seed, rows, columns, 0, height, gap, pitch)
    assert in_first_order(placed, seed) == rows_of(rows, columns)


@many
@given(
    seed=st.integers(0, 10_000), rows=st.integers(1, 8), columns=st.integers(4, 10), tilt=st.floats(-8, 8),
    height=st.floats(15, 300),
)  # fmt: skip
def test_tilted_rows_in_any_order(seed: int, rows: int, columns: int, tilt: float, height: float) -> None:
    placed = grid(seed, rows, columns, tilt, height)
    assert in_first_order(placed, seed) == rows_of(rows, columns)


@many
@given(placed=st.lists(boxes, max_size=40))
def test_each_box_is_on_one_line_whatever_they_are(placed: list[Box]) -> None:
    lines = lines_of(placed)
    assert sorted(i for line in lines for i in line) == list(range(len(placed)))
    assert all(lines)
    for line in lines:
        middles = [placed[i][0] + placed[i][2] / 2 for i in line]
        assert middles == sorted(middles)


@many
@given(placed=st.lists(boxes, max_size=25), seed=st.integers(0, 1000))
def test_boxes_far_from_zero_make_the_same_lines(placed: list[Box], seed: int) -> None:
    moved = [(x + 1000, y + 500, width, height) for x, y, width, height in placed]
    assert lines_of(moved) == lines_of(placed)


def test_none_one_and_equal_ones() -> None:
    assert lines_of([]) == []
    assert lines_of([(5, 5, 10, 20)]) == [[0]]
    lines = lines_of([(5, 5, 10, 20)] * 3)
    assert sorted(i for line in lines for i in line) == [0, 1, 2]
    assert typical_height([]) == 0


@pytest.mark.parametrize("slope", [-15, 15])
def test_five_digits_on_a_steep_slope_are_one_line(slope: float) -> None:
    placed = [(100 * i, round(500 + 100 * i * np.tan(np.radians(slope))), 40, 60) for i in range(5)]
    assert in_first_order(placed, 3) == [[0, 1, 2, 3, 4]]


def test_a_wide_gap_does_not_end_a_line() -> None:
    left, right = grid(1, 4, 3, wobble=0), grid(2, 4, 3, wobble=0)
    both: list[list[Box]] = [
        left[3 * r : 3 * r + 3] + [(x + 1200, y, w, h) for x, y, w, h in right[3 * r : 3 * r + 3]] for r in range(4)
    ]
    assert in_first_order([box for row in both for box in row], 0) == rows_of(4, 6)


def test_a_low_digit_and_a_high_one_stay_on_their_lines() -> None:
    """A 1 and a 7 that are half as tall or twice as tall as the others."""
    placed = [(80 * i, 100, 40, 60) for i in range(6)] + [(80 * i, 230, 40, 60) for i in range(6)]
    placed[2] = (160, 128, 20, 32)
    placed[9] = (240, 205, 50, 110)
    assert in_first_order(placed, 1) == rows_of(2, 6)


def test_two_short_lines_below_each_other() -> None:
    assert lines_of([(0, 120, 40, 60), (10, 10, 40, 60)]) == [[1], [0]]
    assert lines_of([(0, 0, 40, 60), (60, 5, 40, 60), (0, 110, 40, 60), (58, 112, 40, 60)]) == [[0, 1], [2, 3]]


@given(heights=st.lists(st.integers(40, 80), min_size=1, max_size=20), dust=st.lists(st.integers(1, 12), max_size=20))
def test_the_typical_height_is_of_digits_and_not_of_dust(heights: list[int], dust: list[int]) -> None:
    height = typical_height([(0, 0, 10, h) for h in [*dust[: 4 * len(heights)], *heights]])
    assert min(heights) <= height <= max(heights)


@pytest.mark.parametrize("kind", ["rows", "dust"])
def test_2000_boxes_take_bounded_time(kind: str) -> None:
    rng = np.random.default_rng(0)
    placed: Any = grid(0, 40, 50, 2)
    if kind == "dust":
        placed = [(int(x), int(y), 8, 9) for x, y in rng.integers(0, 3000, (2000, 2))]
    start = time.process_time()
    lines = lines_of(placed)
    assert time.process_time() - start < LIMIT
    assert sum(map(len, lines)) == 2000
