"""The command line's root: its commands, and how errors end it."""

from __future__ import annotations

import logging
import sys
from typing import NoReturn

import click

from mnistlab.cli.data import data
from mnistlab.cli.doctor import doctor
from mnistlab.cli.ensemble import ensemble
from mnistlab.cli.evaluate import evaluate
from mnistlab.cli.export import export
from mnistlab.cli.options import (
    examples,
)
from mnistlab.cli.output import StandardErrorHandler
from mnistlab.cli.read import read
from mnistlab.cli.runs import runs
from mnistlab.cli.serve import serve
from mnistlab.cli.train import train
from mnistlab.errors import MnistlabError

__all__ = ["app", "main"]


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=examples("mnistlab train", "mnistlab train three-conv --seed 1", "mnistlab read photo.jpg", "mnistlab runs")
    + "\n\nExit codes: 0 done, 1 failed, 2 your input, 130 interrupted.",
)
@click.version_option(package_name="mnistlab", message="mnistlab %(version)s")
@click.pass_context
def app(context: click.Context) -> None:
    """Handwritten digits: from data to a trained, honestly measured, safely saved classifier."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


app.add_command(train)
app.add_command(ensemble)
app.add_command(evaluate)
app.add_command(data)
app.add_command(export)
app.add_command(runs)
app.add_command(doctor)
app.add_command(read)
app.add_command(serve)

OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory")
"""What torch's allocators say in a RuntimeError; "memory" alone would hide errors about memory formats."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 failed, 2 the user's mistake, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console without Unicode shows "?" and goes on
    logger = logging.getLogger("mnistlab")
    logger.setLevel(logging.INFO)
    logger.addHandler(StandardErrorHandler())
    sys.exit(run_app(arguments))


def run_app(arguments: list[str] | None) -> int:
    try:
        result = app(arguments, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except MnistlabError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "mnistlab"
        click.echo(f"error: {error.format_message()} See: {path} --help", err=True)
        return 2
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        return 2
    except (KeyboardInterrupt, click.Abort):  # click.Abort is a RuntimeError, too
        click.echo("Interrupted.", err=True)
        return 130
    except OSError as error:
        click.echo(f"error: {error}. Check the disk and where the output goes.", err=True)
        return 1
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not any(words in str(error) for words in OUT_OF_MEMORY):
            raise
        click.echo("error: The memory is not enough. Choose a smaller --batch-size or smaller --widths.", err=True)
        return 1
