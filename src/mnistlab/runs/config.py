"""Read a run's config.json and check it."""

from __future__ import annotations

import datetime
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from mnistlab.errors import UserError, shown
from mnistlab.files import local_text, read_json
from mnistlab.messages.sentences import Clause
from mnistlab.recipes.catalog import PAPER_RECIPES
from mnistlab.recipes.papers import AnyRecipe
from mnistlab.recipes.recipe import Recipe
from mnistlab.runs.migrations import config_of_version_1, split_of_version_2

__all__ = ["CONFIG_VERSION", "damaged", "read_config"]

CONFIG_VERSION = 3
T = TypeVar("T")


def read_config(path: Path) -> dict[str, Any]:
    """All fields of the `Run` in the folder `path`, except `Run.path`.

    Raises `UserError` if config.json is missing, damaged or of an unknown version.
    """
    file = path / "config.json"
    if not file.exists():
        raise UserError("runs.not_a_run_folder", path=path)
    config = read_json(file, "remedies.restore_or_train")
    if not isinstance(config, dict):
        raise UserError("runs.config_damaged", path=file, reason=Clause("runs.no_fields"))

    def field(name: str, parse: Callable[[Any], T]) -> T:
        try:
            return parse(config[name])
        except UserError as error:  # a recipe's, which names no file
            reason = Clause(error.key, **error.values)
            raise UserError("runs.config_damaged", path=file, reason=reason) from None
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError):
            raise damaged(file, name, config.get(name)) from None

    version = field("version", operator.index)
    if version == 1:
        field("recipe", dict)
        config = config_of_version_1(config, path)
    elif version not in (2, CONFIG_VERSION):
        raise UserError("runs.unknown_version", path=path, version=version)
    parse: Callable[[Any], AnyRecipe] = Recipe.from_dict
    for known in PAPER_RECIPES.values():
        parse = known.from_dict if config.get("kind") == known.kind else parse
    recipe, dataset = field("recipe", parse), field("dataset", stored_text)
    if isinstance(recipe, Recipe) and version != CONFIG_VERSION:
        recipe = recipe.override(split=split_of_version_2(recipe.data.split, dataset))
    if recipe.kind != field("kind", str):
        reason = Clause("runs.kinds_differ", kind=shown(config["kind"]), recipe_kind=recipe.kind)
        raise UserError("runs.config_damaged", path=file, reason=reason)
    return {
        "recipe": recipe,
        "dataset": dataset,
        "data_dir": field("data_dir", stored_text),
        "seed": field("seed", int),
        "created": field("created", lambda text: datetime.datetime.fromisoformat(text).astimezone()),
        "members": field("members", lambda names: tuple(map(stored_text, names))) if "members" in config else (),
    }


def damaged(path: Path, field: str, value: object) -> UserError:
    """The error for a field with the wrong value `value` in a run's file or, if `value` is None, for a missing field."""
    if value is None:
        return UserError("runs.config_damaged", path=path, reason=Clause("runs.field_missing", field=field))
    return UserError("runs.field_damaged", path=path, field=field, value=shown(value))


def stored_text(value: object) -> str:
    return local_text(str(value))
