"""What README and LISEZMOI say about the results: the numbers are put into the words of each language (words.toml)."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from babel.numbers import format_decimal

from benchmarks.records import accuracy
from benchmarks.report import results
from benchmarks.report.tables import markdown
from benchmarks.training.time_to_accuracy import summary
from mnistlab.learn.language import typeset

WORDS = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))

Numbers = dict[str, float]


class Number(float):
    """A number that is formatted for a language: f"{number:.2f}" is 1,234.50 or 1 234,50."""

    language = "en"

    def __format__(self, spec: str) -> str:
        """The number with as many decimals as `spec` says (".2f"), or without decimals if `spec` is empty."""
        decimals = int(spec.strip(".f") or 0)
        rounded = Decimal(f"{float(self):.{decimals}f}")  # rounds as the other tables do
        return str(format_decimal(rounded, f"#,##0.{'0' * decimals}", locale=self.language))


class French(Number):
    """A number formatted for French: 12 345,6."""

    language = "fr"


def say(phrase: str, numbers: Numbers, language: str) -> str:
    """The phrase, filled in with its numbers, formatted for the language."""
    kind = {"en": Number, "fr": French}[language]
    return phrase.format_map({name: kind(value) for name, value in numbers.items()})


def minute(language: str) -> str:
    """How long `mnistlab train` takes, with bf16 and without."""
    words = WORDS[language]
    parts = [say(words["with_bf16"].strip(), whole_command("bf16") or {}, language)]
    other = whole_command("fp32")
    parts.append(say(words["without_bf16"], other, language) if other else words["without_bf16_not_measured"])
    return typeset(" ".join(parts), language)


def whole_command(precision: str) -> Numbers | None:
    """The seconds of `mnistlab train`, and of its training alone; None if they were not measured in that precision."""
    row = results.latest_process("default", precision)
    if row is None:
        return None
    process, training = row["seconds"]["mnistlab train default"], row["training_seconds"]["default"]
    return {"process": median(process), "training": median(training), "n": len(process)}


def results_table(language: str) -> str:
    """The table of the most important results, at most eight."""
    words = WORDS[language]
    rows = [tuple(say(text, numbers, language) for text in words["results"][key]) for key, numbers in chosen().items()]
    return typeset(markdown((words["what"], words["figure"]), rows), language)


def chosen() -> dict[str, Numbers]:
    """The numbers in each line of the table, by the line's name in words.toml."""
    reading, serving = results.latest_rows("reader"), results.latest_rows("serving")
    race = summary(results.races()[-1])
    return {
        "default": of_recipe("default"),
        "quick": of_recipe("quick") | {"times": race["times_faster"]},
        "best": of_recipe("best"),
        "tiny-1k": of_recipe("tiny-1k"),
        "pages": of_share(reading["pages"]),
        "semeion": of_share(reading["semeion"]),
        "process": {"seconds": median(reading["process"]["seconds"]), "n": len(reading["process"]["seconds"])},
        "page": of_painted(serving["page"]),
    }


def of_recipe(name: str) -> Numbers:
    seeds = results.accuracy_rows()[name]
    values = [accuracy(row) for row in seeds]
    seconds = results.training_seconds(name) or 0.0
    return {
        "mean": mean(values), "std": stdev(values), "n": len(values), "seconds": seconds, "minutes": seconds / 60,
        "parameters": seeds[0]["parameters"],
    }  # fmt: skip


def of_share(row: dict[str, Any]) -> Numbers:
    return {"share": 100 * row["right"] / row["of"], "n": row["of"]}


def of_painted(row: dict[str, Any]) -> Numbers:
    painted = row["milliseconds"]["painted"]
    return {"ms": median(painted), "n": len(painted)}
