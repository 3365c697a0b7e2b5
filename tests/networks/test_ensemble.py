from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from mnistlab.data.dataset import find_spec
from mnistlab.errors import UserError
from mnistlab.evaluation.models import load_model
from mnistlab.networks.architecture import architecture_of
from mnistlab.networks.checkpoint import save_model
from mnistlab.networks.ensemble import Ensemble, Member, make_network
from mnistlab.networks.network import NeuralNet
from mnistlab.networks.shifts import Shifted


def members(count: int = 3, **options: Any) -> list[Member]:
    torch.manual_seed(0)
    kinds: list[dict[str, Any]] = [{"widths": (3,)}, {"widths": (4, 5), "hidden": 6}, {}]
    networks = [NeuralNet(**{"widths": (4,), "classes": 4, **kinds[n % 3], **options}) for n in range(count)]
    return [Shifted(network) if n % 3 == 2 else network for n, network in enumerate(networks)]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_an_ensemble_gives_the_mean_of_its_members_probabilities(count: int) -> None:
    ensemble = Ensemble(members(count)).eval()
    images = torch.randn(7, 1, 28, 28) * 3
    mean = torch.stack([member(images).softmax(1) for member in ensemble.members]).mean(0)

    assert ensemble(images).shape == (7, 4)
    assert torch.allclose(ensemble(images).softmax(1), mean, atol=1e-6)
    assert torch.allclose(ensemble(images), mean.log(), atol=1e-4)


def test_an_ensemble_has_all_its_members_parameters() -> None:
    ensemble = Ensemble(members())
    assert ensemble.parameters_count == sum(member.parameters_count for member in ensemble.members)


def test_an_ensemble_comes_back_from_its_file_bit_for_bit(tmp_path: Path) -> None:
    ensemble = Ensemble(members(classes=10))
    ensemble.train()(torch.randn(8, 1, 28, 28))  # batch norm's counts are part of it
    save_model(tmp_path / "model.pth", ensemble, find_spec("mnist"))
    again = load_model(tmp_path / "model.pth").model

    assert isinstance(again, Ensemble)
    assert again.architecture == ensemble.architecture
    assert not any(module.training for module in again.modules())
    expected = ensemble.state_dict()
    assert list(again.state_dict()) == list(expected)
    assert all(torch.equal(value, expected[name]) for name, value in again.state_dict().items())
    images = torch.randn(4, 1, 28, 28)
    assert torch.equal(again(images), ensemble.eval()(images))


def test_an_ensembles_architecture_builds_it_again() -> None:
    ensemble = Ensemble(members())
    again = make_network(architecture_of(json.loads(json.dumps(ensemble.architecture.to_dict()))))
    assert isinstance(again, Ensemble)
    assert again.architecture == ensemble.architecture
    again.load_state_dict(ensemble.state_dict())


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"classes": 5}, r"4 classes \(images of 28x28\), 5 classes \(images of 28x28\)"),
        ({"image_size": (28, 30)}, r"4 classes \(images of 28x28\), 4 classes \(images of 28x30\)"),
    ],
    ids=str,
)
def test_members_of_different_kinds_make_no_ensemble(other: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        Ensemble([*members(2), *members(1, **other)])
    assert caught.value.remedy


def test_an_ensemble_of_nothing_is_refused() -> None:
    with pytest.raises(UserError, match="at least one network"):
        Ensemble([])
