"""Make the tables from docs/results: uv run python benchmarks/report.py

Writes the parts between `<!-- NAME -->` and `<!-- /NAME -->` in README.md, LISEZMOI.md and docs/RESULTS.md, and the figures
that `mnistlab train --help` shows. benchmarks/frontier.py draws the pictures.
"""

from __future__ import annotations

import re
from collections import defaultdict
from statistics import mean, median, stdev
from typing import Any

import records
from mnistlab.files import write_bytes, write_json
from mnistlab.recipes import RECIPES, Recipe
from time_to_accuracy import summary

# One run each, as the project's first README ("week 1") gave them.
WEEK_1 = {"two-conv": 99.14, "three-conv": 99.31}
SUMMARY_FR = {
    "default": "4 convolutions, 7 époques : le meilleur d'une minute",
    "quick": "3 convolutions, 280 pas : 99 % en quelques secondes",
    "best": "6 convolutions par paires, 24 époques, les 60 000 images",
    "ensemble": "5 réseaux de best, la moyenne de leurs probabilités",
    "tiny-10k": "au plus 10 000 paramètres",
    "tiny-5k": "au plus 5 000 paramètres",
    "tiny-1k": "au plus 1 500 paramètres",
    "two-conv": "2 convolutions, 8 époques",
    "three-conv": "3 convolutions, 20 époques",
}


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
            f"{WEEK_1[name]:.2f} (n = 1)" if name in WEEK_1 else "",
            training_time(name).replace("about", "environ") if french else training_time(name),
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
            f"| `{name}` | {row['seed']} | {percent(row['val_accuracy'])} | {accuracy(row):.2f} |"
            f" {row['seconds']:.1f} | {row['date']} | {row['commit']} |"
            for row in sorted(rows, key=lambda row: row["seed"])
        ]
    return "\n".join(lines)


def percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{100 * fraction:.2f}"


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


def step_table() -> str:
    lines = [
        "| recipe | step | batch (of that augmentation) | forward | backward | optimizer | images/s | GFLOP/s | of peak |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    latest = {row["recipe"]: row for row in records.read("step")}
    for name in RECIPES:
        if name in latest and RECIPES[name].members == 1:
            row, ms = latest[name], latest[name]["milliseconds"]
            lines.append(
                f"| `{name}` | {ms['step']:.1f} ms | {ms['batch']:.2f} ({ms['augmentation']:.2f}) | {ms['forward']:.1f} |"
                f" {ms['backward']:.1f} | {ms['optimizer']:.2f} | {row['images_per_second']:,} | {row['gflops']:.0f} |"
                f" {100 * row['fraction_of_peak']:.0f} % of {row['peak_gflops']:.0f} |"
            )
    return "\n".join(lines)


def race_table() -> str:
    lines = ["| what | training | test % | times faster | measured | command |", "|---|---|---|---|---|---|"]
    races = [row for row in records.read("time_to_accuracy") if row["mode"] == "full"]
    if races:
        row, facts = races[-1], summary(races[-1])
        end = f"{row['date']}, {row['commit']} | `uv run python benchmarks/time_to_accuracy.py` |"
        lines += [
            f"| the canonical PyTorch example, {facts['canonical_epochs']} epochs | {facts['canonical_seconds']:.0f} s |"
            f" {facts['canonical_accuracy']:.2f} (n = 1) | 1 | {end}",
            f"| `quick` | median {facts['quick_seconds']:.2f} s | {facts['quick_accuracy']:.3f} ± {facts['quick_std']:.3f}"
            f" (n = {facts['quick_seeds']}) | **{facts['times_faster']:.0f}** | {end}",
        ]
    return "\n".join(lines)


def figures() -> dict[str, str]:
    """What `mnistlab train --help` says of each recipe."""
    return {
        name: f"{spread([accuracy(row) for row in rows])} % (n={len(rows)}), {training_time(name)}"
        for name, rows in accuracy_rows().items()
    }


def main() -> None:
    english = "| recipe | what it is | parameters | test % (mean ± std) | week 1 | training | command |"
    french = (
        "| recette | ce que c'est | paramètres | test % (moyenne ± écart-type) | semaine 1 | entraînement | commande |"
    )
    shared = {
        "accuracy": accuracy_table(english),
        "race": race_table(),
        "speed": speed_table(),
        "machine": f"Machine: {machine()}.",
    }
    fill("README.md", shared)
    fill("LISEZMOI.md", {"accuracy": accuracy_table(french, french=True), "machine": f"Machine : {machine()}."})
    fill("docs/RESULTS.md", {**shared, "seeds": seeds_table(), "step": step_table()})
    write_json(records.ROOT / "src" / "mnistlab" / "figures.json", figures())


if __name__ == "__main__":
    main()
