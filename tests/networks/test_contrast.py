"""LocalContrast: light and contrast are evened out, whatever they were."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.data.dataset import open_dataset
from mnistlab.networks.contrast import LITTLE, WHOLE, WINDOW, LocalContrast
from mnistlab.networks.network import NeuralNet


@pytest.fixture(scope="module")
def digits(data_dir: Path) -> torch.Tensor:
    """64 training images, float (64, 1, 28, 28), normalised about as MNIST's."""
    return (torch.tensor(open_dataset("mnist", data_dir).read("train")[0][:64]).unsqueeze(1).float() / 255 - 0.13) / 0.3


@given(light=st.floats(-3, 3), contrast=st.floats(0.5, 2))
@settings(max_examples=10)
def test_light_makes_no_difference_and_contrast_a_small_one(
    digits: torch.Tensor, light: float, contrast: float
) -> None:
    even = LocalContrast()
    expected = even(digits)
    assert torch.allclose(even(digits + light), expected, atol=1e-3)
    assert (even(contrast * digits) - expected).abs().mean() < 0.1 * expected.abs().mean()


def test_ink_and_paper_exchanged_change_the_sign(digits: torch.Tensor) -> None:
    even = LocalContrast()
    assert torch.allclose(even(-digits), -even(digits), atol=1e-5)


def test_a_shadow_is_nearly_gone(digits: torch.Tensor) -> None:
    even = LocalContrast()
    shadow = torch.linspace(0, 2, 28).view(1, 1, 1, -1)
    away = (even(digits + shadow) - even(digits)).abs().mean()
    assert away < 0.15 * even(digits).abs().mean()


def test_each_pixel_is_judged_by_the_square_around_it() -> None:
    torch.manual_seed(0)
    images = torch.randn(2, 1, 20, 13)
    padded = torch.nn.functional.pad(images, (WINDOW // 2,) * 4, value=torch.nan)

    def around(values: torch.Tensor) -> torch.Tensor:
        """By hand, with nothing beyond the edge."""
        windows = values.unfold(2, WINDOW, 1).unfold(3, WINDOW, 1).flatten(4)
        return windows.nanmean(4)

    away = images - around(padded)
    squared = torch.nn.functional.pad(away * away, (WINDOW // 2,) * 4, value=torch.nan)
    whole = (away * away).mean((2, 3), keepdim=True).sqrt()
    expected = away / (around(squared).sqrt() + WHOLE * whole + LITTLE)
    assert torch.allclose(LocalContrast()(images), expected, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_blank_paper_gives_nothing_and_the_type_stays(dtype: torch.dtype) -> None:
    blank = torch.full((2, 1, 28, 28), 2.5, dtype=dtype)
    even = LocalContrast()(blank)
    assert even.dtype == dtype
    assert not even.any()


def test_it_is_a_network_s_first_layer_without_parameters() -> None:
    plain, even = NeuralNet((3,)), NeuralNet((3,), local_contrast=True)
    assert even.parameters_count == plain.parameters_count
    first = even.describe()[0]
    assert (first.name, first.layer, first.shape, first.parameters) == ("contrast", "LocalContrast", (1, 28, 28), 0)
    even.load_state_dict(plain.state_dict())
    images = torch.randn(4, 1, 28, 28)
    assert torch.allclose(even.eval()(images), plain.eval()(LocalContrast()(images)))
