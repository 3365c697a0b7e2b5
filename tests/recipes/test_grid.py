from __future__ import annotations

from typing import Any

import pytest

from mnistlab.errors import UserError
from mnistlab.recipes.catalog import RECIPES
from mnistlab.recipes.grid import grid, seed_of

TWO, DEFAULT = RECIPES["two-conv"], RECIPES["default"]


def test_it_is_each_recipe_with_each_combination() -> None:
    settings = grid([TWO, DEFAULT], {"learning_rate": [0.1, 0.3], "deskew": [True, False]})
    assert [setting.title for setting in settings] == [
        f"{name} learning_rate={rate} deskew={deskew}"
        for name in ("two-conv", "default") for rate in ("0.1", "0.3") for deskew in ("on", "off")
    ]  # fmt: skip
    assert settings[4].recipe == DEFAULT.override(learning_rate=0.1, deskew=True)
    assert [setting.title for setting in grid([TWO], {})] == ["two-conv"]


def test_a_list_is_spelt_as_it_is_typed() -> None:
    settings = grid([TWO], {"widths": [(16, 32), (8,)]})
    assert [setting.title for setting in settings] == ["two-conv widths=16+32", "two-conv widths=8"]


def test_what_all_have_in_common_is_set_and_not_named() -> None:
    (setting,) = grid([TWO], {"epochs": [2]})
    assert (setting.title, setting.recipe) == ("two-conv", TWO.override(epochs=2))


@pytest.mark.parametrize(
    ("recipes", "fields", "words"),
    [
        ([TWO, TWO], {}, r"the same training runs: two-conv\."),
        ([TWO], {"learning_rate": [0.2, 0.1, 0.1]}, r"runs: two-conv learning_rate=0\.1\."),
        ([TWO], {"split": ["train", "train-random"]}, "different images for validation"),
        ([TWO, RECIPES["best"]], {}, r"splits train\+val and train"),
        ([TWO], {"dropout": [0.1, 2.0]}, r"dropout must be between 0 and 0\.99; it is 2\."),
        ([TWO], {"colour": [1]}, "has no field colour"),
    ],
)
def test_what_cannot_be_compared_or_is_none_is_refused(recipes: list[Any], fields: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        grid(recipes, fields)


def test_trainings_of_a_recipe_share_no_network() -> None:
    assert [seed_of(TWO, number) for number in range(3)] == [0, 1, 2]
    assert [seed_of(TWO.override(members=4), number) for number in range(3)] == [0, 4, 8]
    six = RECIPES["ensemble"].override(members=6)  # two seeds of each of three kinds
    assert [seed_of(six, number) for number in range(3)] == [0, 2, 4]
    assert [seed_of(six.override(members=5), number) for number in range(3)] == [0, 2, 4]
