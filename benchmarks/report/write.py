"""Make the tables from docs/results: uv run python -m benchmarks.report.write

Writes the parts between `<!-- NAME -->` and `<!-- /NAME -->` in README.md, LISEZMOI.md and docs/RESULTS.md, and the figures
that `mnistlab train --help` shows. benchmarks/report/frontier.py draws the pictures.
"""

from __future__ import annotations

import re
from collections import defaultdict
from statistics import median, quantiles
from typing import Any

from benchmarks import records
from benchmarks.records import accuracy, spread
from benchmarks.training.time_to_accuracy import summary
from mnistlab.files import write_bytes, write_json
from mnistlab.recipes.catalog import RECIPES

# One run each, as the project's first README ("week 1") gave them.
WEEK_1 = {"two-conv": 99.14, "three-conv": 99.31}
SUMMARY_FR = {
    "default": "4 convolutions, 7 époques : le mieux qu'on puisse faire en une minute",
    "quick": "3 convolutions, 280 pas : 99 % en quelques secondes",
    "best": "6 convolutions, deux par deux, 24 époques, les 60 000 images, redressées",
    "best-5x5": "`best`, avec 3 convolutions plus larges",
    "best-pens": "`best`, sans redresser, mais entraîné aussi sur d'autres stylos et appareils photo",
    "ensemble": "15 réseaux, de `best`, `best-5x5` et `best-pens` tour à tour, dont on moyenne les probabilités",
    "tiny-10k": "au plus 10 000 paramètres, redressé",
    "tiny-5k": "au plus 5 000 paramètres, redressé",
    "tiny-1k": "au plus 1 500 paramètres, redressé",
    "reader": "fait pour de vrais stylos, appareils photo et scanners ; sait ce qui n'est pas un chiffre",
    "two-conv": "2 convolutions, 8 époques",
    "three-conv": "3 convolutions, 20 époques",
}


def accuracy_rows() -> dict[str, list[dict[str, Any]]]:
    """The recorded seeds of each recipe as it is now, by name."""
    rows = defaultdict(list)
    for row in records.read("accuracy"):
        name = row["recipe"]["name"]
        if records.is_current(row["recipe"], name):
            rows[name].append(row)
    return {name: rows[name] for name in RECIPES if name in rows}


def accuracy_table(head: str, french: bool = False) -> str:
    lines = [head, "|---|---|---|---|---|---|---|"]
    for name, rows in accuracy_rows().items():
        n = len(rows)
        cells = [
            f"`{name}`",
            SUMMARY_FR.get(name, RECIPES[name].summary) if french else RECIPES[name].summary,
            f"{rows[0]['parameters']:,}",
            f"**{spread([accuracy(row) for row in rows])}** (n = {n})",
            f"{WEEK_1[name]:.2f} (n = 1)" if name in WEEK_1 else "",
            training_time(name),
        ]
        shown = [in_french(cell) for cell in cells] if french else cells
        command = f"`uv run python -m benchmarks.training.accuracy {name} --seeds {n}`"
        lines.append("| " + " | ".join([*shown, command]) + " |")
    return "\n".join(lines)


def training_seconds(name: str) -> float | None:
    """Seconds from first batch to last step, with all cores and nothing beside it.

    The median of whole trainings where some were timed, else the steps times the median step of
    benchmarks/training/step.py. Of an ensemble all its members', one after the other.
    """
    recipe = RECIPES[name]
    if recipe.networks:
        each = [training_seconds(kind) for kind in recipe.networks]
        known = [seconds for seconds in each if seconds is not None]
        return sum(known) * recipe.members / len(each) if len(known) == len(each) else None
    if timed := whole_trainings(name):
        return median(timed)
    row = latest_step(name)
    return float(row["training_seconds"]) if row else None


def whole_trainings(name: str) -> list[float]:
    """Seconds of the trainings of the recipe as it is now that were timed last; none where none was."""
    timed = [row["training_seconds"][name] for row in records.read("process")
             if name in row["training_seconds"] and records.is_current(row.get("recipes", {}).get(name), name)]  # fmt: skip
    if name == "quick":
        timed += [[seed["seconds"] for seed in row["quick"]] for row in races()]
    return list(map(float, timed[-1])) if timed else []


def latest_step(name: str) -> dict[str, Any] | None:
    """The last measurement of the recipe's steps, if it is of the recipe as it is now."""
    rows = [row for row in records.read("step") if row["recipe"]["name"] == name]
    return rows[-1] if rows and records.is_current(rows[-1]["recipe"], name) else None


