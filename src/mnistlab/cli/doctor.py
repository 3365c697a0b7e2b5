"""`mnistlab doctor`: check the machine, a run or a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mnistlab.cli.options import (
    DATA_HELP,
    FOLDER,
    ValueType,
    device_option,
    examples,
    json_option,
    runs_option,
)
from mnistlab.cli.output import print_checks, print_json
from mnistlab.cli.training_options import dataset_option
from mnistlab.dependencies import require
from mnistlab.errors import UserError, told

if TYPE_CHECKING:
    from mnistlab.doctor.check import Check


@click.command(
    epilog=examples(
        "mnistlab doctor",
        "mnistlab doctor latest",
        "mnistlab doctor model.pth --code network.py:NeuralNet",
        "mnistlab doctor --code network.py:NeuralNet --train training.py:train",
    ),
)
@click.argument("target", metavar="[RUN|MODEL.pth]", required=False)
@click.option(
    "--code",
    metavar="FILE.py:CLASS",
    help="The class of your network; FILE.py is executed. MODEL.pth must hold its state_dict; "
    "without MODEL.pth, the network is tried out untrained.",
)
@click.option(
    "--train",
    metavar="FILE.py:FUNCTION",
    help="Also try out two steps of your training, by calling FUNCTION(model, loader).",
)
@click.option(
    "--limit",
    type=ValueType(float),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="How many seconds your code may take.",
)
@dataset_option
@device_option
@click.option("--data-dir", type=FOLDER, help=f"{DATA_HELP}  [default: data, or the run's]")
@runs_option
@json_option
def doctor(
    target: str | None,
    code: str | None,
    train: str | None,
    limit: float,
    dataset: str,
    device: str,
    data_dir: Path | None,
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Check this machine; a run or a saved model (double softmax, wrong input, dead ReLUs); or the code of your network and
    its training (common mistakes, with their remedies).

    A softmax in the network shows in its outputs, and one in the training loop shows in the run's losses. If only
    the weights are given, a softmax in the training loop can only be suspected, from answers that are far too
    confident. The exit code is 1 if there is a problem.
    """
    require("train", "scipy", "torch")
    if code is None and train is not None:
        raise UserError("cli.train_without_code")
    if code is not None and is_model_file(target):
        show(check_learners(target, code, train, limit, dataset, device, data_dir), as_json)
        return
    if is_model_file(target) and (unused := given("dataset", "limit")):
        raise UserError("cli.unused_without_code", options=unused)
    from mnistlab.doctor import machine
    from mnistlab.doctor import model as checks
    from mnistlab.runs.store import find_run

    if target is None:
        found = machine.check_machine(data_dir or Path("data"), runs_dir, device)
    elif is_model_file(target):
        check_device(device)
        found = checks.check_model(Path(target), data_dir or Path("data"))
    else:
        check_device(device)
        run = find_run(target, runs_dir)
        if unused := given("code", "train", "limit", "dataset"):
            raise UserError("cli.unused_for_run", options=unused, run=run.path)
        found = checks.check_run(run, data_dir)
    show(found, as_json)


def is_model_file(target: str | None) -> bool:
    """Whether the target is a saved model rather than a run; true if there is no target."""
    return target is None or Path(target).is_file() or target.endswith((".pth", ".pt"))


def check_device(device: str) -> None:
    """Raise `UserError` for any device other than "cpu" or "auto"."""
    if device.partition(":")[0] not in ("auto", "cpu"):
        raise UserError("cli.models_checked_on_cpu", device=device)


def check_learners(
    target: str | None, code: str, train: str | None, limit: float, dataset: str, device: str, data_dir: Path | None
) -> list[Check]:
    """Check the user's code in a separate process; what the code prints goes to standard error."""
    from mnistlab.doctor.apart import check_apart

    check_device(device)
    if train is not None and target is not None:
        raise UserError("cli.train_and_weights", path=target)
    if not 1 <= limit <= 86_400:
        raise UserError("cli.limit_out_of_range", limit=told(limit))
    weights = Path(target) if target else None
    found, printed = check_apart(
        code, data_dir or Path("data"), weights=weights, train=train, dataset=dataset, limit=limit
    )
    click.echo(printed, nl=False, err=True)
    return found


def show(found: list[Check], as_json: bool) -> None:
    """Print the checks, and exit with code 1 if there is a problem."""
    if as_json:
        print_json({"checks": [check.to_dict() for check in found]})
    else:
        print_checks(found)
    if any(check.verdict == "problem" for check in found):
        click.get_current_context().exit(1)


def given(*names: str) -> list[str]:
    """The options among `names` that were given on the command line, with their dashes."""
    context = click.get_current_context()
    return [f"--{name}" for name in names if context.get_parameter_source(name) != click.core.ParameterSource.DEFAULT]
