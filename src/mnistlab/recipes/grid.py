"""Recipes with some of their fields set to each of several values: what a sweep trains."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mnistlab.errors import UserError, told
from mnistlab.recipes.recipe import EnsembleRecipe, Recipe

__all__ = ["Setting", "grid", "seed_of", "typed"]


@dataclass(frozen=True)
class Setting:
    """A recipe, and its values for the fields that a sweep varies."""

    recipe: Recipe
    changed: tuple[tuple[str, Any], ...] = ()

    @property
    def title(self) -> str:
        """The setting, with values as typed on the command line, such as "default learning_rate=0.05 widths=16+32"."""
        return " ".join([self.recipe.name, *typed(self.changed)])


def typed(fields: Iterable[tuple[str, Any]]) -> list[str]:
    """Fields and values as they are given to the option --set."""
    return [f"{name}={told(value).replace(',', '+')}" for name, value in fields]


def grid(recipes: Sequence[Recipe], fields: Mapping[str, Sequence[Any]]) -> list[Setting]:
    """Each recipe with each combination of the fields' values; the value of the last field changes fastest.

    Raises `UserError` for a field that a recipe does not have, a value that a field does not accept, two settings that are the
    same, or a setting whose validation images differ from the first setting's (the two could not be compared).
    """
    settings = [
        Setting(recipe.override(dict(given)), tuple((name, value) for name, value in given if len(fields[name]) > 1))
        for recipe in recipes
        for given in itertools.product(*([(name, value) for value in values] for name, values in fields.items()))
    ]
    first = settings[0]
    for number, setting in enumerate(settings):
        for other in settings[:number]:
            if setting.recipe == other.recipe:
                raise UserError("recipes.setting_twice", setting=setting.title)  # the other title is the same
        if setting.recipe.data.validation != first.recipe.data.validation:
            raise UserError(
                "recipes.validations_differ",
                setting=setting.title,
                split=setting.recipe.data.split,
                other=first.title,
                other_split=first.recipe.data.split,
            )
    return settings


def seed_of(recipe: Recipe, number: int) -> int:
    """The seed of a recipe's training run `number`, counted from 0.

    An ensemble may use several seeds; no two runs share any.
    """
    kinds = len(recipe.ensemble.networks) if isinstance(recipe, EnsembleRecipe) else 0
    return number * -(-recipe.trainings // max(1, kinds))
