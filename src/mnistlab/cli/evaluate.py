"""`mnistlab evaluate`: measure a run's saved model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mnistlab.cli.options import (
    FOLDER,
    device_option,
    examples,
    json_option,
    runs_option,
)
from mnistlab.cli.output import percent, print_json, print_score
from mnistlab.messages.sentences import counted

if TYPE_CHECKING:
    from mnistlab.evaluation.result import Evaluation


@click.command(
    epilog=examples("mnistlab evaluate", "mnistlab evaluate runs/20261122-101500-two-conv-seed0 --json",
                    "mnistlab evaluate latest --split val"),
)  # fmt: skip
@click.argument("run", default="latest")
@click.option(
    "--split", type=click.Choice(["val", "test"]), default="test", show_default=True, help="What to measure on."
)
@click.option("--data-dir", type=FOLDER, default=None, help="Folder that holds the data.  [default: the run's]")
@device_option
@runs_option
@json_option
def evaluate(run: str, split: str, data_dir: Path | None, device: str, runs_dir: Path, as_json: bool) -> None:
    """Measure a run's saved model: accuracy, 95 % interval, each class, calibration; draw its pictures anew.

    RUN is a run's folder, its name, or "latest" (the default). In the JSON, "score" holds what was measured on the split; "test"
    holds the same, for this version only.
    """
    from mnistlab.runs.store import find_run

    found = find_run(run, runs_dir)
    from mnistlab.evaluation import plots
    from mnistlab.evaluation.evaluate import evaluate_run

    evaluation = evaluate_run(found, "val" if split == "val" else "test", device=device, data_dir=data_dir)
    if split == "test":
        plots.draw_run(found, evaluation)
    if as_json:
        score = evaluation.score()
        print_json({"run": str(found.path), "split": split, "score": score, "test": score})
        return
    print_score(evaluation)
    print_classes(evaluation)


def print_classes(evaluation: Evaluation) -> None:
    """Loss and calibration error, a row for each class, and the mistakes on labels that are known to be wrong."""
    click.echo(
        f"mean loss {evaluation.mean_loss:.4f} nats, calibration error {100 * evaluation.calibration_error:.2f} %"
    )
    click.echo("\nclass         precision   recall  examples")
    counts = evaluation.confusion.sum(axis=1).tolist()
    rows = zip(evaluation.classes, evaluation.precision, evaluation.recall, counts, strict=True)
    for name, precision, recall, count in rows:
        click.echo(f"{name:<12} {percent(precision):>10} {percent(recall):>8} {count:>9,}")
    known = [m for m in evaluation.mistakes if m.label_known_wrong]
    if known:
        click.echo(
            f"\n{counted(len(evaluation.mistakes), 'mistake')}, of which {len(known)} on labels known to be wrong: "
            + ", ".join(f"#{m.index}" for m in known)
        )
