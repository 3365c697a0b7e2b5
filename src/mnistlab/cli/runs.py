"""`mnistlab runs`: list, compare and delete runs."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import click

from mnistlab.cli.options import (
    FOLDER,
    RUNS_HELP,
    examples,
    json_option,
    runs_option,
)
from mnistlab.cli.output import percent, print_json, side_by_side
from mnistlab.errors import UserError, counted, place


@click.group(
    invoke_without_command=True,
    short_help="List, draw, compare and delete runs.",
    epilog=examples("mnistlab runs", "mnistlab runs compare RUN-A RUN-B", "mnistlab runs delete RUN"),
)
@runs_option
@json_option
@click.pass_context
def runs(context: click.Context, runs_dir: Path, as_json: bool) -> None:
    """List all runs by day, the oldest first: recipe, seed, validation and test accuracy, seconds.

    Where a command takes "latest", it is the run that was created last; one dated in the future, by a clock that was wrong,
    counts only where there is no other.
    """
    if context.invoked_subcommand is not None:
        return
    from mnistlab.runs.run import Run
    from mnistlab.runs.store import list_runs

    summaries = []
    for run in list_runs(runs_dir):
        try:
            if not isinstance(run, Run):
                raise run
            summaries.append(run.summary())
        except UserError as error:
            click.echo(f"warning: {error}", err=True)
    if as_json:
        print_json({"runs": summaries})
        return
    if not summaries:
        click.echo(f"There is no run in {place(runs_dir)} yet. Make one: mnistlab train")
    day = ""
    for row in summaries:
        if row["created"][:10] != day:
            day = row["created"][:10]
            click.echo(f"{day}\n  time   recipe        dataset         seed    val %   test %  seconds  run")
        state = (
            percent(row["test_accuracy"])
            if row["test_accuracy"] is not None
            else "{}/{}".format(*row.get("epochs", row.get("members", [])))
        )
        seconds = f"{row['seconds']:.1f}" if row["seconds"] is not None else "-"
        click.echo(
            f"  {row['created'][11:16]}  {row['recipe']:<12}  {Path(row['dataset']).name:<14}  {row['seed']:>4}"
            f"  {percent(row['val_accuracy']):>7}  {state:>7}  {seconds:>7}  {Path(row['run']).name}"
        )


def runs_folder(context: click.Context, runs_dir: Path | None) -> Path:
    """The folder that the sub-command names, else the one that `mnistlab runs` names."""
    parent: Path = context.parent.params["runs_dir"] if context.parent else Path("runs")
    return runs_dir or parent


inner_runs_option = click.option("--runs", "runs_dir", type=FOLDER, default=None, help=f"{RUNS_HELP}  [default: runs]")


@runs.command(
    short_help="Put two runs side by side, with McNemar's test.",
    epilog=examples("mnistlab runs compare 20261122-101500-two-conv-seed0 latest"),
)
@click.argument("first", metavar="RUN-A")
@click.argument("second", metavar="RUN-B")
@inner_runs_option
@json_option
@click.pass_context
def compare(context: click.Context, first: str, second: str, runs_dir: Path | None, as_json: bool) -> None:
    """Put two runs side by side, with McNemar's exact test on their test predictions."""
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
    click.echo(
        f"\nwrong only in A: {comparison.only_first_wrong}, only in B: {comparison.only_second_wrong},"
        f" in both: {comparison.both_wrong}"
    )
    verdict = (
        "a real difference" if comparison.p_value < 0.05 else "no difference that this test set can tell from chance"
    )
    click.echo(f"McNemar's exact test: p = {comparison.p_value:.3g}, {verdict} (at the 5 % level)")


@runs.command(epilog=examples("mnistlab runs delete 20261122-101500-two-conv-seed0 --yes"))
@click.argument("names", nargs=-1, required=True, metavar="RUN...")
@click.option("--yes", is_flag=True, help="Do not ask.")
@inner_runs_option
@json_option
@click.pass_context
def delete(context: click.Context, names: tuple[str, ...], yes: bool, runs_dir: Path | None, as_json: bool) -> None:
    """Delete runs, after asking."""
    from mnistlab.runs.store import delete_run, find_run

    found = list({(run := find_run(name, runs_folder(context, runs_dir))).path: run for name in names}.values())
    if not yes:
        if not sys.stdin.isatty():
            raise UserError(
                f"Nobody is there to confirm the deletion of {counted(len(found), 'run')}.", "Say it with --yes."
            )
        click.confirm(f"Delete {', '.join(str(run.path) for run in found)}?", abort=True, err=True)
    for run in found:
        delete_run(run)
        click.echo(f"Deleted {run.path}", err=True)
    if as_json:
        print_json({"deleted": [str(run.path) for run in found]})
