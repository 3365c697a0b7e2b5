from __future__ import annotations

import dataclasses
import json
import math
import re
from typing import Any

import numpy as np
import pytest
import torch

from mnistlab.errors import UserError
from mnistlab.networks.architecture import Architecture, architecture_of
from mnistlab.networks.network import NeuralNet
from mnistlab.recipes.recipe import Recipe


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"widths": (1,) * 5},
            "Block 5 of 5 leaves no pixel of an image of 28x28: max-pooling halves the height and width of its 1x1 input."
            " Use fewer widths (the first 4 fit) or pooling max,max,max,max,none.",
        ),
        (
            {"widths": (1,) * 6, "pooling": ("stride", *["max"] * 5)},
            "Block 5 of 6 leaves no pixel of an image of 28x28: max-pooling halves the height and width of its 1x1 input."
            " Use fewer widths (the first 4 fit) or pooling stride,max,max,max,none,none.",
        ),
        (
            {"widths": (1,) * 3, "kernel_size": 5, "padding": "valid"},
            "Block 3 of 3 leaves no pixel of an image of 28x28: with padding set to valid, a convolution of size 5x5 takes 4"
            " pixels off the height and off the width of its 4x4 input. Use fewer widths (the first 2 fit) or padding"
            " valid,valid,same.",
        ),
        (
            {"widths": (1,) * 5, "kernel_size": 5, "padding": "valid"},
            "Block 3 of 5 leaves no pixel of an image of 28x28: with padding set to valid, a convolution of size 5x5 takes 4"
            " pixels off the height and off the width of its 4x4 input. Use fewer widths (the first 2 fit) or padding"
            " valid,valid,same,same,same and pooling max,max,none,none,none.",
        ),
        (
            {"widths": (1, 1), "kernel_size": (3, 5), "padding": "valid", "depth": (1, 4)},
            "Block 2 of 2 leaves no pixel of an image of 28x28: with padding set to valid, convolutions of size 5x5 take 16"
            " pixels off the height and off the width of their 13x13 input. Use fewer widths (only the first one fits) or"
            " padding valid,same.",
        ),
        (
            {"widths": (1,), "kernel_size": 30, "padding": "valid"},
            "Block 1 of 1 leaves no pixel of an image of 28x28: with padding set to valid, a convolution of size 30x30 takes 29"
            " pixels off the height and off the width of its 28x28 input. Use smaller kernels.",
        ),
    ],
)  # fmt: skip
def test_where_pixels_run_out_it_says_in_which_block_and_what_would_fit(options: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError) as caught:
        NeuralNet(**options)
    assert str(caught.value) == told


# a value for each block


@pytest.mark.parametrize("name", ["depth", "kernel_size", "padding", "pooling"])
@pytest.mark.parametrize(("widths", "count"), [((4, 4), 3), ((4,), 2), ((4, 4, 4), 2)])
def test_a_list_of_another_length_than_the_blocks_is_refused(name: str, widths: tuple[int, ...], count: int) -> None:
    value = {"depth": 1, "kernel_size": 3, "padding": "same", "pooling": "max"}[name]
    with pytest.raises(UserError) as caught:
        NeuralNet(widths, **{name: [value] * count})
    blocks = f"{len(widths)} block{'s' * (len(widths) > 1)}"
    assert str(caught.value) == (f"{name} has {count} values for {blocks}. Give one value, or one for each block.")


# the description


def test_one_value_a_list_and_a_tuple_describe_the_same_network() -> None:
    one = Architecture((3, 4), depth=2, kernel_size=5, padding="valid", image_size=[28, 28])  # type: ignore[arg-type]
    each = Architecture([3, 4], depth=(2, 2), kernel_size=[5, 5], padding=("valid",))  # type: ignore[arg-type]
    assert one == each
    assert hash(one) == hash(each)
    assert (one.depth, one.kernel_size, one.padding, one.pooling) == ((2, 2), (5, 5), ("valid",) * 2, ("max",) * 2)
    assert architecture_of(json.loads(json.dumps(one.to_dict()))) == one


def test_an_architecture_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        NeuralNet().architecture.classes = 3  # type: ignore[misc]


@pytest.mark.parametrize("name", ["separable", "batch_norm", "pool_last", "deskew", "local_contrast", "test_shifts"])
@pytest.mark.parametrize("value", ["no", 1, None])
def test_what_is_neither_true_nor_false_is_refused(name: str, value: object) -> None:
    with pytest.raises(UserError) as caught:
        Architecture(**{name: value})  # type: ignore[arg-type]
    assert caught.value.message == f"The network's {name} must be true or false; it is {value!r}."


# what is refused