def races() -> list[dict[str, Any]]:
    """The full races of the `quick` that there is now."""
    rows = records.read("time_to_accuracy")
    return [row for row in rows if row["mode"] == "full" and records.is_current(row["recipe"], "quick")]


def training_time(name: str) -> str:
    """Those seconds for a table; "about" where only steps were timed."""
    seconds = training_seconds(name)
    if seconds is None:
        return "not measured"
    return f"{'' if whole_trainings(name) else 'about '}{seconds:,.{1 if seconds < 10 else 0}f} s"


def machine() -> str:
    return str(records.read("process")[-1]["machine"])


def speed_table() -> str:
    lines = ["| what | figure | n | measured | command |", "|---|---|---|---|---|"]
    if loader := records.read("loader"):
        row = loader[-1]
        lines.append(
            f"| loader, no augmentation / plain DataLoader | {median(row['ratios']):.0f} times the images a second"
            f" ({min(row['ratios']):.0f} to {max(row['ratios']):.0f}) | {row['rounds']} rounds | {row['date']},"
            f" {row['commit']} | `uv run python -m benchmarks.training.loader` |"
        )
    if process := records.read("process"):
        row = process[-1]
        for name, seconds in row["seconds"].items():
            lines.append(
                f"| `{name}`, process start to end | {whole(seconds)}"
                f" | {len(seconds)} | {row['date']}, {row['commit']}"
                f" | `uv run python -m benchmarks.process{options(name, seconds)}` |"
            )
    return "\n".join(lines)


def options(command: str, seconds: list[float]) -> str:
    """What makes benchmarks/process.py measure that command so often."""
    recipe = command.partition("mnistlab train ")[2]
    return f" {recipe} --times {len(seconds)}" if recipe else f" --short {len(seconds)}"


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
    for name, recipe in RECIPES.items():
        row = latest_step(name) if recipe.members == 1 else None
        if row:
            ms = row["milliseconds"]
            lines.append(
                f"| `{name}` | {ms['step']:.1f} ms | {ms['batch']:.2f} ({ms['augmentation']:.2f}) | {ms['forward']:.1f} |"
                f" {ms['backward']:.1f} | {ms['optimizer']:.2f} | {row['images_per_second']:,} | {row['gflops']:.0f} |"
                f" {100 * row['fraction_of_peak']:.0f} % of {row['peak_gflops']:.0f} |"
            )
    return "\n".join(lines)


RACE = {
    "en": ("what", "training", "test %", "times faster", "measured", "command",
           "the canonical PyTorch example, {} epochs", "median {} s", "not reached in {} epochs", "its mean is under 99 %"),
    "fr": ("quoi", "entraînement", "test %", "fois plus rapide", "mesuré", "commande",
           "l'exemple canonique de PyTorch, {} époques", "médiane {} s", "pas atteint en {} époques", "moyenne sous 99 %"),
}  # fmt: skip


def race_table(language: str = "en") -> str:
    """The canonical example and `quick` on the way to 99 %; nothing where they have not raced yet."""
    if not races():
        return ""
    *head, example, middle, missed, too_low = RACE[language]
    row, facts = races()[-1], summary(races()[-1])
    reached = facts["canonical_seconds"]
    time = f"{reached:.0f} s" if reached else missed.format(facts["canonical_epochs"])
    times = f"**{facts['times_faster']:.0f}**" if facts["times_faster"] else ""
    if facts["quick_accuracy"] < 99:
        times = too_low
    test = spread([100 * seed["accuracy"] for seed in row["quick"]])
    end = f"{row['date']}, {row['commit']} | `uv run python -m benchmarks.training.time_to_accuracy` |"
    rows = (
        (example.format(facts["canonical_epochs"]), time, f"{facts['canonical_accuracy']:.2f} (n = 1)", "1"),
        ("`quick`", middle.format(f"{facts['quick_seconds']:.2f}"), f"{test} (n = {facts['quick_seeds']})", times),
    )
    told = [map(in_french, cells) if language == "fr" else cells for cells in rows]
    lines = ["| " + " | ".join(head) + " |", "|---|---|---|---|---|---|"]
    lines += ["| " + " | ".join([*cells, end]) for cells in told]
    return "\n".join(lines)


