"""How well a model reads each writer: a picture of the hardest writers' digits, and how many numbers are read correctly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.catalog import DATASETS
from mnistlab.data.dataset import open_dataset
from mnistlab.data.numbers import KINDS, read_right, write_numbers
from mnistlab.data.splits import Split, read_split, split_writers
from mnistlab.errors import UserError
from mnistlab.evaluation.figures import GREY, blank_figure, label_text, lay_out, save_figure
from mnistlab.evaluation.result import Evaluation
from mnistlab.messages.sentences import counted
from mnistlab.runs.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Written", "check_writers", "draw_hardest", "hardest_writers", "measured_on", "read_numbers"]


HANDS, DIGITS = 8, 14
"""How many writers the picture shows at most, and how many digits of each."""


Written = tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int16]]
"""Images uint8 (N, H, W), labels int64 (N,), and who wrote each, int16 (N,)."""


def check_writers(run: Run) -> None:
    """Raise `UserError` if the writers of the run's dataset are unknown."""
    if run.dataset not in DATASETS or not DATASETS[run.dataset].writers:
        raise UserError("evaluation.writers_unknown", dataset=run.dataset)


def hardest_writers(evaluation: Evaluation) -> list[dict[str, int]]:
    """Each writer's number, how many images the writer wrote, and how many were misread; empty if the writers are unknown.

    Writers with the most errors come first; among equals, those with the fewest images.
    """
    counts = [] if evaluation.by_writer is None else evaluation.by_writer.tolist()
    rows = [{"writer": number, "images": images, "errors": images - right} for number, images, right in counts]
    return sorted(rows, key=lambda row: (-row["errors"], row["images"], row["writer"]))


def measured_on(run: Run, evaluation: Evaluation, data_dir: str | Path | None = None) -> Written:
    """Images, labels and writers of the split that was evaluated. Raises `UserError` if the writers are unknown."""
    check_writers(run)
    dataset = open_dataset(run.dataset, run.find_data(data_dir))
    split = cast(Split, evaluation.split)
    writers = split_writers(dataset, split)
    assert writers is not None  # noqa: S101 - for mypy: `check_writers` has checked this
    return *read_split(dataset, split), writers


def read_numbers(evaluation: Evaluation, written: Written, count: int = 10_000) -> dict[str, float]:
    """For each kind of number (see `mnistlab.data.numbers`), the fraction (0 to 1) of `count` numbers read without an error."""
    _, labels, writers = written
    wrong = {mistake.index for mistake in evaluation.mistakes}
    return {kind: read_right(write_numbers(kind, labels, writers, count), wrong) for kind in KINDS}


def draw_hardest(run: Run, evaluation: Evaluation, written: Written) -> Path:
    """Draw digits by the writers with the most errors, save the picture in the run folder, and return its path.

    Raises `UserError` or `Failure` if the picture cannot be written.
    """
    path = run.path / ("writers.png" if evaluation.split == "test" else f"writers-{evaluation.split}.png")
    save_figure(hardest_hands(evaluation, *written), path)
    return path


def hardest_hands(
    evaluation: Evaluation, images: NDArray[np.uint8], labels: NDArray[np.int64], writers: NDArray[np.int16]
) -> Figure:
    """A row of digits for each of the writers with the most errors: first the misread digits, then others by the same writer."""
    mistakes = {mistake.index: mistake for mistake in evaluation.mistakes}
    hardest = [row for row in hardest_writers(evaluation)[:HANDS] if row["errors"]]
    figure = blank_figure(DIGITS * 0.82 + 1.6, max(1, len(hardest)) * 1.12 + 0.9)
    grid = figure.subplots(max(1, len(hardest)), DIGITS + 1, squeeze=False, width_ratios=[1.9] + [1.0] * DIGITS)
    for axes in grid.flat:
        axes.axis("off")
    if not hardest:
        grid[0, 0].text(0, 0.5, "no mistakes", fontsize=12)
    for row, hand in zip(grid, hardest, strict=False):
        own = np.flatnonzero(writers == hand["writer"]).tolist()
        what = f"writer {hand['writer']}\n{counted(hand['errors'], 'error')}\nin {counted(hand['images'], 'image')}"
        row[0].text(0, 0.5, what, fontsize=9, va="center", transform=row[0].transAxes)
        shown = sorted(own, key=lambda index: index not in mistakes)[:DIGITS]
        for axes, index in zip(row[1:], shown, strict=False):
            axes.imshow(images[index], cmap="gray_r", vmin=0, vmax=255)
            label = label_text(evaluation.classes[labels[index]])
            if (mistake := mistakes.get(index)) is None:
                axes.set_title(label, fontsize=8, color=GREY, pad=2)
            else:
                read = label_text(evaluation.classes[mistake.predicted])
                axes.set_title(f"{read}, not {label}", fontsize=8, color="firebrick", pad=2)
    title = (
        f"The hardest of {counted(len(set(writers.tolist())), 'writer')} in {evaluation.split}: misread digits first"
    )
    figure.suptitle(title, fontweight="bold")
    lay_out(figure)
    return figure
