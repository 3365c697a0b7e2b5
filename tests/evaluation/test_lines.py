from __future__ import annotations

import numpy as np
import pytest

from mnistlab.evaluation.lines import Counting, LineEvaluation, alignment, read_columns
from mnistlab.evaluation.strips import draw_strips
from mnistlab.networks.line_reader import BLANK
from mnistlab.papers.strips import Strip


def counted(*lines: tuple[str, str]) -> LineEvaluation:
    """The result for blank strips; each of `lines` is a strip's text and what was read on the strip."""
    counts = Counting()
    for text, read in lines:
        counts.add(Strip(np.full((48, 64), 255, np.uint8), text), [(int(digit), 0.9) for digit in read])
    return counts.evaluation("val")


def test_repeats_are_merged_and_columns_without_a_digit_dropped() -> None:
    best = [BLANK, 3, 3, BLANK, 3, 7, 7, 7, BLANK]
    columns = np.full((len(best), 11), 0.01, np.float32)
    columns[np.arange(len(best)), best] = [0.9, 0.5, 0.8, 0.9, 0.6, 0.4, 0.7, 0.6, 0.9]
    assert read_columns(columns) == [(3, pytest.approx(0.8)), (3, pytest.approx(0.6)), (7, pytest.approx(0.7))]
    assert read_columns(columns[:1]) == []


def test_texts_are_aligned_with_the_fewest_errors() -> None:
    assert alignment([1, 2, 3], [1, 3]) == [(0, 0), (1, None), (2, 1)]
    assert alignment([1, 2], [1, 5, 2]) == [(0, 0), (None, 1), (1, 2)]
    assert alignment([1, 2], [1, 9]) == [(0, 0), (1, 1)]
    assert alignment([], []) == []
    assert alignment([], [4]) == [(None, 0)]


def test_lines_are_right_as_a_whole_and_digits_each_for_itself() -> None:
    measured = counted(("123", "123"), ("4455", "455"), ("60", "680"), ("7", "1"), ("", ""))
    assert (measured.correct, measured.total, measured.digits, measured.wrong_digits) == (2, 5, 10, 3)
    assert measured.accuracy == pytest.approx(0.4)
    assert measured.character_error_rate == pytest.approx(0.3)
    assert measured.confusion[4, BLANK] == measured.confusion[BLANK, 8] == measured.confusion[7, 1] == 1
    assert measured.wrong == ((1, "4455", "455"), (2, "60", "680"), (3, "7", "1"))
    assert measured.confidence_bins[:, 0].sum() == 10
    assert measured.calibration_error == pytest.approx(0.9 - 0.8)
    low, high = measured.interval
    assert 0 < low < 0.4 < high < 1
    assert measured.score()["wrong_digits"] == 3
    assert measured.to_dict()["mistakes"][0] == {"index": 1, "label": "4455", "predicted": "455"}


def test_the_first_lines_are_kept_for_the_picture_and_then_mistakes_only() -> None:
    measured = counted(("0", "0"), ("1", "7"), *[("2", "2")] * 30, ("3", "8"), ("4", "9"))
    assert [one.index for one in measured.seen] == [*range(15), 32, 33]
    title = draw_strips(measured)._suptitle.get_text()  # type: ignore[attr-defined]
    assert title.startswith("val: 31 of 34 lines read exactly (blue); 8.82 % of all digits wrong; the first 15, then")
    assert draw_strips(counted()).axes
