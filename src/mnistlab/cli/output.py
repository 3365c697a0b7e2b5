"""The output that several commands share: scores, JSON, checks, comparisons of runs, and the log."""

from __future__ import annotations

import json
import logging
import traceback
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.words import figure, percent, tell, words
from mnistlab.errors import told
from mnistlab.messages.sentences import Clause, locales_language
from mnistlab.reading.rows import spelled

if TYPE_CHECKING:
    from mnistlab.doctor.check import Check
    from mnistlab.evaluation.result import Evaluation
    from mnistlab.runs.run import Run

__all__ = [
    "StandardErrorHandler",
    "json_text",
    "print_checks",
    "print_json",
    "print_score",
    "side_by_side",
]


def print_score(evaluation: Evaluation) -> None:
    """Print the accuracy and its interval on one line and, if known, the interval by writer and the accuracy on corrected labels.

    For a finder, print how many digits it found and classified correctly, and how often it found a digit where there is none;
    for a line reader, how many lines it read exactly, and the share of wrong digits.
    """
    low, high = (100 * bound for bound in evaluation.interval)
    split = Clause({"test": "score.test", "val": "score.val", "val-random": "score.val_random"}[evaluation.split])
    reached: dict[str, Any] = {
        "split": split,
        "accuracy": 100 * evaluation.accuracy,
        "total": evaluation.total,
        "low": low,
        "high": high,
    }
    if "scenes" in (score := evaluation.score()):
        tell("score.finds", scenes=score["scenes"], **reached)
        false = score["false_finds"]
        click.echo(
            "  " + words("score.false_finds", false=false, each=false / score["scenes"], threshold=score["threshold"])
        )
        return
    if "character_error_rate" in score:
        tell("score.lines", **reached)
        wrong, share = score["wrong_digits"], 100 * score["character_error_rate"]
        click.echo("  " + words("score.wrong_digits", wrong=wrong, digits=score["digits"], share=share))
        return
    tell("score.accuracy", correct=evaluation.correct, **reached)
    if (by_writer := evaluation.interval_by_writer) and evaluation.by_writer is not None:
        low, high = (100 * bound for bound in by_writer)
        click.echo("  " + words("score.by_writer", writers=len(evaluation.by_writer), low=low, high=high))
    if evaluation.corrected:
        right, total = evaluation.corrected
        click.echo("  " + words("score.corrected", accuracy=100 * right / total, correct=right, total=total))


def print_json(content: dict[str, Any] | list[Any]) -> None:
    """Print an object, or a list of objects, as JSON on one line of standard output, in ASCII.

    File names are spelt as `mnistlab.reading.rows.spelled` spells them.
    """
    click.echo(json_text(content))


def json_text(content: dict[str, Any] | list[Any]) -> str:
    """The object or list as JSON on one line, in ASCII, with file names as `mnistlab.reading.rows.spelled` spells them."""
    return json.dumps(json.loads(spelled(json.dumps(content, ensure_ascii=False))))


VERDICTS = {"ok": "verdicts.ok", "warning": "verdicts.warning", "problem": "verdicts.problem"}


def print_checks(found: list[Check]) -> None:
    """Print a line for each check, with its remedy below, and then how many problems there are."""
    language = locales_language()
    for check in found:
        verdict = words(VERDICTS[check.verdict])
        click.echo(f"{verdict:<8} {check.subject.said(language):<12} {check.seen.said(language)}")
        if remedy := check.remedy_in(language):
            click.echo(f"{'':<21} -> {remedy}")
    problems = sum(check.verdict == "problem" for check in found)
    click.echo()
    tell("cli.problems_found" if problems else "cli.no_problem_found", problems=problems)


def side_by_side(first: Run, second: Run) -> list[tuple[str, tuple[str, str]]]:
    """Rows for a table of two runs: names, recipes, datasets, seeds, results, and the fields in which their recipes differ."""
    from mnistlab.recipes.differences import differences

    rows = [("", (f"A {first.path.name}", f"B {second.path.name}"))]
    summaries = first.summary(), second.summary()
    labels = {
        "recipe": "compared.recipe", "dataset": "compared.dataset", "seed": "compared.seed", "seconds": "compared.seconds",
    }  # fmt: skip
    for key, label in labels.items():
        said = ["-" if s[key] is None else s[key] for s in summaries]
        values = [figure(one, ".1f") if isinstance(one, float) else str(one) for one in said]
        rows.append((words(label), (values[0], values[1])))
    for key, label in {"val_accuracy": "compared.val_accuracy", "test_accuracy": "compared.test_accuracy"}.items():
        rows.append((words(label), (percent(summaries[0][key]), percent(summaries[1][key]))))
    for name, (mine, theirs) in differences(first.recipe, second.recipe).items():
        rows.append((name, (told(mine), told(theirs))))
    return rows


class StandardErrorHandler(logging.Handler):
    """Shows mnistlab's log messages on standard error, a line each, with the traceback below an unexpected error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        own: Any = record.msg
        said = own.for_command_line(locales_language()) if isinstance(own, Clause) else record.getMessage()
        click.echo(words("cli.warning", said=said) if record.levelno >= logging.WARNING else said, err=True)
        if record.exc_info:
            click.echo("".join(traceback.format_exception(*record.exc_info)).rstrip(), err=True)


def log_to_standard_error() -> None:
    """Show the program's log on standard error."""
    logger = logging.getLogger("mnistlab")
    logger.setLevel(logging.INFO)
    logger.addHandler(StandardErrorHandler())
