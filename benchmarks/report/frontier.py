"""Draw our accuracies and others' against training seconds and parameters: uv run python -m benchmarks.report.frontier

Our figures come from docs/results/*.jsonl; the published ones are in frontier.py, each with its source. Writes
docs/images/frontier-seconds.png and docs/images/frontier-parameters.png.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

import click

from benchmarks import records
from benchmarks.command import Command
from benchmarks.records import accuracy
from benchmarks.report.results import accuracy_rows, machine, races, training_seconds
from mnistlab.evaluation.figures import blank_figure, save_figure

BLUE, GREY = "#2563a8", "#6b7280"


@dataclass(frozen=True)
class Published:
    """A published figure, as its author states it: the accuracy in % on the official test images."""

    label: str
    accuracy: float
    source: str
    seconds: float | None = None
    parameters: int | None = None
    best_of: bool = False
    """Whether it is the best of many runs or epochs, chosen on the test images: a figure that a typical run does not reach."""


PUBLISHED = (
    Published("train_mnist_fast,\nGTX 1660 Ti", 99.041, "github.com/tuomaso/train_mnist_fast", 0.762, 215_000),
    Published(
        "PyTorch example, 14 epochs,\nGTX 1660 Ti", 99.185, "github.com/tuomaso/train_mnist_fast", 172, 1_199_882
    ),
    Published("ttdoucet, P100", 99.738, "github.com/ttdoucet/mnist", 300, 4_730_000),
    Published("cdeotte", 99.641, "github.com/cdeotte/MNIST-CNN-99.75", parameters=327_000),
    Published("MnistSimpleCNN M3", 99.699, "github.com/ansh941/MnistSimpleCNN", parameters=1_100_000),
    Published("capsules (Byerly)", 99.75, "arxiv.org/abs/2001.09136", parameters=1_500_000, best_of=True),
    Published("BitNetMCU", 99.53, "github.com/cpldcpu/BitNetMCU", parameters=33_088, best_of=True),
)


def ours() -> list[dict[str, Any]]:
    """For each recipe: its mean accuracy and the standard deviation, its training seconds and its number of parameters."""
    found = []
    for name, rows in accuracy_rows().items():
        values = [accuracy(row) for row in rows]
        found.append(
            {
                "name": name,
                "accuracy": mean(values),
                "std": stdev(values) if len(values) > 1 else 0.0,
                "seconds": training_seconds(name),
                "parameters": rows[0]["parameters"],
            }
        )
    return found


def canonical() -> list[Published]:
    """The canonical example's accuracy after each of its epochs in the last full race; empty if there is none."""
    runs = races()
    points, seconds = [], 0.0
    for number, epoch in enumerate(runs[-1]["canonical_epochs"] if runs else [], 1):
        seconds += epoch["seconds"]
        label = "PyTorch example, here" if number == len(runs[-1]["canonical_epochs"]) else ""
        points.append(Published(label, 100 * epoch["accuracy"], "measured here", seconds, 1_199_882))
    return points


PLACES: dict[str, dict[str, tuple[int, int, str]]] = {
    "seconds": {
        "default": (-9, 4, "right"),
        "two-conv": (9, -20, "left"),
        "three-conv": (-10, -2, "right"),
        "best-5x5": (10, -26, "left"),
        "reader": (-10, -6, "right"),
        "robust": (-8, -22, "right"),
        "best": (-2, 10, "right"),
        "best-pens": (11, 0, "left"),
        "ensemble": (0, 9, "center"),
        "ttdoucet, P100": (9, 1, "left"),
        "train_mnist_fast,\nGTX 1660 Ti": (-4, -24, "left"),
        "PyTorch example, here": (9, -3, "left"),
    },
    "parameters": {
        "default": (10, -6, "left"),
        "two-conv": (10, -9, "left"),
        "three-conv": (9, -3, "left"),
        "best-pens": (10, 6, "left"),
        "best-5x5": (-10, -6, "right"),
        "reader": (-8, -14, "right"),
        "robust": (-10, -4, "right"),
        "tiny-10k": (-9, 5, "right"),
        "tiny-5k": (-9, 5, "right"),
        "best": (-10, -2, "right"),
        "ensemble": (4, 9, "center"),
        "cdeotte": (9, -5, "left"),
        "ttdoucet, P100": (0, -15, "center"),
        "capsules (Byerly)": (-9, -2, "right"),
        "MnistSimpleCNN M3": (6, -24, "left"),
    },
}
"""Where to put names that would otherwise overlap: how many points to the right of the marker and above it, and which part of the
name (its left, centre or right) is there."""


def draw(by: str, label: str, others: list[Published], path: str) -> None:
    """Draw one picture: accuracy against `by` ("seconds" or "parameters")."""
    figure = blank_figure(8.6, 5)
    axes = figure.subplots()
    for point in others:
        x = getattr(point, by)
        if x is None:
            continue
        face = "white" if point.best_of else GREY
        axes.plot(x, point.accuracy, "s", color=GREY, markerfacecolor=face, markersize=6, zorder=2)
        right, up, side = PLACES[by].get(point.label, (7, -11, "left"))
        axes.annotate(point.label, (x, point.accuracy), (right, up), textcoords="offset points", ha=side, color=GREY,
                      fontsize=8, zorder=2)  # fmt: skip
    for recipe in ours():
        if not recipe[by] or (by == "seconds" and recipe["name"].startswith("tiny")):
            continue  # the tiny recipes were not made to be fast
        right, up, side = PLACES[by].get(recipe["name"], (8, 5, "left"))
        axes.errorbar(
            recipe[by], recipe["accuracy"], recipe["std"], fmt="o", color=BLUE, markersize=8, capsize=3, zorder=3
        )
        axes.annotate(
            f"{recipe['name']}  {recipe['accuracy']:.2f}", (recipe[by], recipe["accuracy"]), (right, up),
            textcoords="offset points", ha=side, color=BLUE, fontsize=9, fontweight="bold", zorder=3,
        )  # fmt: skip
    axes.plot([], [], "o", color=BLUE, label="mnistlab: mean over seeds, last epoch; bars ± std")
    axes.plot([], [], "s", color=GREY, label="others, as they state it: one training run or a mean")
    if by == "parameters":
        axes.plot([], [], "s", color=GREY, markerfacecolor="white", label="others: the best of many, chosen on test")
    axes.set_xscale("log")
    axes.margins(y=0.1)
    low, high = axes.get_xlim()
    axes.set_xlim(low, high * 3)  # room for the names
    axes.set(xlabel=label, ylabel="accuracy on MNIST's 10,000 test images (%)")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}" if value < 1000 else f"{value:,.0f}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e5e7eb")
    axes.set_axisbelow(True)
    axes.legend(frameon=False, loc="lower right" if by == "seconds" else "upper left", fontsize=8)
    figure.tight_layout()
    save_figure(figure, records.ROOT / "docs" / "images" / path)


@click.command(cls=Command, help=__doc__)
def main() -> None:
    draw("seconds", f"seconds of training (ours: {machine()})", [*PUBLISHED, *canonical()], "frontier-seconds.png")
    draw("parameters", "parameters", list(PUBLISHED), "frontier-parameters.png")


if __name__ == "__main__":
    main()
