from __future__ import annotations

import dataclasses
import json

import pytest

from mnistlab.errors import UserError
from mnistlab.recipes.catalog import ALL_RECIPES, RECIPES, find_recipe, member_of
from mnistlab.recipes.recipe import Recipe


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_found_by_its_name(name: str) -> None:
    assert find_recipe(name) is RECIPES[name]
    assert RECIPES[name].name == name
    assert RECIPES[name].summary


@pytest.mark.parametrize("name", ["two-conv", "three-conv"])
def test_the_first_two_recipes_say_what_they_are(name: str) -> None:
    recipe = RECIPES[name]
    assert f"{len(recipe.widths)} convolutions, {recipe.epochs} epochs" == recipe.summary


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_survives_json(name: str) -> None:
    assert Recipe.from_dict(json.loads(json.dumps(RECIPES[name].to_dict()))) == RECIPES[name]


def test_an_unknown_recipe_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="Unknown recipe 'four-conv'") as caught:
        find_recipe("four-conv")
    assert caught.value.remedy == f"Choose one of {', '.join(ALL_RECIPES)}."


def test_the_members_of_an_ensemble_take_turns_in_their_kinds_and_share_all_else() -> None:
    ensemble = RECIPES["ensemble"]
    members = [member_of(ensemble, number) for number in range(4)]
    assert [member.kernel_size for member in members] == [(3,), (5,), (3,), (3,)]
    assert [member.deskew for member in members] == [True, True, False, True]
    assert [member.name for member in members[:3]] == ["best-member", "best-5x5-member", "best-pens-member"]
    for member, kind in zip(members, ("best", "best-5x5", "best-pens"), strict=False):
        assert dataclasses.replace(member, name=kind, summary=RECIPES[kind].summary) == RECIPES[kind]
        assert member.kind == "single"

    short = ensemble.override({"epochs": 2})
    assert {member_of(short, number).epochs for number in range(2)} == {2}


def test_a_network_given_is_that_of_all_members() -> None:
    recipe = RECIPES["ensemble"].override({"widths": (8, 16)})
    assert recipe.networks == ()
    assert {member_of(recipe, number).widths for number in range(3)} == {(8, 16)}
    assert member_of(recipe, 0).members == 1


def test_a_network_of_no_recipe_is_refused_by_name() -> None:
    recipe = Recipe().override({"networks": ["nothing"], "members": 2})
    with pytest.raises(UserError, match="Unknown recipe 'nothing'"):
        member_of(recipe, 0)
