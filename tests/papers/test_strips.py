"""Strips: the same number gives the same strip, and a strip's text is what is written on its line."""

from __future__ import annotations

import numpy as np
import pytest

from mnistlab.papers.alphabet import Alphabet
from mnistlab.papers.canvas import Canvas
from mnistlab.papers.strips import Strip, Strips


@pytest.fixture(scope="module")
def strips(alphabet: Alphabet) -> list[Strip]:
    drawn = Strips(alphabet)
    return [drawn[number] for number in range(40)]


def test_the_same_number_gives_the_same_strip_byte_for_byte(alphabet: Alphabet, strips: list[Strip]) -> None:
    again = Strips(Alphabet(alphabet.images, alphabet.labels, alphabet.writers))  # nothing drawn before is kept
    for number in (33, 0, 12, 5):
        assert again[number].text == strips[number].text
        assert again[number].pixels.tobytes() == strips[number].pixels.tobytes()


def test_another_number_or_seed_gives_another_strip(alphabet: Alphabet, strips: list[Strip]) -> None:
    assert len({strip.pixels.tobytes() for strip in strips}) == len(strips)
    assert Strips(alphabet, seed=1)[0].pixels.tobytes() != strips[0].pixels.tobytes()


def test_what_is_drawn_stays_what_the_networks_weights_were_trained_on(strips: list[Strip]) -> None:
    texts = " ".join(strip.text for strip in strips[:8])
    assert texts == "8936968 279516868241 30 7200000 77246 88000 71971 567886"


def test_strips_have_the_size_that_is_asked_for_and_texts_of_many_lengths(
    alphabet: Alphabet, strips: list[Strip]
) -> None:
    assert {strip.pixels.shape for strip in strips} == {(48, 256)}
    assert Strips(alphabet, width=100)[3].pixels.shape == (48, 100)
    assert len({len(strip.text) for strip in strips}) > 5
    assert {digit for strip in strips for digit in strip.text} == set("0123456789")


def test_the_text_is_the_digits_on_the_line_from_left_to_right_and_none_is_cut_off(
    alphabet: Alphabet, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvases: list[Canvas] = []

    class Watched(Canvas):
        def __init__(self, *given: object) -> None:
            super().__init__(*given)  # type: ignore[arg-type]
            canvases.append(self)

    monkeypatch.setattr("mnistlab.papers.strips.Canvas", Watched)
    drawn = Strips(alphabet)
    for number in range(12):
        strip, canvas = drawn[number], canvases[-1]
        line = sorted([mark for mark in canvas.marks if mark.kind < 10][: len(strip.text)], key=lambda mark: mark.x)
        assert strip.text == "".join(str(mark.kind) for mark in line), number  # digits of other lines are written later
        for mark in line:
            assert mark.width / 2 - 2 <= mark.x <= 258 - mark.width / 2
            top, left = max(0, int(mark.y - mark.height / 2)), max(0, int(mark.x - mark.width / 2))
            assert np.ptp(strip.pixels[top : int(top + mark.height), left : int(left + mark.width)]) > 20, number
