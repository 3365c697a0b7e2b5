"""Runs a day of the course as a learner does: its cells in order, in one namespace, in a folder of its own."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

from mnistlab.learn.course import Day, in_language


@dataclass
class Outcome:
    """What a run of a day left."""

    names: dict[str, Any] = field(default_factory=dict)
    printed: str = ""
    errors: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)


def run_day(day: Day, language: str, folder: Path, *, quick: bool = True) -> Outcome:
    """Run the day in the folder. With `quick`, what its cells say for the tests is run after each of them.

    An error that no cell announces is raised, and so is a warning; a cell that announces one has to end in it.
    """
    outcome, printed = Outcome({"__name__": "__main__"}), io.StringIO()

    def keep_figures(*_: Any, **__: Any) -> None:
        outcome.figures += [plt.figure(number) for number in plt.get_fignums()]
        plt.close("all")

    with (
        pytest.MonkeyPatch.context() as patched,
        contextlib.redirect_stdout(printed),
        contextlib.chdir(folder),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error")
        mpl.use("Agg")
        patched.setattr(plt, "show", keep_figures)
        for number, cell in enumerate(cell for cell in in_language(day, language) if cell.kind == "code"):
            place = f"{day.source}[{language}, code cell {number}]"
            try:
                exec(compile(cell.text, place, "exec"), outcome.names)
            except Exception as error:
                if type(error).__name__ != cell.raises:
                    error.add_note(place)
                    raise
                outcome.errors.append(str(error))
            else:
                assert not cell.raises, f"{place} did not raise {cell.raises}"
            assert not plt.get_fignums(), f"{place} draws and does not call plt.show()"
            if quick:
                exec(cell.quick, outcome.names)
    outcome.printed = printed.getvalue()
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
