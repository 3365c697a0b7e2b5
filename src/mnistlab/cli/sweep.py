"""`mnistlab sweep`: many trainings, compared on validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.options import (
    ValueType,
    WholeRange,
    data_option,
    device_option,
    download_option,
    examples,
    json_option,
    runs_option,
)
from mnistlab.cli.output import print_json
from mnistlab.cli.training_options import dataset_option
from mnistlab.cli.words import figure, print_table, tell, words
from mnistlab.dependencies import require
from mnistlab.errors import Failure, UserError
from mnistlab.messages.sentences import Clause
from mnistlab.networks.fields import LISTS
from mnistlab.recipes.catalog import find_classifier
from mnistlab.recipes.grid import Setting, grid, typed
from mnistlab.recipes.settings import TYPES

if TYPE_CHECKING:
    from mnistlab.evaluation.sweeps import Spread, Standing
    from mnistlab.runs.run import Run
    from mnistlab.training.sweep import Outcome, Sweep, Trial

SWITCH = {"on": True, "true": True, "off": False, "false": False}


class SetType(click.ParamType[tuple[str, tuple[Any, ...]]]):
    """FIELD=VALUE,VALUE as the field and its values; a value that is itself a list has "+" for its commas."""

    name = "set"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The field and its values. Raises `UserError`, or ends in a usage error where a value is of another type."""
        field, equals, texts = str(value).partition("=")
        field = field.strip().removeprefix("--").replace("-", "_")
        if not equals:
            raise UserError("cli.set_without_values", value=value)
        if field not in TYPES:
            raise UserError("recipes.unknown_field", count=1, unknown=[field], fields=list(TYPES))
        return field, tuple(self.one(TYPES[field], text.strip(), param, ctx) for text in texts.split(","))

    def one(self, kind: Any, text: str, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """One value of the field's type."""
        if kind is not bool:
            return ValueType(kind).convert(text.replace("+", ",") if kind in LISTS else text, param, ctx)
        if text.lower() not in SWITCH:
            self.fail(words("cli.value_of_other_type", value=text, what=Clause("cli.switch_typed")), param, ctx)
        return SWITCH[text.lower()]


@click.command(
    epilog=examples(
        "mnistlab sweep default two-conv --seeds 10",
        "mnistlab sweep --set learning_rate=0.05,0.1,0.2",
        "mnistlab sweep two-conv --set widths=16+32,32+64 --set dropout=0,0.3 --test",
    )
)
@click.argument("recipes", nargs=-1, metavar="[RECIPE]...")
@click.option("--seeds", type=WholeRange(1, 1000), default=5, show_default=True, help="Trainings of each setting.")
@click.option("--first-seed", "first", type=WholeRange(0), default=0, show_default=True, help="The first one's seed.")
@click.option(
    "--set", "sets", metavar="FIELD=VALUE,...", type=SetType(), multiple=True,
    help="Train with each of these values of a recipe's field (see train --help); of several fields, with all combinations. +"
    " joins the values of a list: widths=16+32,32+64.",
)  # fmt: skip
@dataset_option
@click.option("--test", is_flag=True, help="Measure each run on the test images too, once; they decide nothing.")
@click.option("--cores", type=WholeRange(1), help="Cores that a training computes on; left out, all.")
@click.option(
    "--plot", metavar="FILE.png", type=click.Path(path_type=Path),
    help="Picture of the comparison.  [default: sweep.png in the runs folder]",
)  # fmt: skip
@device_option
@data_option
@download_option
@runs_option
@json_option
def sweep(
    recipes: tuple[str, ...],
    seeds: int,
    first: int,
    sets: tuple[tuple[str, tuple[Any, ...]], ...],
    dataset: str,
    test: bool,
    cores: int | None,
    plot: Path | None,
    device: str,
    data_dir: Path,
    download: bool,
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Train recipes with several seeds and settings, each an ordinary run, and compare them on validation.

    What is there already counts as done: a run in the runs folder of the same recipe, seed and dataset. So the same command goes
    on where it was stopped, and with more seeds or settings it trains only what is new.
    """
    require("train")
    from mnistlab.files import check_target
    from mnistlab.training.sweep import Sweep

    named = [field for field, _ in sets]
    if twice := sorted({field for field in named if named.count(field) > 1}):
        raise UserError("recipes.field_given_twice", twice=twice)
    settings = grid([find_classifier(name) for name in recipes or ("default",)], dict(sets))
    target = plot or runs_dir / "sweep.png"
    check_target(target, "sweep.png")
    plan = Sweep(
        tuple(settings), seeds, first, dataset=dataset, data_dir=data_dir, runs_dir=runs_dir, device=device,
        cores=cores or 0, test=test, download=download,
    )  # fmt: skip
    outcomes = carry_out(plan)
    finished = runs_by_setting(outcomes)
    failed = {trial: outcome for trial, outcome in outcomes.items() if isinstance(outcome, Failure)}
    for trial, failure in failed.items():
        reached = Clause(failure.key, **failure.values)
        tell("cli.sweep_trial", setting=trial.setting.title, seed=trial.seed, reached=reached, err=True)
    if any(finished.values()):
        common = ", ".join(typed((field, values[0]) for field, values in sets if len(values) == 1))
        report(plan, finished, outcomes, target, f", {common}" if common else "", as_json)
    if failed:
        raise Failure("training.sweep_failed", count=len(failed), total=len(outcomes))


def carry_out(plan: Sweep) -> dict[Trial, Outcome]:
    """Train what is not trained yet, and show it on standard error."""
    from rich.console import Console

    from mnistlab.cli.sweep_table import SweepTable
    from mnistlab.training.sweep import sweep as carry_out_sweep

    with SweepTable(Console(stderr=True), plan.trials) as table:
        return carry_out_sweep(plan, table)


def runs_by_setting(outcomes: Mapping[Trial, Outcome]) -> dict[Setting, dict[int, Run]]:
    """The finished runs of each setting by number."""
    from mnistlab.runs.run import Run

    found: dict[Setting, dict[int, Run]] = {trial.setting: {} for trial in outcomes}
    for trial, outcome in outcomes.items():
        if isinstance(outcome, Run):
            found[trial.setting][trial.number] = outcome
    return found


def report(
    plan: Sweep,
    finished: Mapping[Setting, Mapping[int, Run]],
    outcomes: Mapping[Trial, Outcome],
    target: Path,
    common: str,
    as_json: bool,
) -> None:
    """Draw what the settings reached, and print it; what they have in common stands above the picture."""
    from mnistlab.data.dataset import open_dataset
    from mnistlab.evaluation.figures import save_figure
    from mnistlab.evaluation.sweeps import draw_sweep, standings

    dataset = open_dataset(plan.dataset, plan.data_dir)
    rows = standings(finished, dataset)
    save_figure(draw_sweep(rows, f"{Path(dataset.spec.name).name}: {plan.seeds} trainings each{common}"), target)
    if as_json:
        trials = [trial_as_json(trial, outcome) for trial, outcome in outcomes.items()]
        settings = [standing_as_json(row) for row in rows]
        print_json({"dataset": dataset.spec.name, "settings": settings, "trials": trials, "plot": str(target)})
        return
    print_standings(rows)
    tell("cli.sweep_picture", path=target)


def print_standings(rows: Sequence[Standing]) -> None:
    """A line a setting, and what the columns mean that need it."""
    tested = any(row.test for row in rows)
    widest = max(len(row.setting.title) for row in rows)
    cells = [
        (
            row.setting.title, str(len(row.runs)), told_spread(row.val), told_interval(row.val),
            told_spread(row.behind.difference if row.behind else None),
            told_interval(row.behind.difference if row.behind else None),
            figure(row.behind.p_value, ".3g") if row.behind else "",
            *((told_spread(row.test), told_interval(row.test)) if tested else ()),
        )
        for row in rows
    ]  # fmt: skip
    forms = (f"<{widest}", ">5", ">15", ">16", ">14", ">16", ">6", *((">15", ">16") if tested else ()))
    print_table("columns.sweep_tested" if tested else "columns.sweep", forms, cells, gap="  ")
    if behind := next((row.behind for row in rows if row.behind), None):
        tell("cli.sweep_by_writer" if behind.by_writer else "cli.sweep_by_image")
    if rows[0].val and len(rows) > 1:
        tell("cli.sweep_best", setting=rows[0].setting.title)


def told_spread(spread: Spread | None) -> str:
    """Mean ± standard deviation in percent."""
    if spread is None:
        return ""
    deviation = "" if spread.std is None else " ± " + figure(100 * spread.std, ".3f")
    return figure(100 * spread.mean, ".3f") + deviation


def told_interval(spread: Spread | None) -> str:
    """The mean's interval in percent."""
    if spread is None or spread.interval is None:
        return ""
    low, high = (100 * bound for bound in spread.interval)
    return words("cli.sweep_interval", low=low, high=high)


def trial_as_json(trial: Trial, outcome: Outcome) -> dict[str, Any]:
    """A training in plain types: its run, or why there is none."""
    about: dict[str, Any] = {"setting": trial.setting.title, "number": trial.number, "seed": trial.seed}
    if isinstance(outcome, Failure):
        return {**about, "run": None, "error": str(outcome)}
    return {**about, "run": str(outcome.path), "error": None}


def standing_as_json(row: Standing) -> dict[str, Any]:
    """A setting and what it reached, in plain types."""
    return {
        "setting": row.setting.title,
        "recipe": row.setting.recipe.to_dict(),
        "numbers": list(row.runs),
        "val": asdict(row.val) if row.val else None,
        "test": asdict(row.test) if row.test else None,
        "behind_best": asdict(row.behind) if row.behind else None,
    }
