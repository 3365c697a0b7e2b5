from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mnistlab.errors import UserError
from mnistlab.networks.checkpoint import load_tensors, read_model, save_tensors
from mnistlab.networks.finder import FinderNet, read_finder, save_finder
from mnistlab.networks.line_reader import BLANK, LineNet, loss, read_line_reader, save_line_reader


@pytest.fixture
def network() -> LineNet:
    torch.manual_seed(0)
    return LineNet((4, 6, 8, 10)).eval()


def test_it_answers_for_columns_of_two_pixels_of_a_strip_of_any_width(network: LineNet) -> None:
    for width in (64, 4, 300):
        assert network(torch.randn(2, 1, 48, width)).shape == (2, 11, width // 2)


def test_weights_that_were_trained_before_fit() -> None:
    """The names and shapes of the weights are those in the files that exist."""
    shapes = {name: tuple(value.shape) for name, value in LineNet().state_dict().items() if value.ndim > 1}
    assert shapes == {
        "fine.0.0.weight": (24, 1, 5, 5),
        "fine.1.0.weight": (48, 24, 3, 3),
        "lower.0.weight": (64, 48, 3, 3),
        **{f"further.{number}.0.weight": (64, 64, 3, 3) for number in range(3)},
        "quarter.0.weight": (112, 64, 3, 3),
        **{f"deeper.{number}.0.weight": (112, 112, 3, 3) for number in range(2)},
        "flat.0.weight": (112, 112, 6, 1),
        **{f"along.{number}.0.weight": (112, 112, 1, 5) for number in range(4)},
        "answers.weight": (11, 112, 1, 1),
    }


def test_it_describes_its_convolutions(network: LineNet) -> None:
    rows = network.describe(48, 64)
    assert len(rows) == 15
    assert [row.shape for row in rows][:3] == [(4, 24, 32), (6, 24, 32), (8, 12, 32)]
    assert rows[-1].shape == (11, 1, 32)


def test_the_loss_is_least_for_the_right_text() -> None:
    best = torch.tensor([BLANK, 3, 3, BLANK, 3, 7, BLANK, BLANK])
    logits = torch.zeros(1, 11, 8)
    logits[0, best, torch.arange(8)] = 20.0
    assert loss(logits, torch.tensor([3, 3, 7]), torch.tensor([3])).item() == pytest.approx(0, abs=1e-4)
    assert loss(logits, torch.tensor([3, 7]), torch.tensor([2])).item() > 10
    both = loss(logits.expand(2, -1, -1), torch.tensor([3, 3, 7, 3, 7]), torch.tensor([3, 2]))
    assert both.shape == (2,)
    assert loss(logits, torch.tensor([1] * 5), torch.tensor([5])).item() == 0  # that many do not fit


def test_a_file_gives_back_the_network(network: LineNet, tmp_path: Path) -> None:
    save_line_reader(tmp_path / "model.pth", network, "mnist", "abc")
    saved = read_line_reader(tmp_path / "model.pth")
    assert (saved.dataset, saved.classes, saved.data) == ("mnist", (*"0123456789", "nothing"), "abc")
    strip = torch.randn(1, 1, 48, 16)
    assert torch.equal(saved.model(strip), network(strip))


def test_a_file_of_another_kind_is_named(network: LineNet, tmp_path: Path) -> None:
    path, other = tmp_path / "model.pth", tmp_path / "finder.pth"
    save_line_reader(path, network, "mnist", "abc")
    with pytest.raises(UserError, match="holds the network that reads lines of digits, not a classifier"):
        read_model(path)
    with pytest.raises(UserError, match="does not hold the network that finds digits on pages"):
        read_finder(path)
    save_finder(other, FinderNet(2, (4, 6, 8), (1, 2)), "mnist", ["0", "1"], "0")
    with pytest.raises(UserError, match="does not hold the network that reads lines of digits"):
        read_line_reader(other)
    content = load_tensors(path, "remedies.give_run_or_model")
    for change, said in (({"version": 9}, "version 9"), ({"widths": [4, 6, 8, 11]}, "do not fit the architecture")):
        save_tensors(path, {**content, **change})
        with pytest.raises(UserError, match=said):
            read_line_reader(path)