@pytest.mark.parametrize(
    "wrong",
    [
        {"widths": ()}, {"depth": 65}, {"depth": ()}, {"kernel_size": (3, 0)}, {"padding": "full"}, {"pooling": ["max", 2]},
        {"separable": 1}, {"head": None}, {"hidden": 2.0}, {"dropout": 1}, {"hidden": 10**5000}, {"deskew": "on", "depth": 0},
    ],
    ids=",".join,
)  # fmt: skip
def test_a_network_and_a_recipe_refuse_the_same_in_the_same_words(wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError) as recipes:
        Recipe().override(wrong)
    with pytest.raises(UserError) as networks:
        Architecture(**wrong)
    told = networks.value.message.removeprefix("The network's ")
    assert recipes.value.message == f"Recipe 'custom': {told}"
    assert all(f"{name} must be " in told for name in wrong)


@pytest.mark.parametrize("widths", [32, [32], np.int64(32)])
def test_one_width_alone_is_a_network_of_one_block(widths: Any) -> None:
    assert NeuralNet(widths).architecture == NeuralNet((32,)).architecture


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"widths": ()}, "network's widths must be a list of whole numbers between 1 and 65,536; it is empty"),
        ({"widths": (32, 0)}, "; it is 32,0"),
        ({"widths": (-3,)}, "; it is -3"),
        ({"widths": (65_537,)}, "; it is 65537"),
        ({"widths": "32"}, "; it is '32'"),
        ({"widths": (1, 1, 1, 1, 1)}, "Block 5 of 5 leaves no pixel of an image of 28x28"),
        ({"widths": (1, 1, 1), "padding": "valid", "kernel_size": 5}, "Block 3 of 3 leaves no pixel"),
        ({"widths": (1,), "image_size": (1, 28)}, "Block 1 of 1 leaves no pixel of an image of 1x28"),
        ({"padding": "full"}, "network's padding must be a list of values, each same or valid; it is full"),
        ({"kernel_size": 4}, "A kernel of size 4 has no middle pixel"),
        ({"kernel_size": 0}, "kernel_size must be a list of whole numbers between 1 and 255; it is 0"),
        ({"kernel_size": -1, "padding": "valid"}, "; it is -1"),
        ({"kernel_size": 257}, "; it is 257"),
        ({"kernel_size": (3, 4)}, "A kernel of size 4 has no middle pixel"),
        ({"padding": ("same", "full")}, "; it is same,full"),
        ({"pooling": "mean"}, "pooling must be a list of values, each max, stride or none; it is mean"),
        ({"pooling": ("max", "half")}, "; it is max,half"),
        ({"head": "attention"}, "head must be flatten or average; it is 'attention'"),
        ({"depth": 0}, "depth must be a list of whole numbers between 1 and 64; it is 0"),
        ({"depth": (1, 65)}, "; it is 1,65"),
        ({"depth": 7, "padding": "valid", "pooling": "none", "kernel_size": 5}, "Block 1 of 2 leaves no pixel"),
    ],
    ids=str,
)
def test_a_network_that_cannot_be_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        NeuralNet(**options)
    assert caught.value.remedy


def test_an_even_kernel_is_allowed_without_padding() -> None:
    assert NeuralNet(kernel_size=4, padding="valid")(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"classes": 0}, "The network's classes must be between 1 and 65,536; it is 0."),
        ({"classes": -1}, "; it is -1."),
        ({"classes": 10.0}, "classes must be a whole number between 1 and 65,536; it is 10.0."),
        ({"classes": True}, "; it is True."),
        ({"hidden": -5}, "hidden must be between 0 and 65,536; it is -5."),
        ({"hidden": "64"}, "hidden must be a whole number between 0 and 65,536; it is '64'."),
        ({"dropout": 1.5}, "dropout must be between 0 and 0.99; it is 1.5."),
        ({"dropout": -0.1}, "; it is -0.1."),
        ({"dropout": math.nan}, "; it is nan."),
        ({"dropout": "0.2"}, "dropout must be a number between 0 and 0.99; it is '0.2'."),
        ({"widths": (True,)}, "; it is True."),
        ({"image_size": 28}, "Image size 28 is not a height and a width"),
        ({"image_size": (28, 28, 1)}, "is not a height and a width"),
        ({"image_size": (28, 28.0)}, "Image size 28.0 is not a whole number"),
    ],
    ids=str,
)
def test_a_number_that_is_none_or_out_of_range_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=re.escape(words)):
        NeuralNet(**options)


def test_numpys_numbers_make_the_same_network() -> None:
    given: dict[str, Any] = {
        "widths": np.array([4, 8]), "classes": np.int64(3), "image_size": (np.int64(28), np.uint8(28)), "depth": np.int64(2),
        "kernel_size": [np.int32(3), 5], "hidden": np.int16(16), "dropout": np.float64(0.25),
    }  # fmt: skip
    plain = {
        "widths": (4, 8), "classes": 3, "depth": 2, "kernel_size": (3, 5), "hidden": 16, "dropout": 0.25,
    }  # fmt: skip
    assert repr(NeuralNet(**given).architecture) == repr(NeuralNet(**plain).architecture)  # type: ignore[arg-type]
