from __future__ import annotations

import dataclasses
import json
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.errors import UserError
from mnistlab.networks.architecture import PER_BLOCK
from mnistlab.recipes import settings
from mnistlab.recipes.catalog import RECIPES, find_recipe, member_of
from mnistlab.recipes.checks import ALONE
from mnistlab.recipes.recipe import EnsembleRecipe, Recipe
from mnistlab.recipes.settings import DataSettings, EnsembleSettings, NetworkSettings, OptimisationSettings
from mnistlab.recipes.toml_file import read_overrides

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


def refusal(**changed: Any) -> str:
    with pytest.raises(UserError) as caught:
        Recipe().override(changed)
    assert caught.value.remedy
    return caught.value.message


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
    assert caught.value.remedy == f"Choose one of {', '.join(RECIPES)}."


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
    assert [getattr(short, name) for name in PER_BLOCK] == [(1, 1), (5, 5), ("valid", "valid"), ("max",)]
    assert [getattr(long, name) for name in PER_BLOCK] == [
        (1, 1, 2, 2), (5, 5, 3, 3), ("valid", "valid", "same", "same"), ("max",)
    ]  # fmt: skip
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
    """As a TOML file, which is a recipe, and then the options beside it."""
    default, file = RECIPES["default"], {"widths": [8, 16, 32, 32], "depth": [1, 1, 1, 3], "epochs": 5, "steps": 70}
    assert default.override(file, {"widths": (4, 8)}).depth == (1, 1)
    assert default.override(file, {"widths": (4,) * 5}).depth == (1, 1, 1, 3, 3)
    assert default.override(file, {"epochs": 6}).steps == 0
    assert default.override({"depth": 0}, {"depth": 2}).depth == (2,)  # only the outcome is a recipe
    several = RECIPES["two-conv"].override({"networks": ["best", "quick"], "members": 4}, {"widths": (4, 8)})
    assert (several.networks, several.widths) == ((), (4, 8))
    with pytest.raises(
        UserError, match=r"The recipe has 1 unknown field: 3\. There are name, summary, widths, .*, members, networks\."
    ):
        default.override({3: 4})  # type: ignore[dict-item]
    with pytest.raises(UserError, match="1 unknown field: epoch"):
        default.override({"epoch": 3}, {"epochs": 3})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"networks": ["best"]}, "networks are an ensemble's, and members is 1; they are best"),
        ({"networks": ["best", "best"], "members": 4}, "networks must differ; best,best names one twice"),
        ({"networks": [3], "members": 4}, "networks must be a list of names; it is 3"),
    ],
)
def test_networks_that_make_no_ensemble_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Recipe().override(changes)


def test_what_is_not_deskewed_in_training_is_refused_where_it_would_be_in_use() -> None:
    told = refusal(deskew=True, writing=0.5)
    assert "deskew cannot be on with writing 0.5 and rejects 0: these are added after it in training" in told
    assert "would be deskewed in use" in refusal(deskew=True, rejects=0.25)


def test_a_network_of_no_recipe_is_refused_by_name() -> None:
    recipe = Recipe().override({"networks": ["nothing"], "members": 2})
    with pytest.raises(UserError, match="Unknown recipe 'nothing'"):
        member_of(recipe, 0)


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
        ({"padding": "round"}, "padding must be a list of same or valid; it is round."),
        ({"padding": ["same", "round"]}, "padding must be a list of same or valid; it is same,round."),
        ({"padding": "same,valid"}, "; it is same,valid."),
        ({"padding": 1}, "padding must be a list of same or valid; it is 1."),
        ({"padding": [["same"]]}, "; it is ['same']."),
        ({"padding": []}, "padding must be a list of same or valid; it is empty."),
        ({"pooling": "half"}, "pooling must be a list of max, stride or none; it is half."),
        ({"pooling": ["max", None]}, "; it is max,None."),
        ({"head": ["average"]}, "head must be flatten or average; it is ['average']."),
        ({"head": "mean"}, "head must be flatten or average; it is 'mean'."),
    ],
    ids=str,
)
def test_a_wrong_list_is_named(changed: dict[str, Any], words: str) -> None:
    assert words in refusal(**changed)


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


