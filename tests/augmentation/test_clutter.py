"""clutter: what each effect changes and leaves alone, and that none is one that robust is measured on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from mnistlab.augmentation import clutter
from mnistlab.augmentation.clutter import CLUTTER, Clutter
from mnistlab.augmentation.corruptions import CORRUPTIONS
from mnistlab.data.dataset import open_dataset
from mnistlab.errors import UserError
from mnistlab.recipes.catalog import RECIPES

EFFECTS = pytest.mark.parametrize("effect", [effect for _, effect in CLUTTER], ids=lambda effect: effect.__name__)


@pytest.fixture(scope="module")
def digits(data_dir: Path) -> torch.Tensor:
    """64 digits of MNIST's for training, float (64, 1, 28, 28), 0 to 255."""
    return torch.tensor(open_dataset("mnist", data_dir).read("train")[0][:64]).unsqueeze(1).float()


def seeded(change: Any, images: torch.Tensor, seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    changed: torch.Tensor = change(images)
    return changed


@EFFECTS
def test_each_effect_keeps_shape_and_range_and_leaves_its_input_alone(effect: Any, digits: torch.Tensor) -> None:
    before = digits.clone()
    changed = seeded(effect, digits)
    assert torch.equal(digits, before)
    assert (changed.shape, changed.dtype) == (digits.shape, digits.dtype)
    assert changed.min() >= 0
    assert changed.max() <= 255.001
    assert not torch.equal(changed, digits)
    assert torch.equal(changed, seeded(effect, digits))


@EFFECTS
@pytest.mark.parametrize("grey", [0.0, 90.0])
def test_none_draws_anything_of_its_own_on_even_paper(effect: Any, grey: float) -> None:
    """No noise, no line, no cloud: even paper stays even, except for a rectangle."""
    changed = seeded(effect, torch.full((16, 1, 28, 28), grey))
    for picture in changed:
        values, counts = picture.unique(return_counts=True)
        assert len(values) <= 2
        assert counts.max() >= 28 * 28 - 14 * 14


def test_the_greater_the_strength_the_more_is_changed(digits: torch.Tensor) -> None:
    def share(strength: float) -> float:
        changed = seeded(Clutter(strength), digits.repeat(4, 1, 1, 1))
        return float((changed != digits.repeat(4, 1, 1, 1)).flatten(1).any(1).float().mean())

    assert 0.3 < share(0.3) < share(1) < 1
    state = torch.get_rng_state()
    assert Clutter(0)(digits) is digits
    assert torch.equal(torch.get_rng_state(), state)


def test_ink_and_paper_are_exchanged(digits: torch.Tensor) -> None:
    assert torch.equal(clutter.invert(digits), 255 - digits)


def test_what_covers_is_a_rectangle_of_one_grey(digits: torch.Tensor) -> None:
    for before, after in zip(digits[:, 0], seeded(clutter.cover, digits)[:, 0], strict=True):
        rows, columns = (before != after).nonzero(as_tuple=True)
        if len(rows):
            inside = after[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
            assert max(inside.shape) <= 13
            assert after[rows, columns].unique().numel() == 1


def test_pieces_and_ghosts_are_other_digits_ink(digits: torch.Tensor) -> None:
    pieces, ghosts = seeded(clutter.pieces, digits), seeded(clutter.ghost, digits)
    assert (pieces >= digits).all()
    assert (ghosts >= digits).all()
    assert set(pieces.unique().tolist()) <= set(digits.unique().tolist())
    assert (pieces != digits).flatten(1).sum(1).max() <= 14 * 14
    assert ghosts[digits == 0].max() <= 0.6 * 255


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan"), "1", None, True])
def test_a_strength_that_is_none_is_refused(strength: Any) -> None:
    with pytest.raises(UserError, match=r"Clutter strength .*(out of range|not a number)"):
        Clutter(strength)


def test_images_of_another_size_and_none_at_all_are_taken() -> None:
    assert Clutter(1)(torch.rand(40, 1, 20, 32) * 255).shape == (40, 1, 20, 32)
    assert Clutter(1)(torch.empty(0, 1, 28, 28)).shape == (0, 1, 28, 28)
    assert Clutter(1)(torch.rand(8, 1, 28, 28).bfloat16()).dtype == torch.bfloat16


def test_robust_trains_on_none_of_what_it_is_measured_by() -> None:
    """Writing has lines, blur and grain in it, and rejects noise; clutter has nothing of the kind."""
    data = RECIPES["robust"].data
    assert data.clutter > 0
    assert (data.writing, data.rejects) == (0, 0)
    names = {effect.__name__ for _, effect in CLUTTER}
    assert names == {"thinner", "thicker", "ghost", "pieces", "invert", "cover"}
    assert names.isdisjoint(CORRUPTIONS)
