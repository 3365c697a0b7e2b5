"""`mnistlab runs`: list, draw, compare and delete runs."""

from __future__ import annotations

import dataclasses
import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.help import Group
from mnistlab.cli.options import (
    FOLDER,
    RUNS_HELP,
    examples,
    json_option,
    runs_option,
    runs_typed,
)
from mnistlab.cli.output import print_json, side_by_side
from mnistlab.cli.words import ask, figure, percent, print_table, tell
from mnistlab.dependencies import require
from mnistlab.errors import UserError
from mnistlab.messages.sentences import Clause, locales_language

if TYPE_CHECKING:
    from mnistlab.runs.run import Run


class RunsGroup(Group):
    """A group in which a sub-command after --plot is not taken for the option's value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does, but do not take a sub-command after --plot for the option's value."""
        pairs = itertools.pairwise([*args, ""])
        args = ["--plot=" if word == "--plot" and following in self.commands else word for word, following in pairs]
        return super().parse_args(ctx, args)


@click.group(
    cls=RunsGroup,
    invoke_without_command=True,
    epilog=examples(
        "mnistlab runs", "mnistlab runs --plot", "mnistlab runs compare RUN-A RUN-B", "mnistlab runs delete RUN"
    ),
)
@click.option(
    "--plot", metavar="[FILE.png]", is_flag=False, flag_value="",
    help="Also draw the test accuracy over the days.  [default file: progress.png in the runs folder]",
)  # fmt: skip
@runs_option
@json_option
@click.pass_context
def runs(context: click.Context, plot: str | None, runs_dir: Path, as_json: bool) -> None:
    """List all runs by day, the oldest first: recipe, seed, validation and test accuracy, training time in seconds.

    A star marks a run whose recipe differs from mnistlab's own recipe of the same name.

    Wherever a command takes a run, "latest" is the one that was created last; a run dated in the future by a wrong clock counts
    only if there is no other.
    """
    if context.invoked_subcommand is not None:
        if plot is not None:
            raise UserError("cli.plot_with_subcommand", invoked_subcommand=context.invoked_subcommand)
        return
    if plot is not None:
        require("train", "matplotlib")
    found, summaries = find_sound(runs_dir)
    drawn = (
        {} if plot is None else {"plot": str(draw(found, Path(plot) if plot else runs_dir / "progress.png", runs_dir))}
    )
    if as_json:
        print_json({"runs": summaries, **drawn})
        return
    if not summaries:
        tell("cli.no_run_yet", runs_dir=runs_dir, runs=runs_typed(runs_dir))
    print_by_day(summaries)
    if drawn:
        tell("cli.progress", path=drawn["plot"])


def find_sound(runs_dir: Path) -> tuple[list[Run], list[dict[str, Any]]]:
    """The undamaged runs in the folder, and their summaries, the oldest first; prints a warning about each damaged run."""
    from mnistlab.runs.run import Run
    from mnistlab.runs.store import list_runs

    found, summaries = [], []
    for run in list_runs(runs_dir):
        try:
            if not isinstance(run, Run):
                raise run
            summaries.append(run.summary())
            found.append(run)
        except UserError as error:
            tell("cli.warning", said=error.for_command_line(locales_language()), err=True)
    return found, summaries


def print_by_day(summaries: list[dict[str, Any]]) -> None:
    """Print a line for each run, below its day, and, if any run has a star, what the star means."""
    for day, rows in itertools.groupby(summaries, key=lambda row: str(row["created"][:10])):
        click.echo(day)
        print_table("columns.runs", RUN_COLUMNS, map(cells_of, rows), gap="  ", indent="  ")
    if any(row["recipe_changed"] for row in summaries):
        tell("cli.recipe_differs")


RUN_COLUMNS = ("<5", "<12", "<14", ">4", ">7", ">7", ">7", "<0")


def cells_of(row: dict[str, Any]) -> tuple[str, ...]:
    """The texts of a run's line, one for each column."""
    done = row["members"] if row["kind"] == "ensemble" else row["epochs"]
    state = percent(row["test_accuracy"]) if row["test_accuracy"] is not None else "{}/{}".format(*done)
    seconds = figure(row["seconds"], ".1f") if row["seconds"] is not None else "-"
    recipe, dataset = row["recipe"] + "*" * bool(row["recipe_changed"]), Path(row["dataset"]).name
    time, val, name = row["created"][11:16], percent(row["val_accuracy"]), Path(row["run"]).name
    return time, recipe, dataset, str(row["seed"]), val, state, seconds, name


