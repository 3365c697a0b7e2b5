"""The options of training: which dataset, and one for each field of a recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mnistlab.cli.options import Command, ValueType
from mnistlab.data.catalog import DATASETS
from mnistlab.errors import told
from mnistlab.networks.fields import allowed
from mnistlab.recipes.settings import FIELDS, TYPES, explanations

if TYPE_CHECKING:
    from click.types import OptionHelpExtra

    from mnistlab.recipes.recipe import Recipe

__all__ = ["TrainingCommand", "dataset_option", "recipe_options"]


dataset_option = click.option(
    "--dataset",
    default="mnist",
    show_default=True,
    help=f"{', '.join(DATASETS)}, or a folder of pictures with a sub-folder per class.",
)

RECIPE = "mnistlab.recipe"
"""Where click's context holds the name of the recipe that the help is about."""
SECTIONS = {
    "widths": "Network", "deskew": "Preparation of the images", "most_parameters": "Network", "split": "Data",
    "rotate": "Augmentation", "epochs": "Optimisation", "precision": "Arithmetic", "members": "Ensemble",
}  # fmt: skip
"""The headings of a recipe's options in the help, by the field from which on they hold."""


class TrainingCommand(click.Command):
    """A command whose help shows the options of a recipe under headings, with the values of the recipe that is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does; the help comes before there are parameters, and has to know the recipe."""
        from mnistlab.recipes.catalog import RECIPES

        ctx.meta[RECIPE] = next((name for name in args if name in RECIPES), "default")
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, as click does, a section a heading."""
        heading, sections = "Options", dict[str, list[tuple[str, str]]]()
        shown = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        for param in sorted(shown, key=lambda param: param.name in TYPES):  # a recipe's last, --help before them
            heading = SECTIONS.get(param.name or "", heading)
            if record := param.get_help_record(ctx):
                sections.setdefault(heading, []).append(record)
        for title, records in sections.items():
            if title == SECTIONS["widths"]:
                formatter.write_paragraph()
                name = shown_recipe(ctx).name
                formatter.write_text(
                    f"Fields of the recipe. The defaults are those of the recipe {name}; see another's with train RECIPE --help."
                    " With other --widths, the recipe's values per block are cut to their number, or the last one is repeated."
                )
            with formatter.section(title):
                formatter.write_dl(records)


def shown_recipe(ctx: click.Context) -> Recipe:
    """The recipe that the help is about."""
    from mnistlab.recipes.catalog import RECIPES

    return RECIPES[ctx.meta.get(RECIPE, "default")]


class RecipeOption(click.Option):
    """The option of a recipe's field: its help ends in the recipe's own value, and which values there are."""

    def get_help_extra(self, ctx: click.Context) -> OptionHelpExtra:
        """As click's, of the recipe that the help is about."""
        extra, name = super().get_help_extra(ctx), self.name or ""
        extra["default"] = told(getattr(shown_recipe(ctx), name))
        values = allowed(FIELDS[name])
        if values and str(values) not in explanations()[name]:
            extra["range"] = str(values)
        return extra


def recipe_options(command: Command) -> Command:
    """An option for each field of a recipe's groups."""
    for field in reversed(FIELDS.values()):
        option = "--" + field.name.replace("_", "-")
        if TYPES[field.name] is bool:
            option += "/--no-" + field.name.replace("_", "-")
        kind = None if TYPES[field.name] is bool else ValueType(TYPES[field.name])
        command = click.option(
            option, field.name, cls=RecipeOption, type=kind, default=None, help=explanations()[field.name]
        )(command)
    return command
