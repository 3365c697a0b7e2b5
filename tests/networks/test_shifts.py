from __future__ import annotations

import pytest
import torch

from mnistlab.networks.network import NeuralNet
from mnistlab.networks.shifts import Shifted


def picture(net: NeuralNet | Shifted, count: int = 3) -> torch.Tensor:
    return torch.randn(count, 1, *net.architecture.image_size)


def moved(images: torch.Tensor, y: int, x: int) -> torch.Tensor:
    """The pictures shifted by a pixel, with their edge repeated."""
    rows = (torch.arange(images.shape[2]) + y).clamp(0, images.shape[2] - 1)
    columns = (torch.arange(images.shape[3]) + x).clamp(0, images.shape[3] - 1)
    return images[:, :, rows][:, :, :, columns]


@pytest.mark.parametrize("size", [(28, 28), (9, 12)])
def test_in_use_the_five_views_probabilities_are_averaged(size: tuple[int, int]) -> None:
    plain = NeuralNet((3, 4), classes=5, image_size=size, dropout=0.5)
    net, images = Shifted(plain).eval(), picture(plain, 6)
    views = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)]
    mean = torch.stack([plain(moved(images, *view)).softmax(1) for view in views]).mean(0)

    assert torch.allclose(net(images), mean.log(), atol=1e-5)
    assert not torch.allclose(net(images).softmax(1), plain(images).softmax(1), atol=1e-3)


def test_a_picture_of_one_shade_looks_the_same_from_all_five_views() -> None:
    """So that an edge is neither 0 nor ink."""
    net = Shifted(NeuralNet((3, 4))).eval()
    images = torch.full((2, 1, 28, 28), -0.4)
    assert torch.allclose(net(images), net.network(images).log_softmax(1), atol=1e-6)


def test_views_and_their_mean_are_finite_where_the_network_is_very_sure() -> None:
    net = Shifted(NeuralNet((3,), batch_norm=False)).eval()
    log_probabilities = net(picture(net) * 1e5)
    assert log_probabilities.isfinite().all()
    assert (log_probabilities <= 1e-6).all()
