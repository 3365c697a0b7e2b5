from __future__ import annotations

import json
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mnistlab.errors import UserError
from mnistlab.model import NeuralNet

SHAPES: list[dict[str, Any]] = [
    {},
    {"classes": 47},
    {"image_size": (16, 16)},
    {"image_size": (20, 32), "classes": 3},
    {"widths": (4,), "batch_norm": False},
    {"widths": (4, 5, 6), "padding": "same", "hidden": 7, "dropout": 0.5},
    {"widths": (24, 48), "kernel_size": 5, "padding": "valid", "hidden": 128, "dropout": 0.2},
    {"pool_last": True, "hidden": 12, "batch_norm": False},
]
EACH_SHAPE = pytest.mark.parametrize("options", SHAPES, ids=str)


def picture(net: NeuralNet, count: int = 3) -> torch.Tensor:
    return torch.randn(count, 1, *net.architecture["image_size"])


@EACH_SHAPE
def test_logits_come_out_one_per_class(options: dict[str, Any]) -> None:
    net = NeuralNet(**options)
    logits = net(picture(net, 5))
    assert (logits.shape, logits.dtype) == ((5, options.get("classes", 10)), torch.float32)
    assert logits.isfinite().all()


@EACH_SHAPE
def test_there_is_no_softmax(options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    net = NeuralNet(**options).eval()
    logits = net(picture(net, 20) * 5)
    assert (logits < 0).any()
    assert ((logits.sum(1) - 1).abs() > 1e-3).all()
    assert ((logits.exp().sum(1) - 1).abs() > 1e-3).all()


@EACH_SHAPE
def test_gradients_reach_every_parameter_and_are_finite(options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    net = NeuralNet(**options)
    F.cross_entropy(net(picture(net, 8)), torch.arange(8) % net.architecture["classes"]).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_parameters_are_counted_as_by_hand() -> None:
    # two convolutions without bias, two batch norms, one linear layer
    expected = (1 * 32 * 9) + (2 * 32) + (32 * 64 * 9) + (2 * 64) + (64 * 7 * 7 * 10 + 10)
    assert NeuralNet().parameters_count == expected == 50_282
    # the first recipe's network: 28 -> 24 -> 12 -> 8 -> 4
    expected = (24 * 25) + 48 + (24 * 48 * 25) + 96 + (48 * 4 * 4 * 128) + 256 + (128 * 10 + 10)
    net = NeuralNet((24, 48), kernel_size=5, padding="valid", hidden=128)
    assert net.parameters_count == expected


def test_multiply_adds_are_counted_as_by_hand() -> None:
    work = {row.name: row.multiply_adds for row in NeuralNet().describe() if row.multiply_adds}
    assert work == {"conv1": 9 * 32 * 28 * 28, "conv2": 32 * 9 * 64 * 14 * 14, "linear1": 64 * 7 * 7 * 10}
    work = {row.name: row.multiply_adds for row in NeuralNet((3,), kernel_size=5, padding="valid").describe()}
    assert work["conv1"] == 25 * 3 * 24 * 24


@EACH_SHAPE
def test_the_description_is_what_hooks_see(options: dict[str, Any]) -> None:
    net = NeuralNet(**options).eval()
    seen: list[tuple[str, str, tuple[int, ...]]] = []
    for name, layer in net.layers.named_children():

        def note(module: nn.Module, _: Any, output: torch.Tensor, name: str = name) -> None:
            seen.append((name, type(module).__name__, tuple(output.shape[1:])))

        layer.register_forward_hook(note)
    net(picture(net))
    expected = list(seen)
    rows = net.describe()
    assert [(row.name, row.layer, row.shape) for row in rows] == expected
    assert sum(row.parameters for row in rows) == net.parameters_count
    assert all(row.purpose for row in rows)


@pytest.mark.parametrize("training", [True, False])
def test_describing_changes_nothing(training: bool) -> None:
    net = NeuralNet(hidden=8, dropout=0.5).train(training)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.describe()
    assert all(module.training is training for module in net.modules())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def order(**options: Any) -> list[str]:
    return [type(layer).__name__ for layer in NeuralNet((4,), **options).layers]


def test_layers_stand_in_the_promised_order() -> None:
    assert order() == ["Conv2d", "MaxPool2d", "BatchNorm2d", "ReLU", "Flatten", "Linear"]
    assert order(pool_last=True) == ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "Flatten", "Linear"]
    assert order(batch_norm=False, hidden=5, dropout=0.1) == [
        "Conv2d", "MaxPool2d", "ReLU", "Flatten", "Dropout", "Linear", "ReLU", "Dropout", "Linear"
    ]  # fmt: skip
    assert order(hidden=5) == [
        "Conv2d", "MaxPool2d", "BatchNorm2d", "ReLU", "Flatten", "Linear", "BatchNorm1d", "ReLU", "Linear"
    ]  # fmt: skip


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_relu_after_pooling_is_relu_before_pooling(padding: str) -> None:
    """Bit for bit, forwards and in every gradient."""
    first = NeuralNet((8, 12), batch_norm=False, padding=padding)
    last = NeuralNet((8, 12), batch_norm=False, padding=padding, pool_last=True)
    last.load_state_dict(first.state_dict())
    images = torch.randn(16, 1, 28, 28)
    outputs = [net(images) for net in (first, last)]
    assert torch.equal(*outputs)
    for output in outputs:
        F.cross_entropy(output, torch.arange(16) % 10).backward()
    for (name, one), other in zip(first.named_parameters(), last.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad), name


def test_without_batch_norm_there_is_a_bias_and_with_it_none() -> None:
    assert NeuralNet(batch_norm=False).layers.conv1.bias is not None
    assert NeuralNet(batch_norm=True).layers.conv1.bias is None


def test_the_architecture_builds_the_same_network_again() -> None:
    net = NeuralNet((4, 6), classes=7, image_size=(20, 24), kernel_size=5, hidden=9, dropout=0.3, pool_last=True)
    again = NeuralNet(**json.loads(json.dumps(net.architecture)))
    assert again.architecture == net.architecture
    again.load_state_dict(net.state_dict())
    images = picture(net)
    assert torch.equal(net.eval()(images), again.eval()(images))


def test_dropout_acts_only_in_training() -> None:
    net = NeuralNet(dropout=0.5, batch_norm=False)
    images = picture(net)
    assert not torch.equal(net.train()(images), net(images))
    assert torch.equal(net.eval()(images), net(images))


def test_images_of_a_batch_do_not_touch_one_another() -> None:
    net = NeuralNet().eval()
    images = picture(net, 6)
    assert torch.allclose(net(images)[2:3], net(images[2:3]), atol=1e-5)


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=4),
    st.integers(1, 6),
    st.sampled_from(["same", "valid"]),
    st.tuples(st.integers(1, 30), st.integers(1, 30)),
)
@settings(deadline=None, max_examples=80)
def test_any_network_works_or_is_refused(widths: list[int], kernel: int, padding: str, size: tuple[int, int]) -> None:
    try:
        net = NeuralNet(widths, kernel_size=kernel, padding=padding, image_size=size)
    except UserError:
        side = min(size)
        for _ in widths:
            side = (side - (kernel - 1) * (padding == "valid")) // 2
        assert side < 1 or (kernel % 2 == 0 and padding == "same")
    else:
        assert net.eval()(torch.randn(2, 1, *size)).shape == (2, 10)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"widths": ()}, "are not all from 1 to"),
        ({"widths": (32, 0)}, "are not all from 1 to"),
        ({"widths": (-3,)}, "are not all from 1 to"),
        ({"widths": (1, 1, 1, 1, 1)}, "1,1,1,1,1 leave no pixel of a 28x28 image"),
        ({"widths": (1, 1, 1), "padding": "valid", "kernel_size": 5}, "leave no pixel"),
        ({"widths": (1,), "image_size": (1, 28)}, "leave no pixel of a 1x28 image"),
        ({"padding": "full"}, "Unknown padding 'full'"),
        ({"kernel_size": 4}, "Kernel size 4 has no middle pixel"),
        ({"kernel_size": 0}, "Kernel size 0"),
        ({"kernel_size": -1, "padding": "valid"}, "Kernel size -1"),
    ],
    ids=str,
)
def test_a_network_that_cannot_be_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        NeuralNet(**options)
    assert caught.value.remedy


def test_an_even_kernel_is_allowed_without_padding() -> None:
    assert NeuralNet(kernel_size=4, padding="valid")(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.filterwarnings("ignore:Initializing zero-element:UserWarning")
@pytest.mark.parametrize(
    "options",
    [{"classes": 0}, {"classes": -1}, {"hidden": -5}, {"dropout": 1.5}, {"dropout": -0.1}],
    ids=str,
)
def test_a_number_out_of_range_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        NeuralNet(**options)
