"""Options that commands share, and one for each field of a recipe."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mnistlab.recipes.checks import allowed
from mnistlab.recipes.settings import FIELDS, LISTS, TYPES, explanations

__all__ = [
    "TrainingCommand",
    "ValueType",
    "WholeRange",
    "data_option",
    "dataset_option",
    "device_option",
    "download_option",
    "examples",
    "json_option",
    "recipe_options",
    "runs_option",
]


Command = TypeVar("Command", bound=Callable[..., Any])

FOLDER = click.Path(file_okay=False, path_type=Path)
RUNS_HELP = "Folder that holds the run folders."
DATA_HELP = "Folder that holds the data."
runs_option = click.option("--runs", "runs_dir", type=FOLDER, default=Path("runs"), show_default=True, help=RUNS_HELP)
data_option = click.option("--data-dir", type=FOLDER, default=Path("data"), show_default=True, help=DATA_HELP)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object on standard output, all else on standard error."
)
device_option = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 or mps.")
download_option = click.option(
    "--download", is_flag=True, help="Ask torchvision's mirrors even for MNIST, of which a copy ships with mnistlab."
)
dataset_option = click.option(
    "--dataset",
    default="mnist",
    show_default=True,
    help="mnist, fashion, kmnist, qmnist, emnist-balanced (-letters, -digits, -byclass, -bymerge, -mnist), usps,"
    " or a folder of pictures with a sub-folder per class.",
)


def examples(*lines: str) -> str:
    """The end of a command's help: \b keeps click from filling the lines."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


SECTIONS = {
    "widths": "Network", "deskew": "Preparation of the images", "split": "Data", "rotate": "Augmentation",
    "epochs": "Optimisation", "precision": "Arithmetic", "members": "Ensemble",
}  # fmt: skip
"""The headings of a recipe's options in the help, by the field that each begins with."""


class TrainingCommand(click.Command):
    """A command whose help shows the options of a recipe under headings."""

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
                formatter.write_text("Fields of the recipe. The default of each is the recipe's own value.")
            with formatter.section(title):
                formatter.write_dl(records)


def recipe_help(field: dataclasses.Field[Any]) -> str:
    """What the field is and which values it takes."""
    text, values = explanations()[field.name], allowed(field)
    return text + (f"  [{values}]" if values and values not in text else "")


def recipe_options(command: Command) -> Command:
    """An option for each field of a recipe's groups."""
    for field in reversed(FIELDS.values()):
        option = "--" + field.name.replace("_", "-")
        if TYPES[field.name] is bool:
            option += "/--no-" + field.name.replace("_", "-")
        kind = None if TYPES[field.name] is bool else ValueType(TYPES[field.name])
        command = click.option(option, field.name, type=kind, default=None, help=recipe_help(field))(command)
    return command


class ValueType(click.ParamType[Any]):
    """Text as a number, a list or itself; which values are allowed is left to what is called."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        self.name = {int: "integer", float: "number", str: "text"}.get(kind, "list")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value; ends in a usage error where the text is none."""
        try:
            return tuple(map(LISTS[self.kind], value.split(","))) if self.kind in LISTS else self.kind(value)
        except ValueError:
            what = {int: "a whole number", float: "a number"}.get(self.kind, "a list of whole numbers such as 24,48")
            self.fail(f"{value!r} is not {what}.", param, ctx)


class WholeRange(click.IntRange):
    """click's range of whole numbers, in the words of `ValueType`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number."""
        return super().convert(ValueType(int).convert(value, param, ctx), param, ctx)
