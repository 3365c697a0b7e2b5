from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mnistlab.errors import UserError
from mnistlab.networks.deskew import Deskewed
from mnistlab.networks.network import NeuralNet
from mnistlab.networks.shifts import Shifted

SHAPES: list[dict[str, Any]] = [
    {},
    {"classes": 47},
    {"image_size": (16, 16)},
    {"image_size": (20, 32), "classes": 3},
    {"widths": (4,), "batch_norm": False},
    {"widths": (4, 5, 6), "padding": "same", "hidden": 7, "dropout": 0.5},
    {"widths": (24, 48), "kernel_size": 5, "padding": "valid", "hidden": 128, "dropout": 0.2},
    {"pool_last": True, "hidden": 12, "batch_norm": False},
    {"widths": (4, 6), "depth": 2, "pooling": "stride", "image_size": (27, 21)},
    {"widths": (4, 6, 8), "depth": (1, 2, 3), "kernel_size": (5, 3, 1), "padding": ("valid", "same", "same"),
     "pooling": ("max", "stride", "none"), "head": "average"},
    {"widths": (4, 6), "depth": 2, "separable": True, "batch_norm": False, "hidden": 8},
    {"widths": (4, 6), "local_contrast": True},
]  # fmt: skip
EACH_SHAPE = pytest.mark.parametrize("options", SHAPES, ids=str)


def picture(net: NeuralNet | Shifted, count: int = 3) -> torch.Tensor:
    return torch.randn(count, 1, *net.architecture.image_size)


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
    F.cross_entropy(net(picture(net, 8)), torch.arange(8) % net.architecture.classes).backward()
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
    again = NeuralNet(**json.loads(json.dumps(net.architecture.to_dict())))
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


@st.composite
def architectures(draw: st.DrawFn) -> dict[str, Any]:
    """Networks of up to four blocks, some of them impossible."""
    widths = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))

    def per_block(values: st.SearchStrategy[Any]) -> Any:
        return draw(values | st.lists(values, min_size=len(widths), max_size=len(widths)))

    return {
        "widths": widths,
        "classes": draw(st.integers(1, 5)),
        "image_size": draw(st.tuples(st.integers(1, 30), st.integers(1, 30))),
        "depth": per_block(st.integers(1, 3)),
        "kernel_size": per_block(st.integers(1, 6)),
        "padding": per_block(st.sampled_from(["same", "valid"])),
        "pooling": per_block(st.sampled_from(["max", "stride", "none"])),
        "separable": draw(st.booleans()),
        "batch_norm": draw(st.booleans()),
        "pool_last": draw(st.booleans()),
        "head": draw(st.sampled_from(["flatten", "average"])),
        "hidden": draw(st.sampled_from([0, 3])),
        "local_contrast": draw(st.booleans()),
    }


