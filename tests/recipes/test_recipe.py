from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.errors import UserError
from mnistlab.networks.architecture import PER_BLOCK
from mnistlab.recipes import settings
from mnistlab.recipes.catalog import RECIPES
from mnistlab.recipes.checks import ALONE
from mnistlab.recipes.recipe import EnsembleRecipe, Recipe
from mnistlab.recipes.settings import DataSettings, EnsembleSettings, NetworkSettings, OptimisationSettings

FIELDS = list(settings.FIELDS.values())
LISTS = [f for f in FIELDS if isinstance(f.default, tuple) and f.name != "networks"]


def one_value(f: dataclasses.Field[Any]) -> st.SearchStrategy[Any]:
    """Everything that one place of a list field may hold."""
    choices = f.metadata["choices"]
    return st.sampled_from(choices) if choices else st.integers(f.metadata["low"], f.metadata["high"])


def values(f: dataclasses.Field[Any]) -> st.SearchStrategy[Any]:
    """Everything that the field may hold."""
    low, high, choices = (f.metadata[key] for key in ("low", "high", "choices"))
    if f.name == "networks":
        return st.just(())  # goes with members; has its own tests
    if isinstance(f.default, tuple):
        return st.lists(one_value(f), min_size=1, max_size=5).map(tuple)
    if choices:
        return st.sampled_from(choices)
    if isinstance(f.default, bool):
        return st.booleans()
    if isinstance(f.default, int):
        return st.integers(low, None if high == math.inf else high)
    return st.floats(low, high)


NAMES = {"name": st.from_regex(r"[a-z0-9][a-z0-9-]{0,39}", fullmatch=True), "summary": st.text()}
ANY = st.fixed_dictionaries({**NAMES, **{f.name: values(f) for f in FIELDS}}).filter(
    lambda d: not (d["batch_norm"] and d["batch_size"] == 1) and not (d["deskew"] and (d["writing"] or d["rejects"]))
)


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Recipe().epochs = 3  # type: ignore[misc]
    assert {Recipe(): 1}[Recipe()] == 1


@pytest.mark.parametrize("f", FIELDS, ids=lambda f: f.name)
def test_every_field_is_explained_and_its_default_allowed(f: dataclasses.Field[Any]) -> None:
    text = settings.explanations()[f.name]
    assert len(text) > 10
    assert (text[0].isupper(), text[-1]) == (True, ".")
    assert Recipe().override({f.name: f.default}) == Recipe()


@given(ANY)
def test_whatever_the_fields_allow_survives_json(fields: dict[str, Any]) -> None:
    recipe = Recipe().override(**fields)
    assert recipe.kind == ("single" if fields["members"] == 1 else "ensemble")
    for written in (recipe.to_dict(), recipe.to_groups()):
        assert Recipe.from_dict(json.loads(json.dumps(written))) == recipe
    assert {**ALONE, **recipe.values()} == fields


@given(
    st.sampled_from([f for f in FIELDS if f.name != "batch_size"]).flatmap(lambda f: st.tuples(st.just(f), values(f)))
)
def test_overriding_changes_one_field_and_no_other(change: tuple[dataclasses.Field[Any], Any]) -> None:
    f, value = change
    before, after = (
        {**ALONE, **recipe.values()} for recipe in (RECIPES["two-conv"], RECIPES["two-conv"].override({f.name: value}))
    )
    assert after == {**before, f.name: value}


# lists: a value for each block, or one for all


@given(st.sampled_from(list(RECIPES)), st.lists(st.integers(1, 99), min_size=1, max_size=6))
def test_what_a_recipe_gives_per_block_follows_the_number_of_widths(name: str, widths: list[int]) -> None:
    before, after = RECIPES[name], RECIPES[name].override({"widths": widths})
    assert after.widths == tuple(widths)
    for field in PER_BLOCK:
        old, new = getattr(before, field), getattr(after, field)
        assert len(new) in (1, len(widths))
        each = [old[0]] * len(widths) if len(old) == 1 else list(new)
        assert each == [old[min(block, len(old) - 1)] for block in range(len(widths))]
    fields = ["widths", *PER_BLOCK]
    same = [
        {name: value for name, value in recipe.values().items() if name not in (*fields, "networks")}
        for recipe in (before, after)
    ]
    assert same[0] == same[1]
    assert after.networks == ()


