"""The results of a sweep: means over the seeds, how certain they are, and how far each setting is behind the best."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.dataset import Dataset
from mnistlab.data.splits import split_writers
from mnistlab.dependencies import require
from mnistlab.evaluation.by_writer import permutation_p_value
from mnistlab.evaluation.figures import BLUE, GREY, ORANGE, blank_figure, lay_out, plain_text, tidy
from mnistlab.recipes.grid import Setting
from mnistlab.runs.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Distance", "Spread", "Standing", "draw_sweep", "spread_of", "standings"]


@dataclass(frozen=True)
class Spread:
    """The values of one quantity, such as the accuracy, in one or more training runs."""

    values: tuple[float, ...]
    mean: float
    std: float | None
    """The standard deviation of the values; None if there is only one."""
    interval: tuple[float, float] | None
    """95 % interval of the mean over other seeds, by Student's t; None for one value."""


@dataclass(frozen=True)
class Distance:
    """How far a setting is behind the best one on the validation images. The two settings' runs with the same number are compared
    in pairs."""

    difference: Spread
    """The best setting's accuracy minus this setting's."""
    p_value: float
    """The probability that the mistakes of all compared runs are divided at least this unevenly between the two settings if these
    are equally good. Each writer counts as one trial (see `permutation_p_value`), or each image if the writers are unknown."""
    by_writer: bool
    """Whether `p_value` counts each writer, rather than each image, as one trial."""


@dataclass(frozen=True)
class Standing:
    """The results of a setting's training runs."""

    setting: Setting
    runs: Mapping[int, Run]
    """The setting's finished runs, by run number (see `Trial.number`)."""
    val: Spread | None
    """Accuracy on the images kept for validation; None if no images were kept or no run is finished."""
    test: Spread | None
    """Accuracy on the test images; None unless all the runs were tested."""
    behind: Distance | None = None
    """How far this setting is behind the best; None for the best itself, or if no runs of the two can be compared."""


def spread_of(values: Sequence[float], most: float = math.inf) -> Spread:
    """The mean, standard deviation and interval of one or more values; `most` is the largest possible value."""
    require("train", "scipy")
    from scipy.stats import t

    if len(values) == 1:
        return Spread(tuple(values), values[0], None, None)
    centre, deviation = mean(values), stdev(values)
    half = float(t.ppf(0.975, len(values) - 1)) * deviation / len(values) ** 0.5
    return Spread(tuple(values), centre, deviation, (centre - half, min(centre + half, most)))


def standings(runs: Mapping[Setting, Mapping[int, Run]], dataset: Dataset) -> list[Standing]:
    """The settings, the best on validation first; those without validation images or finished runs are last, in the given order.

    Parameters
    ----------
    runs : mapping
        Each setting's finished runs by run number, measured on the images kept for validation.
    dataset : Dataset
        The dataset that the runs were trained on.
    """
    rows = [
        Standing(setting, own, accuracy_of(own.values(), "validation"), accuracy_of(own.values(), "test"))
        for setting, own in runs.items()
    ]
    rows.sort(key=lambda row: -row.val.mean if row.val else 0)
    best = rows[0]
    return [best, *(Standing(r.setting, r.runs, r.val, r.test, distance(best, r, dataset)) for r in rows[1:])]


def accuracy_of(runs: Iterable[Run], part: str) -> Spread | None:
    """The accuracies of the runs on "validation" or "test"; None if a run was not measured on it, or if there are no runs."""
    counts = [getattr(run, part) for run in runs]
    if not counts or not all(counts):
        return None
    return spread_of([count["correct"] / count["total"] for count in counts], 1.0)


def distance(best: Standing, other: Standing, dataset: Dataset) -> Distance | None:
    """How far `other` is behind the best setting; None if no run of the one can be compared with a run of the other."""
    numbers = sorted(best.runs.keys() & other.runs.keys())
    if not numbers or not best.val or not other.val:
        return None
    pairs = [(best.runs[number].validation or {}, other.runs[number].validation or {}) for number in numbers]
    difference = spread_of([(first["correct"] - second["correct"]) / first["total"] for first, second in pairs])
    extra = np.zeros(pairs[0][0]["total"], np.int64)  # by how many mistakes the other setting is worse, image by image
    for first, second in pairs:
        np.add.at(extra, indices(second), 1)
        np.add.at(extra, indices(first), -1)
    writers = split_writers(dataset, best.setting.recipe.data.validation or "val")
    if writers is not None:
        extra = np.bincount(writers, weights=extra).astype(np.int64)
    return Distance(difference, permutation_p_value(extra), writers is not None)


def indices(counts: Mapping[str, Any]) -> NDArray[np.int64]:
    """The indices, in the split, of the misread examples."""
    return np.array([mistake["index"] for mistake in counts["mistakes"]], np.int64)


def draw_sweep(rows: Sequence[Standing], title: str) -> Figure:
    """A panel per split, with a row per setting in the order of `standings`: a dot per run, and the mean with its interval."""
    parts = {"validation": [row.val for row in rows], "test": [row.test for row in rows]}
    shown = {name: spreads for name, spreads in parts.items() if any(spreads)}
    longest = max(len(row.setting.title) for row in rows)
    figure = blank_figure(min(2.4 + 0.09 * longest + 3.6 * len(shown), 30), min(1.6 + 0.34 * len(rows), 400))
    panels = figure.subplots(1, len(shown), squeeze=False, sharey=True)[0]
    for axes, (name, spreads) in zip(panels, shown.items(), strict=True):
        draw_spreads(axes, spreads)
        axes.set_xlabel(f"{name} accuracy, %")
    panels[0].set_yticks(range(len(rows)), [plain_text(row.setting.title) for row in rows])
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    figure.suptitle(f"{plain_text(title)}; a diamond is their mean, a line its 95 % interval", fontsize=10)
    lay_out(figure)
    return figure


def draw_spreads(axes: Axes, spreads: Sequence[Spread | None]) -> None:
    """Draw the accuracies (as dots), means and intervals of one split, with the first setting at the top."""
    for place, spread in enumerate(spreads):
        if spread is None:
            continue
        axes.plot([100 * value for value in spread.values], [place] * len(spread.values), "o", color=GREY, alpha=0.45)
        if spread.interval:
            axes.plot([100 * bound for bound in spread.interval], [place, place], color=BLUE, linewidth=2.5)
        axes.plot([100 * spread.mean], [place], "D", color=BLUE if place else ORANGE, markersize=7)
    tidy(axes)
    axes.grid(axis="x", color="#e5e7eb")
    axes.ticklabel_format(axis="x", useOffset=False)
