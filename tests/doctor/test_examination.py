from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mnistlab.data.dataset import open_dataset
from mnistlab.doctor.check import Check
from mnistlab.doctor.examination import examine
from mnistlab.errors import UserError
from mnistlab.networks.network import NeuralNet

MEAN, STD = 0.1307, 0.3081
Prepare = Callable[[torch.Tensor], torch.Tensor]
PREPARATIONS: dict[str, Prepare] = {
    "normalised": lambda pixels: (pixels / 255 - MEAN) / STD,
    "raw, from 0 to 255": lambda pixels: pixels,
    "inverted, normalised": lambda pixels: (1 - pixels / 255 - MEAN) / STD,
    "inverted, scaled to [0, 1]": lambda pixels: 1 - pixels / 255,
}


@pytest.fixture(scope="module")
def digits(data_dir: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """The first 5,500 training digits: uint8 (5500, 1, 28, 28) and their labels."""
    images, labels = open_dataset("mnist", data_dir).read("train")
    return torch.tensor(images[:5500]).unsqueeze(1), torch.tensor(labels[:5500])


class Small(nn.Module):
    """A small network written the way people write it: with functions, not layers."""

    def __init__(self, end: Callable[[torch.Tensor], torch.Tensor] = nn.Identity()) -> None:  # noqa: B008
        super().__init__()
        self.pool = nn.AvgPool2d(2)
        self.first = nn.Linear(196, 48)
        self.last = nn.Linear(48, 10)
        self.end = end

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.end(self.last(F.relu(self.first(self.pool(images).flatten(1)))))


@pytest.fixture(scope="module")
def trained(digits: tuple[torch.Tensor, torch.Tensor]) -> Callable[[str], Small]:
    """Gives a network trained for a moment on 5,000 digits prepared in one of the ways; each is trained once."""

    @functools.cache
    def train(kind: str) -> Small:
        torch.manual_seed(0)
        model = Small()
        images, labels = PREPARATIONS[kind](digits[0][:5000].float()), digits[1][:5000]
        optimizer = torch.optim.Adam(model.parameters(), 5e-3 / max(1.0, float(images.std()) / 10))
        for _ in range(6):
            for batch in torch.randperm(5000).split(250):
                optimizer.zero_grad()
                F.cross_entropy(model(images[batch]), labels[batch]).backward()
                optimizer.step()
        return model

    return lambda kind: copy.deepcopy(train(kind))


def look(model: nn.Module, digits: tuple[torch.Tensor, torch.Tensor]) -> dict[str, Check]:
    """The checks by name, on the 500 digits not used for training."""
    checks = examine(model, digits[0][5000:], digits[1][5000:], MEAN, STD)
    assert len({check.name for check in checks}) == len(checks)
    assert all(check.remedy for check in checks if check.verdict != "ok")
    return {check.name: check for check in checks}


def test_a_model_trained_as_it_should_be_is_ok(
    trained: Callable[[str], Small], digits: tuple[torch.Tensor, torch.Tensor]
) -> None:
    found = look(trained("normalised"), digits)
    assert {name: check.verdict for name, check in found.items()} == {
        "softmax": "ok", "confidence": "ok", "input": "ok", "ReLU 1": "ok"
    }  # fmt: skip
    assert "500 validation images read correctly" in found["input"].detail


@pytest.mark.parametrize("kind", ["raw, from 0 to 255", "inverted, normalised", "inverted, scaled to [0, 1]"])
def test_the_input_that_a_model_was_trained_on_is_named(
    kind: str, trained: Callable[[str], Small], digits: tuple[torch.Tensor, torch.Tensor]
) -> None:
    check = look(trained(kind), digits)["input"]
    assert check.verdict == "problem"
    assert kind.startswith("inverted") or kind in check.remedy
    assert ("inverted" in check.remedy) == ("inverted" in kind)


def test_an_untrained_model_is_told_from_a_wrongly_fed_one(digits: tuple[torch.Tensor, torch.Tensor]) -> None:
    class Constant(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.arange(10.0).repeat(len(images), 1)

    check = look(Constant(), digits)["input"]
    assert check.verdict == "problem"
    assert "Check that the model was trained" in check.remedy


def test_a_softmax_at_the_end_is_a_problem(digits: tuple[torch.Tensor, torch.Tensor]) -> None:
    for end in (nn.Softmax(1), lambda logits: logits.softmax(1)):
        check = look(Small(end), digits)["softmax"]
        assert check.verdict == "problem"
        assert "softmax" in check.detail


def test_a_log_softmax_at_the_end_is_a_warning(digits: tuple[torch.Tensor, torch.Tensor]) -> None:
    check = look(Small(nn.LogSoftmax(1)), digits)["softmax"]
    assert check.verdict == "warning"
    assert "log-softmax" in check.detail


def test_logits_are_not_taken_for_probabilities(digits: tuple[torch.Tensor, torch.Tensor]) -> None:
    for end in (nn.Identity(), nn.ReLU(), nn.Sigmoid()):
        assert look(Small(end), digits)["softmax"].verdict == "ok"


def test_a_model_that_is_far_too_sure_is_told(
    trained: Callable[[str], Small], digits: tuple[torch.Tensor, torch.Tensor]
) -> None:
    model = trained("normalised")
    assert look(model, digits)["confidence"].verdict == "ok"
    model.last.weight.data *= 10
    model.last.bias.data *= 10
    assert look(model, digits)["confidence"].verdict == "warning"


@pytest.mark.parametrize(("dead", "verdict"), [(0, "ok"), (2, "ok"), (10, "warning"), (30, "problem"), (48, "problem")])
def test_dead_relus_are_counted(dead: int, verdict: str, digits: tuple[torch.Tensor, torch.Tensor]) -> None:
    torch.manual_seed(0)
    model = Small()
    model.first.bias.data += 0.5  # all of them alive
    model.first.bias.data[:dead] = -1e6
    check = look(model, digits)["ReLU 1"]
    assert check.verdict == verdict
    assert check.detail == (f"{dead} of 48 channels never active" if dead else "all channels active (48)")


@pytest.mark.parametrize(
    "relu",
    [nn.ReLU(), nn.ReLU(inplace=True), F.relu, torch.relu, lambda x: x.relu(), lambda x: F.relu_(x.clone()),
     lambda x: torch.clamp_min(x, 0), nn.Threshold(0, 0), nn.ReLU6()],
    ids=["layer", "in place", "F.relu", "torch.relu", "method", "F.relu_", "clamp_min", "threshold", "ReLU6"],
)  # fmt: skip
def test_every_way_to_write_a_relu_is_seen(
    relu: Callable[[torch.Tensor], torch.Tensor], digits: tuple[torch.Tensor, torch.Tensor]
) -> None:
    assert_seen(relu, digits)


@pytest.mark.parametrize(
    "relu",
    [nn.ReLU6(inplace=True), nn.Threshold(0, 0, inplace=True), lambda x: x.clamp(min=0)],
    ids=["ReLU6 in place", "threshold in place", "clamp(min=0)"],
)
def test_rarer_ways_to_write_a_relu_are_seen(
    relu: Callable[[torch.Tensor], torch.Tensor], digits: tuple[torch.Tensor, torch.Tensor]
) -> None:
    assert_seen(relu, digits)


def assert_seen(relu: Callable[[torch.Tensor], torch.Tensor], digits: tuple[torch.Tensor, torch.Tensor]) -> None:
    class Convolution(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(1, 6, 5, 4)
            self.linear = nn.Linear(6 * 36, 10)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.linear(relu(self.convolution(images)).flatten(1))

    torch.manual_seed(0)
    model = Convolution()
    model.convolution.bias.data[:4] = -1e6
    check = look(model, digits)["ReLU 1"]
    assert check.detail == "4 of 6 channels never active"
    assert check.verdict == "problem"


def test_each_relu_is_counted_for_itself(digits: tuple[torch.Tensor, torch.Tensor]) -> None:
    torch.manual_seed(0)
    found = look(NeuralNet((4, 6), hidden=8), digits)
    assert [name for name in found if name.startswith("ReLU")] == ["ReLU 1", "ReLU 2", "ReLU 3"]
    assert [found[name].seen.values["total"] for name in ("ReLU 1", "ReLU 2")] == [4, 6]


def test_a_model_without_relus_is_told(digits: tuple[torch.Tensor, torch.Tensor]) -> None:
    check = look(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), digits)["ReLUs"]
    assert (check.verdict, check.detail) == ("ok", "no ReLU in the model")


class Outputs(nn.Module):
    """Whatever the images are, the output is what `make` gives for their number."""

    def __init__(self, make: Callable[[int], object]) -> None:
        super().__init__()
        self.make = make

    def forward(self, images: torch.Tensor) -> object:
        return self.make(len(images))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (torch.zeros, "the output for 500 images has the shape (500,)"),
        (lambda n: torch.zeros(n, 10, 1, 1), "the output for 500 images has the shape (500, 10, 1, 1)"),
        (lambda n: torch.zeros(10, n), "the output for 500 images has the shape (10, 500)"),
        (lambda n: (torch.zeros(n, 10), None), "the output is an object of type tuple, not a tensor"),
        (lambda n: torch.zeros(n, 9), "9 values per image for 10 classes"),
        (lambda n: torch.full((n, 10), float("nan")), "NaN or infinite"),
        (lambda n: torch.full((n, 10), float("inf")), "NaN or infinite"),
    ],
    ids=["no classes", "not flat", "classes first", "tuple", "too few", "NaN", "inf"],
)
def test_outputs_that_are_no_logits_are_the_only_thing_told(
    make: Callable[[int], object], words: str, digits: tuple[torch.Tensor, torch.Tensor]
) -> None:
    found = look(Outputs(make), digits)
    assert list(found) == ["output"]
    assert found["output"].verdict == "problem"
    assert words in found["output"].detail


