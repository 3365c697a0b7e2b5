"""Draw the test images that `best` and `ensemble` still misread: uv run python -m benchmarks.report.remaining

Draws docs/images/remaining.png from the mistakes in docs/results/accuracy.jsonl; no model is run. Why each image is hard was
noted by hand in remaining.toml.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import click

from benchmarks import records
from benchmarks.command import Command, data_option
from benchmarks.report.alike import runs_of
from benchmarks.report.tables import markdown
from mnistlab.data.dataset import open_dataset
from mnistlab.evaluation.figures import blank_figure, lay_out, save_figure

COLUMNS = 10


def misread() -> dict[int, tuple[Counter[int], int, int]]:
    """For each test image that a run of `best` or `ensemble` misread: what it was read as, and by how many runs of each recipe.

    The images that the most runs misread come first.
    """
    readings: dict[int, Counter[int]] = {}
    counts: dict[str, Counter[int]] = {}
    for name in ("best", "ensemble"):
        counts[name] = Counter()
        for row in runs_of(name):
            for index, value in row["mistakes"]:
                readings.setdefault(index, Counter())[value] += 1
                counts[name][index] += 1
    order = sorted(readings, key=lambda index: (-counts["best"][index] - counts["ensemble"][index], index))
    return {index: (readings[index], counts["best"][index], counts["ensemble"][index]) for index in order}


def remaining_table(data_dir: Path) -> str:
    """The table of the images from `misread`: what each was read as, how many runs misread it, and why it is hard."""
    reasons = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    labels = open_dataset("mnist", data_dir).read("test")[1]
    counts = {name: len(runs_of(name)) for name in ("best", "ensemble")}
    rows = [
        (
            str(index),
            str(labels[index]),
            ", ".join(str(value) for value, _ in readings.most_common()),
            *(f"{times}" if times else "" for times in (best, ensemble)),
            reasons[str(index)],
        )
        for index, (readings, best, ensemble) in misread().items()
    ]
    head = ("test image", "label", "read as", *(f"runs of `{name}` (of {n})" for name, n in counts.items()), "why")
    return markdown(head, rows)


@click.command(cls=Command, help=__doc__)
@data_option
def main(data_dir: Path) -> None:
    dataset = open_dataset("mnist", data_dir)
    images, labels = dataset.read("test")
    found = misread()
    lines = -(-len(found) // COLUMNS)
    figure = blank_figure(1.1 * COLUMNS, 1.4 * lines)
    axes = list(figure.subplots(lines, COLUMNS, squeeze=False).flat)
    for axis in axes:
        axis.axis("off")
    corrected = dataset.spec.corrected_test_labels
    for axis, (index, (readings, best, ensemble)) in zip(axes, found.items(), strict=False):
        axis.imshow(images[index], cmap="gray_r")
        title = f"{index}\n{labels[index]} as {readings.most_common(1)[0][0]} ({best}, {ensemble})"
        axis.set_title(title, fontsize=9, color="grey" if index in corrected else "black")
    lay_out(figure)
    save_figure(figure, records.ROOT / "docs" / "images" / "remaining.png")
    click.echo(f"{len(found)} images")


if __name__ == "__main__":
    main()
