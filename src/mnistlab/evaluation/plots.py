"""Runs, evaluations and batches as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import rounded
from mnistlab.evaluation.figures import (
    BLUE,
    GREY,
    ORANGE,
    blank_figure,
    label_text,
    lay_out,
    plain_text,
    save_figure,
    tidy,
)
from mnistlab.evaluation.finds import FinderEvaluation
from mnistlab.evaluation.lines import LineEvaluation
from mnistlab.evaluation.result import Evaluation, Mistake
from mnistlab.evaluation.scenes import draw_scenes
from mnistlab.evaluation.strips import draw_strips
from mnistlab.messages.sentences import counted
from mnistlab.runs.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["data_gallery", "draw_confusion", "draw_curves", "draw_mistakes", "draw_run"]


def draw_run(run: Run, evaluation: Evaluation) -> list[Path]:
    """Draw the run's training curves, confusion matrix, and worst mistakes (or scenes, or strips); return the pictures' paths."""
    title = f"{run.recipe.name} on {run_dataset_title(run)}"
    if isinstance(evaluation, FinderEvaluation):
        words = {"score": "digits found and right", "loss": "weighted sum of losses"}
        curves, last = draw_curves(run.metrics, title, **words), draw_scenes(evaluation)
    elif isinstance(evaluation, LineEvaluation):
        words = {"score": "lines read exactly", "loss": "CTC loss per line (nats)"}
        curves, last = draw_curves(run.metrics, title, **words), draw_strips(evaluation)
    else:
        label = "training, with smoothed labels" if run.classifier.optimisation.label_smoothing else "training"
        curves, last = draw_curves(run.metrics, title, label, run.unit), draw_mistakes(evaluation)
    pictures = {"training.png": curves, "confusion.png": draw_confusion(evaluation), run.recipe.picture: last}
    for name, figure in pictures.items():
        save_figure(figure, run.path / name)
    return [run.path / name for name in pictures]


def run_dataset_title(run: Run) -> str:
    return Path(run.dataset).name if Path(run.dataset).is_absolute() else run.dataset


def draw_curves(
    metrics: Sequence[dict[str, Any]],
    title: str,
    train_label: str = "training",
    unit: str = "epoch",
    *,
    score: str = "accuracy",
    loss: str = "cross-entropy (nats)",
) -> Figure:
    """Loss (left) and validation accuracy (right) over the epochs, or over an ensemble's members; the loss is
    drawn over the steps if every row of `metrics` has `losses`.

    If there is only one epoch, no accuracy curve is drawn, and the loss fills the picture. `train_label` names the training loss
    in the legend, `loss` says what kind of loss it is, and `score` says what the accuracy measures.
    """
    figure = blank_figure(9, 3.6)
    panels = figure.subplots(1, min(2, max(1, len(metrics))), squeeze=False)
    accuracy = [100 * row["val_accuracy"] for row in metrics if row["val_accuracy"] is not None]
    reached = f"alidation {score}: {accuracy[-1]:.2f} % at the end" if accuracy else ""
    draw_loss(panels[0, 0], metrics, train_label, unit)
    panels[0, 0].set_ylabel(loss)
    if len(metrics) > 1:
        draw_accuracy(panels[0, 1], metrics, unit)
        panels[0, 1].set_title(f"V{reached}" if accuracy else f"Validation {score}")
    elif accuracy:
        panels[0, 0].set_title(f"Loss; v{reached}")
    figure.suptitle(plain_text(title), fontweight="bold")
    lay_out(figure)
    return figure


def draw_loss(axes: Axes, metrics: Sequence[dict[str, Any]], train_label: str, unit: str) -> None:
    """Training loss, by step or by epoch, and validation loss at the end of each epoch."""
    by_step = bool(metrics) and all(row.get("losses") for row in metrics)
    place = "step" if by_step else unit
    validated = [row for row in metrics if row["val_accuracy"] is not None]
    steps, losses = (
        loss_course(metrics) if by_step else ([row[unit] for row in metrics], [row["train_loss"] for row in metrics])
    )
    axes.plot(steps, losses, "-" if by_step and len(steps) > 1 else "o-", color=BLUE, label=train_label)
    axes.plot(
        [row[place] for row in validated],
        [row["val_loss"] for row in validated],
        "o-",
        color=ORANGE,
        label="validation",
    )
    axes.set(title="Loss", xlabel="step" if by_step else unit, ylim=(0, None))
    axes.legend(frameon=False)
    if by_step:
        axes.set_xlim(0, max(1.02 * metrics[-1]["step"], metrics[-1]["step"] + 0.3))
    else:
        axes.set_xlim(*around(metrics, unit))
    mark_whole(axes)


def draw_accuracy(axes: Axes, metrics: Sequence[dict[str, Any]], unit: str) -> None:
    """Validation accuracy in percent at the end of each epoch."""
    validated = [row for row in metrics if row["val_accuracy"] is not None]
    accuracy = [100 * row["val_accuracy"] for row in validated]
    axes.plot([row[unit] for row in validated], accuracy, "o-", color=ORANGE)
    axes.set(xlabel=unit, ylabel="%")
    if accuracy:
        margin = 0.1 * (max(accuracy) - min(accuracy)) or 0.5
        axes.set_ylim(min(accuracy) - margin, min(100, max(accuracy) + margin))
    axes.set_xlim(*around(metrics, unit))
    mark_whole(axes)


def loss_course(metrics: Sequence[dict[str, Any]]) -> tuple[list[float], list[float]]:
    """For each part into which the epochs are divided: the step in its middle, counted from 1, and its mean loss."""
    steps: list[float] = []
    began = 0
    for row in metrics:
        edges = np.linspace(began, row["step"], len(row["losses"]) + 1)
        steps += ((edges[1:] + edges[:-1] + 1) / 2).tolist()
        began = row["step"]
    return steps, [loss for row in metrics for loss in row["losses"]]


def around(metrics: Sequence[dict[str, Any]], unit: str) -> tuple[float, float]:
    """The lower and upper limits of an axis that shows epochs or an ensemble's members."""
    return 0.7, max((row[unit] for row in metrics), default=1) + 0.3


