"""Make the tables and the picture from docs/results: uv run python benchmarks/report.py

Writes the parts between `<!-- NAME -->` and `<!-- /NAME -->` in README.md, LISEZMOI.md and docs/RESULTS.md, and
docs/images/results.png.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from statistics import mean, median, stdev
from typing import Any

import records
from mnistlab.files import write_bytes
from mnistlab.plots import save_figure
from mnistlab.recipes import RECIPES, Recipe

# One run each, as the project's first README ("week 1") gave them.
WEEK_1 = {"two-conv": 99.14, "three-conv": 99.31}
SUMMARY_FR = {"two-conv": "2 convolutions, 8 époques", "three-conv": "3 convolutions, 20 époques"}


def accuracy_rows() -> dict[str, list[dict[str, Any]]]:
    """The recorded seeds of each recipe as it is now, by name."""
    rows = defaultdict(list)
    for row in records.read("accuracy"):
        name = row["recipe"]["name"]
        if name in RECIPES and Recipe.from_dict(row["recipe"]) == RECIPES[name]:
            rows[name].append(row)
    return {name: rows[name] for name in RECIPES if name in rows}


def accuracy(row: dict[str, Any]) -> float:
    return 100 * float(row["test_correct"]) / float(row["test_total"])


def spread(values: list[float]) -> str:
    return f"{mean(values):.3f} ± {stdev(values):.3f}" if len(values) > 1 else f"{values[0]:.2f}"


def accuracy_table(head: str, french: bool = False) -> str:
    lines = [head, "|---|---|---|---|---|---|---|"]
    for name, rows in accuracy_rows().items():
        n, parameters = len(rows), f"{rows[0]['parameters']:,}"
        cells = [
            f"`{name}`",
            SUMMARY_FR[name] if french else RECIPES[name].summary,
            parameters.replace(",", " ") if french else parameters,
            f"**{spread([accuracy(row) for row in rows])}** (n = {n})",
            f"{WEEK_1[name]:.2f} (n = 1)",
            training_time(name),
            f"`uv run python benchmarks/accuracy.py {name} --seeds {n}`",
        ]
        line = "| " + " | ".join(cells) + " |"
        lines.append(line.replace(".", ",").replace("accuracy,py", "accuracy.py") if french else line)
    return "\n".join(lines)


def training_seconds(name: str) -> float | None:
    """Seconds from first batch to last step, with all cores and nothing beside it.

    The median of whole trainings where some were timed, else the steps times the median step of benchmarks/step.py.
    """
    whole = {
        "process": [
            row["training_seconds"][name] for row in records.read("process") if name in row["training_seconds"]
        ],
        "quick": [[seed["seconds"] for seed in row["quick"]] for row in records.read("time_to_accuracy")],
    }
    timed = whole["process"] + (whole["quick"] if name == "quick" else [])
    if timed:
        return float(median(timed[-1]))
    steps = [row["training_seconds"] for row in records.read("step") if row["recipe"] == name]
    return float(steps[-1]) if steps else None


def training_time(name: str) -> str:
    """Those seconds for a table; "about" where only steps were timed."""
    seconds = training_seconds(name)
    if seconds is None:
        return "not measured"
    about = (
        "" if name == "quick" or any(name in row["training_seconds"] for row in records.read("process")) else "about "
    )
    return f"{about}{seconds:.{1 if seconds < 10 else 0}f} s"


def machine() -> str:
    return str(records.read("process")[-1]["machine"])


def speed_table() -> str:
    lines = ["| what | figure | n | measured | command |", "|---|---|---|---|---|"]
    if loader := records.read("loader"):
        row = loader[-1]
        lines.append(
            f"| loader, no augmentation / plain DataLoader | {median(row['ratios']):.0f} times the images a second"
            f" ({min(row['ratios']):.0f} to {max(row['ratios']):.0f}) | {row['rounds']} rounds | {row['date']},"
            f" {row['commit']} | `uv run python benchmarks/loader.py` |"
        )
    if process := records.read("process"):
        row = process[-1]
        for name, seconds in row["seconds"].items():
            lines.append(
                f"| `{name}`, process start to end | {whole(seconds)}"
                f" | {len(seconds)} | {row['date']}, {row['commit']} | `uv run python benchmarks/process.py` |"
            )
    return "\n".join(lines)


def whole(seconds: list[float]) -> str:
    """The median, and from where to where."""
    digits = 2 if median(seconds) < 10 else 0
    middle, low, high = (f"{value:.{digits}f}" for value in (median(seconds), min(seconds), max(seconds)))
    return f"median {middle} s ({low} to {high})" if len(seconds) > 1 else f"{middle} s"


def seeds_table() -> str:
    lines = ["| recipe | seed | validation % | test % | seconds | date | commit |", "|---|---|---|---|---|---|---|"]
    for name, rows in accuracy_rows().items():
        lines += [
            f"| `{name}` | {row['seed']} | {100 * row['val_accuracy']:.2f} | {accuracy(row):.2f} |"
            f" {row['seconds']:.1f} | {row['date']} | {row['commit']} |"
            for row in sorted(rows, key=lambda row: row["seed"])
        ]
    return "\n".join(lines)


def fill(name: str, parts: dict[str, str]) -> None:
    """Replace the marked parts of a Markdown file."""
    path = records.ROOT / name
    text = path.read_text(encoding="utf-8")
    for marker, part in parts.items():
        pattern = re.compile(rf"(<!-- {marker} -->\n).*?(<!-- /{marker} -->)", re.DOTALL)
        if not pattern.search(text):
            raise SystemExit(f"{name} has no part {marker!r}")
        text = pattern.sub(lambda match, part=part: f"{match[1]}{part}\n{match[2]}", text)  # type: ignore[misc]
    write_bytes(path, text.encode())


def draw() -> None:
    """Test accuracy of each seed, the mean, and week 1's one run."""
    import matplotlib.pyplot as plt

    rows = accuracy_rows()
    figure, axes = plt.subplots(figsize=(8, 1.3 + 0.7 * len(rows)))
    for place, (name, seeds) in enumerate(rows.items()):
        values = [accuracy(row) for row in seeds]
        axes.plot(
            values,
            [place] * len(values),
            "o",
            color="#2563a8",
            alpha=0.45,
            markersize=8,
            label="" if place else "a seed",
        )
        axes.plot(
            mean(values), place, "|", color="#2563a8", markersize=26, markeredgewidth=3, label="" if place else "mean"
        )
        axes.plot(
            WEEK_1[name], place, "x", color="#d9730d", markersize=9, markeredgewidth=2, label="" if place else "week 1"
        )
        axes.annotate(f"{mean(values):.2f} %", (mean(values), place), (0, 17), textcoords="offset points", ha="center")
        axes.annotate(f"{WEEK_1[name]:.2f} %", (WEEK_1[name], place), (0, 10), textcoords="offset points", ha="center")
    axes.set_yticks(range(len(rows)), [f"{name}\n{RECIPES[name].summary}" for name in rows])
    axes.set(ylim=(len(rows) - 0.4, -0.75), xlabel="accuracy on MNIST's 10,000 test images (%)")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", color="#e5e7eb")
    axes.set_axisbelow(True)
    axes.legend(frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.4, 0.98))
    figure.tight_layout()
    save_figure(figure, records.ROOT / "docs" / "images" / "results.png")


def main() -> None:
    os.environ.setdefault("MPLBACKEND", "agg")
    english = "| recipe | what it is | parameters | test % (mean ± std) | week 1 | training | command |"
    french = (
        "| recette | ce que c'est | paramètres | test % (moyenne ± écart-type) | semaine 1 | entraînement | commande |"
    )
    fill(
        "README.md", {"accuracy": accuracy_table(english), "speed": speed_table(), "machine": f"Machine: {machine()}."}
    )
    fill("LISEZMOI.md", {"accuracy": accuracy_table(french, french=True), "machine": f"Machine : {machine()}."})
    fill("docs/RESULTS.md", {"accuracy": accuracy_table(english), "speed": speed_table(), "seeds": seeds_table(),
                             "machine": f"Machine: {machine()}."})  # fmt: skip
    draw()


if __name__ == "__main__":
    main()