def maps(options: dict[str, Any]) -> tuple[int, int] | None:
    """Height and width after the last block, counted convolution by convolution; None if such a network cannot be."""
    count = len(options["widths"])
    columns = [
        value if isinstance(value, list) else [value] * count
        for value in (options[name] for name in ("depth", "kernel_size", "padding", "pooling"))
    ]
    sides = list(options["image_size"])
    for depth, kernel, padding, pooling in zip(*columns, strict=True):
        if padding == "same" and kernel % 2 == 0:
            return None
        for _ in range(depth):
            sides = [side - (kernel - 1) * (padding == "valid") for side in sides]
        sides = [{"max": side // 2, "stride": (side + 1) // 2, "none": side}[pooling] for side in sides]
        if min(sides) < 1:
            return None
    return sides[0], sides[1]


@given(architectures())
@settings(max_examples=120)
def test_any_network_works_or_is_refused(options: dict[str, Any]) -> None:
    expected = maps(options)
    if expected is None:
        with pytest.raises(UserError) as caught:
            NeuralNet(**options)
        if "no pixel" in str(caught.value):
            assert_what_would_fit(options, caught.value)
        return
    net = NeuralNet(**options)
    for training in (True, False):
        logits = net.train(training)(picture(net, 2))
        assert logits.shape == (2, options["classes"])
        assert logits.isfinite().all()
    shapes = {row.name: row.shape for row in net.describe()}
    before = list(shapes.values())[list(shapes).index("flatten") - 1]
    assert before == (options["widths"][-1], *((1, 1) if options["head"] == "average" else expected))
    assert sum(row.parameters for row in net.describe()) == net.parameters_count


def assert_what_would_fit(options: dict[str, Any], told: UserError) -> None:
    """It names the first block that does not fit, and each remedy that it names works."""

    def first(count: int) -> dict[str, Any]:
        return {name: value[:count] if isinstance(value, list) else value for name, value in options.items()}

    number, count = map(int, re.findall(r"Block (\d+) of (\d+)", told.message)[0])
    assert count == len(options["widths"])
    assert number == 1 or maps(first(number - 1))
    assert maps(first(number)) is None
    assert re.findall(r"the first (\d+|one) fit", told.remedy) == {1: [], 2: ["one"]}.get(number, [str(number - 1)])
    values = re.findall(r"(padding|pooling) ([a-z,]+)", told.remedy)
    if values:
        assert maps(options | {name: value.split(",") for name, value in values})
    else:  # padding same would do, were all kernels odd
        assert any(kernel % 2 == 0 for kernel in np.ravel(options["kernel_size"]))


# blocks of their own


def test_one_value_is_that_value_for_each_block() -> None:
    one = NeuralNet((3, 4), depth=2, kernel_size=5, padding="valid", pooling="none", image_size=(30, 30))
    each = NeuralNet(
        (3, 4),
        depth=(2, 2),
        kernel_size=[5, 5],
        padding=("valid", "valid"),
        pooling=["none", "none"],
        image_size=(30, 30),
    )
    assert {k: v.shape for k, v in one.state_dict().items()} == {k: v.shape for k, v in each.state_dict().items()}
    each.load_state_dict(one.state_dict())
    images = picture(one)
    assert torch.equal(one.eval()(images), each.eval()(images))


def test_each_block_has_its_own_depth_kernel_edge_and_pooling() -> None:
    net = NeuralNet(
        (2, 3, 4), depth=(1, 2, 1), kernel_size=(5, 3, 1), padding=("valid", "same", "same"),
        pooling=("max", "stride", "none"), batch_norm=False,
    )  # fmt: skip
    shapes = {row.name: row.shape for row in net.describe() if not row.name.startswith("relu")}
    assert shapes == {
        "conv1": (2, 24, 24), "pool1": (2, 12, 12),
        "conv2": (3, 12, 12), "conv3": (3, 6, 6),
        "conv4": (4, 6, 6),
        "flatten": (144,), "linear1": (10,),
    }  # fmt: skip
    assert [layer.kernel_size for layer in net.layers if isinstance(layer, nn.Conv2d)] == [
        (5, 5), (3, 3), (3, 3), (1, 1)
    ]  # fmt: skip


def test_the_average_head_keeps_one_value_a_channel() -> None:
    net = NeuralNet((3, 5), head="average").eval()
    assert {row.name: row.shape for row in net.describe()}["flatten"] == (5,)
    assert net.layers.linear1.in_features == 5
    images = picture(net)
    maps_of_5 = net.layers[: list(dict(net.layers.named_children())).index("average")](images)
    assert torch.allclose(net(images), net.layers.linear1(maps_of_5.mean(dim=(2, 3))), atol=1e-6)


def test_separable_convolutions_have_fewer_parameters_and_the_same_shapes() -> None:
    plain, split = (NeuralNet((8, 16), depth=2, separable=separable) for separable in (False, True))

    def shapes(net: NeuralNet) -> dict[str, tuple[int, ...]]:
        return {row.name: row.shape for row in net.describe() if not row.name.startswith("depthwise")}

    assert shapes(split) == shapes(plain)
    # conv1 stays whole; each other one is k*k a channel and a matrix of 1x1
    assert plain.parameters_count - split.parameters_count == sum(
        9 * before * after - (9 * before + before * after) for before, after in ((8, 8), (8, 16), (16, 16))
    )


def test_a_separable_convolution_looks_at_each_channel_alone_first() -> None:
    net = NeuralNet((3, 4), separable=True, pooling="stride", kernel_size=5)
    assert "depthwise1" not in dict(net.layers.named_children())
    depthwise, mixing = net.layers.depthwise2, net.layers.conv2
    assert (depthwise.groups, depthwise.kernel_size, depthwise.stride) == (3, (5, 5), (2, 2))
    assert (mixing.groups, mixing.kernel_size, mixing.stride) == (1, (1, 1), (1, 1))


# what is around a network


@pytest.mark.parametrize(
    "around", [{"deskew": True}, {"test_shifts": True}, {"deskew": True, "test_shifts": True}], ids=str
)
def test_the_deprecated_ways_to_ask_for_what_is_around_a_network_give_it(around: dict[str, bool]) -> None:
    torch.manual_seed(0)
    with pytest.warns(DeprecationWarning, match=r"put Deskewed .* or Shifted .* around the network"):
        net = NeuralNet((3, 4), classes=5, **around)
    torch.manual_seed(0)
    plain, images = NeuralNet((3, 4), classes=5), torch.rand(3, 1, 28, 28)
    expected = Shifted(plain) if "test_shifts" in around else plain
    expected = Deskewed(expected) if "deskew" in around else expected
    assert net.architecture == expected.architecture == dataclasses.replace(plain.architecture, **around)
    assert torch.equal(net.eval()(images), expected.eval()(images))
    assert net.parameters_count == plain.parameters_count
