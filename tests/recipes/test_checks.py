from __future__ import annotations

import dataclasses
import json
import math
import pickle
from typing import Any

import numpy as np
import pytest

from mnistlab.errors import UserError
from mnistlab.recipes import settings
from mnistlab.recipes.recipe import Recipe
from tests.recipes.refusal import refusal

FIELDS = list(settings.FIELDS.values())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"networks": ["best"]}, r"members is 1, but networks \(best\) is only for an ensemble"),
        (
            {"networks": ["best", "best"], "members": 4},
            "networks must all be different; they are best,best",
        ),
        ({"networks": [3], "members": 4}, "networks must be a list of names; it is 3"),
    ],
)
def test_networks_that_make_no_ensemble_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Recipe().override(changes)


def test_what_is_not_deskewed_in_training_is_refused_where_it_would_be_in_use() -> None:
    told = refusal(deskew=True, writing=0.5)
    assert (
        "deskew can be on only if writing and rejects are both 0 (they are 0.5 and 0): in training, imitated writing"
        in told
    )
    assert "in use, every image is deskewed" in refusal(deskew=True, rejects=0.25)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"depth": 0}, "depth must be a list of whole numbers between 1 and 64; it is 0."),
        ({"depth": [1, 65]}, "depth must be a list of whole numbers between 1 and 64; it is 1,65."),
        ({"depth": True}, "depth must be a list of whole numbers between 1 and 64; it is True."),
        ({"depth": 1.0}, "; it is 1.0."),
        ({"depth": [1, 2.0]}, "; it is 1,2.0."),
        ({"depth": None}, "; it is None."),
        ({"depth": []}, "; it is empty."),
        ({"kernel_size": 256}, "kernel_size must be a list of whole numbers between 1 and 255; it is 256."),
        ({"kernel_size": "3"}, "kernel_size must be a list of whole numbers between 1 and 255; it is '3'."),
        ({"kernel_size": {"first": 3}}, "; it is {'first': 3}."),
        ({"padding": "round"}, "padding must be a list of values, each same or valid; it is round."),
        ({"padding": ["same", "round"]}, "padding must be a list of values, each same or valid; it is same,round."),
        ({"padding": "same,valid"}, "; it is same,valid."),
        ({"padding": 1}, "padding must be a list of values, each same or valid; it is 1."),
        ({"padding": [["same"]]}, "; it is ['same']."),
        ({"padding": []}, "padding must be a list of values, each same or valid; it is empty."),
        ({"pooling": "half"}, "pooling must be a list of values, each max, stride or none; it is half."),
        ({"pooling": ["max", None]}, "; it is max,None."),
        ({"head": ["average"]}, "head must be flatten or average; it is ['average']."),
        ({"head": "mean"}, "head must be flatten or average; it is 'mean'."),
    ],
    ids=str,
)
def test_a_wrong_list_is_named(changed: dict[str, Any], words: str) -> None:
    assert words in refusal(**changed)


def test_numpys_numbers_are_taken_as_pythons() -> None:
    given: dict[str, Any] = {
        "epochs": np.int64(3), "batch_size": np.uint8(64), "rotate": np.float64(10), "batch_norm": np.True_,
        "widths": np.array([4, 8]), "depth": np.int64(2),
    }  # fmt: skip
    plain = {"epochs": 3, "batch_size": 64, "rotate": 10.0, "batch_norm": True, "widths": (4, 8), "depth": 2}
    assert json.dumps(Recipe().override(**given).to_dict()) == json.dumps(Recipe().override(**plain).to_dict())  # type: ignore[arg-type]
    assert "epochs must be between 1 and 100,000; it is 0." in refusal(epochs=np.int64(0))
    assert "epochs must be a whole number between 1 and 100,000; it is 3.0." in refusal(epochs=np.float64(3))


def test_a_whole_number_is_taken_where_a_number_belongs() -> None:
    assert Recipe().override(rotate=10).rotate == 10
    assert Recipe().override(learning_rate=1).learning_rate == 1


LIMITED = [f for f in FIELDS if isinstance(f.default, int | float) and not isinstance(f.default, bool)]


def between_limits(f: dataclasses.Field[Any]) -> str:
    return f"between {f.metadata['low']:,g} and {f.metadata['high']:,g}".replace("1e-09", "1e-9")


@pytest.mark.parametrize("f", LIMITED, ids=lambda f: f.name)
def test_limits_are_kept_on_both_sides(f: dataclasses.Field[Any]) -> None:
    low, high = f.metadata["low"], f.metadata["high"]
    assert low > -math.inf
    step = 1 if isinstance(f.default, int) else 1e-3
    between = f"at least {low:,g}" if high == math.inf else between_limits(f)
    for wrong in [low - step, *([] if high == math.inf else [high + step])]:
        text = refusal(**{f.name: wrong})
        assert f"{f.name} must be {between}; it is {wrong}." in text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("f", [f for f in LIMITED if isinstance(f.default, float)], ids=lambda f: f.name)