def draw(found: list[Run], target: Path, runs_dir: Path) -> Path:
    """Draw the history of the runs, and return the picture's path.

    Raises `UserError` if there is nothing to draw or drawing fails.
    """
    from mnistlab.evaluation.figures import save_figure
    from mnistlab.evaluation.history import draw_history, history
    from mnistlab.files import check_target

    check_target(target, "progress.png")
    points = history(found)
    if not points:
        raise UserError("cli.nothing_to_plot", runs_dir=runs_dir, runs=runs_typed(runs_dir))
    if left_out := len(found) - len(points):
        tell("cli.runs_not_drawn", count=left_out, err=True)
    save_figure(draw_history(points), target)
    return target


def runs_folder(context: click.Context, runs_dir: Path | None) -> Path:
    """The folder of runs that the sub-command was given, or else the one that `mnistlab runs` was given."""
    parent: Path = context.parent.params["runs_dir"] if context.parent else Path("runs")
    return runs_dir or parent


inner_runs_option = click.option("--runs", "runs_dir", type=FOLDER, default=None, help=f"{RUNS_HELP}  [default: runs]")


@runs.command(
    short_help="Compare two runs, with McNemar's test.",
    epilog=examples("mnistlab runs compare 20261122-101500-two-conv-seed0 latest"),
)
@click.argument("first", metavar="RUN-A")
@click.argument("second", metavar="RUN-B")
@inner_runs_option
@json_option
@click.pass_context
def compare(context: click.Context, first: str, second: str, runs_dir: Path | None, as_json: bool) -> None:
    """Compare two runs, with McNemar's exact test on their test predictions, and a permutation test by writer.

    McNemar's test treats each image as an independent trial. If the writers are known (MNIST), the permutation test treats
    each writer as an independent trial, so that a model that merely suits two or three writers better does not count as better.
    """
    require("train", "scipy")
    from mnistlab.evaluation.comparison import compare_runs
    from mnistlab.runs.store import find_run

    folder = runs_folder(context, runs_dir)
    pair = [find_run(name, folder) for name in (first, second)]
    comparison = compare_runs(*pair)
    if as_json:
        print_json({"runs": [run.summary() for run in pair], **dataclasses.asdict(comparison)})
        return
    for label, value in side_by_side(*pair):
        click.echo(f"{label:<18} {value[0]:<36} {value[1]}")
    click.echo()
    one, other, both = comparison.only_first_wrong, comparison.only_second_wrong, comparison.both_wrong
    tell("cli.wrong_in", one=one, other=other, both=both)
    for test, p_value in (
        (Clause("cli.mcnemar"), comparison.p_value),
        (Clause("cli.permutation_by_writer"), comparison.p_value_by_writer),
    ):
        if p_value is not None:
            verdict = Clause("cli.real_difference" if p_value < 0.05 else "cli.no_difference")
            tell("cli.p_value", test=test, p=p_value, verdict=verdict)


@runs.command(epilog=examples("mnistlab runs delete 20261122-101500-two-conv-seed0 --yes"))
@click.argument("names", nargs=-1, required=True, metavar="RUN...")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@inner_runs_option
@json_option
@click.pass_context
def delete(context: click.Context, names: tuple[str, ...], yes: bool, runs_dir: Path | None, as_json: bool) -> None:
    """Delete runs, after asking."""
    from mnistlab.runs.store import delete_run, find_run

    found = list({(run := find_run(name, runs_folder(context, runs_dir))).path: run for name in names}.values())
    if not yes:
        if not sys.stdin.isatty():
            raise UserError("cli.nobody_to_confirm", count=len(found))
        ask("cli.confirm_deletion", runs=[run.path for run in found])
    for run in found:
        delete_run(run)
        tell("cli.deleted", run=run.path, err=True)
    if as_json:
        print_json({"deleted": [str(run.path) for run in found]})