# what is taken and what is refused


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
        ({"name": ""}, "name must be 1 to 40 of a-z, 0-9 and -; it is ''."),
        ({"name": "../mine"}, "; it is '../mine'."),
        ({"name": "-mine"}, "; it is '-mine'."),
        ({"name": "mine\n"}, "; it is 'mine\\n'."),
        ({"name": "a" * 41}, "name must be 1 to 40 of"),
        ({"batch_size": 0}, "batch_size must be at least 1; it is 0."),
        ({"batch_size": 1}, "batch_size must be at least 2 where batch norm compares images; it is 1."),
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
        "Change the value and run the command again."
    )
    with pytest.raises(UserError, match=r"deskew cannot be on with writing 1 and rejects 0\.5: these") as caught:
        Recipe().override(deskew=True, writing=1, rejects=0.5)
    assert "--deskew cannot be on with --writing 1 and --rejects 0.5: these" in caught.value.for_command_line()
    copy = pickle.loads(pickle.dumps(caught.value))
    assert copy.for_command_line() == caught.value.for_command_line()


def test_unknown_fields_are_all_named() -> None:
    assert "The recipe has 1 unknown field: epoch." in refusal(epoch=3)
    assert "The recipe has 2 unknown fields: epoch, lr." in refusal(lr=1, epoch=3)
    with pytest.raises(UserError) as caught:
        Recipe.from_dict({"lr": 1})
    assert "learning_rate" in caught.value.remedy


