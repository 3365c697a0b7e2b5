"""Lines read as a whole: how they are cut out, how the network's answer is decoded, and what that answer changes."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.data.dataset import open_dataset
from mnistlab.reading.doubt import beside, doubted
from mnistlab.reading.line_reader import BLANK, HEIGHT, USUAL, LineReader, Strip, likelihood, seen_in, strip_of
from mnistlab.reading.lines import Line, contradicted, joined, runs
from mnistlab.reading.marks import Mark
from mnistlab.reading.reader import Reader
from tests.support import sheets

NOTHING = np.zeros((28, 28), np.uint8)


def mark(x: int, label: int = 3, sure: float = 0.9, *, y: int = 50, light: bool = False) -> Mark:
    """A digit of 20x30 pixels."""
    probabilities = np.full(10, (1 - sure) / 9, np.float32)
    probabilities[label] = sure
    return Mark(NOTHING, probabilities, (x, y, 20, 30), (x, y, 20, 30), light)


def certain(*columns: int) -> np.ndarray:
    """An answer in which each column has one class with a probability of 1."""
    return np.eye(BLANK + 1, dtype=np.float32)[list(columns)]


@pytest.mark.parametrize("scale", [0.4, 1.0, 5.3])
@pytest.mark.parametrize("slope", [0.0, -0.12, 0.2])
def test_a_line_is_made_level_and_brought_to_one_size(scale: float, slope: float) -> None:
    high = USUAL * scale
    boxes = []
    picture = np.full((round(12 * high), round(16 * high)), 200, np.uint8)
    for number in range(5):
        x = 3 * high + 2 * number * high
        y = 5 * high + slope * x
        boxes.append((round(x), round(y), round(0.6 * high), round(high)))
        left, top, wide, tall = boxes[-1]
        picture[top : top + tall, left : left + wide] = 20
    strip = strip_of(picture, boxes)
    assert strip.pixels.shape[0] == HEIGHT
    assert strip.pixels.shape[1] % 4 == 0
    dark = strip.pixels < 110
    rows = np.flatnonzero(dark.any(1))
    assert abs(rows[0] - (HEIGHT - USUAL) / 2) <= 3
    assert abs(rows[-1] + 1 - (HEIGHT + USUAL) / 2) <= 3
    count, _, stats, _ = cv2.connectedComponentsWithStats(dark.astype(np.uint8))
    assert count == 6
    for (left, _, wide, tall, _), box in zip(sorted(stats[1:].tolist()), boxes, strict=True):
        assert abs(tall - USUAL) <= 1.5 + 2 * abs(slope) * wide
        assert abs(strip.x(left / 2 + wide / 4 - 0.5) - (box[0] + box[2] / 2)) < 1.5 * scale + 1
        assert abs(strip.y(box[0] + box[2] / 2) - (box[1] + box[3] / 2)) < 1.5 * scale + 1


@pytest.mark.parametrize("box", [(0, 0, 9, 14), (91, 46, 9, 14), (40, 20, 1, 1), (0, 0, 100, 60)])
def test_a_line_at_the_pictures_edge_or_of_any_size_is_cut_out(box: tuple[int, int, int, int]) -> None:
    strip = strip_of(np.rot90(np.zeros((100, 60), np.uint8)), [box])
    assert strip.pixels.shape[0] == HEIGHT
    assert strip.pixels.shape[1] >= 4


def test_columns_become_digits() -> None:
    strip = Strip(np.zeros((HEIGHT, 24), np.uint8), left=100.0, scale=0.5, level=0.0, slope=0.0)
    nothing, three, seven = BLANK, 3, 7
    classes = certain(nothing, three, three, nothing, three, seven, seven, seven, nothing, nothing, nothing, 1)
    classes[6] = 0
    classes[6, [7, 1, BLANK]] = 0.5, 0.2, 0.3
    seen = seen_in(classes, strip)
    assert [one.label for one in seen] == [3, 3, 7, 1]
    assert [one.x for one in seen] == [100 + 4 * (column + 0.5) for column in (1.5, 4, 6, 11)]
    assert seen[2].opinion[7] == pytest.approx(2.5 / 2.7)
    assert all(one.opinion.sum() == pytest.approx(1) and one.there == pytest.approx(1) for one in seen)
    assert seen_in(certain(nothing, nothing), strip) == []


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.lists(st.integers(0, 1), max_size=3))
@settings(max_examples=40, deadline=None)
def test_the_likelihood_adds_up_all_ways_to_spread_the_digits(seed: int, columns: int, labels: list[int]) -> None:
    classes = np.random.default_rng(seed).dirichlet(np.ones(BLANK + 1), columns).astype(np.float32)
    total = 0.0
    for path in itertools.product((0, 1, BLANK), repeat=columns):
        if [c for n, c in enumerate(path) if c != BLANK and (n == 0 or path[n - 1] != c)] == labels:
            total += float(np.prod([classes[n, c] for n, c in enumerate(path)]))
    found = float(np.exp(likelihood(classes, labels)))
    assert found == pytest.approx(total, rel=1e-3, abs=1e-12)


def test_wide_gaps_and_light_writing_end_a_run() -> None:
    marks = [mark(10), mark(40), mark(150), mark(180), mark(210, light=True), mark(240, light=True), mark(10, y=200)]
    assert sorted(runs(marks)) == [[0, 1], [2, 3], [4, 5]]
    assert runs([]) == []


def test_two_opinions_are_combined_and_neither_alone_makes_sure() -> None:
    strip = Strip(np.zeros((HEIGHT, 24), np.uint8), 0.0, 1.0, 0.0, 0.0)
    (sees_three,) = seen_in(certain(3), strip)
    (sees_eight,) = seen_in(certain(8), strip)
    agreed = joined(mark(0, 3, 0.6), sees_three)
    assert (agreed.label, agreed.confirmed) == (3, True)
    assert agreed.sure > 0.98
    for sure in (0.3, 0.6, 0.99):
        differing = joined(mark(0, 3, sure), sees_eight)
        assert differing.sure < 0.9 or (differing.label, differing.confirmed) == (8, True)
    assert joined(mark(0, 3, 0.9999), sees_eight).sure <= 0.7


@given(st.integers(0, 9), st.floats(0.2, 1), st.floats(0, 1))
def test_doubt_never_changes_which_digit_is_likeliest(label: int, sure: float, most: float) -> None:
    one = doubted(mark(0, label, sure), most)
    assert one.label == label
    assert one.sure <= max(most, 0.15) + 1e-6 or one.sure <= sure
    assert one.probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_the_digit_beside_a_missing_one_is_doubted() -> None:
    marks = beside([mark(0), mark(50), mark(100)], [(75.0, 0.4), (300.0, 0.2)])
    assert [round(one.sure, 2) for one in marks] == [0.9, 0.4, 0.2]
    assert beside([], [(5.0, 0.1)]) == []


class Answering(LineReader):
    """A line reader that always gives the same answer."""

    def __init__(self, classes: np.ndarray) -> None:
        super().__init__()
        self.classes = classes

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        return self.classes


def columns_at(strip: Strip, *digits: tuple[int, float]) -> np.ndarray:
    """An answer with these digits, each at its x in the picture and with a probability of 1."""
    columns = np.full(strip.pixels.shape[1] // 2, BLANK)
    for digit, x in digits:
        columns[round((x - strip.left) * strip.scale / 2 - 0.5)] = digit
    return certain(*columns)


@pytest.mark.parametrize(
    ("sure", "doubt", "expected"), [(0.3, 0.0, [1, 2]), (0.6, 0.0, [1, 2]), (0.95, 0.3, [1, 5, 2])]
)
def test_a_digit_too_many_goes_only_if_little_speaks_for_it(
    sure: float, doubt: float, expected: list[int], reader: Reader
) -> None:
    """The digit beside the removed one is not accepted, because a number that lacks a digit would be a different number."""
    gray = np.full((120, 300), 255, np.uint8)
    marks = [mark(50, 1), mark(90, 5, sure), mark(130, 2)]
    strip = strip_of(gray, [one.level_box for one in marks])
    classes = columns_at(strip, (1, 60.0), (2, 140.0))
    at = round((100 - strip.left) * strip.scale / 2 - 0.5)
    classes[at, [5, BLANK]] = doubt, 1 - doubt
    read = Line(Answering(classes), reader.classifier, gray, marks, [], []).read()
    assert [one.label for one in read] == expected
    assert min(one.sure for one in read) < 0.75


def test_a_digit_of_another_line_is_not_read_twice(reader: Reader) -> None:
    """The strip of a line also shows what is written closely above, below and beside the line."""
    gray = np.full((120, 300), 255, np.uint8)
    marks, raised = [mark(50, 1), mark(90, 5)], mark(125, 7, y=30)
    strip = strip_of(gray, [one.level_box for one in marks])
    told = Answering(columns_at(strip, (1, 60.0), (5, 100.0), (7, 135.0)))
    read = Line(told, reader.classifier, gray, marks, [raised], []).read()
    assert [one.label for one in read] == [1, 5]
    assert min(one.sure for one in read) > 0.9
    alone = Line(told, reader.classifier, gray, marks, [], []).read()
    assert min(one.sure for one in alone) < 0.9


@pytest.mark.parametrize("boxes", [[(100, 50, 20, 30)] * 3, [(100, 50 + 10 * n, 20 + n, 30) for n in range(3)]])
def test_boxes_above_each_other_make_a_level_strip(boxes: list[tuple[int, int, int, int]]) -> None:
    assert strip_of(np.full((200, 300), 255, np.uint8), boxes).slope == 0


def test_writing_that_is_very_wide_is_compressed() -> None:
    picture = np.full((120, 900), 255, np.uint8)
    usual, wide = (strip_of(picture, [(40 + n * 2 * w, 40, w, 30) for n in range(4)]) for w in (20, 45))
    assert usual.scale == pytest.approx(USUAL / 30)
    assert wide.scale * 45 == pytest.approx(0.8 * USUAL)


def test_a_digit_that_has_no_ink_is_not_added(reader: Reader) -> None:
    gray = np.full((120, 300), 255, np.uint8)
    marks = [mark(50, 1), mark(130, 2)]
    strip = strip_of(gray, [one.level_box for one in marks])
    told = Answering(columns_at(strip, (1, 60.0), (7, 100.0), (2, 140.0)))
    read = Line(told, reader.classifier, gray, marks, [], []).read()
    assert [one.label for one in read] == [1, 2]
    assert min(one.sure for one in read) < 0.5


@pytest.mark.parametrize(
    ("seen", "doubt", "expected"),
    [
        ([(1, 60.0), (5, 100.0)], 0.0, False),
        ([(1, 60.0), (7, 100.0)], 0.0, True),
        ([(1, 60.0)], 0.0, True),
        ([(2, 30.0), (1, 60.0), (5, 100.0)], 0.0, True),
        ([(1, 60.0), (7, 100.0)], 0.3, False),
    ],
)
def test_digits_are_contradicted_by_a_clearly_different_reading(
    seen: list[tuple[int, float]], doubt: float, expected: bool
) -> None:
    gray, marks = np.full((120, 300), 255, np.uint8), [mark(50, 1), mark(90, 5)]
    strip = strip_of(gray, [one.box for one in marks])
    classes = columns_at(strip, *seen)
    classes[round((100 - strip.left) * strip.scale / 2 - 0.5), [7, 5]] *= 1 - doubt
    classes[round((100 - strip.left) * strip.scale / 2 - 0.5), 5] += doubt
    assert contradicted(Answering(classes), gray, marks, lambda: None) is expected


def test_digits_that_stand_alone_are_not_contradicted() -> None:
    gray = np.full((120, 600), 255, np.uint8)
    marks = [mark(50, 1), mark(400, 5)]
    assert not contradicted(None, gray, [mark(50, 1), mark(90, 5)], lambda: None)
    assert not contradicted(Answering(certain(7, BLANK)), gray, marks, lambda: None)


def test_the_finder_looks_where_the_line_reader_reads_something_else(reader: Reader, data_dir: Path) -> None:
    images, labels = open_dataset("mnist", data_dir).read("train")
    picture = np.pad(np.concatenate([255 - images[labels == digit][0] for digit in (2, 3)], 1), 20, constant_values=255)
    picture = cv2.resize(picture, None, fx=9, fy=9, interpolation=cv2.INTER_CUBIC)
    calls = []
    other = copy.copy(reader)
    other.finder = lambda seen: (calls.append(seen.shape), reader.finder(seen))[1]  # type: ignore[assignment, misc, func-returns-value]
    assert other.read(picture).text == "23"
    for_signs = len(calls)
    other.line_reader = Answering(certain(*[BLANK] * 9, 8, *[BLANK] * 40))
    other.read(picture)
    assert len(calls) > 2 * for_signs + 2


def test_more_strips_are_read_with_the_line_reader_than_without(reader: Reader, data_dir: Path) -> None:
    """Digits of MNIST that touch and overlap, on patterned paper; drawn without any of the code that draws training pictures."""
    images, labels = open_dataset("mnist", data_dir).read("train")
    labels = labels.astype(np.int64)
    without = copy.copy(reader)
    without.line_reader = None
    right = {"with": 0, "without": 0}
    sure_and_wrong = 0
    for number in range(40):
        strip = sheets.amount(np.random.default_rng((40, number)), images[:5000], labels[:5000])
        page = reader.read(strip.picture)
        text = "".join(str(digit.value) for digit in page.digits)
        right["with"] += text == strip.text
        sure_and_wrong += text != strip.text and bool(page.digits) and all(digit.accepted for digit in page.digits)
        right["without"] += "".join(str(digit.value) for digit in without.read(strip.picture).digits) == strip.text
    assert right["with"] >= right["without"] + 2
    assert sure_and_wrong <= 4
