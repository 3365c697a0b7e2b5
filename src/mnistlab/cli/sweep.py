"""`mnistlab sweep`: compare many training runs on the validation images."""

from __future__ import annotations

from collections.abc import Mapping
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
from mnistlab.cli.training_options import dataset_option
from mnistlab.cli.words import tell, words
from mnistlab.dependencies import require
from mnistlab.errors import Failure, UserError
from mnistlab.messages.sentences import Clause
from mnistlab.recipes.catalog import find_classifier
from mnistlab.recipes.grid import Setting, grid, typed
from mnistlab.recipes.settings import TYPES

if TYPE_CHECKING:
    from mnistlab.runs.run import Run
    from mnistlab.training.sweep import Engine, Outcome, Sweep, Trial

SWITCH = {"on": True, "true": True, "off": False, "false": False}


class SetType(click.ParamType[tuple[str, tuple[Any, ...]]]):
    """Converts FIELD=VALUE,VALUE to the field and its values; a value that is itself a list has "+" instead of commas."""

    name = "set"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The field and its values. Raises `UserError` for an unknown field, and a usage error for a value of the wrong type."""
        field, equals, texts = str(value).partition("=")
        field = field.strip().removeprefix("--").replace("-", "_")
        if not field or not equals:
            raise UserError("cli.set_without_values", value=value)
        if field not in TYPES:
            raise UserError("recipes.unknown_field", count=1, unknown=[field], fields=list(TYPES))
        return field, tuple(self.one(TYPES[field], text.strip(), param, ctx) for text in texts.split(","))

    def one(self, kind: Any, text: str, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """One value, converted to the field's type."""
        if kind is not bool:
            return ValueType(kind, between="+").convert(text, param, ctx)
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
@click.option(
    "--seeds",
    type=WholeRange(1, 1000),
    default=5,
    show_default=True,
    help="Number of training runs of each setting, each with its own seed.",
)
@click.option(
    "--first-seed",
    "first",
    type=WholeRange(0),
    default=0,
    show_default=True,
    help="Seed of the first run of each setting.",
)
@click.option(
    "--set", "sets", metavar="FIELD=VALUE,...", type=SetType(), multiple=True,
    help="Train with each of these values of a recipe's field (see `mnistlab train --help`); if given for several fields, "
    "with all combinations. A + joins the values of a list: widths=16+32,32+64.",
)  # fmt: skip
@dataset_option
@click.option("--test", is_flag=True, help="Also measure each run on the test images, once; no choice is made on them.")
@click.option("--cores", type=WholeRange(1), help="Cores that each training run uses; all by default.")
@click.option(
    "--engine", type=click.Choice(["plain", "ray"]), default="plain", show_default=True,
    help="With plain, networks are trained one after the other; with ray, as many at once as there is room for.",
)  # fmt: skip
@click.option("--address", metavar="HOST:PORT", help="Ray cluster to train on; by default, only this computer.")
@click.option(
    "--gpus",
    metavar="NUMBER",
    type=ValueType(float),
    help="Number of GPUs, such as 0.25, that each training run takes on Ray; none by default.",
)
@click.option(
    "--plot", metavar="FILE.png", type=click.Path(path_type=Path),
    help="Where to save the picture of the comparison.  [default: sweep.png in the runs folder]",
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
    engine: str,
    address: str | None,
    gpus: float | None,
    plot: Path | None,
    device: str,
    data_dir: Path,
    download: bool,
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Train once for each combination of recipe, settings and seed, and compare the runs on the validation images.

    A finished run in the runs folder, with the same recipe, seed and dataset, counts as done. So the same command
    continues where it was stopped, and with more seeds or settings, it carries out only the new runs.
    """
    require("train")
    if engine == "ray":
        require("scale", "ray")
    elif given := [option for option, value in (("--address", address), ("--gpus", gpus)) if value is not None]:
        raise UserError("cli.only_on_ray", options=given)
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
    outcomes = carry_out(plan, engine_called(engine, address, gpus))
    finished = runs_by_setting(outcomes)
    failed = {trial: outcome for trial, outcome in outcomes.items() if isinstance(outcome, Failure)}
    for trial, failure in failed.items():
        reached = Clause(failure.key, **failure.values)
        tell("cli.sweep_trial", setting=trial.setting.title, seed=trial.seed, reached=reached, err=True)
    if any(finished.values()):
        from mnistlab.cli.sweep_report import report

        common = ", ".join(typed((field, values[0]) for field, values in sets if len(values) == 1))
        report(plan, finished, outcomes, target, f", {common}" if common else "", as_json)
    if failed:
        raise Failure("training.sweep_failed", count=len(failed), total=len(outcomes))


def engine_called(name: str, address: str | None, gpus: float | None) -> Engine:
    """The engine called `name`, which carries out the trials."""
    if name == "plain":
        from mnistlab.training.sweep import one_after_the_other

        return one_after_the_other
    from mnistlab.training.ray_engine import RayEngine

    return RayEngine(address, gpus or 0.0)


def carry_out(plan: Sweep, engine: Engine) -> dict[Trial, Outcome]:
    """Carry out the trials that have no finished run yet, and show the progress on standard error."""
    from rich.console import Console

    from mnistlab.cli.sweep_table import SweepTable
    from mnistlab.training.sweep import sweep as carry_out_sweep

    with SweepTable(Console(stderr=True), plan.trials) as table:
        return carry_out_sweep(plan, table, engine)


def runs_by_setting(outcomes: Mapping[Trial, Outcome]) -> dict[Setting, dict[int, Run]]:
    """The finished runs of each setting, each run under its trial's number."""
    from mnistlab.runs.run import Run

    found: dict[Setting, dict[int, Run]] = {trial.setting: {} for trial in outcomes}
    for trial, outcome in outcomes.items():
        if isinstance(outcome, Run):
            found[trial.setting][trial.number] = outcome
    return found