def test_a_number_too_large_for_a_float_is_named() -> None:
    assert "learning_rate" in refusal(learning_rate=10**400)
    assert "epochs must be between 1 and 100,000; it is of thousands of digits." in refusal(epochs=10**5000)
    assert "widths must be a list of whole numbers between 1 and 65,536; it is of thousands of digits." in refusal(
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
    with pytest.raises(UserError, match="network must be NetworkSettings; it is DataSettings"):
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
    with pytest.raises(UserError, match=r"^Recipe 'a': an ensemble has at least 2 members; it has 1\.") as caught:
        EnsembleRecipe("a", **one)
    assert caught.value.remedy.startswith("Give ensemble=EnsembleSettings(members=2), or make a Recipe")
    two = EnsembleRecipe("a", ensemble=EnsembleSettings(members=2))
    assert Recipe.from_dict(two.to_groups()) == two == Recipe().override(name="a", members=2)


def test_an_ensemble_of_several_networks_becomes_one_network_where_they_go_too() -> None:
    with pytest.raises(UserError, match=r"members is 1; they are best,.*: give more members, or networks=\(\) too"):
        RECIPES["ensemble"].override(members=1)
    assert type(RECIPES["ensemble"].override(members=1, networks=())) is Recipe


# TOML files


def test_fields_may_stand_in_the_tables_of_their_groups(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        "name = 'mine'\n[network]\nwidths = [8, 16]\nbatch-norm = false\n[optimisation]\nlearning-rate = 0.05\n"
    )
    recipe = Recipe().override(read_overrides(path))
    assert recipe == Recipe().override(name="mine", widths=(8, 16), batch_norm=False, learning_rate=0.05)


def test_a_toml_file_gives_the_fields_to_change(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '# mine\nepochs = 4\nlearning-rate = 0.05\nwidths = [8, 16]\nbatch_norm = false\nsummary = "été"\n', "utf-8"
    )
    changed = read_overrides(path)
    assert changed == {"epochs": 4, "learning_rate": 0.05, "widths": [8, 16], "batch_norm": False, "summary": "été"}
    recipe = RECIPES["two-conv"].override(changed)
    assert recipe == RECIPES["two-conv"].override(
        epochs=4, learning_rate=0.05, widths=(8, 16), batch_norm=False, summary="été"
    )


def test_a_toml_file_gives_one_value_or_one_for_each_block(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('widths = 8\ndepth = [1, 2, 2]\nkernel-size = 3\npadding = ["valid", "same"]\npooling = "stride"\n')
    recipe = RECIPES["two-conv"].override(read_overrides(path))
    assert recipe == RECIPES["two-conv"].override( widths=(8,), depth=(1, 2, 2), kernel_size=(3,), padding=("valid", "same"),
        pooling=("stride",),
    )  # fmt: skip


def test_epochs_in_a_toml_file_go_to_their_end_unless_it_says_steps(tmp_path: Path) -> None:
    path, short = tmp_path / "mine.toml", Recipe().override(steps=100)
    path.write_text("epochs = 2")
    assert short.override(read_overrides(path)) == Recipe().override(epochs=2)
    path.write_text("epochs = 2\nsteps = 30")
    assert short.override(read_overrides(path)) == Recipe().override(epochs=2, steps=30)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_toml_file_may_begin_with_a_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "mine.toml").write_text('epochs = 4\nsummary = "été"', encoding)
    assert read_overrides(tmp_path / "mine.toml") == {"epochs": 4, "summary": "été"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_toml_file_in_utf_16_is_told_what_to_be(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "mine.toml").write_text("epochs = 4", encoding)
    with pytest.raises(UserError, match=r"mine\.toml is not in UTF-8; it looks like UTF-16") as caught:
        read_overrides(tmp_path / "mine.toml")
    assert caught.value.remedy == "Save it as UTF-8, which TOML asks for."


def test_an_empty_toml_file_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("")
    assert read_overrides(tmp_path / "mine.toml") == {}


@pytest.mark.parametrize("text", ["epochs: 4", "epochs =", "epochs = 4\nepochs = 5", "= 3", '{"epochs": 4}'])
def test_a_file_that_is_not_toml_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(UserError, match="is not TOML") as caught:
        read_overrides(tmp_path / "mine.toml")
    assert str(tmp_path / "mine.toml") in caught.value.message
    assert "epochs = 4" in caught.value.remedy


def test_a_missing_toml_file_a_folder_and_bytes_are_named(tmp_path: Path) -> None:
    (tmp_path / "latin1.toml").write_bytes("summary = 'né'".encode("latin-1"))
    for path, reason in (
        (tmp_path / "none.toml", "there is no such file"),
        (tmp_path, "it is a folder"),
        (tmp_path / "latin1.toml", "it is not in UTF-8"),
    ):
        with pytest.raises(UserError) as caught:
            read_overrides(path)
        assert caught.value.message == f"Cannot read the recipe file {path}: {reason}."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[network]\nepochs = 8", "unknown field: network.epochs"),
        ("[net]\nwidths = [8]", "unknown field: net."),
        ("network = 3", "unknown field: network."),
        ("widths = [8]\n[network]\nwidths = [9]", "The recipe gives widths twice."),
        ("learning_rate = nan", "learning_rate must be between 1e-9 and 100; it is nan"),
        ("learning_rate = inf", "learning_rate must be between 1e-9 and 100; it is inf"),
        ("epochs = 2026-01-01", "epochs must be a whole number between 1 and 100,000; it is "),
        ('widths = "24,48"', "; it is '24,48'"),
        ("widths = [[8]]", "; it is [8]"),
        ("depth = [1, 0]", "; it is 1,0"),
        ('padding = ["same", "round"]', "; it is same,round"),
        ("pooling = 2", "pooling must be a list of max, stride or none; it is 2"),
        ("epochs = {a = 1}", "; it is {'a': 1}"),
    ],
)
def test_wrong_values_in_a_toml_file_are_named(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text)
    assert words in refusal(**read_overrides(tmp_path / "mine.toml"))
