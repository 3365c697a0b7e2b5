"""MNIST-C's corruptions, by what their definitions say about the images."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mnistlab.augmentation.corruptions import CORRUPTIONS, corrupt
from mnistlab.data.dataset import open_dataset
from mnistlab.errors import UserError

Images = NDArray[np.uint8]
EVERY = pytest.mark.parametrize("name", CORRUPTIONS)


@pytest.fixture(scope="module")
def digits(data_dir: Path) -> Images:
    """64 digits of MNIST's for training."""
    return open_dataset("mnist", data_dir).read("train")[0][:64]


def dot(row: int, column: int) -> Images:
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, row, column] = 255
    return image


def test_they_are_the_paper_s_fifteen() -> None:
    assert list(CORRUPTIONS) == [
        "shot_noise", "impulse_noise", "glass_blur", "motion_blur", "shear", "scale", "rotate", "brightness", "translate",
        "stripe", "fog", "spatter", "dotted_line", "zigzag", "canny_edges",
    ]  # fmt: skip


@EVERY
def test_each_is_what_it_was_and_changes_every_digit(name: str, digits: Images) -> None:
    before = digits.copy()
    corrupted = corrupt(digits, name)
    assert (corrupted.shape, corrupted.dtype) == (digits.shape, np.uint8)
    assert np.array_equal(digits, before)
    assert np.array_equal(corrupted, corrupt(digits, name))
    assert all(not np.array_equal(one, other) for one, other in zip(corrupted, digits, strict=True))
    drawn_at_random = name not in ("scale", "brightness", "stripe", "canny_edges")
    assert np.array_equal(corrupted, corrupt(digits, name, seed=1)) != drawn_at_random


@pytest.mark.parametrize("name", [name for name, kind in CORRUPTIONS.items() if len(kind.strengths) > 1])
def test_each_severity_is_further_from_the_digit(name: str, digits: Images) -> None:
    count = len(CORRUPTIONS[name].strengths)
    away = [np.abs(corrupt(digits, name, severity=s + 1).astype(int) - digits).mean() for s in range(count)]
    if name == "spatter":  # the fourth and fifth are of a different kind, as in MNIST-C
        away = away[:3]
    if name == "glass_blur":  # its second swaps further but once, while the first swaps twice
        away = [away[0], *away[2:]]
    assert all(more > 0.99 * less for less, more in itertools.pairwise(away))
    assert away[0] < away[-1]


@EVERY
@pytest.mark.parametrize("count", [0, 1])
def test_none_and_one_image_are_taken(name: str, count: int, digits: Images) -> None:
    assert corrupt(digits[:count], name).shape == (count, 28, 28)


@EVERY
def test_blank_and_inked_paper_stay_in_range(name: str) -> None:
    for ink in (0, 255):
        images = np.full((3, 28, 28), ink, np.uint8)
        corrupt(images, name)  # a value that wrapped around, or is NaN, would warn
    blank = corrupt(np.zeros((3, 28, 28), np.uint8), name)
    has_ink = name in ("impulse_noise", "brightness", "stripe", "spatter", "dotted_line", "zigzag")
    assert bool(blank.any()) == has_ink


@given(st.integers(8, 19), st.integers(8, 19), st.integers(0, 5))
def test_a_dot_is_moved_by_three_pixels_both_ways(row: int, column: int, seed: int) -> None:
    (found,) = np.argwhere(corrupt(dot(row, column), "translate", seed)[0])
    assert np.abs(found - (row, column)).tolist() == [3, 3]


def test_what_is_known_of_each(digits: Images) -> None:
    assert np.array_equal(corrupt(digits, "brightness"), np.minimum(digits.astype(float) + 127.5, 255).astype(np.uint8))
    stripe = corrupt(digits, "stripe")
    assert np.array_equal(stripe[:, :, 7:21], digits[:, :, 7:21])
    assert np.abs(stripe[:, :, :7].astype(int) + digits[:, :, :7] - 255).max() <= 1
    noise = corrupt(np.full((100, 28, 28), 128, np.uint8), "impulse_noise")
    assert np.mean(noise == 0) == pytest.approx(0.17 / 2, abs=0.005)
    assert np.mean(noise == 255) == pytest.approx(0.17 / 2, abs=0.005)
    shot = corrupt(np.full((100, 28, 28), 128, np.uint8), "shot_noise") / 255
    assert set(np.unique(np.round(shot * 3))) <= {0, 1, 2, 3}
    assert np.mean(shot == 0) == pytest.approx(np.exp(-3 * 128 / 255), abs=0.01)
    dots = corrupt(np.zeros((50, 28, 28), np.uint8), "dotted_line")
    columns = dots.any(axis=(0, 1))
    assert columns[:27].tolist() == [i // 2 % 2 == 1 for i in range(27)]
    edges = corrupt(digits, "canny_edges")
    assert set(np.unique(edges)) == {0, 255}


def test_geometry_is_about_the_middle() -> None:
    """A bar from 7 to 20 becomes seven tenths as long, and one that stands upright is turned by 0.4 and slanted by 0.4."""
    bar = np.zeros((40, 28, 28), np.uint8)
    bar[:, 7:21, 13:15] = 255
    small = corrupt(bar, "scale")[0] > 127
    assert small.any(axis=1).sum() == round(0.7 * 14)
    for name in ("rotate", "shear"):
        rows, columns = np.nonzero(corrupt(bar, name)[0] > 127)
        assert (rows.mean(), columns.mean()) == (pytest.approx(13.5, abs=0.3), pytest.approx(13.5, abs=0.3))
        slope = np.polyfit(rows, columns, 1)[0]
        assert abs(slope) == pytest.approx(np.tan(0.4), abs=0.06)
    slopes = [np.polyfit(*np.nonzero(image > 127), 1)[0] for image in corrupt(bar, "rotate")]
    assert 0 < sum(slope > 0 for slope in slopes) < 40  # in both directions


def test_motion_smears_to_one_side_and_keeps_the_ink() -> None:
    smeared = corrupt(np.repeat(dot(14, 14), 50, axis=0), "motion_blur").astype(int)
    sums = smeared.sum(axis=(1, 2))
    assert sums.min() > 0.9 * 255
    left = smeared[:, :, :14].sum()
    assert left > 0.8 * sums.sum() - smeared[:, 14, 14].sum()
    assert smeared[:, :, 15:].sum() == 0


def test_what_cannot_be_corrupted_gets_a_sentence(digits: Images) -> None:
    with pytest.raises(UserError, match=r"Unknown corruption 'rain'\. Choose one of shot_noise, impulse_noise"):
        corrupt(digits, "rain")
    with pytest.raises(UserError, match=r"Severity 6 is out of range for fog\. Choose severity 1, 2, 3, 4 or 5\."):
        corrupt(digits, "fog", severity=6)
    with pytest.raises(UserError, match=r"Corruptions do not apply to images of shape \(64, 16, 16\) and type uint8"):
        corrupt(digits[:, :16, :16], "fog")
    with pytest.raises(UserError, match=r"Corruptions do not apply to .* and type float64"):
        corrupt(digits / 255.0, "fog")  # type: ignore[arg-type]