def mark_whole(axes: Axes) -> None:
    """Put ticks only at whole numbers (of steps, epochs or members)."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    tidy(axes)


def draw_confusion(evaluation: Evaluation) -> Figure:
    """How often each class (row) was read as each class (column). Colour shows the mistakes, and the diagonal stays pale."""
    classes = len(evaluation.classes)
    side = min(4 + 0.36 * classes, 20)
    figure = blank_figure(side, side)
    axes = figure.subplots()
    mistakes = evaluation.confusion.copy()
    np.fill_diagonal(mistakes, 0)
    most = max(int(mistakes.max()), 1)
    axes.imshow(np.sqrt(mistakes), cmap="Reds", vmin=0, vmax=np.sqrt(most) * 1.2)
    for row in range(classes):
        for column in range(classes):
            count = int(evaluation.confusion[row, column])
            if count and (row == column or classes <= 30):
                white = row != column and count > 0.6 * most
                color = GREY if row == column else "white" if white else "black"
                axes.text(column, row, str(count), ha="center", va="center", fontsize=8, color=color)
    rotate: dict[str, Any] = {"rotation": 45, "ha": "right"} if max(map(len, evaluation.classes)) > 2 else {}
    names = [label_text(name) for name in evaluation.classes]
    axes.set_xticks(range(classes), names, **rotate)
    axes.set_yticks(range(classes), names)
    axes.set(xlabel="read as", ylabel="label")
    low, high = evaluation.interval
    axes.set_title(
        f"{evaluation.split}: {evaluation.correct:,} of {evaluation.total:,} right, {100 * evaluation.accuracy:.2f} %\n"
        f"95 % interval {100 * low:.2f} to {100 * high:.2f} %",
        fontsize=11,
    )
    lay_out(figure)
    return figure


def draw_mistakes(evaluation: Evaluation, most: int = 40) -> Figure:
    """The most confident mistakes, the worst first; a mistake's title is grey if its label is known to be wrong."""
    worst = sorted(evaluation.mistakes, key=lambda m: m.label_probability - m.probability)[:most]
    columns = 8
    rows = max(1, -(-len(worst) // columns))
    figure = blank_figure(columns * 1.35, rows * 1.62 + 0.7)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, mistake in zip(grid.flat, worst, strict=False):
        axes.imshow(mistake.image, cmap="gray_r", vmin=0, vmax=255)
        axes.set_title(
            mistake_title(mistake, evaluation.classes), fontsize=8, color=GREY if mistake.label_known_wrong else "black"
        )
    if not worst:
        grid[0, 0].text(0, 0.5, "no mistakes", fontsize=12)
    shown = f", the {len(worst)} surest" if len(worst) < len(evaluation.mistakes) else ""
    known = " (grey: the label is known to be wrong)" if any(m.label_known_wrong for m in worst) else ""
    figure.suptitle(
        f"{counted(len(evaluation.mistakes), 'mistake')} on {evaluation.split}{shown}{known}", fontweight="bold"
    )
    lay_out(figure)
    return figure


def mistake_title(mistake: Mistake, classes: Sequence[str]) -> str:
    """A title such as "4, not 9 / 98 %, #1901": what was read, what the label says, the confidence, and the example's index."""
    predicted, label = label_text(classes[mistake.predicted]), label_text(classes[mistake.label])
    return f"{predicted}, not {label}\n{100 * rounded(mistake.probability, 2):.0f} %, #{mistake.index}"


def data_gallery(
    images: NDArray[np.uint8], augmented: NDArray[np.uint8], labels: Sequence[str], title: str, columns: int
) -> Figure:
    """Digits as they are (left) and after augmentation (right), both uint8 (N, H, W); N must be a multiple of `columns`."""
    rows = len(images) // columns
    figure = blank_figure(columns * 1.35, rows * 0.72 + 0.7)
    ratios = [1] * columns + [0.4] + [1] * columns
    grid = figure.subplots(rows, 2 * columns + 1, squeeze=False, width_ratios=ratios)
    for axes in grid.flat:
        axes.axis("off")
    for index in range(rows * columns):
        row, column = divmod(index, columns)
        for axes, pictures in ((grid[row, column], images), (grid[row, columns + 1 + column], augmented)):
            axes.imshow(pictures[index], cmap="gray_r", vmin=0, vmax=255)
            axes.set_title(label_text(labels[index]), fontsize=8, color=GREY, pad=2)
    figure.suptitle(f"{plain_text(title)}: as they are, and after augmentation", fontweight="bold")
    lay_out(figure)
    return figure
