from __future__ import annotations

import pytest

from mnistlab.recipes.catalog import RECIPES
from mnistlab.recipes.differences import changed_fields, differences, fields_of
from mnistlab.recipes.recipe import Recipe


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_as_it_comes_is_unchanged_also_from_json(name: str) -> None:
    assert changed_fields(RECIPES[name]) == []
    assert changed_fields(Recipe.from_dict(RECIPES[name].to_dict())) == []


def test_what_was_changed_is_named() -> None:
    assert changed_fields(RECIPES["default"].override({"steps": 5})) == ["steps"]
    assert changed_fields(RECIPES["quick"].override({"epochs": 1})) == ["steps"]  # the whole epoch, not 260 steps
    assert sorted(changed_fields(RECIPES["default"].override({"widths": (16,), "rotate": 0}))) == [
        "depth", "kernel_size", "padding", "pooling", "rotate", "widths",
    ]  # fmt: skip
    assert sorted(changed_fields(RECIPES["ensemble"].override({"members": 2}))) == ["members"]


def test_a_recipe_of_another_name_is_nobody_s_to_change() -> None:
    assert changed_fields(RECIPES["default"].override({"steps": 5, "name": "mine"})) == []


def test_the_differences_have_both_values_and_not_the_name() -> None:
    first, second = RECIPES["default"], RECIPES["default"].override(name="mine", epochs=3, widths=(4, 8, 16))
    assert differences(first, second) == {"widths": ([16, 64, 80], [4, 8, 16]), "epochs": (8, 3)}
    assert differences(first, first) == {}


def test_the_fields_of_groups_are_found() -> None:
    grouped = {"name": "a", "kind": "single", "network": {"widths": [4]}, "data": {"split": "train"}}
    assert dict(fields_of(grouped)) == {"kind": "single", "widths": [4], "split": "train"}