READER = {
    "mnist": ("MNIST's test images, the model itself", "les images de test de MNIST, le modèle seul"),
    "semeion": (
        "Semeion, 1,513 digits of 80 writers, as pictures",
        "Semeion, 1 513 chiffres de 80 mains, comme images",
    ),
    "digits": (
        "scikit-learn's 8x8 digits, 43 writers, as pictures",
        "les chiffres 8x8 de scikit-learn, 43 mains, comme images",
    ),
    "pages": (
        "MNIST's test digits on drawn pages: found, and right",
        "chiffres de test de MNIST sur des pages dessinées : trouvés et justes",
    ),
    "reject": (
        "clothes, letters and noise rejected where 99 % of test digits are accepted",
        "vêtements, lettres et bruit rejetés, là où 99 % des chiffres de test sont acceptés",
    ),
    "process": (
        "`mnistlab read one.png`, process start to end",
        "`mnistlab read un.png`, du début à la fin du processus",
    ),
    "page-time": ("an A4 page at 300 dpi (JPEG) with 100 digits", "une page A4 à 300 ppp (JPEG) avec 100 chiffres"),
    "classify": ("`Reader.classify`, 10,000 images, 2 cores", "`Reader.classify`, 10 000 images, 2 cœurs"),
}


NEEDED = {"semeion": " --foreign FOLDER", "reject": " --fonts FOLDER"}
"""What is not in the repository; the benchmark's help says where it comes from."""


def reader_table(french: bool = False) -> str:
    """The last measurement of each row of benchmarks/reading/rows.py."""
    last = {row["row"]: row for row in records.read("reader")}
    lines = [
        "| quoi | résultat | mesuré | commande |" if french else "| what | figure | measured | command |",
        "|---|---|---|---|",
    ]
    for name, titles in READER.items():
        if name in last:
            row = last[name]
            more = f" --pages {row['pages']}" if name == "pages" else NEEDED.get(name, "")
            python = "uv run --with scikit-learn python" if name == "digits" else "uv run python"
            command = f"`{python} -m benchmarks.reading.rows --only {name}{more}`"
            figure = reader_figure(name, row)
            shown = (in_french(titles[1]), in_french(figure)) if french else (titles[0], figure)
            lines.append(f"| {' | '.join(shown)} | {row['date']}, {row['commit']} | {command} |")
    return "\n".join(lines)


def reader_figure(name: str, row: dict[str, Any]) -> str:
    """The figure, with its n."""
    if name in ("mnist", "semeion", "digits", "pages"):
        right, of = row["right"], row["of"]
        more = f", {row['pages']} pages, {row['false_finds']} false finds" if name == "pages" else ""
        return f"**{100 * right / of:.2f} %** (n = {of:,}{more})"
    if name == "reject":
        parts = ", ".join(f"{kind} {100 * share:.1f}" for kind, share in row["rejected"].items())
        return f"**{100 * row['mean']:.1f} %** ({parts})"
    if name == "classify":
        speeds = row["images_per_second"]
        return f"**{median(speeds):,.0f} /s** ({min(speeds):,.0f} to {max(speeds):,.0f}; n = {len(speeds)})"
    seconds = row["seconds"]["JPEG"] if name == "page-time" else row["seconds"]
    return f"**{whole(seconds)}** (n = {len(seconds)})"


SERVING = {
    "start": (
        "`mnistlab serve`, process start to the first answer",
        "`mnistlab serve`, du début du processus à la première réponse",
    ),
    "classify-one": (
        "`/classify`, one image a request, connections: {}; beside an endpoint that does nothing",
        "`/classify`, une image par requête, connexions : {} ; à côté d'un point de terminaison qui ne fait rien",
    ),
    "classify-many": (
        "`/classify`, 256 images a request, connections: {}; beside `Reader.classify`",
        "`/classify`, 256 images par requête, connexions : {} ; à côté de `Reader.classify`",
    ),
    "soak": (
        "{seconds} s, {connections} connections that classify and read",
        "{seconds} s, {connections} connexions qui classent et lisent",
    ),
    "memory": ("memory in that time, after {} s of warm-up", "mémoire pendant ce temps, après {} s de mise en route"),
    "overload": ("{} pages to read at once: the refusals", "{} pages à lire d'un coup : les refus"),
    "page": ("a stroke in the page to new probabilities on it", "d'un trait dans la page aux nouvelles probabilités"),
}
SERVING_FIGURES = {
    "ratio": (
        "**{:.2f}** of it ({:.2f} to {:.2f}; n = {}), {:,.0f} images/s",
        "**{:.2f}** ({:.2f} à {:.2f} ; n = {}), {:,.0f} images/s",
    ),
    "soak": (
        "errors: **{:,}**, p50 {:.1f} ms, p99 {:.1f} ms (n = {:,})",
        "erreurs : **{:,}**, p50 {:.1f} ms, p99 {:.1f} ms (n = {:,})",
    ),
    "memory": ("**{:.0f} MiB**, in the end {:.0f} MiB", "**{:.0f} Mio**, à la fin {:.0f} Mio"),
    "overload": (
        "**median {:.0f} ms** (n = {}); the others read as alone: {} of {}",
        "**médiane {:.0f} ms** (n = {}) ; les autres lues comme seules : {} sur {}",
    ),
    "page": ("**median {:.0f} ms**, 95 % within {:.0f} ms (n = {})", "**médiane {:.0f} ms**, 95 % en {:.0f} ms (n = {})"),
}  # fmt: skip