@pytest.mark.parametrize("training", [True, False])
def test_the_model_s_mode_is_put_back(training: bool, digits: tuple[torch.Tensor, torch.Tensor]) -> None:
    model = NeuralNet((2,), dropout=0.5).train(training)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    look(model, digits)
    assert all(module.training is training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(parameter.grad is not None for parameter in model.parameters())


def test_pictures_of_another_size_are_the_user_s_to_mend(digits: tuple[torch.Tensor, torch.Tensor]) -> None:
    for training in (True, False):
        model = NeuralNet((2,), image_size=(16, 16)).train(training)
        with pytest.raises(UserError, match=r"cannot take a batch of shape \(500, 1, 28, 28\)") as caught:
            look(model, digits)
        assert "--dataset" in caught.value.command_remedy
        assert model.training is training


def test_a_model_for_colours_is_the_user_s_to_mend(digits: tuple[torch.Tensor, torch.Tensor]) -> None:
    with pytest.raises(UserError, match="cannot take a batch"):
        look(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 26 * 26, 10)), digits)


class Refuses(nn.Module):
    """A model that raises at any images."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        raise self.error


def test_what_the_models_code_raised_is_named_and_is_the_cause(digits: tuple[torch.Tensor, torch.Tensor]) -> None:
    mistake = AttributeError("'Net' object has no attribute 'fc3'")
    with pytest.raises(UserError, match=r"\(AttributeError: 'Net' object has no attribute 'fc3'\)") as caught:
        look(Refuses(mistake), digits)
    assert caught.value.__cause__ is mistake


def test_a_mistake_in_the_checks_is_not_the_models(
    digits: tuple[torch.Tensor, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnistlab.doctor.examination.check_output", None)
    with pytest.raises(TypeError):
        look(NeuralNet((2,)), digits)


def test_arrays_are_taken_and_what_does_not_belong_together_is_refused(
    digits: tuple[torch.Tensor, torch.Tensor],
) -> None:
    images, labels = digits[0][:100], digits[1][:100]
    model = NeuralNet((2,))
    arrays = examine(model, images.numpy(), labels.numpy(), np.float32(0.1307), np.float64(0.3081))  # type: ignore[arg-type]
    assert arrays == examine(model, images, labels, 0.1307, 0.3081)
    for wrong in ((images[:0], labels[:0]), (images, labels[:-1]), (images[:, 0], labels)):
        with pytest.raises(
            UserError, match=r"A network cannot be examined with images of shape .* and labels of shape"
        ):
            examine(model, *wrong, 0.1307, 0.3081)
    with pytest.raises(UserError, match="Standard deviation 0 is out of range"):
        examine(model, images, labels, 0.1307, 0)


def test_a_model_that_raises_without_a_word_is_the_user_s_to_mend(digits: tuple[torch.Tensor, torch.Tensor]) -> None:
    with pytest.raises(UserError, match="cannot take a batch"):
        look(Refuses(ValueError()), digits)


@pytest.mark.parametrize("error", [AssertionError("28x28 expected"), IndexError("too many")], ids=repr)
def test_a_model_that_asserts_its_input_is_the_user_s_to_mend(
    error: Exception, digits: tuple[torch.Tensor, torch.Tensor]
) -> None:
    with pytest.raises(UserError, match="cannot take a batch"):
        look(Refuses(error), digits)
