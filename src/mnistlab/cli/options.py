"""Options that several commands share; those for datasets and recipes are in `training_options`, so that `read` starts fast."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mnistlab.cli.words import words
from mnistlab.messages.sentences import Clause
from mnistlab.networks.fields import LISTS

__all__ = [
    "ValueType",
    "WholeRange",
    "data_option",
    "device_option",
    "download_option",
    "examples",
    "json_option",
    "models_option",
    "option_typed",
    "runs_option",
    "runs_typed",
]


Command = TypeVar("Command", bound=Callable[..., Any])

FOLDER = click.Path(file_okay=False, path_type=Path)
RUNS_HELP = "Folder that holds the run folders."
DATA_HELP = "Folder that holds the data."
runs_option = click.option("--runs", "runs_dir", type=FOLDER, default=Path("runs"), show_default=True, help=RUNS_HELP)
models_option = click.option(
    "--model", "models", multiple=True, metavar="RUN|FILE.onnx",
    help="A run, an exported model, or 'mnistlab' for mnistlab's own reader; may be repeated: the page offers them all.  "
    "[default: mnistlab]",
)  # fmt: skip
data_option = click.option("--data-dir", type=FOLDER, default=Path("data"), show_default=True, help=DATA_HELP)
json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object on standard output, and everything else on standard error.",
)
device_option = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 or mps.")
download_option = click.option(
    "--download",
    is_flag=True,
    help="Download MNIST, too, from torchvision's mirrors, although a copy of it ships with mnistlab.",
)


def examples(*lines: str) -> str:
    """The examples at the end of a command's help; \\b keeps click from joining the lines."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def option_typed(option: str, value: Path) -> str:
    """The option and its value, as the end of a command that is proposed to the user."""
    return " ".join(["", option, shlex.quote(str(value))])


def runs_typed(runs_dir: Path) -> str:
    """The option --runs, as the end of a command that is proposed to the user; "" for the default folder."""
    return "" if runs_dir == Path("runs") else option_typed("--runs", runs_dir)


class ValueType(click.ParamType[Any]):
    """Converts an option's text to a number, list or string; the function that uses the value checks whether it is in range.

    In a list, `between` stands between the values.
    """

    def __init__(self, kind: Any, between: str = ",") -> None:
        self.kind, self.between = kind, between
        self.name = {int: "integer", float: "number", str: "text"}.get(kind, "list")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value; raises a usage error if the text cannot be converted."""
        try:
            return tuple(map(LISTS[self.kind], value.split(self.between))) if self.kind in LISTS else self.kind(value)
        except ValueError:
            key = {int: "values.whole_number", float: "cli.number_typed"}.get(self.kind, "cli.list_of_whole_numbers")
            what = Clause(key, example=f"24{self.between}48")
            self.fail(words("cli.value_of_other_type", value=value, what=what), param, ctx)


class WholeRange(click.IntRange):
    """click's range of whole numbers, but with the error of `ValueType` for text that is not a whole number."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; raises a usage error if the text is not a whole number or the number is out of range."""
        return super().convert(ValueType(int).convert(value, param, ctx), param, ctx)