def serving_table(french: bool = False) -> str:
    """The last measurement of each row of benchmarks/serving/rows.py; nothing where there is none yet."""
    last = {row["row"]: row for row in records.read("serving")}
    if not last:
        return ""
    lines = [
        "| quoi | résultat | mesuré | commande |" if french else "| what | figure | measured | command |",
        "|---|---|---|---|",
    ]
    for name, row in ((name, last[name]) for name in SERVING if name in last):
        command = row["command"].replace(
            "python benchmarks/serving.py", "python -m benchmarks.serving.rows"
        )  # its place since
        for title, figure in serving_figures(name, row, french):
            shown = (in_french(title), in_french(figure)) if french else (title, figure)
            lines.append(f"| {' | '.join(shown)} | {row['date']}, {row['commit']} | `{command}` |")
    return "\n".join(lines)


IN_FRENCH = {
    "median": "médiane", " to ": " à ", "about": "environ", "not measured": "non mesuré",
    "false finds": "fausses détections", "fashion": "vêtements", ", letters": " ; lettres", ", noise": " ; bruit",
}  # fmt: skip
NARROW_SPACE = "\u202f"


def in_french(text: str) -> str:
    """1,234.5 as 1 234,5, with a space that does not break, and the words between."""
    text = re.sub(r"(?<=\d)[, ](?=\d{3}(?!\d))", NARROW_SPACE, text)
    text = re.sub(r"(?<=\d)\.(?=\d)", ",", text)
    for english, french in IN_FRENCH.items():
        text = text.replace(english, french)
    return re.sub("(?<! );", " ;", text)


def serving_figures(name: str, row: dict[str, Any], french: bool) -> list[tuple[str, str]]:
    """What was measured, and the figure with its n: a row or two of the table."""
    title = SERVING[name][french]
    if name == "start":
        return [(title, f"**{whole(row['seconds'])}** (n = {len(row['seconds'])})")]
    if name in ("classify-one", "classify-many"):
        if name == "classify-one":
            measured = {
                n: (part["ratios"], part["requests_per_second"]["served"]) for n, part in row["connections"].items()
            }
        else:
            measured = {n: (ratios, row["images_per_second"][n]) for n, ratios in row["ratios"].items()}
        text = SERVING_FIGURES["ratio"][french]
        return [
            (title.format(n), text.format(median(ratios), min(ratios), max(ratios), len(ratios), median(rates)))
            for n, (ratios, rates) in measured.items()
        ]
    text = SERVING_FIGURES[name][french]
    if name == "soak":
        ms, mib = row["milliseconds"]["all"], row["mib"]
        figure = text.format(row["errors"], ms["p50"], ms["p99"], sum(row["requests"].values()))
        memory = SERVING_FIGURES["memory"][french].format(mib["first"], mib["last"])
        return [(title.format_map(row), figure), (SERVING["memory"][french].format(mib["warm_up"]), memory)]
    if name == "overload":
        refused = row["refused_ms"]
        figure = text.format(median(refused), len(refused), row["accepted_as_alone"], row["accepted"])
        return [(title.format(row["at_once"]), figure)]
    painted = row["milliseconds"]["painted"]
    p95 = quantiles(painted, n=20, method="inclusive")[-1]
    return [(title, text.format(median(painted), p95, len(painted)))]


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
        "reader": reader_table(),
        "serving": serving_table(),
        "machine": f"Machine: {machine()}.",
    }
    fill("README.md", shared)
    fill(
        "LISEZMOI.md",
        {
            "accuracy": accuracy_table(french, french=True),
            "race": race_table("fr"),
            "reader": reader_table(french=True),
            "serving": serving_table(french=True),
            "machine": f"Machine : {machine()}.",
        },
    )
    fill("docs/RESULTS.md", {**shared, "seeds": seeds_table(), "step": step_table()})
    write_json(records.ROOT / "src" / "mnistlab" / "recipes" / "figures.json", figures())


if __name__ == "__main__":
    main()
