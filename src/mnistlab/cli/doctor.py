"""`mnistlab doctor`: check the machine, a run or a model."""

from __future__ import annotations

from pathlib import Path

import click

from mnistlab.cli.options import (
    DATA_HELP,
    FOLDER,
    device_option,
    examples,
    json_option,
    runs_option,
)
from mnistlab.cli.output import print_checks, print_json
from mnistlab.cli.training_options import dataset_option
from mnistlab.dependencies import require
from mnistlab.errors import UserError


@click.command(
    epilog=examples(
        "mnistlab doctor", "mnistlab doctor latest", "mnistlab doctor model.pth --code network.py:NeuralNet"
    ),
)
@click.argument("target", metavar="[RUN|MODEL.pth]", required=False)
@click.option(
    "--code", metavar="FILE.py:CLASS", help="The class of the network whose state_dict MODEL.pth holds; FILE.py is run."
)
@dataset_option
@device_option
@click.option("--data-dir", type=FOLDER, help=f"{DATA_HELP}  [default: data, or the run's]")
@runs_option
@json_option
def doctor(
    target: str | None,
    code: str | None,
    dataset: str,
    device: str,
    data_dir: Path | None,
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Check this machine; or a run or a saved model: double softmax, wrong input, dead ReLUs.

    A softmax that stands in the network is seen in its outputs, one that stands in the training loop in the run's losses;
    in weights alone it can only be suspected, where they are far too sure. Exit code 1 where there is a problem.
    """
    require("train", "scipy", "torch")
    from mnistlab.doctor import machine
    from mnistlab.doctor import model as checks
    from mnistlab.runs.store import find_run

    if target is None:
        if code is not None:
            raise UserError("cli.code_without_model")
        if unused := given("dataset"):
            raise UserError("cli.unused_for_machine", options=unused)
        found = machine.check_machine(data_dir or Path("data"), runs_dir, device)
    elif device.partition(":")[0] not in ("auto", "cpu"):
        raise UserError("cli.models_checked_on_cpu", device=device)
    elif Path(target).is_file() or target.endswith((".pth", ".pt")):
        found = checks.check_model(Path(target), data_dir or Path("data"), dataset=dataset, code=code)
    else:
        run = find_run(target, runs_dir)
        if unused := given("code", "dataset"):
            raise UserError("cli.unused_for_run", options=unused, run=run.path)
        found = checks.check_run(run, data_dir)
    if as_json:
        print_json({"checks": [check.to_dict() for check in found]})
    else:
        print_checks(found)
    if any(check.verdict == "problem" for check in found):
        click.get_current_context().exit(1)


def given(*names: str) -> list[str]:
    """Those of the options that stand on the command line."""
    context = click.get_current_context()
    return [f"--{name}" for name in names if context.get_parameter_source(name) != click.core.ParameterSource.DEFAULT]
