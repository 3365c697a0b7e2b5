"""`mnistlab ensemble`: combine finished runs into one model."""

from __future__ import annotations

from pathlib import Path

import click

from mnistlab.cli.options import (
    FOLDER,
    device_option,
    examples,
    json_option,
    runs_option,
)
from mnistlab.cli.output import print_json, print_score
from mnistlab.cli.words import tell
from mnistlab.dependencies import require


@click.command(
    epilog=examples("mnistlab ensemble RUN-A RUN-B RUN-C", "mnistlab train ensemble"),
)
@click.argument("names", nargs=-1, required=True, metavar="RUN RUN...")
@click.option("--data-dir", type=FOLDER, default=None, help="Folder that holds the data.  [default: the first run's]")
@device_option
@runs_option
@json_option
def ensemble(names: tuple[str, ...], data_dir: Path | None, device: str, runs_dir: Path, as_json: bool) -> None:
    """Combine finished runs into a new run whose model averages their models' probabilities, and test that model once."""
    require("train")
    from mnistlab.runs.store import find_run

    found = [find_run(name, runs_dir) for name in names]
    from mnistlab.training.ensembles import combine

    run, evaluation = combine(found, runs_dir=runs_dir, data_dir=data_dir, device=device)
    if as_json:
        print_json(
            {"run": str(run.path), "members": [str(member.path) for member in found], "test": evaluation.score()}
        )
        return
    print_score(evaluation)
    tell("cli.ensemble_made", count=len(found), run=run.path)
