"""The options of training: one for the dataset, and one for each field of a recipe."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.help import in_their_language
from mnistlab.cli.options import Command, ValueType
from mnistlab.cli.words import words
from mnistlab.data.catalog import DATASETS
from mnistlab.errors import told
from mnistlab.messages.sentences import figures_in_french, locales_language, unbroken
from mnistlab.networks.fields import allowed, kinds, knobs
from mnistlab.recipes.catalog import PAPER_RECIPES
from mnistlab.recipes.papers import AnyRecipe
from mnistlab.recipes.recipe import Recipe
from mnistlab.recipes.settings import FIELDS, TYPES, explanations

if TYPE_CHECKING:
    from click.types import OptionHelpExtra

__all__ = ["TrainingCommand", "dataset_option", "fields_of", "recipe_options"]


dataset_option = click.option(
    "--dataset",
    default="mnist",
    show_default=True,
    help=f"{', '.join(DATASETS)}, or a folder of pictures with a sub-folder per class.",
)

RECIPE = "mnistlab.recipe"
"""The key in click's context for the name of the recipe that the help is about."""
SECTIONS = {
    "widths": "Network", "deskew": "Preparation of the images", "most_parameters": "Network", "split": "Data",
    "rotate": "Augmentation", "epochs": "Optimisation", "precision": "Arithmetic", "members": "Ensemble",
    "dilations": "Network", "height": "Data", "width": "Data", "epoch_steps": "Optimisation", "start": "Network",
    "boxes_weight": "Optimisation", "val_scenes": "Data", "val_strips": "Data",
}  # fmt: skip
"""The headings above a recipe's options in the help, keyed by the first field below each."""
PAPER_TYPES = {name: kinds(type(recipe))[name] for recipe in PAPER_RECIPES.values() for name in knobs(type(recipe))}
ALL_TYPES = TYPES | PAPER_TYPES
"""The type of each field of any recipe; fields with the same name have the same type."""


def fields_of(recipe: AnyRecipe) -> dict[str, dataclasses.Field[Any]]:
    """Those fields of the recipe that are options, by name."""
    return FIELDS if isinstance(recipe, Recipe) else knobs(type(recipe))


class TrainingCommand(click.Command):
    """A command whose help shows a recipe's options under headings, with the values of the recipe named on the command line."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does, but first note the recipe's name, because the help is printed before the parameters are known."""
        from mnistlab.recipes.catalog import ALL_RECIPES

        ctx.meta[RECIPE] = next((name for name in args if name in ALL_RECIPES), "default")
        return super().parse_args(ctx, args)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's description in click's usual way, and then the list of recipes."""
        super().format_help_text(ctx, formatter)
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(recipe_list())

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options as click does, but in sections, each below its heading."""
        heading, sections = "Options", dict[str, list[tuple[str, str]]]()
        shown = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        for param in sorted(shown, key=lambda param: param.name in ALL_TYPES):  # a recipe's options come last
            heading = SECTIONS.get(param.name or "", heading)
            if record := param.get_help_record(ctx):
                sections.setdefault(heading, []).append(record)
        for title, records in sections.items():
            if title == SECTIONS["widths"]:
                formatter.write_paragraph()
                recipe = shown_recipe(ctx)
                of_blocks = isinstance(recipe, Recipe)
                formatter.write_text(
                    words(
                        "cli.fields_of_recipe_with_blocks" if of_blocks else "cli.fields_of_recipe", recipe=recipe.name
                    )
                )
            with formatter.section(title):
                formatter.write_dl(records)


def recipe_list() -> str:
    """The recipes, each above its measured figures from recipes/figures.json, a file that benchmarks/report/write.py writes."""
    from mnistlab.recipes.catalog import ALL_RECIPES

    figures = json.loads(Path(__file__).parents[1].joinpath("recipes", "figures.json").read_text(encoding="utf-8"))
    french = locales_language() == "fr"
    rows = ["\b", words("cli.recipe_list")]
    for recipe in ALL_RECIPES.values():
        rows.append(f"  {recipe.name:<12}{in_their_language(recipe.summary)}")
        if measured := figures.get(recipe.name):
            rows.append(f"  {'':<12}{unbroken(figures_in_french(measured)) if french else measured}")
    return "\n".join(rows)


def shown_recipe(ctx: click.Context) -> AnyRecipe:
    """The recipe that the help is about."""
    from mnistlab.recipes.catalog import ALL_RECIPES

    return ALL_RECIPES[ctx.meta.get(RECIPE, "default")]


class RecipeOption(click.Option):
    """The option for a recipe's field: its help ends with the recipe's own value and the allowed values.

    If the recipe that the help is about has no such field, the help does not list the option.
    """

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option's name and its help, which says what the field means in the recipe; None if the recipe has no such field."""
        recipe, name = shown_recipe(ctx), self.name or ""
        if name not in fields_of(recipe):
            return None
        self.help = (explanations() if isinstance(recipe, Recipe) else explanations(type(recipe)))[name]
        return super().get_help_record(ctx)

    def get_help_extra(self, ctx: click.Context) -> OptionHelpExtra:
        """The option's default and allowed values, in click's form, but taken from the recipe that the help is about."""
        extra, name = super().get_help_extra(ctx), self.name or ""
        recipe = shown_recipe(ctx)
        value = getattr(recipe, name)
        language = locales_language()
        if value in ("", ()):
            extra.pop("default", None)
        else:
            extra["default"] = told(value)
        values = allowed(fields_of(recipe)[name])
        if values and str(values) not in (self.help or ""):
            said = values.said(language)
            extra["range"] = re.sub(r"(?<=\d),(?=\d)", ".", said) if language == "fr" else said  # 0.5, as it is typed
        return extra


def recipe_options(command: Command) -> Command:
    """Add options to a command: one for each field that any of the recipes has."""
    for name, kind in reversed(ALL_TYPES.items()):
        option = "--" + name.replace("_", "-")
        if kind is bool:
            option += "/--no-" + name.replace("_", "-")
        typed = None if kind is bool else ValueType(kind)
        command = click.option(option, name, cls=RecipeOption, type=typed, default=None)(command)
    return command
