"""The recorded training runs of the first week's two networks, drawn for day 3 from docs/results/curves.jsonl.

`python -m docs.site.curves RUN...` writes that file from finished runs.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mnistlab.dependencies import import_matplotlib
from mnistlab.learn.language import typeset
from mnistlab.runs.run import Run

__all__ = ["CURVES", "caption", "draw_curves"]

CURVES = Path(__file__).parents[1] / "results" / "curves.jsonl"
WORDS = {
    "en": (
        "epoch",
        "mean loss",
        "validation accuracy %",
        "{recipe}, seed {seed}: {correct:,} of {total:,} test images right",
    ),
    "fr": (
        "époque",
        "perte moyenne",
        "exactitude de validation, %",
        "{recipe}, graine {seed} : {correct:,} images de test bien lues sur {total:,}",
    ),
}
ALT = {
    "en": "The loss of both runs falls, and their validation accuracy rises, three-conv's over 20 epochs, two-conv's over 8",
    "fr": "Dans les deux cas, la perte baisse et l'exactitude de validation monte : 20 époques pour three-conv, 8 pour two-conv",
}


def read_curves() -> list[dict[str, Any]]:
    """The recorded training runs, in order."""
    return [json.loads(line) for line in CURVES.read_text(encoding="utf-8").splitlines()]


def caption(language: str) -> str:
    """The drawing in Markdown, and the test result of each run."""
    ends = [WORDS[language][3].format(**row) for row in read_curves()]
    if language == "fr":
        ends = [re.sub(r"(?<=\d),(?=\d)", "\N{NO-BREAK SPACE}", end) for end in ends]
    said = {"en": "; ", "fr": " ; "}[language].join(ends)
    return typeset(f"![{ALT[language]}](curves.svg)\n\n{said}.", language)


def draw_curves(language: str, path: Path) -> None:
    """Draw the loss and the validation accuracy of each epoch into an SVG file."""
    import_matplotlib()
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    epoch, loss, accuracy, _ = WORDS[language]
    with mpl.rc_context({"svg.hashsalt": "mnistlab"}):
        figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.1))
        for row in read_curves():
            losses = np.array([part for each in row["epochs"] for part in each["losses"]])
            left.plot(np.linspace(0, len(row["epochs"]), len(losses)), losses, label=row["recipe"])
            rates = [100 * each["val_accuracy"] for each in row["epochs"]]
            right.plot(range(1, len(rates) + 1), rates, ".-", label=row["recipe"])
        left.set(xlabel=epoch, ylabel=loss, yscale="log")
        right.set(xlabel=epoch, ylabel=accuracy)
        right.legend()
        figure.tight_layout()
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def main() -> None:
    """Write curves.jsonl from the runs named on the command line, in that order."""
    lines = []
    for folder in sys.argv[1:]:
        run = Run.open(folder)
        test = json.loads((run.path / "test.json").read_text(encoding="utf-8"))
        keys = ("epoch", "losses", "val_loss", "val_accuracy")
        metrics = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
        lines.append(json.dumps({
            "recipe": run.recipe.name, "seed": run.seed, "date": str(run.created.date()),
            "commit": run.environment["commit"], "correct": test["correct"],
            "total": test["total"], "epochs": [{key: row[key] for key in keys} for row in metrics],
        }))  # fmt: skip
    CURVES.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
