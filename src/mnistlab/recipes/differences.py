"""In which fields recipes differ, and whether a recipe is still what its name promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mnistlab.recipes.catalog import ALL_RECIPES
from mnistlab.recipes.papers import AnyRecipe

__all__ = ["changed_fields", "differences"]


def differences(first: AnyRecipe, second: AnyRecipe) -> dict[str, tuple[Any, Any]]:
    """The fields in which two recipes differ, other than name and summary, with both values in plain types.

    The value of a field that a recipe does not have is None.
    """
    mine, theirs = dict(fields_of(first.to_dict())), dict(fields_of(second.to_dict()))
    names = dict.fromkeys([*mine, *theirs])
    return {name: (mine.get(name), theirs.get(name)) for name in names if mine.get(name) != theirs.get(name)}


def fields_of(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of a recipe in plain types, including those in its groups, without name and summary."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from fields_of(value)
        elif name not in ("name", "summary"):
            yield name, value


def changed_fields(recipe: AnyRecipe) -> list[str]:
    """The fields in which the recipe differs from mnistlab's recipe of the same name; none if mnistlab has no such recipe."""
    own = ALL_RECIPES.get(recipe.name)
    return list(differences(recipe, own)) if own else []
