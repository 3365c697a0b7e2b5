"""What the commands print."""

from __future__ import annotations

import json
import logging
import re
import traceback
from typing import TYPE_CHECKING, Any

import click

from mnistlab.errors import told
from mnistlab.messages.sentences import Clause, counted

if TYPE_CHECKING:
    from mnistlab.doctor.check import Check
    from mnistlab.evaluation.result import Evaluation
    from mnistlab.runs.run import Run

__all__ = [
    "StandardErrorHandler",
    "json_text",
    "percent",
    "print_checks",
    "print_json",
    "print_score",
    "side_by_side",
    "spelled",
]


def print_score(evaluation: Evaluation) -> None:
    """Accuracy and its interval, in a line; likewise by writer and on corrected labels where they are known.

    For the network that finds digits: how many it found and read right, and how often it found one where there is none.
    """
    low, high = evaluation.interval
    name = {"test": "Test", "val": "Validation", "val-random": "Validation (val-random)"}[evaluation.split]
    if "scenes" in (score := evaluation.score()):
        click.echo(
            f"{name}: {100 * evaluation.accuracy:.2f} % of {counted(evaluation.total, 'digit')} on {score['scenes']:,} drawn"
            f" scenes found and right, 95 % interval {100 * low:.2f} to {100 * high:.2f} %"
        )
        false, each = score["false_finds"], score["false_finds"] / score["scenes"]
        click.echo(
            f"  {false:,} found where there is none, {each:.3f} a scene, from a probability of {score['threshold']:g} on"
        )
        return
    click.echo(
        f"{name} accuracy {100 * evaluation.accuracy:.2f} % ({evaluation.correct:,} of {evaluation.total:,} right),"
        f" 95 % interval {100 * low:.2f} to {100 * high:.2f} %"
    )
    if (by_writer := evaluation.interval_by_writer) and evaluation.by_writer is not None:
        low, high = by_writer
        writers = counted(len(evaluation.by_writer), "writer")
        click.echo(f"  by writer ({writers}), 95 % interval {100 * low:.2f} to {100 * high:.2f} %")
    if evaluation.corrected:
        right, total = evaluation.corrected
        click.echo(f"  on corrected labels {100 * right / total:.2f} % ({right:,} of {total:,} right)")


def percent(value: float | None) -> str:
    """A fraction as a percentage with two decimals, "-" for None."""
    return "-" if value is None else f"{100 * value:.2f}"


def print_json(content: dict[str, Any] | list[Any]) -> None:
    """One object, or a list of some, in one line on standard output, in ASCII.

    Files' names are spelled as `spelled` spells them.
    """
    click.echo(json_text(content))


def json_text(content: dict[str, Any] | list[Any]) -> str:
    """The object or list in one line, in ASCII, with files' names as `spelled` spells them."""
    return json.dumps(json.loads(spelled(json.dumps(content, ensure_ascii=False))))


LONE = re.compile("[\udc80-\udcff]+")


def spelled(text: str) -> str:
    """The text with files' names as in UTF-8, whatever the locale: Python has the bytes that the locale does not know as lone
    surrogates, which other programs cannot read."""
    return LONE.sub(lambda found: found[0].encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape"), text)


def print_checks(found: list[Check]) -> None:
    """A line a check, with its remedy below, then how many problems there are."""
    for check in found:
        click.echo(f"{check.verdict:<8} {check.name:<12} {check.detail}")
        if check.remedy:
            click.echo(f"{'':<21} -> {check.remedy}")
    problems = sum(check.verdict == "problem" for check in found)
    click.echo(f"\n{counted(problems, 'problem')} found." if problems else "\nNo problem found.")


def side_by_side(first: Run, second: Run) -> list[tuple[str, tuple[str, str]]]:
    """What the runs are, what they reached, and the recipe's fields in which they differ."""
    from mnistlab.recipes.differences import differences

    rows = [("", (f"A {first.path.name}", f"B {second.path.name}"))]
    summaries = first.summary(), second.summary()
    for key in ("recipe", "dataset", "seed", "seconds"):
        values = [f"{s[key]:.1f}" if isinstance(s[key], float) else str(s[key]) for s in summaries]
        rows.append((key, (values[0], values[1])))
    rows += [
        (key.replace("_", " ") + " %", (percent(summaries[0][key]), percent(summaries[1][key])))
        for key in ("val_accuracy", "test_accuracy")
    ]
    for name, (mine, theirs) in differences(first.recipe, second.recipe).items():
        rows.append((name, (told(mine), told(theirs))))
    return rows


class StandardErrorHandler(logging.Handler):
    """Shows mnistlab's own messages, a line each, on standard error; below those of an error that it did not expect, where."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        prefix = "warning: " if record.levelno >= logging.WARNING else ""
        said = record.msg.for_command_line() if isinstance(record.msg, Clause) else record.getMessage()
        click.echo(prefix + said, err=True)
        if record.exc_info:
            click.echo("".join(traceback.format_exception(*record.exc_info)).rstrip(), err=True)
