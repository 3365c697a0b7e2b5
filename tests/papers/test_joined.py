"""Digits written without lifting the pen: each is still found in its own place."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from mnistlab.papers import writing
from mnistlab.papers.alphabet import Alphabet
from mnistlab.papers.canvas import Canvas
from mnistlab.papers.joined import bent, chain_of_zeros, tail, tie
from mnistlab.papers.style import style
from mnistlab.papers.writing import number


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
    whole = cv2.connectedComponents((canvas.pixels < 215).astype(np.uint8))[0] - 1
    assert whole == 1  # joined, they are one stroke


def test_a_zero_of_a_chain_that_is_cut_off_by_the_edge_does_not_count(alphabet: Alphabet) -> None:
    for seed in range(5):
        random = np.random.default_rng(seed)
        canvas = Canvas(np.full((96, 300), 230, np.float32), np.eye(2))
        how = replace(style(random, alphabet, 30, 230, printed=False), zeros=1.0, slant=0.0)
        chain_of_zeros(random, canvas, how, 3, -8, 70, 0.1)
        assert len(canvas.marks) == 2
        assert canvas.ignored[:, :5].any()


def test_a_slanted_chain_stands_where_an_upright_one_would(alphabet: Alphabet) -> None:
    places = []
    for slant in (0.0, 0.5):
        random = np.random.default_rng(1)
        canvas = Canvas(np.full((96, 300), 230, np.float32), np.eye(2))
        how = replace(style(np.random.default_rng(2), alphabet, 30, 230, printed=False), slant=slant)
        chain_of_zeros(random, canvas, how, 2, 40, 70, 0.1)
        places.append([mark.x for mark in canvas.marks])
    assert places[0] == pytest.approx(places[1], abs=2)


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
            assert inked[0] <= 80
            assert inked[-1] >= (95 if draw == "tie" else 83)
            assert not canvas.marks
            assert not canvas.digits.any()


def test_a_bent_line_ends_where_it_should_and_sags_in_its_middle() -> None:
    points = bent((0, 10), (20, 30), 5)
    assert points[0].tolist() == [0, 10]
    assert points[-1].tolist() == [20, 30]
    middle = points[len(points) // 2 - 1 : len(points) // 2 + 1].mean(0)
    assert middle == pytest.approx([10, 25], abs=0.05)


def test_only_digits_are_tied_or_drawn_out(alphabet: Alphabet, monkeypatch: pytest.MonkeyPatch) -> None:
    """`number` joins a digit to the digit before it, and draws out nothing but a digit, on the line that the text follows."""
    called: list[tuple[str, float, float]] = []
    monkeypatch.setattr(writing, "tie", lambda *args: called.append(("tie", args[3][1], args[4])))
    monkeypatch.setattr(writing, "tail", lambda *args: called.append(("tail", args[3], args[4])))
    for text, can_be_tied, can_end in (
        ("7", False, True),
        ("4-", False, False),
        ("1 1 1", False, True),
        ("55", True, True),
    ):
        seen = set()
        for seed in range(150):
            called.clear()
            random = np.random.default_rng(seed)
            canvas = Canvas(np.full((96, 300), 230, np.float32), np.eye(2))
            number(random, canvas, style(random, alphabet, 24, 230, printed=False), text, 20, 60, 0.0)
            seen |= {name for name, *_ in called}
            assert all(abs(y - 60) < 20 for *_, y in called)
        assert seen == {name for name, is_possible in (("tie", can_be_tied), ("tail", can_end)) if is_possible}, text
