from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mnistlab.errors import UserError
from mnistlab.networks.checkpoint import load_tensors, read_model, save_tensors
from mnistlab.networks.finder import FinderNet, loss, read_finder, save_finder, weighted

CLASSES = ("0", "1", "?")


@pytest.fixture
def network() -> FinderNet:
    torch.manual_seed(0)
    return FinderNet(3, (4, 6, 8), (1, 2)).eval()


def test_it_answers_for_cells_of_4x4_pixels_of_a_picture_of_any_size(network: FinderNet) -> None:
    for height, width in ((48, 64), (8, 12)):
        kinds, boxes, ink = network(torch.randn(2, 1, height, width))
        assert kinds.shape == (2, 3, height // 4, width // 4)
        assert boxes.shape == (2, 4, height // 4, width // 4)
        assert ink.shape == (2, 1, height, width)


def test_weights_that_were_trained_before_fit() -> None:
    """The names and shapes of the weights are those of files that there are."""
    shapes = {name: tuple(value.shape) for name, value in FinderNet(17).state_dict().items() if value.ndim > 1}
    assert shapes == {
        "fine.0.0.weight": (16, 1, 5, 5),
        "fine.1.0.weight": (28, 16, 3, 3),
        "coarse.0.weight": (64, 28, 3, 3),
        **{f"further.{number}.0.weight": (64, 64, 3, 3) for number in range(7)},
        "answers.weight": (21, 64, 1, 1),
        "ink_coarse.weight": (64, 64, 1, 1),
        "ink_fine.0.0.weight": (16, 44, 3, 3),
        "ink_fine.1.weight": (4, 16, 1, 1),
    }


def test_it_describes_its_convolutions_and_stays_as_it_is(network: FinderNet) -> None:
    network.train()
    rows = network.describe(48, 64)
    assert network.training
    assert [row.shape for row in rows][:3] == [(4, 24, 32), (6, 24, 32), (8, 12, 16)]
    batch_norm = 2 * (4 + 6 + 3 * 8 + 4)
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in network.parameters()) - batch_norm
    assert not any(module._forward_hooks for module in network.modules())


def test_the_loss_is_least_for_the_right_answers() -> None:
    heat = torch.zeros(1, 3, 2, 2)
    heat[0, 1, 0, 1] = 1
    boxes, asked, digits = torch.ones(1, 4, 2, 2), torch.ones(1, 2, 2, dtype=torch.bool), torch.zeros(1, 8, 8)
    right = (20 * (2 * heat - 1), boxes, torch.full((1, 1, 8, 8), -20.0))
    wrong = (-right[0], boxes + 1, -right[2])
    perfect = loss(right, heat, boxes, asked, digits)
    assert all(value.item() == pytest.approx(0, abs=1e-6) for value in perfect.values())
    assert all(value > 0.1 for value in loss(wrong, heat, boxes, asked, digits).values())
    assert loss(wrong, heat, boxes, ~asked, digits)["kinds"] == 0  # nothing is asked of kinds there
    parts = {"kinds": torch.tensor(1.0), "boxes": torch.tensor(10.0), "ink": torch.tensor(100.0)}
    assert weighted(parts, 0.3, 0.5).item() == pytest.approx(54)


def test_a_file_gives_back_the_network(network: FinderNet, tmp_path: Path) -> None:
    save_finder(tmp_path / "model.pth", network, "mnist", CLASSES, "abc")
    saved = read_finder(tmp_path / "model.pth")
    assert (saved.dataset, saved.classes, saved.data) == ("mnist", CLASSES, "abc")
    picture = torch.randn(1, 1, 16, 16)
    assert all(torch.equal(a, b) for a, b in zip(saved.model(picture), network(picture), strict=True))


def test_a_file_of_another_kind_is_named(network: FinderNet, tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    save_finder(path, network, "mnist", CLASSES, "abc")
    with pytest.raises(UserError, match="holds the network that finds digits on pages, not a classifier"):
        read_model(path)
    content = load_tensors(path, "remedies.give_run_or_model")
    for change, said in (
        ({"format": "mnistlab model"}, "does not hold the network that finds digits"),
        ({"version": 9}, "version 9|another"),
        ({"widths": [4, 6, 9]}, "do not fit the architecture that this file states"),
        ({"classes": None}, "do not fit the architecture that this file states"),
    ):
        save_tensors(path, {**content, **change})
        with pytest.raises(UserError, match=said):
            read_finder(path)
