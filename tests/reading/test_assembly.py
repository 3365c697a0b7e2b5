"""Assembly: parts of a digit are joined, touching digits are cut apart."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab import Reader
from mnistlab.reading.assembly import assemble, cuts, join, look
from mnistlab.reading.ink import find_ink
from mnistlab.reading.mnist_form import to_mnist_form
from mnistlab.reading.pieces import Piece, find_pieces
from tests.support.drawing import Array, draw, framed, written
from tests.support.notes import HEIGHT, Digits, only, values

few = settings(max_examples=20, derandomize=True)


@few
@given(index=st.integers(0, 499), other=st.integers(0, 499), x=st.integers(-60, 60), y=st.integers(-60, 60))
def test_joined_pieces_hold_all_their_ink(digits: Digits, index: int, other: int, x: int, y: int) -> None:
    first, second = Piece(100, 100, draw(digits[0][index], 50)), Piece(100 + x, 100 + y, draw(digits[0][other], 40))
    both = join(first, second)

    assert (both.x, both.y) == (min(first.x, second.x), min(first.y, second.y))
    assert (both.right, both.bottom) == (max(first.right, second.right), max(first.bottom, second.bottom))
    sheet = np.zeros((300, 300), np.uint8)
    for piece in (first, second):
        part = sheet[piece.y : piece.bottom, piece.x : piece.right]
        np.maximum(part, piece.strength, out=part)
    assert np.array_equal(both.strength, sheet[both.y : both.bottom, both.x : both.right])
    assert np.array_equal(both.strength, join(second, first).strength)


@few
@given(left=st.integers(0, 499), right=st.integers(0, 499), overlap=st.integers(0, 8))
def test_cut_pieces_hold_the_ink_of_the_whole(digits: Digits, left: int, right: int, overlap: int) -> None:
    whole = Piece(7, 9, pushed(draw(digits[0][left], 50), draw(digits[0][right], 50), overlap))
    ways = cuts(whole)
    assert ways
    for pair in ways:
        sheet = np.zeros((200, 300), np.uint8)
        for piece in pair:
            sheet[piece.y : piece.bottom, piece.x : piece.right] += piece.strength
        own = sheet[whole.y : whole.bottom, whole.x : whole.right]
        dark = whole.strength > 100
        assert np.array_equal(own[dark], whole.strength[dark])
        assert pair[0].x < pair[1].x


def pushed(left: Array, right: Array, overlap: int) -> Array:
    """Two digits on one foot, moved together until their ink has `overlap` pixels in common in some row."""
    height = max(left.shape[0], right.shape[0])
    left, right = (np.pad(ink, ((height - ink.shape[0], 0), (0, 0))) for ink in (left, right))
    ends = np.where((left > 100).any(1), left.shape[1] - (left > 100)[:, ::-1].argmax(1), -1000)
    starts = np.where((right > 100).any(1), (right > 100).argmax(1), 1000)
    shift = int((ends - starts).max()) - overlap
    sheet = np.zeros((height, max(shift + right.shape[1], left.shape[1])), np.uint8)
    sheet[:, : left.shape[1]] = left
    start = max(0, shift)
    part = sheet[:, start : start + right.shape[1]]
    np.maximum(part, right[:, : part.shape[1]], out=part)
    return sheet


def test_touching_digits_are_read_as_two(reader: Reader, clear: Digits) -> None:
    right, two = 0, 0
    for number in range(50):
        inks = [draw(clear[0][2 * number + k], HEIGHT, 5) for k in (0, 1)]
        picture = 255 - framed(pushed(*inks, overlap=1 + number % 3), 40)
        found = [digit.value for digit in reader.read(picture).digits]
        two += len(found) == 2
        right += found == clear[1][2 * number : 2 * number + 2].tolist()
    assert two >= 30
    assert right >= 25


@pytest.mark.parametrize("gap", [1, 2, 3])
@pytest.mark.parametrize("company", [0, 2])
def test_a_digit_with_a_gap_is_one(reader: Reader, clear: Digits, gap: int, company: int) -> None:
    """Cut through at about half its height, at an angle; alone and among others."""
    others = [draw(image, HEIGHT, 5) for image in clear[0][40 : 40 + company]]
    one, right = 0, 0
    for number in range(30):
        ink = draw(clear[0][number], HEIGHT, 5)
        y, x = np.mgrid[: ink.shape[0], : ink.shape[1]]
        away = y + 0.3 * (x - ink.shape[1] / 2) - (0.35 + 0.01 * number) * ink.shape[0]
        broken = np.where(np.abs(away) <= gap / 2, 0, ink).astype(np.uint8)
        found = [digit.value for digit in reader.read(255 - written([*others, broken])).digits]
        one += len(found) == company + 1
        right += found == [*clear[1][40 : 40 + company], clear[1][number]]
    assert one >= 21
    assert right >= 20


def five(gap: int) -> Array:
    """A 5 drawn by two strokes, the bar `gap` pixels away from the rest."""
    sheet = np.zeros((140, 120), np.uint8)
    cv2.polylines(sheet, [np.array([(42, 30), (38, 60)])], False, 255, 6, cv2.LINE_AA)
    cv2.ellipse(sheet, (55, 80), (27, 24), 0, -125, 140, 255, 6, cv2.LINE_AA)
    cv2.line(sheet, (45 + gap + 3, 28), (85 + gap, 26), 255, 6, cv2.LINE_AA)
    return sheet


def test_parts_become_one_digit_and_the_image_that_the_classifier_saw(reader: Reader) -> None:
    pieces = find_pieces(find_ink(255 - five(3)))
    assert len(look(reader.classifier, pieces)) == 2
    (unit,) = assemble(reader.classifier, pieces)
    assert unit.piece.box == join(*pieces).box
    assert np.array_equal(unit.image, to_mnist_form(unit.piece))
    assert np.array_equal(unit.probabilities, reader.classify(unit.image[None])[1][0])
    assert assemble(reader.classifier, []) == []


@pytest.mark.parametrize("gap", [0, 2, 4, 6])
def test_the_bar_of_a_5_belongs_to_it(reader: Reader, gap: int) -> None:
    digit = only(reader.read(255 - five(gap)))
    assert digit is not None
    assert digit.value == 5


def test_a_detached_bar_beside_other_digits_belongs_to_its_5(reader: Reader, clear: Digits) -> None:
    rest = [draw(clear[0][clear[1] == value][0], 85, 6) for value in (2, 7)]
    ink = five(3)
    ink = ink[np.ix_(ink.any(1), ink.any(0))]
    page = reader.read(255 - written([rest[0], ink, rest[1]]))
    assert values(page) == [[2, 5, 7]]
