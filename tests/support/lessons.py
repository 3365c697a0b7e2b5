"""Run a day of the course as a learner would: its cells in order, in one namespace, in a separate folder."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from docs.site.lessons import code_of
from docs.site.running import Output, run_cells
from mnistlab.learn.course import Day


@dataclass(frozen=True)
class Script(Day):
    """A page whose source may be anywhere."""

    path: Path

    @property
    def source(self) -> Path:
        """Its script in cells."""
        return self.path


@dataclass
class Outcome:
    """The results of running a day."""

    names: dict[str, Any] = field(default_factory=dict)
    printed: str = ""
    errors: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)


def run_day(day: Day, language: str, folder: Path, *, quick: bool = True) -> Outcome:
    """Run the day in the folder, and keep its figures instead of drawing them; see `docs.site.running.run_cells`."""
    outcome = Outcome()

    def keep(figure: Figure) -> Output:
        outcome.figures.append(figure)
        return {"output_type": "display_data"}

    outputs, outcome.names = run_cells(code_of(day, language), day.name, folder, keep, quick=quick)
    given = [output for outputs_of_cell in outputs for output in outputs_of_cell]
    outcome.printed = "".join(output.get("text", "") for output in given)
    outcome.errors = [output["evalue"] for output in given if output["output_type"] == "error"]
    return outcome


def main() -> None:
    """Run a day whole and save its pictures: python -m tests.support.lessons day3 fr FOLDER."""
    import sys
    import time

    from mnistlab.learn.course import find_day

    name, language, target = sys.argv[1:]
    folder = Path(target).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    outcome = run_day(find_day(name), language, folder, quick=bool(os.environ.get("QUICK")))
    seconds = time.perf_counter() - began
    sys.stdout.write("\n".join([outcome.printed, *outcome.errors, f"{seconds:.1f} s\n"]))
    for number, figure in enumerate(outcome.figures):
        figure.savefig(folder / f"{name}-{language}-{number}.png", dpi=80)


if __name__ == "__main__":
    main()
