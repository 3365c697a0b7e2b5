from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.augmentation.affine import Augmentation
from mnistlab.data.dataset import open_dataset
from mnistlab.errors import UserError

ALL = Augmentation(rotate=10, scale=0.1, shift=2, shear=0.1, elastic=1)
ONE_EACH = [
    Augmentation(rotate=15),
    Augmentation(scale=0.2),
    Augmentation(shift=3),
    Augmentation(shear=0.3),
    Augmentation(elastic=2),
]
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(scope="module")
def digits(data_dir: Path) -> torch.Tensor:
    """500 digits, float (500, 1, 28, 28), 0 to 255."""
    images, _ = open_dataset("mnist", data_dir).read("test")
    return torch.tensor(images[:500]).unsqueeze(1).float()


def drawing(monkeypatch: pytest.MonkeyPatch, **amounts: float) -> None:
    """Let each amount be drawn as given, from -1 to 1, and the others as 0."""
    names = ("angle", "scale_x", "scale_y", "shift_x", "shift_y", "shear")
    values = torch.tensor([amounts.get(name, 0.0) for name in names])

    def rand(count: int, *shape: int, **_: Any) -> torch.Tensor:
        assert shape == (6, 1, 1)
        return ((values + 1) / 2).view(1, 6, 1, 1).repeat(count, 1, 1, 1)

    monkeypatch.setattr(torch, "rand", rand)


def test_nothing_asked_for_is_nothing_done(digits: torch.Tensor) -> None:
    state = torch.get_rng_state()
    assert Augmentation()(digits) is digits
    assert not Augmentation()
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("augment", ONE_EACH, ids=repr)
def test_each_amount_does_something(augment: Augmentation, digits: torch.Tensor) -> None:
    assert augment
    changed = (augment(digits) - digits).abs().flatten(1).amax(1) > 1
    assert changed.float().mean() > 0.9


@pytest.mark.parametrize("augment", [ALL, *ONE_EACH], ids=repr)
def test_the_input_is_left_as_it_is(augment: Augmentation, digits: torch.Tensor) -> None:
    before = digits.clone()
    augment(digits)
    assert torch.equal(digits, before)


@pytest.mark.parametrize("name", ["rotate", "scale", "shift", "shear", "elastic"])
def test_next_to_nothing_asked_for_is_next_to_nothing_done(name: str, digits: torch.Tensor) -> None:
    assert torch.allclose(Augmentation(**{name: 1e-7})(digits), digits, atol=0.05)


