"""Digits written without lifting the pen: each is still found in its own place."""

from __future__ import annotations

import numpy as np
import pytest

from mnistlab.papers.alphabet import Alphabet
from mnistlab.papers.canvas import Canvas
from mnistlab.papers.joined import bent, chain_of_zeros, tail, tie
from mnistlab.papers.style import style


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [2, 4])
def test_zeros_written_in_one_go_are_marked_one_by_one_and_joined(seed: int, count: int, alphabet: Alphabet) -> None:
    random = np.random.default_rng(seed)
    canvas = Canvas(np.full((96, 300), 230, np.float32), np.eye(2))
    how = style(random, alphabet, 30, 230, printed=False)
    end = chain_of_zeros(random, canvas, how, count, 40, 70, 0.1)
    assert [mark.kind for mark in canvas.marks] == [0] * count
    centres = [mark.x for mark in canvas.marks]
    assert centres == sorted(centres)
    assert 40 < end < 300
    assert all(mark.height < 1.6 * how.height for mark in canvas.marks)
    joints = (canvas.pixels < 229) & (canvas.digits == 0)
    assert joints.any()


def test_a_tie_or_a_tail_is_ink_that_belongs_to_no_digit(alphabet: Alphabet) -> None:
    for seed in range(6):
        random = np.random.default_rng(seed)
        how = style(random, alphabet, 30, 230, printed=False)
        for draw in ("tie", "tail"):
            canvas = Canvas(np.full((96, 200), 230, np.float32), np.eye(2))
            if draw == "tie":
                tie(random, canvas, how, (80, 95), 70, 4, 1.0)
            else:
                tail(random, canvas, how, 80, 70)
            inked = np.flatnonzero((canvas.pixels < 229).any(0))
            assert inked[0] <= 80 <= inked[-1]
            assert not canvas.marks
            assert not canvas.digits.any()


def test_a_bent_line_ends_where_it_should_and_sags_in_its_middle() -> None:
    points = bent((0, 10), (20, 30), 5)
    assert points[0].tolist() == [0, 10]
    assert points[-1].tolist() == [20, 30]
    middle = points[len(points) // 2 - 1 : len(points) // 2 + 1].mean(0)
    assert middle == pytest.approx([10, 25], abs=0.05)
