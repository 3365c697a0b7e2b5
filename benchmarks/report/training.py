"""The tables of recipes and of training, in English."""

from __future__ import annotations

from statistics import median
from typing import Any

from benchmarks import records
from benchmarks.records import accuracy, spread
from benchmarks.report import results
from benchmarks.report.tables import Cells, markdown, measured, whole
from benchmarks.training.time_to_accuracy import summary
from mnistlab.data.catalog import DATASETS
from mnistlab.recipes.catalog import RECIPES

WEEK_1 = {"two-conv": 99.14, "three-conv": 99.31}
"""Test accuracies in %, of one run each, as the project's first README stated them."""
WITHOUT_BF16 = "ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2"
"""The environment variables that make torch compute as on a CPU without AVX-512, in fp32."""


def accuracy_table() -> str:
    head = ("recipe", "what it is", "parameters", "test % (mean ± std)", "validation", "week 1", "training", "command")
    rows = []
    for name, seeds in results.accuracy_rows().items():
        n = len(seeds)
        rows.append(
            (
                f"`{name}`",
                RECIPES[name].summary,
                f"{seeds[0]['parameters']:,}",
                f"**{spread([accuracy(row) for row in seeds])}** (n = {n})",
                f"`{split}`" if (split := records.validation(seeds[0])) else "none",
                f"{WEEK_1[name]:.2f} (n = 1)" if name in WEEK_1 else "",
                training_time(name),
                f"`uv run python -m benchmarks.training.accuracy {name} --seeds {n}`",
            )
        )
    return markdown(head, rows)


PUBLISHED = {
    "fashion": "convolutional networks of 2 or 3 layers: 87.6 to 93.2; MobileNet: 95.0; DenseNet-BC, 768,000 parameters: 95.4"
}
"""Test accuracies in %, of one run each, as others state them; Fashion-MNIST's are from its README
(zalandoresearch/fashion-mnist)."""


def datasets_table() -> str:
    """Accuracy on datasets other than MNIST; those that were not measured are in the last row."""
    rows, left = [], [name for name in DATASETS if name != "mnist"]
    measured_rows = records.read("datasets")
    for dataset, name in dict.fromkeys((row["dataset"], row["recipe"]["name"]) for row in measured_rows):
        seeds = [row for row in measured_rows if row["dataset"] == dataset and records.is_current(row["recipe"], name)]
        if not seeds:
            continue
        left = [other for other in left if other != dataset]
        rows.append(
            (
                f"`{dataset}`",
                f"`{name}`",
                f"{seeds[0]['parameters']:,}",
                f"**{spread([accuracy(row) for row in seeds])}** (n = {len(seeds)})",
                PUBLISHED.get(dataset, ""),
                f"`uv run python -m benchmarks.training.datasets {dataset} --recipe {name} --seeds {len(seeds)}`",
            )
        )
    rows.append((", ".join(f"`{name}`" for name in left), "", "", "not measured", "", ""))
    return markdown(("dataset", "recipe", "parameters", "test % (mean ± std)", "published %", "command"), rows)


def training_time(name: str) -> str:
    """The training seconds, as a table shows them; with "about" unless whole training runs of the recipe itself were timed."""
    seconds = results.training_seconds(name)
    if seconds is None:
        return "not measured"
    return f"{'' if results.whole_trainings(name) else 'about '}{seconds:,.{1 if seconds < 10 else 0}f} s"


def seeds_table() -> str:
    rows = [
        (
            f"`{name}`",
            str(row["seed"]),
            "-" if row["val_accuracy"] is None else f"{100 * row['val_accuracy']:.2f}",
            f"{accuracy(row):.2f}",
            f"{row['seconds']:.1f}",
            row["date"],
            row["commit"],
        )
        for name, seeds in results.accuracy_rows().items()
        for row in sorted(seeds, key=lambda row: int(row["seed"]))
    ]
    return markdown(("recipe", "seed", "validation %", "test %", "seconds", "date", "commit"), rows)


