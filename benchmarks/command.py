"""What the benchmark commands share: how an error ends them, and how they measure, print and record rows."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from benchmarks import records
from mnistlab.errors import MnistlabError

MNISTLAB = (
    [str(path)] if (path := Path(sys.executable).parent / "mnistlab").exists() else [sys.executable, "-m", "mnistlab"]
)
"""The arguments that start mnistlab in a separate process."""


class Command(click.Command):
    """A benchmark's command. mnistlab's errors end it with their message and exit code, as in mnistlab itself."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except MnistlabError as error:
            click.echo(f"error: {error.for_command_line()}", err=True)
            ctx.exit(error.exit_code)


class SkipError(Exception):
    """A row cannot be measured here; the text says why, and how to fix that."""


@dataclass(frozen=True)
class Row:
    """A row of a results table: how it is measured and how it is shown to people, as lines, the first of which has the figure."""

    measure: Callable[[], dict[str, Any]]
    tell: Callable[[dict[str, Any]], list[str]]


data_option = click.option("--data-dir", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
json_option = click.option("--json", "as_json", is_flag=True, help="The results as one JSON object.")


def record_option(table: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option --record, which adds what was measured to docs/results/TABLE.jsonl."""
    return click.option("--record", is_flag=True, help=f"Add the result to docs/results/{table}.jsonl.")


def only_option(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option --only, for a command that measures several rows."""

    def chosen(context: click.Context, parameter: click.Parameter, value: str | None) -> list[str]:
        wanted = [name.strip() for name in value.split(",")] if value else list(names)
        if unknown := [name for name in wanted if name not in names]:
            raise click.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(names)}", context, parameter)
        return wanted

    return click.option("--only", callback=chosen, metavar="ROW,ROW,...", help="Some of the rows.")


def measure_rows(table: str, rows: dict[str, Row], **facts: Any) -> None:
    """Measure the rows and print them, with --json as one JSON object; with --record, each becomes a line of the table.

    Parameters
    ----------
    table
        The file in docs/results, named without its ending, to which the lines are added.
    rows
        The rows, by name. One that raises `SkipError` is reported as skipped and not recorded.
    facts
        Whatever else to record with each row, such as the model that was measured.
    """
    context = click.get_current_context()
    results: dict[str, dict[str, Any]] = {}
    for name, row in rows.items():
        try:
            results[name] = row.measure()
        except SkipError as error:
            results[name] = {"skipped": str(error)}
            lines = ["skipped", str(error)]
        else:
            lines = row.tell(results[name])
            if context.params["record"]:
                records.append(table, {"row": name, "command": command_of(context, name), **facts, **results[name]})
        if not context.params["as_json"]:
            for number, line in enumerate(lines):
                click.echo(f"{'' if number else name:<14} {line}")
    if context.params["as_json"]:
        click.echo(json.dumps({**facts, "rows": results}))


def command_of(context: click.Context, name: str) -> str:
    """The command that measures a row again, with the options that were given; a folder's name is replaced by FOLDER."""
    module = (context.command.callback or command_of).__globals__["__spec__"].name  # `__name__` is "__main__"
    words = [f"uv run python -m {module}"]
    for parameter in context.command.params:
        given = context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
        value = context.params[str(parameter.name)]
        if parameter.name == "only":
            words.append(f"--only {name}")
        elif given and parameter.name not in ("as_json", "record", "data_dir"):
            values = value if isinstance(value, tuple) else (value,)
            words += [f"{parameter.opts[0]} {'FOLDER' if isinstance(each, Path) else each}" for each in values]
    return " ".join(words)
