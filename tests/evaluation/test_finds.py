from __future__ import annotations

import numpy as np
import pytest

from mnistlab.evaluation.finds import Counting, Find, FinderEvaluation, find_digits
from mnistlab.papers.canvas import Mark
from mnistlab.papers.scene import Scene
from mnistlab.reading.finder import CLASSES, OTHER


def scene(*marks: Mark, ignored: tuple[slice, slice] | None = None) -> Scene:
    """A blank scene that is said to hold that."""
    nowhere = np.zeros((64, 96), bool)
    if ignored:
        nowhere[ignored] = True
    return Scene(np.zeros((64, 96), np.uint8), list(marks), np.zeros((64, 96), np.float32), nowhere)


def digit(kind: int, x: float, y: float = 30) -> Mark:
    return Mark(kind, x, y, 14, 22)


def counted(*scenes: tuple[Scene, list[Find]]) -> FinderEvaluation:
    counts = Counting()
    for one, finds in scenes:
        counts.add(one, finds)
    return counts.evaluation("val")


def test_digits_are_right_wrong_missed_or_found_where_there_are_none() -> None:
    marks = [digit(3, 20), digit(4, 40), digit(5, 60), Mark(OTHER, 80, 30, 14, 22)]
    finds = [Find(digit(3, 21), 0.9), Find(digit(9, 40), 0.8), Find(digit(7, 80), 0.7), Find(digit(1, 20, 55), 0.6)]
    nothing = (scene(), [Find(digit(2, 50), 0.5)])
    measured = counted((scene(*marks), finds), nothing)

    assert (measured.correct, measured.total, measured.false_finds, measured.scenes) == (1, 3, 3, 2)
    assert measured.confusion[3, 3] == measured.confusion[4, 9] == measured.confusion[5, 10] == 1
    assert measured.wrong == (1, 2)
    assert measured.accuracy == pytest.approx(1 / 3)
    assert [find.right for find in measured.seen[0].finds] == [True, False, False, False]
    assert {mark.kind for mark in measured.seen[0].missed} == {4, 5}
    assert measured.score()["false_finds"] == 3
    assert measured.to_dict()["mistakes"] == [{"index": 1}, {"index": 2}]
    assert measured.by_scene is not None
    assert measured.by_scene.tolist() == [[0, 3, 1]]  # a scene without digits says nothing about digits


def test_nothing_is_counted_where_nothing_is_asked() -> None:
    place = (slice(20, 40), slice(0, 30))
    measured = counted((scene(digit(8, 70), ignored=place), [Find(digit(1, 10), 0.9), Find(digit(8, 70), 0.9)]))
    assert (measured.correct, measured.total, measured.false_finds) == (1, 1, 0)
    assert [find.right for find in measured.seen[0].finds] == [None, True]


def test_a_digit_counts_once_however_often_it_is_found() -> None:
    measured = counted((scene(digit(8, 70)), [Find(digit(8, 70), 0.9), Find(digit(8, 72), 0.8)]))
    assert (measured.correct, measured.total, measured.false_finds) == (1, 1, 1)


def test_the_interval_is_that_of_other_scenes() -> None:
    good = (scene(digit(1, 20), digit(1, 60)), [Find(digit(1, 20), 0.9), Find(digit(1, 60), 0.9)])
    bad = (scene(digit(1, 20), digit(1, 60)), [])
    low, high = counted(*[good] * 16, *[bad] * 4).interval
    few, many = counted(*[good] * 160, *[bad] * 40).interval
    assert low < few < 0.8 < many < high


def test_peaks_that_are_sure_enough_are_finds_and_of_two_on_one_spot_the_surer() -> None:
    kinds, boxes = np.zeros((len(CLASSES), 16, 24), np.float32), np.zeros((4, 16, 24), np.float32)
    kinds[3, 8, 5], kinds[3, 8, 6], kinds[7, 4, 15], kinds[2, 12, 20], kinds[OTHER, 2, 2] = 0.9, 0.8, 0.5, 0.2, 0.9
    kinds[4, 10, 5] = 0.6
    boxes[:, 8, 5] = (0.25, -0.5, np.log(2), 0)
    boxes[3, 8, 5] = np.log(2)  # 44 pixels high: the 4 two cells below lies in its middle
    finds = find_digits(kinds, boxes)
    assert [(find.mark.kind, round(find.probability, 1)) for find in finds] == [(3, 0.9), (7, 0.5)]
    first = finds[0].mark
    assert (first.x, first.y) == (pytest.approx(23), pytest.approx(32))
    assert (first.width, first.height) == (pytest.approx(28), pytest.approx(44))
