"""`mnistlab evaluate`: measure a run's saved model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.options import (
    FOLDER,
    device_option,
    examples,
    json_option,
    runs_option,
)
from mnistlab.cli.output import print_json, print_score
from mnistlab.cli.words import figure, percent, print_table, tell, words
from mnistlab.dependencies import require
from mnistlab.errors import UserError

if TYPE_CHECKING:
    from mnistlab.evaluation.result import Evaluation


@click.command(
    epilog=examples("mnistlab evaluate", "mnistlab evaluate runs/20261122-101500-two-conv-seed0 --json",
                    "mnistlab evaluate latest --split val", "mnistlab evaluate latest --by-writer",
                    "mnistlab evaluate latest --corruptions"),
)  # fmt: skip
@click.argument("run", default="latest")
@click.option(
    "--split", type=click.Choice(["val", "test"]), default="test", show_default=True, help="Images to measure on."
)
@click.option(
    "--by-writer",
    is_flag=True,
    help="Instead of classes, show the writers with the most errors, draw their digits, and say "
    "how well numbers made of one writer's digits are read.",
)
@click.option(
    "--corruptions",
    is_flag=True,
    help="Also measure on test images with noise, blur, fog, stripes and more, as in MNIST-C, and draw these images.",
)
@click.option("--data-dir", type=FOLDER, default=None, help="Folder that holds the data.  [default: the run's]")
@device_option
@runs_option
@json_option
def evaluate(
    run: str,
    split: str,
    by_writer: bool,
    corruptions: bool,
    data_dir: Path | None,
    device: str,
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Measure a run's saved model (accuracy, 95 % interval, each class, calibration) and, for the test split, redraw the run's
    pictures.

    The 95 % interval treats each image as an independent trial. If the writers are known (MNIST), a second interval treats each
    writer as an independent trial, and says what to expect with other people's digits. For the accuracy "on corrected
    labels", MNIST's wrong labels are replaced by those that people agreed on, and the few images on which they did not agree
    are left out.

    RUN is a run's folder, its name, or "latest" (the default). In the JSON, the results on the split are under "score"
    and, in this version only, once more under the old name "test".
    """
    if corruptions and split == "val":
        raise UserError("cli.corruptions_of_test_images")
    require("train")
    from mnistlab.runs.store import find_run

    found = find_run(run, runs_dir)
    if not found.is_classifier and (by_writer or corruptions):
        option = "--by-writer" if by_writer else "--corruptions"
        raise UserError("cli.for_classifiers", option=option, run=found.path, does=found.recipe.does)
    from mnistlab.evaluation import plots
    from mnistlab.evaluation.evaluate import evaluate_run

    if by_writer:
        from mnistlab.evaluation.hands import check_writers, draw_hardest, hardest_writers, measured_on, read_numbers

        check_writers(found)
    evaluation = evaluate_run(found, "val" if split == "val" else "test", device=device, data_dir=data_dir)
    if split == "test":
        plots.draw_run(found, evaluation)
    more: dict[str, Any] = {}
    if corruptions:
        from mnistlab.evaluation.corrupted import evaluate_corrupted

        more["corruptions"] = evaluate_corrupted(found, device=device, data_dir=data_dir).to_dict()
    if by_writer:
        written = measured_on(found, evaluation, data_dir)
        numbers, drawn = read_numbers(evaluation, written), draw_hardest(found, evaluation, written)
        more |= {"writers": hardest_writers(evaluation), "numbers": numbers, "picture": str(drawn)}
    if as_json:
        score = evaluation.score()
        print_json({"run": str(found.path), "split": evaluation.split, "score": score, "test": score, **more})
        return
    print_score(evaluation)
    if by_writer:
        print_writers(more["writers"], more["numbers"], more["picture"])
    if corruptions:
        print_corruptions(**more["corruptions"])
    if not by_writer and not corruptions:
        print_classes(evaluation, "cli.mean_loss_in_nats" if found.is_classifier else "cli.mean_loss")


def print_writers(writers: list[dict[str, int]], numbers: dict[str, float], picture: str) -> None:
    """Print how many writers have misread digits, who has the most, how well numbers made of one writer's digits are read, and
    the picture's path."""
    wrong = [row for row in writers if row["errors"]]
    errors = sum(row["errors"] for row in wrong)
    click.echo()
    told = "cli.hardest_writers" if wrong else "cli.no_writer_misread"
    tell(told, errors=errors, wrong=len(wrong), writers=len(writers))
    rows = [
        (str(row["writer"]), str(row["images"]), str(row["errors"]), percent(1 - row["errors"] / row["images"]))
        for row in wrong[:12]
    ]
    if rows:
        print_table("columns.writers", ("<8", ">7", ">8", ">8"), rows)
    click.echo()
    tell("cli.numbers_by_one_hand")
    for kind, fraction in numbers.items():
        click.echo(f"{words(NUMBER_NAMES[kind]):<14} {percent(fraction):>7} %")
    click.echo()
    tell("cli.hardest_digits", picture=picture)


def print_corruptions(by_name: dict[str, dict[str, Any]], mean_error: float, picture: str) -> None:
    """Print the error rate for each corruption, the mean of these rates, and where the picture of the corruptions is."""
    rows = [(name.replace("_", " "), percent(1 - score["accuracy"])) for name, score in by_name.items()]
    click.echo()
    print_table("columns.corruptions", ("<16", ">8"), [*rows, (words("columns.mean"), percent(mean_error))])
    click.echo()
    tell("cli.corrupted_digits", picture=picture)


NUMBER_NAMES = {"zip": "numbers.zip", "amount": "numbers.amount", "time": "numbers.time"}


def print_classes(evaluation: Evaluation, loss: str) -> None:
    """Print the message `loss` (mean loss, calibration error), a row per class, and the mistakes on wrongly labelled images."""
    tell(loss, loss=evaluation.mean_loss, error=100 * evaluation.calibration_error)
    counts = evaluation.confusion.sum(axis=1).tolist()
    rows = [
        (name, percent(precision), percent(recall), figure(count, ","))
        for name, precision, recall, count in zip(
            evaluation.classes, evaluation.precision, evaluation.recall, counts, strict=True
        )
    ]
    click.echo()
    print_table("columns.classes", ("<12", ">10", ">8", ">9"), rows)
    known = [f"#{m.index}" for m in evaluation.mistakes if m.label_known_wrong]
    if known:
        click.echo()
        tell("cli.labels_known_wrong", mistakes=len(evaluation.mistakes), count=len(known), known=known)
