from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import numpy as np
import pytest
import torch

from mnistlab.errors import UserError
from mnistlab.networks.architecture import Architecture, architecture_of
from mnistlab.networks.network import NeuralNet


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"widths": (1,) * 5},
            "Block 5 of 5 leaves no pixel of a 28x28 image: max-pool halves 1x1."
            " Use fewer widths (the first 4 fit) or pooling max,max,max,max,none.",
        ),
        (
            {"widths": (1,) * 6, "pooling": ("stride", *["max"] * 5)},
            "Block 5 of 6 leaves no pixel of a 28x28 image: max-pool halves 1x1."
            " Use fewer widths (the first 4 fit) or pooling stride,max,max,max,none,none.",
        ),
        (
            {"widths": (1,) * 3, "kernel_size": 5, "padding": "valid"},
            "Block 3 of 3 leaves no pixel of a 28x28 image: with padding valid a convolution of 5x5 takes 4 off the height"
            " and width of 4x4. Use fewer widths (the first 2 fit) or padding valid,valid,same.",
        ),
        (
            {"widths": (1,) * 5, "kernel_size": 5, "padding": "valid"},
            "Block 3 of 5 leaves no pixel of a 28x28 image: with padding valid a convolution of 5x5 takes 4 off the height"
            " and width of 4x4. Use fewer widths (the first 2 fit) or padding valid,valid,same,same,same and pooling"
            " max,max,none,none,none.",
        ),
        (
            {"widths": (1, 1), "kernel_size": (3, 5), "padding": "valid", "depth": (1, 4)},
            "Block 2 of 2 leaves no pixel of a 28x28 image: with padding valid convolutions of 5x5 take 16 off the height"
            " and width of 13x13. Use fewer widths (the first fits) or padding valid,same.",
        ),
        (
            {"widths": (1,), "kernel_size": 30, "padding": "valid"},
            "Block 1 of 1 leaves no pixel of a 28x28 image: with padding valid a convolution of 30x30 takes 29 off the"
            " height and width of 28x28. Use smaller kernels.",
        ),
    ],
)  # fmt: skip
def test_where_pixels_run_out_it_says_in_which_block_and_what_would_fit(options: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError) as caught:
        NeuralNet(**options)
    assert str(caught.value) == told


# a value for each block


@pytest.mark.parametrize("name", ["depth", "kernel_size", "padding", "pooling"])
@pytest.mark.parametrize(("widths", "count"), [((4, 4), 0), ((4, 4), 3), ((4,), 2), ((4, 4, 4), 2)])
def test_a_list_of_another_length_than_the_blocks_is_refused(name: str, widths: tuple[int, ...], count: int) -> None:
    value = {"depth": 1, "kernel_size": 3, "padding": "same", "pooling": "max"}[name]
    with pytest.raises(UserError) as caught:
        NeuralNet(widths, **{name: [value] * count})
    blocks = f"{len(widths)} block{'s' * (len(widths) > 1)}"
    assert str(caught.value) == (f"{name} has {count} values for {blocks}. Give one, or one for each width.")


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


@pytest.mark.parametrize("name", ["separable", "batch_norm", "pool_last", "deskew", "test_shifts"])
@pytest.mark.parametrize("value", ["no", 1, None])
def test_what_is_neither_true_nor_false_is_refused(name: str, value: object) -> None:
    with pytest.raises(UserError) as caught:
        Architecture(**{name: value})  # type: ignore[arg-type]
    assert caught.value.message == f"{name} {value!r} is not true or false."


# what is refused


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"widths": ()}, "are not all from 1 to"),
        ({"widths": (32, 0)}, "are not all from 1 to"),
        ({"widths": (-3,)}, "are not all from 1 to"),
        ({"widths": (1, 1, 1, 1, 1)}, "Block 5 of 5 leaves no pixel of a 28x28 image"),
        ({"widths": (1, 1, 1), "padding": "valid", "kernel_size": 5}, "Block 3 of 3 leaves no pixel"),
        ({"widths": (1,), "image_size": (1, 28)}, "Block 1 of 1 leaves no pixel of a 1x28 image"),
        ({"padding": "full"}, "Unknown padding 'full'"),
        ({"kernel_size": 4}, "Kernel size 4 has no middle pixel"),
        ({"kernel_size": 0}, "Kernel size 0"),
        ({"kernel_size": -1, "padding": "valid"}, "Kernel size -1"),
        ({"kernel_size": (3, 4)}, "Kernel size 4 has no middle pixel"),
        ({"padding": ("same", "full")}, "Unknown padding 'full'"),
        ({"pooling": "mean"}, "Unknown pooling 'mean'"),
        ({"pooling": ("max", "half")}, "Unknown pooling 'half'"),
        ({"head": "attention"}, "Unknown head 'attention'"),
        ({"depth": 0}, "Depth 0 is out of range"),
        ({"depth": (1, 65)}, "Depth 65 is out of range"),
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
        ({"classes": 0}, "Classes 0 is out of range"),
        ({"classes": -1}, "Classes -1 is out of range"),
        ({"classes": 10.0}, "Classes 10.0 is not a whole number"),
        ({"classes": True}, "Classes True is not a whole number"),
        ({"hidden": -5}, "Hidden -5 is out of range"),
        ({"hidden": "64"}, "Hidden '64' is not a whole number"),
        ({"dropout": 1.5}, "Dropout 1.5 is out of range"),
        ({"dropout": -0.1}, "Dropout -0.1 is out of range"),
        ({"dropout": "0.2"}, "Dropout '0.2' is not a number"),
        ({"widths": 32}, "Channel widths 32 are not all from 1 to"),
        ({"widths": (True,)}, "are not all from 1 to"),
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
