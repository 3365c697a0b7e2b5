"""`mnistlab learn`: list the days of the course, write a day's files, check its answers, and keep the learner's diary."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from mnistlab.cli.help import Command, Group
from mnistlab.cli.options import examples, json_option, option_typed
from mnistlab.cli.output import print_json
from mnistlab.cli.usage import usage_error
from mnistlab.errors import Interrupted, UserError, shown
from mnistlab.files import check_folder, write_bytes
from mnistlab.learn.checking import check as check_answers
from mnistlab.learn.course import Day, answers_file, days, exercises, notebook, script
from mnistlab.learn.diary import NAME, best_accuracy, draw_accuracies, percent, read_diary, solved, write_down
from mnistlab.learn.language import find_language, lang_option, speaking
from mnistlab.messages.sentences import LANGUAGES, Clause, locales_language

language_option = click.option(
    "--lang",
    metavar="|".join(LANGUAGES),
    expose_value=False,  # the language is in the context's `obj`
    help="The language of the course.  [default: the locale's, or en]",
)


class LearnGroup(Group):
    """A group whose sub-commands are the days of the course, `check` and `note`; all errors are in the learner's language."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The days in order, then the other sub-commands."""
        return [*(day.name for day in days()), *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a day, or another sub-command; None if there is no such command."""
        for day in days():
            if day.name == cmd_name:
                return day_command(day)
        return super().get_command(ctx, cmd_name)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Make the context as click does, with the learner's language as its `obj`."""
        language = find_language(wanted_language(args))
        with in_their_words(language, f"{parent.command_path} {info_name}" if parent else str(info_name)):
            return super().make_context(info_name, args, parent, obj=language, **extra)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the sub-command as click does, but raise mnistlab's own error for an unknown day."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise UserError("learn.unknown_day", name=shown(args[0]), days=self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the sub-command as click does, with errors in the learner's language."""
        with in_their_words(ctx.obj, ctx.command_path):
            return super().invoke(ctx)


@contextlib.contextmanager
def in_their_words(language: str, command: str) -> Iterator[None]:
    """Inside `with`, state all errors in `language`, including those for Ctrl-C and for wrong arguments of `command`."""
    with speaking(language):
        try:
            yield
        except click.UsageError as error:
            raise usage_error(error, command) from None
        except KeyboardInterrupt:
            raise Interrupted("learn.interrupted") from None


def wanted_language(arguments: list[str]) -> str | None:
    """The value of --lang, wherever it stands among the arguments; None if it is not given."""
    after = [word.partition("=")[2] for word in arguments if word.startswith("--lang=")]
    after += [word for before, word in itertools.pairwise(arguments) if before == "--lang"]
    return after[-1] if after else None


@click.group(
    cls=LearnGroup,
    invoke_without_command=True,
    epilog=examples("mnistlab learn", "mnistlab learn day3 --lang fr", "mnistlab learn check day3"),
)
@language_option
@json_option
@click.pass_context
def learn(context: click.Context, as_json: bool) -> None:
    """Learn how networks read digits: a course of several days, in English or French, with notebooks, exercises and a diary.

    Without a day, list the days, with the number of exercises solved in each, and show the diary in the current folder.
    """
    if context.invoked_subcommand is not None:
        return
    language: str = context.obj
    entries = read_diary(language=language)
    rows: list[dict[str, Any]] = [
        {
            "day": day.name,
            "title": day.title.said(language),
            "summary": day.summary.said(language),
            "solved": len(solved(entries, day.name)),
            "exercises": len(exercises(day)),
            "accuracy": best_accuracy(entries, day.name),
        }
        for day in days()
    ]
    if as_json:
        print_json({"days": rows, "diary": [dataclasses.asdict(entry) for entry in entries]})
        return
    for row in rows:
        done = f"{row['solved']}/{row['exercises']}" if row["solved"] else ""
        click.echo(f"{row['day']}  {done:<5}{row['title']}\n{'':<11}{row['summary']}")
    pending = [row["day"] for row in rows if row["solved"] < row["exercises"]]
    if pending:
        say(Clause("cli.learn_go_on", day=pending[0], lang=lang_option(language)), language)
    else:
        say(Clause("cli.learn_all_done"), language)
    if entries:
        say(Clause("cli.learn_diary", name=NAME), language)
        for entry in entries:
            reached = None if entry.accuracy is None else percent(entry.accuracy, language)
            told = "  ".join(filter(None, [entry.note, ", ".join(entry.solved), reached]))
            click.echo(f"  {entry.date}  {entry.day:<5} {told}")
    if drawn := draw_accuracies(entries, language, block=writable("█", "#")):
        say(Clause("cli.learn_accuracies"), language)
        click.echo("\n".join(drawn))


def writable(best: str, plain: str) -> str:
    """The character `best`, or `plain` if the encoding of standard output lacks `best`."""
    try:
        best.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return plain
    return best


def say(clause: Clause, language: str) -> None:
    """Print an empty line, and then `clause` in `language`."""
    click.echo(f"\n{clause.said(language)}")


def day_command(day: Day) -> click.Command:
    """The command that writes the day's files."""

    spoken = locales_language()
    title, summary = day.title.said(spoken), day.summary.said(spoken)

    @click.command(
        day.name,
        cls=Command,
        help=f"{title}. {summary}\n\nWrites the day's notebook, a script with the same content, and a file for your answers.",
        short_help=title,
        epilog=examples(f"mnistlab learn {day.name} --lang fr --out course"),
    )
    @click.option(
        "--out",
        type=click.Path(path_type=Path),
        default=Path(),
        help="Folder to write into.  [default: the current folder]",
    )
    @language_option
    @json_option
    @click.pass_context
    def command(context: click.Context, out: Path, as_json: bool) -> None:
        language: str = context.obj
        check_folder(out)
        book = json.dumps(notebook(day, language), ensure_ascii=False, indent=1) + "\n"
        texts = [book, script(day, language), answers_file(day, language)]
        paths = [out / f"{day.name}{ending}" for ending in (".ipynb", ".py", "_answers.py")]
        kept = [path for path in paths if path.exists()]
        written = [path for path in paths if path not in kept]
        for path, text in zip(paths, texts, strict=True):
            if path in written:
                write_bytes(path, text.encode("utf-8"))
        if as_json:
            print_json({"written": [str(path) for path in written], "kept": [str(path) for path in kept]})
            return
        for path in written:
            click.echo(Clause("cli.learn_written", path=path).said(language))
        for path in kept:
            click.echo(Clause("cli.learn_kept", path=path).said(language))
        file, lang = "" if out == Path() else option_typed("--file", paths[2]), lang_option(language)
        say(Clause("cli.learn_what_to_do", notebook=paths[0], day=day.name, file=file, lang=lang), language)

    return command


@learn.command(
    "check",
    short_help="Check the answers to a day's exercises.",
    epilog=examples("mnistlab learn check day3", "mnistlab learn check day3 --lang fr"),
)
@click.argument("day")
@click.option(
    "--file",
    type=click.Path(path_type=Path),
    help="Python file with the answers; it is executed.  [default: DAY_answers.py in the current folder]",
)
@language_option
@json_option
@click.pass_context
def check(context: click.Context, day: str, file: Path | None, as_json: bool) -> int:
    """Check the answers to a day's exercises, with a hint for each wrong one. Solved exercises are noted in the diary.

    The exit code is 2 if an answer cannot be judged because it has the wrong type or shape, or raises an error.
    """
    language: str = context.obj
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():  # answers may print
        report = check_answers(day, language=language, file=file)
    if as_json:
        print_json(dataclasses.asdict(report))
    else:
        click.echo(str(report))
        if len(report.solved) == len(report.verdicts):
            say(Clause("cli.learn_day_done", lang=lang_option(language)), language)
    return 2 if any(verdict.kind == "unusable" for verdict in report.verdicts) else 0


@learn.command(
    "note", short_help="Write a line in your diary.", epilog=examples('mnistlab learn note "A convolution is a sum."')
)
@click.argument("text")
@click.option("--day", default="", help="The day that the line is about, such as day3.")
@language_option
@json_option
@click.pass_context
def note(context: click.Context, text: str, day: str, as_json: bool) -> None:
    """Write a line of your own, with today's date, in the diary in the current folder."""
    language: str = context.obj
    if not text.strip():
        raise UserError("learn.empty_note")
    write_down(day=day, note=text, language=language)
    if as_json:
        print_json(dataclasses.asdict(read_diary()[-1]))
        return
    click.echo(Clause("cli.learn_noted", name=NAME).said(language))