def test_blocks_are_added_and_taken_away() -> None:
    default, quick = RECIPES["default"], RECIPES["quick"]
    short, long = (default.override({"widths": widths}) for widths in ((16, 32), (16, 32, 64, 64)))
    assert [getattr(short, name) for name in PER_BLOCK] == [
        (1, 1), (5, 5), ("valid", "valid"), ("stride", "max")
    ]  # fmt: skip
    assert [getattr(long, name) for name in PER_BLOCK] == [
        (1, 1, 2, 2), (5, 5, 3, 3), ("valid", "valid", "same", "same"), ("stride", "max", "max", "max")
    ]  # fmt: skip
    assert RECIPES["two-conv"].override({"widths": (16, 32, 64)}).pooling == ("max",)
    assert quick.override({"widths": 8}).pooling == ("stride",)
    assert quick.override({"widths": [8] * 5}).pooling == ("stride", "max", "max", "max", "max")


@pytest.mark.parametrize("given_as", [(1, 2, 2), [1, 2, 2]])
def test_what_is_given_per_block_beside_widths_is_taken_as_it_is(given_as: Any) -> None:
    recipe = RECIPES["default"].override({"depth": given_as, "widths": (16, 32)})
    assert (recipe.depth, recipe.kernel_size) == ((1, 2, 2), (5, 5))
    assert RECIPES["default"].override({"depth": (1, 2)}).widths == RECIPES["default"].widths
    network = dataclasses.replace(RECIPES["default"].network, widths=(16, 32))
    assert dataclasses.replace(RECIPES["default"], network=network).depth == RECIPES["default"].depth


def test_changes_come_one_after_the_other() -> None:
    """As a TOML file, which is a recipe, and then the options in addition."""
    default, file = RECIPES["default"], {"widths": [8, 16, 32, 32], "depth": [1, 1, 1, 3], "epochs": 5, "steps": 70}
    assert default.override(file, {"widths": (4, 8)}).depth == (1, 1)
    assert default.override(file, {"widths": (4,) * 5}).depth == (1, 1, 1, 3, 3)
    assert default.override(file, {"epochs": 6}).steps == 0
    assert default.override({"depth": 0}, {"depth": 2}).depth == (2,)  # only the outcome is a recipe
    several = RECIPES["two-conv"].override({"networks": ["best", "quick"], "members": 4}, {"widths": (4, 8)})
    assert (several.networks, several.widths) == ((), (4, 8))
    with pytest.raises(
        UserError,
        match=r"The recipe has no field 3\. The recipe's fields are name, summary, widths, .*, members, networks\.",
    ):
        default.override({3: 4})  # type: ignore[dict-item]
    with pytest.raises(UserError, match="has no field epoch"):
        default.override({"epoch": 3}, {"epochs": 3})


def test_the_fields_of_a_block_are_lists() -> None:
    assert [f.name for f in LISTS] == ["widths", "depth", "kernel_size", "padding", "pooling"]


@given(st.sampled_from(LISTS).flatmap(lambda f: st.tuples(st.just(f.name), st.lists(one_value(f), min_size=1))))
def test_a_list_a_tuple_and_a_value_alone_are_taken(change: tuple[str, list[Any]]) -> None:
    name, several = change
    for given_as, expected in (
        (several, tuple(several)), (tuple(several), tuple(several)), (several[0], (several[0],))
    ):  # fmt: skip
        recipe = Recipe().override({name: given_as})
        assert getattr(recipe, name) == expected
        assert hash(recipe) == hash(Recipe().override({name: list(expected)}))


def test_recipes_that_were_written_with_one_value_are_read() -> None:
    """As config.json held them before blocks had values of their own."""
    old = {"name": "two-conv", "widths": [24, 48], "kernel_size": 5, "padding": "valid", "epochs": 8, "hidden": 128}
    recipe = Recipe.from_dict(old)
    assert (recipe.kernel_size, recipe.padding) == ((5,), ("valid",))
    assert (recipe.depth, recipe.pooling, recipe.head, recipe.steps) == ((1,), ("max",), "flatten", 0)
    assert (recipe.writing, recipe.rejects) == (0, 0)
    assert (recipe.members, recipe.separable, recipe.test_shifts, recipe.most_parameters) == (1, False, False, 0)


# epochs and steps


