from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mnistlab.augmentation.pens import CHANGED, EFFECTS, Writing, blur, cut_off, fade, thicker, thin, thinner, touched
from mnistlab.data.dataset import open_dataset
from mnistlab.errors import UserError
from mnistlab.geometry import ink_box

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
NAMES = [effect.__name__ for _, effect in EFFECTS]


@pytest.fixture(scope="module")
def digits(data_dir: Path) -> torch.Tensor:
    """500 digits, float (500, 1, 28, 28), 0 to 255."""
    images, _ = open_dataset("mnist", data_dir).read("train")
    return torch.tensor(images[:500]).unsqueeze(1).float()


def ink(images: torch.Tensor) -> torch.Tensor:
    return images.sum((1, 2, 3))


def test_nothing_asked_for_is_nothing_done_and_nothing_drawn(digits: torch.Tensor) -> None:
    state = torch.get_rng_state()
    assert Writing()(digits) is digits
    assert not Writing()
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_out_of_range_is_refused(strength: float) -> None:
    with pytest.raises(UserError, match="out of range"):
        Writing(strength)


@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_the_strength_is_how_many_images_change(strength: float, digits: torch.Tensor) -> None:
    torch.manual_seed(0)
    changed = (Writing(strength)(digits) != digits).flatten(1).any(1).float().mean()
    assert float(changed) == pytest.approx(CHANGED * strength, abs=0.07)


def test_the_input_is_left_as_it_is(digits: torch.Tensor) -> None:
    before = digits.clone()
    Writing(1)(digits)
    assert torch.equal(digits, before)


@pytest.mark.parametrize("shape", [(1, 1, 28, 28), (40, 1, 16, 16), (40, 1, 20, 32), (0, 1, 28, 28)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_shape_and_type_are_kept_and_values_stay_between_paper_and_ink(
    shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    result = Writing(1)((torch.rand(shape) * 255).to(dtype))
    assert (result.shape, result.dtype) == (shape, dtype)
    assert bool(((result >= 0) & (result <= 255)).all())  # which NaN is not


@pytest.mark.parametrize(("_", "effect"), EFFECTS, ids=NAMES)
@pytest.mark.parametrize("count", [1, 2, 4, 60])
def test_each_effect_takes_any_number_of_images_and_does_something(
    _: float, effect: torch.nn.Module, count: int, digits: torch.Tensor
) -> None:
    before = digits[:count].clone()
    torch.manual_seed(1)
    result = effect(before)
    assert result.shape == before.shape
    assert result.isfinite().all()
    assert torch.equal(before, digits[:count])
    if count == 60:
        changed = (result - before).abs().flatten(1).amax(1) > 1
        assert changed.float().mean() > 0.6
        assert effect(torch.zeros(4, 1, 28, 28)).isfinite().all()  # and of blank paper


@pytest.mark.parametrize("device", DEVICES)
def test_the_same_seed_gives_the_same_images(device: str, digits: torch.Tensor) -> None:
    def run(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return Writing(1)(digits[:50].to(device)).cpu()

    assert torch.equal(run(3), run(3))
    assert not torch.equal(run(3), run(4))


def test_pens_are_thinner_and_thicker_and_their_strongest_ink_stays(digits: torch.Tensor) -> None:
    for effect, factor in ((thinner, 0.95), (thicker, 1.05)):
        changed = effect(digits)
        assert float(ink(changed).mean() / ink(digits).mean()) / factor == pytest.approx(1, abs=0.35)
        assert (float(ink(changed).mean()) < float(ink(digits).mean())) == (effect is thinner)
        assert torch.allclose(changed.amax((1, 2, 3)), digits.amax((1, 2, 3)), atol=0.1)


def test_the_thinnest_line_does_not_break() -> None:
    line = torch.zeros(1, 1, 28, 28)
    line[..., 4:24, 14] = 255
    assert torch.equal(thin(thin(line)), line)


def test_a_blur_keeps_the_ink_and_a_cut_takes_some(digits: torch.Tensor) -> None:
    inner = digits[ink(digits * frame(2)) == 0]  # whose ink is away from the picture's edge
    assert ((ink(blur(inner)) / ink(inner)) - 1).abs().max() < 1e-3
    assert (ink(cut_off(digits)) <= ink(digits)).all()
    assert float((ink(cut_off(digits)) / ink(digits)).mean()) > 0.75


def test_what_is_left_of_a_neighbour_makes_a_digit_wider_and_it_still_fits_its_box(digits: torch.Tensor) -> None:
    torch.manual_seed(0)
    result = touched(digits)
    _, _, width, height = ink_box(result)
    _, _, before, high = ink_box(digits)
    assert torch.maximum(width, height).max() <= 22
    assert 0.02 < (width / height - before / high).mean() < 0.4
    assert torch.equal(touched(digits[:1] * 0), digits[:1] * 0)


def frame(width: int) -> torch.Tensor:
    inside = torch.zeros(1, 1, 28, 28)
    inside[..., width:-width, width:-width] = 1
    return 1 - inside


def test_faint_ink_stays_readable(digits: torch.Tensor) -> None:
    strongest = fade(digits).amax((1, 2, 3))
    assert strongest.min() >= 89
    assert strongest.max() <= 256
