"""Write the results into the documents: uv run python -m benchmarks.report.write

Fills the parts between `<!-- NAME -->` and `<!-- /NAME -->` in README.md, LISEZMOI.md and docs/RESULTS.md from docs/results, and
writes the figures that `mnistlab train --help` shows. benchmarks/report/frontier.py, remaining.py and screens.py
make the pictures.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import click

from benchmarks import records
from benchmarks.command import Command, data_option
from benchmarks.records import accuracy, spread
from benchmarks.report import alike, by_writer, corruptions, front, reading, remaining, results, serving, training
from mnistlab.files import write_bytes, write_json


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


def figures() -> dict[str, str]:
    """The figures that `mnistlab train --help` shows, by recipe."""
    return {
        name: f"{spread([accuracy(row) for row in rows])} % (n={len(rows)})"
        + (f", {training.training_time(name)}" if results.training_seconds(name) else "")
        for name, rows in results.accuracy_rows().items()
    }


@click.command(cls=Command, help=__doc__)
@data_option
def main(data_dir: Path) -> None:
    for name, language in (("README.md", "en"), ("LISEZMOI.md", "fr")):
        minute = textwrap.fill(front.minute(language), 130, break_long_words=False, break_on_hyphens=False)
        fill(name, {"minute": minute, "results": front.results_table(language)})
    parts = {
        "machine": f"Machine: {results.machine()}.",
        "accuracy": training.accuracy_table(),
        "seeds": training.seeds_table(),
        "race": training.race_table(),
        "alike": alike.alike_table(data_dir),
        "remaining": remaining.remaining_table(data_dir),
        "datasets": training.datasets_table(),
        "gap": by_writer.gap_table(),
        "writers": by_writer.writers_table(),
        "corruptions": corruptions.corruption_table(),
        "reading": reading.reading_table(),
        "serving": serving.serving_table(),
        "step": training.step_table(),
        "speed": training.speed_table(),
    }
    fill("docs/RESULTS.md", parts)
    write_json(records.ROOT / "src" / "mnistlab" / "recipes" / "figures.json", figures())


if __name__ == "__main__":
    main()