def test_other_epochs_let_a_recipe_that_stops_inside_one_go_on_to_their_end() -> None:
    short = Recipe().override(epochs=3, steps=100)
    assert short.override({"epochs": 5}).steps == 0
    assert short.override({"epochs": 3}).steps == 0
    assert short.override({"epochs": 5, "steps": 7}).steps == 7
    assert short.override({"steps": 7, "epochs": 5}).steps == 7
    assert short.override({"batch_size": 64}).steps == 100
    assert short.override({"steps": 0}) == Recipe().override(epochs=3)
    assert short.steps == 100


@given(st.integers(1, 100), st.integers(0, 10**6))
def test_epochs_and_steps_survive_json_together(epochs: int, steps: int) -> None:
    recipe = Recipe().override(epochs=epochs, steps=steps)
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


# groups


def test_the_groups_hold_the_fields_and_give_them_by_their_own_names_too() -> None:
    recipe = Recipe(network=NetworkSettings(widths=(4, 8)), optimisation=OptimisationSettings(epochs=3))
    assert (recipe.network.widths, recipe.optimisation.epochs, recipe.data) == ((4, 8), 3, DataSettings())
    assert {name: getattr(recipe, name) for name in recipe.values()} == recipe.values()
    assert (recipe.members, recipe.networks) == (1, ())
    assert (
        recipe
        == Recipe().override(widths=[4, 8], epochs=3)
        == Recipe().override({"network": {"widths": [4, 8]}}, epochs=3)
    )
    with pytest.raises(AttributeError, match="'Recipe' object has no attribute 'epoch'"):
        recipe.epoch  # noqa: B018


def test_groups_are_checked_together_by_the_recipe_that_holds_them() -> None:
    with pytest.raises(UserError) as caught:
        Recipe(
            network=NetworkSettings(widths=()),
            data=DataSettings(batch_size=0),
            optimisation=OptimisationSettings(epochs=0),
        )
    assert [caught.value.message.count(name) for name in ("widths must", "batch_size must", "epochs must")] == [1, 1, 1]
    with pytest.raises(UserError, match="network must be of type NetworkSettings; it is DataSettings"):
        Recipe(network=DataSettings())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields", [{"widths": (4, 8), "epochs": 3}, {"members": 3}, {"members": 2, "networks": ("best",)}], ids=str
)
def test_fields_given_to_a_recipe_itself_are_deprecated_and_taken(fields: dict[str, Any]) -> None:
    with pytest.warns(
        DeprecationWarning,
        match=rf"^Making a recipe with {next(iter(fields))}=….* is deprecated: give the groups, or .*override",
    ):
        recipe = Recipe(**fields)
    assert recipe == Recipe().override(fields)
    with pytest.warns(DeprecationWarning):
        assert dataclasses.replace(RECIPES["two-conv"], shear=0.5) == RECIPES["two-conv"].override(shear=0.5)
    with pytest.warns(DeprecationWarning), pytest.raises(UserError, match=r"epochs must be .*learning_rate must be "):
        Recipe(epochs=0, learning_rate=0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'epoch'"):
        Recipe(epoch=3)


def test_recipes_of_one_network_and_of_several_are_never_equal_and_turn_into_each_other() -> None:
    ensemble = Recipe().override(members=2)
    assert isinstance(ensemble, EnsembleRecipe)
    assert (ensemble.kind, ensemble.trainings, ensemble.unit) == ("ensemble", 2, "member")
    single = ensemble.override(members=1)
    assert type(single) is Recipe
    assert (single.kind, single.trainings, single.unit) == ("single", 1, "epoch")
    assert single == Recipe() != ensemble


@pytest.mark.parametrize("one", [{}, {"ensemble": EnsembleSettings()}, {"ensemble": EnsembleSettings(members=1)}])
def test_an_ensemble_has_at_least_two_members(one: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"^Recipe 'a' has 1 member, but an ensemble needs at least 2\.") as caught:
        EnsembleRecipe("a", **one)
    assert caught.value.remedy.startswith("Give ensemble=EnsembleSettings(members=2), or make a Recipe")
    two = EnsembleRecipe("a", ensemble=EnsembleSettings(members=2))
    assert Recipe.from_dict(two.to_groups()) == two == Recipe().override(name="a", members=2)


def test_an_ensemble_of_several_networks_becomes_one_network_where_they_go_too() -> None:
    with pytest.raises(
        UserError,
        match=r"members is 1, but networks \(best,.*\) is only for an ensemble: give at least 2 members, or a recipe",
    ):
        RECIPES["ensemble"].override(members=1)
    assert type(RECIPES["ensemble"].override(members=1, networks=())) is Recipe
