"""hands: the strokes of other hands, on the digits that get them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mnistlab.augmentation.hands import ANEW, STROKES, other_hands, pen
from mnistlab.augmentation.shapes import draw_strokes
from mnistlab.data.dataset import open_dataset
from mnistlab.geometry import fit_and_centre, ink_box

SHARES: dict[int, float] = {}
"""The share of each digit's images that are changed at full strength."""
for digit, chance, _ in (*STROKES, *ANEW):
    SHARES[digit] = 1 - (1 - SHARES.get(digit, 0)) * (1 - chance)


@pytest.fixture(scope="module")
def digits(data_dir: Path) -> tuple[torch.Tensor, torch.Tensor]:
    images, labels = open_dataset("mnist", data_dir).read("train")
    return torch.tensor(images[:2000]).unsqueeze(1).float(), torch.tensor(labels[:2000])


def test_only_the_digits_that_hands_write_otherwise_are_changed(digits: tuple[torch.Tensor, torch.Tensor]) -> None:
    images, labels = digits
    before = images.clone()
    torch.manual_seed(0)
    result = other_hands(images, labels, 1.0)
    changed = (result != images).flatten(1).any(1)
    assert sorted(labels[changed].unique().tolist()) == sorted(SHARES)
    assert torch.equal(images, before)
    assert (result.shape, result.dtype) == (images.shape, images.dtype)
    assert result.isfinite().all()
    assert result.amin() >= 0
    assert result.amax() <= 255.5
    for digit, chance in SHARES.items():
        share = changed[labels == digit].float().mean().item()
        assert share == pytest.approx(chance, abs=0.1)


def test_a_stroke_adds_ink_and_the_digit_stays_in_its_box(digits: tuple[torch.Tensor, torch.Tensor]) -> None:
    images, labels = digits
    torch.manual_seed(0)
    result = other_hands(images, labels, 1.0)
    ones = ((labels == 1) & (result != images).flatten(1).any(1)).nonzero().squeeze(1)
    _, _, width, height = ink_box(result[ones])
    _, _, before, _ = ink_box(images[ones])
    assert (width.mean() > before.mean() + 2).item()
    assert torch.maximum(width, height).max().item() <= 22


def test_nothing_happens_without_strength_or_to_what_is_no_digit(digits: tuple[torch.Tensor, torch.Tensor]) -> None:
    images, labels = digits
    assert torch.equal(other_hands(images, labels, 0.0), images)
    assert torch.equal(other_hands(images, torch.full_like(labels, -1), 1.0), images)
    assert len(other_hands(images[:0], labels[:0], 1.0)) == 0


def test_the_same_seed_gives_the_same_strokes(digits: tuple[torch.Tensor, torch.Tensor]) -> None:
    results = []
    for _ in range(2):
        torch.manual_seed(3)
        results.append(other_hands(*digits, 1.0))
    assert torch.equal(*results)


def test_a_digit_drawn_anew_has_one_of_its_forms_in_the_width_and_pen_of_the_one_it_replaces(
    digits: tuple[torch.Tensor, torch.Tensor],
) -> None:
    images, labels = digits
    for digit, _, strokes in ANEW:
        part = images[labels == digit]
        torch.manual_seed(0)
        drawn = fit_and_centre(draw_strokes(part, strokes(part), pen(part)))
        assert (ink_box(drawn)[3].mean() - ink_box(part)[3].mean()).abs() < 2
        assert ((drawn > 40).sum((1, 2, 3)) > 25).all()  # nothing vanishes
        assert (pen(drawn) - pen(part)).abs().mean() < 0.5
        assert (drawn - part).abs().mean() > 10
