"""How well a model reads test images that are corrupted as in MNIST-C."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from mnistlab.augmentation.corruptions import CORRUPTIONS, corrupt
from mnistlab.evaluation.evaluate import evaluate_saved, open_fitting, saved_model
from mnistlab.evaluation.figures import GREY, blank_figure, label_text, lay_out, save_figure
from mnistlab.evaluation.result import Evaluation
from mnistlab.runs.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Corrupted", "evaluate_corrupted"]


SHOWN = 10
"""How many digits per corruption the picture shows at most."""


@dataclasses.dataclass(frozen=True)
class Corrupted:
    """The results of a model on the test images, for each way of corrupting them."""

    evaluations: dict[str, Evaluation]
    """The results by the name of the corruption, in the order of the MNIST-C paper."""
    picture: Path

    @property
    def mean_error(self) -> float:
        """The error rate, 0 to 1, averaged over the corruptions."""
        return mean(1 - evaluation.accuracy for evaluation in self.evaluations.values())

    def to_dict(self) -> dict[str, Any]:
        """The results in plain types: counts and accuracy per corruption (`by_name`), the mean error, and the picture's path."""
        return {
            "by_name": {
                name: {"correct": found.correct, "total": found.total, "accuracy": found.accuracy}
                for name, found in self.evaluations.items()
            },
            "mean_error": self.mean_error,
            "picture": str(self.picture),
        }


def evaluate_corrupted(
    run: Run, *, seed: int = 0, device: str | torch.device = "auto", data_dir: str | Path | None = None
) -> Corrupted:
    """Measure a run's saved model on corrupted test images of its dataset, and draw `corruptions.png` into the run's folder.

    Each corruption is applied to all test images at MNIST-C's severity; see `mnistlab.augmentation.corruptions`.

    Raises
    ------
    UserError
        If the run has no model, if the model was not made for the run's dataset, or if the images are not grey and 28x28 pixels.
    Failure
        If a logit is NaN or infinite.
    """
    saved = saved_model(run)
    dataset = open_fitting(run, saved, data_dir)
    images, labels = dataset.read("test")
    chosen = np.array([index for label in range(len(saved.classes)) for index in np.flatnonzero(labels == label)[:1]])
    evaluations: dict[str, Evaluation] = {}
    rows: list[tuple[str, NDArray[np.uint8], Evaluation | None]] = [("as_it_is", images[chosen[:SHOWN]], None)]
    for name in CORRUPTIONS:
        corrupted = corrupt(images, name, seed)
        changed = dataclasses.replace(dataset, parts={"test": (corrupted, labels)})  # type: ignore[type-var]
        evaluations[name] = evaluate_saved(saved, changed, "test", device)
        rows.append((name, corrupted[chosen[:SHOWN]], evaluations[name]))
    path = run.path / "corruptions.png"
    save_figure(draw(rows, chosen[:SHOWN].tolist()), path)
    return Corrupted(evaluations, path)


def draw(rows: list[tuple[str, NDArray[np.uint8], Evaluation | None]], indices: list[int]) -> Figure:
    """A row for the unchanged digits, then one for each corruption with its name and error rate.

    All rows show the same digits. Above each misread digit is the class that it was read as.
    """
    figure = blank_figure(len(indices) * 0.78 + 2.6, len(rows) * 0.86 + 0.8)
    grid = figure.subplots(len(rows), len(indices) + 1, squeeze=False, width_ratios=[3.0] + [1.0] * len(indices))
    for axes in grid.flat:
        axes.axis("off")
    for row, (name, pictures, evaluation) in zip(grid, rows, strict=True):
        title = name.replace("_", " ")
        text = title if evaluation is None else f"{title}\n{100 * (1 - evaluation.accuracy):.1f} % errors"
        row[0].text(0, 0.5, text, fontsize=9, va="center", transform=row[0].transAxes)
        read_as = dict(misread(evaluation)) if evaluation else {}
        for axes, picture, index in zip(row[1:], pictures, indices, strict=True):
            axes.imshow(picture, cmap="gray_r", vmin=0, vmax=255)
            if index in read_as:
                axes.set_title(read_as[index], fontsize=8, color="firebrick", pad=2)
    figure.suptitle("Corrupted as in MNIST-C: above a mistake, what was read", fontweight="bold", color=GREY)
    lay_out(figure)
    return figure


def misread(evaluation: Evaluation) -> Iterator[tuple[int, str]]:
    for mistake in evaluation.mistakes:
        yield mistake.index, label_text(evaluation.classes[mistake.predicted])
