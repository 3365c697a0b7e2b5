"""A note of two lines of digits, and how readings of it are compared."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mnistlab import Reader
from mnistlab.reading.page import Digit, Page
from tests.support.drawing import Array

Digits = tuple[Array, Array]
"""Images uint8 (N, 28, 28) and labels (N,)."""
HEIGHT = 60


class Note:
    """Two lines of digits, as ink, and what is read from them in black on white."""

    def __init__(self, ink: Array, page: Page) -> None:
        self.ink, self.page = ink, page

    def __repr__(self) -> str:
        return "a note"


def values(page: Page) -> list[list[int | str]]:
    return [[digit.value for digit in line.digits] for line in page.lines]


def assert_same(page: Page, plain: Page, scale: float = 1, move: tuple[int, int] = (0, 0), within: float = 2) -> None:
    """Check that the pages have the same digits in the same lines, with each box scaled and moved as given."""
    assert values(page) == values(plain)
    for found, expected in zip(page.digits, plain.digits, strict=True):
        x, y, width, height = (scale * number for number in expected.box)
        assert found.box == pytest.approx((x + move[0], y + move[1], width, height), abs=within)


def only(page: Page) -> Digit | None:
    """The digit, if there is exactly one."""
    return page.digits[0] if len(page.digits) == 1 else None


def count_right(reader: Reader, digits: Digits, picture: Callable[[Array], Array], count: int) -> int:
    """How many of the first `count` digits are read as a single digit, and as the right one."""
    right = 0
    for image, label in zip(digits[0][:count], digits[1][:count], strict=True):
        digit = only(reader.read(picture(image)))
        right += digit is not None and digit.value == label
    return right


def differences(one: str, other: str) -> int:
    """How many characters must be changed, added or left out to make one text the other (Levenshtein)."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row = row, [i]
        for j, b in enumerate(other, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b)))
    return row[-1]
