from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.data.dataset import open_dataset
from mnistlab.data.loader import MNISTDataLoader
from mnistlab.geometry import centres, sample
from mnistlab.networks.deskew import Deskewed, deskew
from mnistlab.networks.network import NeuralNet
from mnistlab.networks.shifts import Shifted
from tests.support.few import few_of_mnist


@pytest.fixture(scope="module")
def digits(data_dir: Path) -> torch.Tensor:
    """200 training images, float (200, 1, 28, 28), 0 to 255."""
    return torch.tensor(open_dataset("mnist", data_dir).read("train")[0][:200]).unsqueeze(1).float()


def slants(images: torch.Tensor) -> torch.Tensor:
    """How far the ink of each image leans, in pixels of x for a pixel of y."""
    mass = images[:, 0] - images.amin((2, 3))[:, :, None]
    total = mass.sum((1, 2), keepdim=True)
    x, y = torch.arange(images.shape[3]).view(1, 1, -1), torch.arange(images.shape[2]).view(1, -1, 1)
    x = x - (mass * x).sum((1, 2), keepdim=True) / total
    y = y - (mass * y).sum((1, 2), keepdim=True) / total
    return (mass * x * y).sum((1, 2)) / (mass * y * y).sum((1, 2))


def lean(images: torch.Tensor, slant: float) -> torch.Tensor:
    height, width = images.shape[2:]
    x, y = centres(width, images).view(1, 1, -1), centres(height, images).view(1, -1, 1)
    return sample(images, (width - 1) / 2 + x - slant * y, ((height - 1) / 2 + y).expand(1, height, width))


def test_a_deskewed_digit_stands_upright(digits: torch.Tensor) -> None:
    assert slants(digits).abs().mean() > 0.2
    assert slants(deskew(digits)).abs().mean() < 0.02
    assert slants(deskew(digits)).abs().max() < 0.12


@given(slant=st.floats(-0.3, 0.3))
@settings(max_examples=10)
def test_however_a_digit_leaned_it_ends_the_same(digits: torch.Tensor, slant: float) -> None:
    upright = deskew(digits)
    assert (deskew(lean(upright, slant)) - upright).abs().mean() < 0.04 * upright.mean() + 4


def test_the_ink_ends_in_the_middle_and_within_its_range(digits: torch.Tensor) -> None:
    upright = deskew(digits)
    assert (upright.shape, upright.dtype) == (digits.shape, digits.dtype)
    assert upright.min() >= 0
    assert (upright.amax((1, 2, 3)) <= digits.amax((1, 2, 3))).all()
    y, x = (upright.sum(side)[:, 0] for side in (3, 2))
    for profile in (x, y):
        assert ((profile * centres(28, profile)).sum(1) / profile.sum(1)).abs().max() < 0.2


@given(black=st.floats(-3, 200), contrast=st.floats(0.01, 2))
@settings(max_examples=10)
def test_paper_may_have_any_value(digits: torch.Tensor, black: float, contrast: float) -> None:
    few = digits[:20]
    torch.testing.assert_close(deskew(few * contrast + black), deskew(few) * contrast + black, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("value", [0.0, 7.0, -0.4])
@pytest.mark.parametrize("size", [(28, 28), (5, 9), (1, 1)])
def test_blank_paper_stays_blank(value: float, size: tuple[int, int]) -> None:
    blank = torch.full((2, 1, *size), value)
    assert torch.equal(deskew(blank), blank)


def test_no_images_are_none() -> None:
    assert deskew(torch.zeros(0, 1, 28, 28)).shape == (0, 1, 28, 28)


def test_a_leaning_line_stands() -> None:
    rows = torch.arange(28)
    image = torch.zeros(1, 1, 28, 28)
    image[0, 0, rows[4:24], (rows[4:24] / 2 + 7).long()] = 1.0
    ink = deskew(image)[0, 0].sum(0)
    assert ink[12:16].sum() > 0.9 * ink.sum()


# in the loader and in the network


def test_the_loader_gives_what_is_deskewed_once(data_dir: Path, digits: torch.Tensor) -> None:
    few = few_of_mnist(data_dir)
    loader = MNISTDataLoader("train+val", dataset=few, batch_size=200, shuffle=False, prepare=deskew)
    images, _ = next(iter(loader))
    spec = loader.spec
    torch.testing.assert_close((images * spec.std + spec.mean) * 255, deskew(digits), rtol=0, atol=0.51)


@pytest.mark.parametrize("shifts", [False, True])
def test_a_deskewed_network_makes_digits_upright_and_the_one_within_does_not(
    digits: torch.Tensor, shifts: bool
) -> None:
    torch.manual_seed(0)
    plain = NeuralNet((4, 6)).eval()
    used = Shifted(plain).eval() if shifts else plain
    upright = Deskewed(used).eval()
    images = (digits / 255 - 0.1307) / 0.3081
    with torch.no_grad():
        assert torch.equal(upright(images), used(deskew(images)))
        assert not torch.allclose(upright(images), used(images), atol=0.01)
