"""A digit of any size and any pen becomes an image like MNIST's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab import Reader
from mnistlab.reading.mnist_form import SIDE, to_mnist_form
from mnistlab.reading.pieces import Piece
from tests.support.drawing import Array, draw, framed
from tests.support.notes import Digits, count_right, only

few = settings(max_examples=20, derandomize=True)


@pytest.mark.parametrize(
    ("height", "stroke", "count", "least"),
    [
        (8, 1, 40, 34), (12, 1.5, 40, 37), (20, 1.2, 40, 37), (20, 4, 40, 34), (50, 1.5, 40, 37), (50, 5, 40, 38),
        (50, 10, 40, 33), (120, 3, 30, 27), (120, 12, 30, 28), (1000, 25, 6, 5), (1000, 110, 6, 5),
    ],
)  # fmt: skip
def test_a_digit_of_any_size_and_any_pen(
    reader: Reader, digits: Digits, height: int, stroke: float, count: int, least: int
) -> None:
    """From a thin ballpoint to a thick marker."""
    right = count_right(
        reader, digits, lambda image: 255 - framed(draw(image, height, stroke), max(12, height // 2)), count
    )
    assert right >= least


def test_mnists_own_pictures_come_through_as_they_are(reader: Reader, digits: Digits) -> None:
    images = digits[0][:300]
    expected, _ = reader.classify(images)
    pages = [reader.read(image) for image in images]
    found = [only(page) for page in pages]

    same = [digit is not None and digit.value == value for digit, value in zip(found, expected, strict=True)]
    assert sum(same) >= 297
    apart = [
        np.abs(digit.image.astype(int) - image).mean()
        for digit, image in zip(found, images, strict=True)
        if digit is not None
    ]
    assert np.mean(apart) < 10  # of 255: less than moving them by a pixel (about 20)


@pytest.mark.parametrize("times", [2, 5])
def test_mnists_own_pictures_enlarged(reader: Reader, digits: Digits, times: int) -> None:
    def enlarged(image: Array) -> Array:
        return np.asarray(cv2.resize(image, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC))

    assert count_right(reader, digits, enlarged, 100) >= 96


@few
@given(index=st.integers(0, 499), height=st.floats(10, 300), share=st.floats(0.03, 0.16))
def test_it_is_what_mnist_is_made_of(digits: Digits, index: int, height: float, share: float) -> None:
    ink = draw(digits[0][index], height, max(1.0, share * height))
    image = to_mnist_form(Piece(3, 4, ink))

    assert (image.shape, image.dtype) == ((SIDE, SIDE), np.uint8)
    assert image.max() >= 240
    rows, columns = np.nonzero(image.max(1) > 40)[0], np.nonzero(image.max(0) > 40)[0]
    tall, wide = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    assert 17 <= max(tall, wide) <= 21
    longest = max(ink.shape)
    assert tall == pytest.approx(20 * ink.shape[0] / longest, abs=2.5)
    assert wide == pytest.approx(20 * ink.shape[1] / longest, abs=2.5)
    mass = image.astype(float)
    across, down = mass.sum(0) @ np.arange(SIDE) / mass.sum(), mass.sum(1) @ np.arange(SIDE) / mass.sum()
    assert (across, down) == pytest.approx((14, 14), abs=1)