@pytest.mark.parametrize("shape", [(1, 1, 28, 28), (5, 1, 16, 16), (3, 1, 20, 32), (2, 1, 7, 5), (0, 1, 28, 28)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_shape_and_type_are_kept(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    images = torch.rand(shape).to(dtype)
    result = ALL(images)
    assert (result.shape, result.dtype) == (images.shape, dtype)
    assert result.isfinite().all()


@pytest.mark.parametrize("augment", [ALL, *ONE_EACH], ids=repr)
def test_values_stay_between_paper_and_ink(augment: Augmentation, digits: torch.Tensor) -> None:
    result = augment(digits)
    assert result.min() >= 0
    assert result.max() <= digits.max() + 1e-3


@pytest.mark.parametrize("size", [(28, 28), (16, 16), (20, 32)])
def test_blank_stays_blank(size: tuple[int, int]) -> None:
    assert not ALL(torch.zeros(8, 1, *size)).any()


def test_what_comes_in_from_outside_is_paper() -> None:
    result = Augmentation(shift=8)(torch.ones(200, 1, 28, 28))
    assert result.flatten(1).amin(1).eq(0).float().mean() > 0.9


@pytest.mark.parametrize("device", DEVICES)
def test_the_same_seed_gives_the_same_images(device: str, digits: torch.Tensor) -> None:
    def run(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return ALL(digits[:50].to(device)).cpu()

    assert torch.equal(run(3), run(3))
    assert not torch.equal(run(3), run(4))


def test_each_image_draws_its_own_amounts(digits: torch.Tensor) -> None:
    results = ALL(digits[:1].repeat(20, 1, 1, 1))
    assert len({image.numpy().tobytes() for image in results}) == 20


@given(st.integers(-5, 5), st.integers(-5, 5), st.sampled_from([(28, 28), (16, 16), (16, 24)]))
@settings(max_examples=40)
def test_a_shift_by_whole_pixels_moves_the_content(x: int, y: int, size: tuple[int, int]) -> None:
    images = torch.zeros(2, 1, *size)
    images[:, :, 6:10, 6:10] = torch.arange(1.0, 17.0).view(4, 4)
    with pytest.MonkeyPatch.context() as monkeypatch:
        drawing(monkeypatch, shift_x=x / 5, shift_y=y / 5)
        moved = Augmentation(shift=5)(images)
    assert torch.allclose(moved, images.roll((-y, -x), (2, 3)), atol=1e-3)


@pytest.mark.parametrize(("turn", "quarters"), [(1.0, 1), (-1.0, -1)])
def test_a_quarter_turn_turns_the_image(turn: float, quarters: int, monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.zeros(1, 1, 28, 28)
    images[0, 0, 3:6, 4:20] = 1
    drawing(monkeypatch, angle=turn)
    turned = Augmentation(rotate=90)(images)
    candidates = {k: torch.rot90(images, k, (2, 3)) for k in (1, -1)}
    assert torch.allclose(turned, candidates[quarters], atol=1e-3)


def test_a_quarter_turn_turns_an_oblong_image(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.zeros(1, 1, 16, 32)
    images[0, 0, 6:10, 12:20] = 1  # 4 high, 8 wide, in the middle
    drawing(monkeypatch, angle=1.0)
    turned = Augmentation(rotate=90)(images)
    expected = torch.zeros(1, 1, 16, 32)
    expected[0, 0, 4:12, 14:18] = 1
    assert torch.allclose(turned, expected, atol=1e-3)


def test_a_turn_keeps_the_ink(digits: torch.Tensor) -> None:
    ink = digits.sum((1, 2, 3))
    turned = Augmentation(rotate=30)(digits).sum((1, 2, 3))
    assert ((turned / ink) - 1).abs().max() < 0.05


@pytest.mark.parametrize("amount", [0.5, -0.5, 1.0])
def test_scaling_scales_the_area(amount: float, monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.zeros(1, 1, 28, 28)
    images[:, :, 8:20, 8:20] = 1
    drawing(monkeypatch, scale_x=amount)
    ratio = float(Augmentation(scale=0.2)(images).sum() / images.sum())
    assert math.sqrt(ratio) == pytest.approx(1 + 0.2 * amount, rel=0.02)


def test_shearing_moves_the_top_against_the_bottom(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.zeros(1, 1, 28, 28)
    images[:, :, :, 13:15] = 1
    drawing(monkeypatch, shear=1.0)
    slanted = Augmentation(shear=0.5)(images)[0, 0]
    columns = torch.arange(28.0)
    middles = (slanted * columns).sum(1) / slanted.sum(1)
    assert float(middles[0] - middles[-1]) == pytest.approx(0.5 * 27, abs=0.2)
    assert float(middles.mean()) == pytest.approx(13.5, abs=0.1)


def bounds(check: Callable[[torch.Tensor], float], augment: Augmentation) -> float:
    torch.manual_seed(0)
    return check(augment.grid(torch.zeros(2000, 1, 28, 28)))


def test_amounts_are_drawn_evenly_to_either_side() -> None:
    """The middle of the grid is where the middle of the image comes from; it reveals the shift."""

    def furthest(grid: torch.Tensor) -> float:
        pixels = grid.mean((1, 2)) * 14
        assert abs(float(pixels.mean())) < 0.15
        assert float(pixels.std()) == pytest.approx(4 / math.sqrt(12), rel=0.05)
        return float(pixels.abs().max())

    assert 1.95 < bounds(furthest, Augmentation(shift=2)) <= 2.0001


def test_bending_stays_near_its_amount() -> None:
    identity = Augmentation(shift=1e-9).grid(torch.zeros(1, 1, 28, 28))
    distance = bounds(lambda grid: float((grid - identity).abs().max()) * 14, Augmentation(elastic=1.5))
    assert 1.4 < distance < 1.5 * 1.6  # bicubic interpolation overshoots its points a little


@pytest.mark.parametrize(
    ("amounts", "sentence"),
    [
        ({"rotate": "10"}, "Augmentation rotate '10' is not a number. Choose a number from 0 to 180."),
        ({"rotate": float("nan")}, "Augmentation rotate nan is out of range. Choose a number from 0 to 180."),
        ({"scale": 0.8}, "Augmentation scale 0.8 is out of range. Choose a number from 0 to 0.7."),
        ({"shift": True}, "Augmentation shift True is not a number. Choose a number from 0 to 100."),
        ({"shear": None}, "Augmentation shear None is not a number. Choose a number from 0 to 2."),
        ({"elastic": -1}, "Augmentation elastic -1 is out of range. Choose a number from 0 to 100."),
    ],
)
def test_an_amount_that_is_none_or_out_of_range_is_refused(amounts: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        Augmentation(**amounts)
    assert str(caught.value) == sentence


def test_numpys_numbers_are_amounts() -> None:
    assert Augmentation(rotate=np.float32(10), shift=np.int64(2)) == Augmentation(rotate=10, shift=2)  # type: ignore[arg-type]
