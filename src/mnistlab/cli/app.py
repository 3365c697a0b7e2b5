"""The root of the command line: the list of its commands, and what is done with their errors."""

from __future__ import annotations

import importlib
import os
import sys
from typing import NoReturn

import click

from mnistlab.cli.help import Context, Group
from mnistlab.cli.options import examples
from mnistlab.cli.output import log_to_standard_error
from mnistlab.cli.usage import usage_error
from mnistlab.cli.words import check_language, tell
from mnistlab.dependencies import check_torch
from mnistlab.errors import Failure, MnistlabError, is_out_of_memory
from mnistlab.messages.sentences import locales_language, sentence
from mnistlab.training.processes import says

__all__ = ["app", "main"]


COMMANDS = {
    "data": ("mnistlab.cli.data", "Fetch a dataset, describe it and draw a gallery."),
    "doctor": ("mnistlab.cli.doctor", "Check this machine, a run or a saved model."),
    "ensemble": ("mnistlab.cli.ensemble", "Combine finished runs into one model."),
    "evaluate": ("mnistlab.cli.evaluate", "Measure a run's saved model, class by class."),
    "explain": ("mnistlab.cli.explain", "Show what a network makes of a digit, as a picture for a slide."),
    "export": ("mnistlab.cli.export", "Write a model as one ONNX or safetensors file."),
    "learn": ("mnistlab.cli.learn", "Learn how it all works: a course with exercises and a diary."),
    "read": ("mnistlab.cli.read", "Read handwritten digits in photos, scans and drawings."),
    "replay": ("mnistlab.cli.replay", "Replay a run's training as a short animation."),
    "runs": ("mnistlab.cli.runs", "List, draw, compare and delete runs."),
    "serve": ("mnistlab.cli.serve", "Open a page to draw digits on, and offer a web API."),
    "site": ("mnistlab.cli.site", "Write the page of `mnistlab serve` as files for any web server."),
    "sweep": ("mnistlab.cli.sweep", "Train with several seeds and settings, and compare the runs."),
    "train": ("mnistlab.cli.train", "Train a network, test it once, keep everything in a run folder."),
}
"""Each command's module, which is imported only when the command is used, and the command's line in `mnistlab --help`."""


class LazyGroup(Group):
    """A group that lists the `COMMANDS` in its help without importing their modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command called `cmd_name`, which this call imports; None if there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(COMMANDS[cmd_name][0]), cmd_name)
        command.context_class = Context
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands into the help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=examples("mnistlab train", "mnistlab train three-conv --seed 1", "mnistlab read photo.jpg", "mnistlab runs")
    + "\n\nExit codes: 0 done, 1 failed, 2 wrong input, 130 interrupted.",
)
@click.version_option(package_name="mnistlab", message="mnistlab %(version)s")
@click.pass_context
def app(context: click.Context) -> None:
    """Handwritten digits: from data to a trained, honestly measured, safely saved classifier."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with a code: 0 done, 1 failed, 2 wrong input, 130 interrupted."""
    french = locales_language() == "fr"
    for stream in (sys.stdout, sys.stderr):
        if hasattr(
            stream, "reconfigure"
        ):  # a console without Unicode shows "?", or a letter without its accent, instead of failing
            stream.reconfigure(errors="mnistlab.without_accents" if french else "replace")
    log_to_standard_error()
    sys.exit(run_app(arguments))


def run_app(arguments: list[str] | None) -> int:
    try:
        try:
            check_language(os.environ.get("MNISTLAB_LANG", ""))
            result = app(arguments, standalone_mode=False)
        except UnicodeEncodeError:  # raised by importing torch if it cannot encode the name of its own folder
            check_torch()
            raise
        return result if isinstance(result, int) else 0
    except MnistlabError as error:
        return refuse(error)
    except click.UsageError as error:
        return refuse(usage_error(error, "mnistlab"))
    except click.ClickException as error:
        tell("cli.error", said=error.format_message(), err=True)
        return 2
    except (KeyboardInterrupt, click.Abort):  # click.Abort is a RuntimeError, too
        tell("learn.interrupted", err=True)
        return 130
    except OSError as error:
        try:
            return refuse(failure_of(error))
        except OSError:  # no more files can be opened, not even the one with the messages
            click.echo(str(error), err=True)
            return 1
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return refuse(Failure("cli.out_of_memory"))


def failure_of(error: OSError) -> Failure:
    """The operating system's error as one of mnistlab's own, with the name of the file if the error has one."""
    from mnistlab.files import printable

    reason = error.strerror or str(error)
    if error.filename is None:
        return Failure("cli.output_failed", error=reason)
    return Failure("cli.file_failed", path=printable(str(error.filename)), error=reason)


def refuse(error: MnistlabError) -> int:
    """Print the error as a line on standard error, unless another process of the same run prints it. Returns the exit code."""
    if not says(error):
        return error.exit_code
    language = error.language or locales_language()
    said = {"said": error.for_command_line(language)}
    click.echo(sentence("cli.error", "message", said, language=language), err=True)
    return error.exit_code