def race_table() -> str:
    """The table of the race to 99 % between the canonical example and `quick`; empty if there has been none yet."""
    if not results.races():
        return ""
    race = results.races()[-1]
    facts = summary(race)
    epochs, reached = facts["canonical_epochs"], facts["canonical_seconds"]
    times = f"**{facts['times_faster']:.0f}**" if facts["times_faster"] else ""
    if facts["quick_accuracy"] < 99:
        times = "its mean is under 99 %"
    test = spread([100 * seed["accuracy"] for seed in race["quick"]])
    end = (measured(race), "`uv run python -m benchmarks.training.time_to_accuracy`")
    example = (
        f"the canonical PyTorch example, {epochs} epochs",
        f"{reached:.0f} s" if reached else f"not reached in {epochs} epochs",
        f"{facts['canonical_accuracy']:.2f} (n = 1)",
        "1",
    )
    quick = ("`quick`", f"median {facts['quick_seconds']:.2f} s", f"{test} (n = {facts['quick_seeds']})", times)
    head = ("what", "training", "test %", "times as fast", "measured", "command")
    return markdown(head, [(*example, *end), (*quick, *end)])


def step_table() -> str:
    head = (
        "recipe",
        "step",
        "batch (augmentation)",
        "forward",
        "backward",
        "optimizer",
        "images/s",
        "GFLOP/s",
        "of peak",
    )
    rows = []
    for name, recipe in RECIPES.items():
        row = results.latest_step(name) if recipe.kind == "single" else None
        if row:
            ms = row["milliseconds"]
            rows.append(
                (
                    f"`{name}`",
                    f"{ms['step']:.1f} ms",
                    f"{ms['batch']:.2f} ({ms['augmentation']:.2f})",
                    f"{ms['forward']:.1f}",
                    f"{ms['backward']:.1f}",
                    f"{ms['optimizer']:.2f}",
                    f"{row['images_per_second']:,}",
                    f"{row['gflops']:.0f}",
                    f"{100 * row['fraction_of_peak']:.0f} % of {row['peak_gflops']:.0f}",
                )
            )
    return markdown(head, rows)


def speed_table() -> str:
    rows: list[Cells] = []
    if loader := records.read("loader"):
        row = loader[-1]
        low, middle, high = min(row["ratios"]), median(row["ratios"]), max(row["ratios"])
        rows.append(
            (
                "MNISTDataLoader without augmentation, relative to a plain DataLoader",
                f"{middle:.0f} times the images per second ({low:.0f} to {high:.0f})",
                f"{row['rounds']} rounds",
                measured(row),
                "`uv run python -m benchmarks.training.loader`",
            )
        )
    if process := results.latest_process("default"):
        rows += [  # a recipe may have been timed again by itself
            command_row(latest, name)
            for name in process["seconds"]
            if (latest := results.latest_process(name.partition("mnistlab train ")[2] or "default"))
        ]
        rows += [said_row(process, name) for name, ratios in process.get("said", {}).items() if ratios]
    if process := results.latest_process("default", "fp32"):
        what, *rest, command = command_row(process, "mnistlab train default")
        rows.append((f"{what}, without bf16", *rest, command.replace("`", f"`{WITHOUT_BF16} ", 1)))
    return markdown(("what", "figure", "n", "measured", "command"), rows)


def command_row(process: dict[str, Any], command: str) -> Cells:
    """The table's row for one of the commands that were timed for a row of process.jsonl."""
    seconds = process["seconds"][command]
    recipe = command.partition("mnistlab train ")[2]
    options = f"{recipe} --times {len(seconds)}" if recipe else f"--short {len(seconds)}"
    again = f"`uv run python -m benchmarks.process {options}`"
    return f"`{command}`, the whole process", whole(seconds), str(len(seconds)), measured(process), again


def said_row(process: dict[str, Any], recipe: str) -> Cells:
    """The table's row for the time that a training run says it will take."""
    ratios = process["said"][recipe]
    figure = f"{median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f})"
    what = f"the time that `mnistlab train {recipe}` says it will take, relative to the time that it takes"
    return (
        what,
        figure,
        str(len(ratios)),
        measured(process),
        f"`uv run python -m benchmarks.process {recipe} --times {len(ratios)}`",
    )
