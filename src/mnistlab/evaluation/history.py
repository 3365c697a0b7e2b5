"""The progress in a folder of runs from day to day: the accuracy of each run, as points and as a picture."""

from __future__ import annotations

import datetime
import importlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistlab.evaluation.figures import GREY, blank_figure, label_text, tidy
from mnistlab.recipes.differences import changed_fields
from mnistlab.runs.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Point", "draw_history", "history"]


COLOURS = ("#2563a8", "#d9730d", "#15803d", "#b91c1c", "#7c3aed", "#0e7490", "#a16207", "#be185d")
"""A colour for each of the recipes with the most runs; all other recipes share grey."""
PALE = "#9ca3af"
HALF_AN_HOUR, MANY_DAYS = 1 / 48, 60
STEPS = [factor * 10.0**power for power in range(-6, 2) for factor in (1, 2, 5)] + [100.0]
"""Error rates, in percent, at which the accuracy axis may begin and end, and which are marked on a long axis."""


@dataclass(frozen=True)
class Point:
    """A tested run in the history of its dataset."""

    created: datetime.datetime
    """When the run was created, in local time, without a time zone."""
    dataset: str
    recipe: str
    changed: bool
    """Whether the run's recipe differs from mnistlab's recipe of the same name."""
    correct: int
    total: int
    best: float
    """The highest accuracy on the dataset so far, this run's included, 0 to 1."""

    @property
    def accuracy(self) -> float:
        """The accuracy on the test split, 0 to 1."""
        return self.correct / self.total


def history(runs: Iterable[Run]) -> list[Point]:
    """The tested runs as points, oldest first. Runs dated in the future and runs that trained no classifier are left out.

    Raises `UserError` if a test.json is damaged.
    """
    now = datetime.datetime.now().astimezone()
    best: dict[str, float] = {}
    points = []
    for run in sorted(runs, key=lambda run: run.created):
        if (test := run.test) is None or run.created > now or not run.is_classifier:
            continue
        best[run.dataset] = max(best.get(run.dataset, 0.0), test["correct"] / test["total"])
        points.append(
            Point(
                created=run.created.astimezone().replace(tzinfo=None),
                dataset=run.dataset,
                recipe=run.recipe.name,
                changed=bool(changed_fields(run.recipe)),
                correct=test["correct"],
                total=test["total"],
                best=best[run.dataset],
            )
        )
    return points


def draw_history(points: Sequence[Point]) -> Figure:
    """Test accuracy over the days, a panel per dataset: a dot per run, coloured by recipe, and hollow if the recipe was changed.

    `points` are what `history` returned, at least one point. The accuracies are spaced by the logarithms of the error rates, so
    that 99.9 % is as far from 99 % as 99 % is from 90 %.
    """
    datasets = list(dict.fromkeys(point.dataset for point in points))
    common = [name for name, _ in Counter(point.recipe for point in points).most_common(len(COLOURS))]
    colours = dict(zip(sorted(common), COLOURS, strict=False))
    figure = blank_figure(9.5, min(0.8 + 2.8 * len(datasets), 400))
    figure.set_layout_engine("constrained")
    panels = figure.subplots(len(datasets), 1, sharex=True, squeeze=False)[:, 0]
    for axes, dataset in zip(panels, datasets, strict=True):
        draw_panel(axes, [point for point in points if point.dataset == dataset], colours)
    mark_days(panels[-1], points[0].created, points[-1].created)
    draw_legend(figure, points, colours)
    return figure