def test_nan_and_infinity_are_refused(f: dataclasses.Field[Any], value: float) -> None:
    assert f"{f.name} must be {between_limits(f)}; it is {value}." in refusal(**{f.name: value})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"epochs": True}, "epochs must be a whole number between 1 and 100,000; it is True."),
        ({"epochs": 3.0}, "epochs must be a whole number between 1 and 100,000; it is 3.0."),
        ({"epochs": "3"}, "; it is '3'."),
        ({"epochs": None}, "; it is None."),
        ({"learning_rate": False}, "learning_rate must be a number between 1e-9 and 100; it is False."),
        ({"learning_rate": "0.1"}, "learning_rate must be a number between 1e-9 and 100; it is '0.1'."),
        ({"batch_norm": 1}, "batch_norm must be true or false; it is 1."),
        ({"name": 3}, "name must be text; it is 3."),
        ({"name": ""}, "name must be 1 to 40 characters from a-z, 0-9 and -, and must not begin with -; it is ''."),
        ({"name": "../mine"}, "; it is '../mine'."),
        ({"name": "-mine"}, "; it is '-mine'."),
        ({"name": "mine\n"}, "; it is 'mine\\n'."),
        ({"name": "a" * 41}, "name must be 1 to 40 characters from"),
        ({"batch_size": 0}, "batch_size must be at least 1; it is 0."),
        ({"batch_size": 1}, "batch_size is 1, but must be at least 2 with batch norm, which needs several images."),
        ({"widths": []}, "widths must be a list of whole numbers between 1 and 65,536; it is empty."),
        ({"widths": [8, 0]}, "widths must be a list of whole numbers between 1 and 65,536; it is 8,0."),
        ({"widths": [True]}, "; it is True."),
        ({"widths": [8.0]}, "; it is 8.0."),
        ({"widths": 0}, "widths must be a list of whole numbers between 1 and 65,536; it is 0."),
        ({"widths": "8,16"}, "; it is '8,16'."),
        ({"optimizer": "adam"}, "optimizer must be sgd or adamw; it is 'adam'."),
        ({"split": "test"}, "split must be train, train-random or train+val; it is 'test'."),
        ({"split": ["train"]}, "split must be train, train-random or train+val; it is ['train']."),
        ({"precision": None}, "precision must be auto, fp32 or bf16; it is None."),
    ],
    ids=str,
)
def test_a_wrong_value_is_named(changed: dict[str, Any], words: str) -> None:
    assert words in refusal(**changed)


def test_one_image_a_step_is_allowed_without_batch_norm() -> None:
    assert Recipe().override(batch_size=1, batch_norm=False).batch_size == 1


def test_all_problems_are_told_at_once() -> None:
    text = refusal(epochs=0, learning_rate=math.nan, optimizer="adam", widths=[], batch_norm="yes")
    assert text.startswith("Recipe 'custom': ")
    for option in ("epochs", "learning_rate", "optimizer", "widths", "batch_norm"):
        assert f"{option} must be " in text
    assert text.count(". Also, ") == 4


def test_the_command_line_is_told_of_options() -> None:
    with pytest.raises(UserError) as caught:
        Recipe().override(batch_size=0, deskew="on")
    assert caught.value.for_command_line() == (
        "Recipe 'custom': --deskew must be true or false; it is 'on'. Also, --batch-size must be at least 1; it is 0. "
        "Change the values and run the command again."
    )
    with pytest.raises(
        UserError,
        match=r"deskew can be on only if writing and rejects are both 0 \(they are 1 and 0\.5\): in training, imitated",
    ) as caught:
        Recipe().override(deskew=True, writing=1, rejects=0.5)
    assert (
        "--deskew can be on only if --writing and --rejects are both 0 (they are 1 and 0.5): in training,"
        in caught.value.for_command_line()
    )
    copy = pickle.loads(pickle.dumps(caught.value))
    assert copy.for_command_line() == caught.value.for_command_line()


def test_unknown_fields_are_all_named() -> None:
    assert "The recipe has no field epoch." in refusal(epoch=3)
    assert "The recipe has no fields epoch, lr." in refusal(lr=1, epoch=3)
    with pytest.raises(UserError) as caught:
        Recipe.from_dict({"lr": 1})
    assert "learning_rate" in caught.value.remedy


def test_a_number_too_large_for_a_float_is_named() -> None:
    assert "learning_rate" in refusal(learning_rate=10**400)
    assert "epochs must be between 1 and 100,000; it is (a number with thousands of digits)." in refusal(
        epochs=10**5000
    )
    assert "widths must be a list of whole numbers between 1 and 65,536; it is (a number with thousands" in refusal(
        widths=[10**5000]
    )


def test_too_wide_a_layer_is_told_the_limit() -> None:
    assert "65,536" in refusal(widths=[70_000])


def test_a_list_of_widths_is_not_said_to_be_no_list() -> None:
    try:
        recipe = Recipe().override(widths=[8, 16])  # type: ignore[arg-type]
    except UserError as error:
        text = str(error)
    else:
        text = str(recipe)
    assert "not a list" not in text
