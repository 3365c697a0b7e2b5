from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from mnistlab.cli.training_options import PAPER_TYPES
from mnistlab.errors import UserError
from mnistlab.networks.fields import kinds, knobs
from mnistlab.recipes.catalog import ALL_RECIPES, PAPER_RECIPES, RECIPES, find_classifier, find_recipe
from mnistlab.recipes.differences import changed_fields, differences
from mnistlab.recipes.finder import FinderRecipe
from mnistlab.recipes.line_reader import LineReaderRecipe
from mnistlab.recipes.settings import TYPES, explanations


@pytest.mark.parametrize("name", PAPER_RECIPES)
def test_it_is_found_by_its_name_and_is_not_a_classifiers(name: str) -> None:
    assert find_recipe(name) is ALL_RECIPES[name]
    assert find_recipe(name).kind == name
    assert name not in RECIPES
    with pytest.raises(UserError, match=f"{name} does not train a classifier"):
        find_classifier(name)
    assert find_classifier("quick") is RECIPES["quick"]


def test_it_survives_json_and_says_what_was_changed() -> None:
    recipe = FinderRecipe("finder").override({"steps": 2200}, widths=(8, 12, np.int64(16)), batch_size=4)
    assert FinderRecipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert set(changed_fields(recipe)) == {"steps", "widths", "batch_size"}
    assert recipe.epochs == 3
    assert differences(recipe, RECIPES["quick"])["height"] == (96, None)
    assert hash(recipe) == hash(recipe.override())


def test_a_line_readers_recipe_has_other_widths_and_no_height() -> None:
    recipe = LineReaderRecipe("line-reader").override(widths=[2, 3, 4, 5], test_strips=60)
    assert LineReaderRecipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert set(changed_fields(recipe)) == {"widths", "test_strips"}
    assert (recipe.held_out("test"), recipe.held_out("val")) == (60, 1000)
    for changes, said in (
        ({"widths": [8, 8, 8]}, "widths must be four whole numbers, not 3"),
        ({"width": 98}, "width must be a multiple of 4; it is 98"),
        ({"height": 48}, "has no field height|has no field"),
    ):
        with pytest.raises(UserError, match=said):
            recipe.override(changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"height": 98}, "height must be a multiple of 4; it is 98"),
        ({"widths": [8, 8]}, "widths must be three whole numbers, not 2"),
        ({"steps": 0}, "steps must be at least 1; it is 0"),
        ({"steps": 1.5, "momentum": 2}, "steps must be .*Also, momentum must be"),
        ({"precision": "fp8"}, "precision must be auto, fp32 or bf16"),
        ({"name": "Not this"}, "name must be 1 to 40 characters from"),
        ({"name": 3}, "name must be text"),
        ({"epochs": 3, "rotate": 1}, "has no fields epochs, rotate"),
    ],
)
def test_what_it_does_not_take_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        FinderRecipe().override(changes)
    assert caught.value.remedy
    with pytest.raises(TypeError):
        FinderRecipe.from_dict([])  # type: ignore[arg-type]


def test_each_field_is_explained_and_of_the_type_that_others_of_its_name_have() -> None:
    classes = [type(recipe) for recipe in PAPER_RECIPES.values()]
    assert all(set(explanations(one)) == set(knobs(one)) for one in classes)
    assert set(PAPER_TYPES) == {name for one in classes for name in knobs(one)}
    assert all((PAPER_TYPES | TYPES)[name] == kinds(one)[name] for one in classes for name in knobs(one))