def draw_panel(axes: Axes, points: Sequence[Point], colours: dict[str, str]) -> None:
    """The accuracies of the runs on one dataset, and a line for the best accuracy so far."""
    matplotlib_dates: Any = importlib.import_module("matplotlib.dates")
    half_a_mistake = 50 / max(point.total for point in points)  # because 0 has no logarithm
    times = [matplotlib_dates.date2num(point.created) for point in points]
    errors = [max(100 * (1 - point.accuracy), half_a_mistake) for point in points]
    best = [max(100 * (1 - point.best), half_a_mistake) for point in points]
    colour = [colours.get(point.recipe, GREY) for point in points]
    fill = ["white" if point.changed else own for point, own in zip(points, colour, strict=True)]
    axes.step(times, best, where="post", color=PALE, linewidth=1.2, zorder=1)
    axes.scatter(times, errors, s=30, c=fill, edgecolors=colour, linewidths=1.4, zorder=2)
    first = next(point for point in points if point.accuracy == points[-1].best)
    axes.set_title(
        f"{label_text(Path(first.dataset).name)}: best {100 * first.best:.2f} % ({label_text(first.recipe)}"
        f"{'*' * first.changed}, {first.created:%Y-%m-%d})",
        loc="left", fontsize=10,
    )  # fmt: skip
    axes.set_ylabel("test accuracy, %")
    mark_accuracies(axes, min(errors), max(errors), half_a_mistake)


def mark_accuracies(axes: Axes, least: float, most: float, half_a_mistake: float) -> None:
    """Label a logarithmic axis of error rates (in percent, `least` to `most`, the smallest at the top) with accuracies."""
    from matplotlib.ticker import MaxNLocator

    low = max(step for step in STEPS if step <= 0.95 * least)
    high = min(step for step in (*STEPS, 110) if step >= 1.05 * most)
    ticks = STEPS if high > 5 * low else list(MaxNLocator(6).tick_values(low, high))
    labels = {tick: f"{100 - tick:.10g}" for tick in ticks if low <= tick <= min(high, 100)}
    if least == half_a_mistake:
        labels = {least: "100"} | {tick: label for tick, label in labels.items() if tick >= 2 * least}
    axes.set(yscale="log", ylim=(high, low))
    axes.set_yticks(list(labels), list(labels.values()))
    axes.minorticks_off()
    tidy(axes)


def mark_days(axes: Axes, first: datetime.datetime, last: datetime.datetime) -> None:
    """Label the axis with days, with hours if everything is on one day, or more coarsely if there are many days."""
    matplotlib_dates: Any = importlib.import_module("matplotlib.dates")
    midnight = datetime.datetime.combine(first.date(), datetime.time())
    days = (last - midnight).days + 1
    if 1 < days <= MANY_DAYS:
        begin = matplotlib_dates.date2num(midnight)
        axes.set_xlim(begin, begin + days)
        locator = matplotlib_dates.DayLocator(interval=-(-days // 12))
    else:
        begin, end = (matplotlib_dates.date2num(time) for time in (first, last))
        margin = max((end - begin) / 20, HALF_AN_HOUR)
        axes.set_xlim(begin - margin, end + margin)
        locator = matplotlib_dates.AutoDateLocator(maxticks=12)
    formatter = matplotlib_dates.ConciseDateFormatter(locator)
    formatter.formats[2] = formatter.zero_formats[2] = "%d %b"
    formatter.offset_formats[2] = "%Y"
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(formatter)


def draw_legend(figure: Figure, points: Sequence[Point], colours: dict[str, str]) -> None:
    """Say which colour stands for which recipe, and what hollow dots and the line mean."""
    from matplotlib.lines import Line2D

    def dot(name: str, colour: str, fill: str) -> Line2D:
        return Line2D([], [], linestyle="", marker="o", color=colour, markerfacecolor=fill, label=name)

    entries = [dot(label_text(name), colour, colour) for name, colour in colours.items()]
    if any(point.recipe not in colours for point in points):
        entries.append(dot("other recipes", GREY, GREY))
    if any(point.changed for point in points):
        entries.append(dot("hollow (*): recipe changed", GREY, "white"))
    entries.append(Line2D([], [], color=PALE, label="best so far"))
    figure.legend(handles=entries, loc="outside right upper", frameon=False, fontsize=9)
