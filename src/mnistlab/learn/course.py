"""The days, and a day's source as a notebook, a script or a file of answers in one language.

A source is a script in cells. This much of jupytext's format py:percent is read here:

    # %% [markdown] lang="en"        a cell of text; the same text in French follows
    # %%                             a cell of code, in both languages
    # %% quick="epochs = 1"          the tests run this after the cell, to cut training to a few steps
    # %% raises="RuntimeError"       a cell that ends in this error, on purpose

In code, a line that ends in `# en` or `# fr` is for that language only, and `# en: ...` and `# fr: ...` are comments in that
language. In text, `{{exercises}}` stands for the list of the day's exercises and `{{quick}}` for the measured figures of the
recipe of that name. French is written with ordinary spaces, which are made non-breaking where they should be.
"""

from __future__ import annotations

import importlib
import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from mnistlab.errors import UserError, shown
from mnistlab.learn.exercise import Exercise
from mnistlab.learn.language import Text, lang_option, typeset
from mnistlab.messages.sentences import Clause, figures_in_french

__all__ = ["Cell", "Day", "answers_file", "cells", "days", "exercises", "find_day", "notebook", "script"]

FOLDER = Path(__file__).parent
FIGURES = json.loads((FOLDER.parent / "recipes" / "figures.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Day:
    """A day of the course."""

    name: str
    title: Text
    summary: Text

    @property
    def source(self) -> Path:
        """The path of the day's script in cells."""
        return FOLDER / "days" / f"{self.name}.py"


PLAN = (
    Day(
        "day1",
        Text("Set-up", "La mise en place"),
        Text(
            "Git, a virtual environment, the first tensor; a digit is 784 numbers.",
            "Git, un environnement virtuel, le premier tenseur ; un chiffre, c'est 784 nombres.",
        ),
    ),
    Day(
        "day2",
        Text("Data", "Les données"),
        Text(
            "MNIST, transforms and batches; a data loader written from scratch.",
            "MNIST, transformations et lots ; un chargeur de données écrit de toutes pièces.",
        ),
    ),
    Day(
        "day3",
        Text("The first convolutional classifier", "Le premier classifieur convolutif"),
        Text(
            "A convolution by hand, then a network, its loss and its training loop.",
            "Une convolution à la main, puis un réseau, sa perte et sa boucle d'entraînement.",
        ),
    ),
    Day(
        "day4",
        Text("Looking inside", "Regarder à l'intérieur"),
        Text(
            "Filters, feature maps, the ink that decides, and the mistakes.",
            "Les filtres, les cartes, les traits décisifs, et les erreurs.",
        ),
    ),
    Day(
        "day5",
        Text("Doing it right", "Dans les règles de l'art"),
        Text(
            "Validation, seeds, intervals: when is one network better than another?",
            "Validation, graines, intervalles : quand un réseau est-il meilleur qu'un autre ?",
        ),
    ),
    Day(
        "day6",
        Text("Your own handwriting", "Votre propre écriture"),
        Text(
            "Why a network misreads it at first, and how a photo becomes a digit of MNIST.",
            "Pourquoi le réseau commence par mal la lire, et comment une photo devient un chiffre de MNIST.",
        ),
    ),
    Day(
        "day7",
        Text("Fast and far", "Plus vite, plus loin"),
        Text(
            "Where the time goes; exporting, serving, other data, and what comes next.",
            "Où passe le temps ; l'export, le serveur, d'autres données, et la suite.",
        ),
    ),
)


def days() -> list[Day]:
    """The days whose source exists, in order."""
    return [day for day in PLAN if day.source.is_file()]


def find_day(name: str) -> Day:
    """The day called `name`, such as "day3". Raises `UserError` if there is none."""
    for day in days():
        if day.name == name:
            return day
    raise UserError("learn.unknown_day", name=shown(name), days=[day.name for day in days()])


def exercises(day: Day) -> tuple[Exercise, ...]:
    """The exercises of the day."""
    return cast("tuple[Exercise, ...]", importlib.import_module(f"mnistlab.learn.exercises.{day.name}").EXERCISES)


@dataclass(frozen=True)
class Cell:
    """A cell of a day's source."""

    kind: str
    """ "markdown" or "code"."""
    text: str
    """The lines of the cell; in a cell of text, without the "# " before each line."""
    lang: str = ""
    """The language of a cell of text."""
    quick: str = ""
    """What the tests run after the cell, to cut training short."""
    raises: str = ""
    """The name of the error in which the cell ends on purpose."""


HEAD = re.compile(r"# %%(?: \[(?P<kind>markdown)\])?(?P<options>(?: [a-z]+=\"[^\"]*\")*)")


def cells(day: Day) -> Iterator[Cell]:
    """The cells of the day's source, in both languages. Raises `SyntaxError` if the source is not a script in cells."""
    first, *parts = re.split(r"^(?=# %%)", day.source.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if first:
        raise SyntaxError(f"{day.name} does not begin with a cell: {first[:60]!r}")
    for part in parts:
        head, _, body = part.partition("\n")
        if (found := HEAD.fullmatch(head)) is None:
            raise SyntaxError(f"{day.name} has a cell that cannot be read: {head!r}")
        kind, options = found["kind"] or "code", dict(re.findall(r"([a-z]+)=\"([^\"]*)\"", found["options"]))
        lines = body.strip("\n").split("\n")
        if kind == "markdown":
            if wrong := [line for line in lines if not re.match(r"#( |$)", line)]:
                raise SyntaxError(f"{day.name} has a line in a cell of text that is not a comment: {wrong[0]!r}")
            lines = [line[2:] for line in lines]
        yield Cell(kind, "\n".join(lines), **options)


def in_language(day: Day, language: str) -> Iterator[Cell]:
    """The cells of the day for a reader of that language."""
    for cell in cells(day):
        if cell.kind == "code":
            yield Cell("code", code_in_language(cell.text, language), "", cell.quick, cell.raises)
        elif cell.lang == language:
            filled = re.sub(r"\{\{([\w-]+)\}\}", lambda name: filling(day, name[1], language), cell.text)
            yield Cell("markdown", typeset(filled, language), language)


def code_in_language(code: str, language: str) -> str:
    """The code with only the lines for that language and those for both."""
    lines = []
    for line in code.split("\n"):
        marked = re.fullmatch(r"(?P<code>.*\S)  # (?P<lang>en|fr)|(?P<indent> *)# (?P<of>en|fr): (?P<comment>.*)", line)
        if marked is None:
            lines.append(line)
        elif language == marked["lang"]:
            lines.append(marked["code"])
        elif language == marked["of"]:
            lines.append(f"{marked['indent']}# {marked['comment']}")
    return "\n".join(lines)


def filling(day: Day, name: str, language: str) -> str:
    """The text that `{{name}}` stands for."""
    if name == "exercises":
        return exercise_list(day, language)
    figure = str(FIGURES[name]).replace("n=", "n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")
    if language == "fr":
        figure = figures_in_french(figure)
    return figure


def exercise_list(day: Day, language: str) -> str:
    """The exercises in Markdown, and how to check the answers."""
    listed = "\n".join(f"{number}. {one.asks.said(language)}" for number, one in enumerate(exercises(day), 1))
    code = "\n".join(one.template for one in exercises(day))
    how = Clause("cli.learn_how_to_check", day=day.name, lang=lang_option(language)).said(language)
    return f"{listed}\n\n```python\n{code}\n```\n\n{how}"


def notebook(day: Day, language: str) -> dict[str, Any]:
    """The day as a Jupyter notebook (nbformat 4.5), without outputs."""
    made = []
    for number, cell in enumerate(in_language(day, language)):
        own: dict[str, Any] = {"cell_type": cell.kind, "id": f"{day.name}-{number}", "metadata": {}}
        if cell.kind == "code":
            own |= {"execution_count": None, "outputs": []}
        if cell.raises:
            own["metadata"] = {"tags": ["raises-exception"]}
        made.append({**own, "source": cell.text.splitlines(keepends=True)})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def script(day: Day, language: str) -> str:
    """The day as a script in cells (py:percent), which runs from end to end: intended errors are caught and printed."""
    parts = []
    for cell in in_language(day, language):
        if cell.kind == "markdown":
            parts.append("# %% [markdown]\n" + "\n".join(f"# {line}".rstrip() for line in cell.text.split("\n")))
        elif cell.raises:
            tried = textwrap.indent(cell.text, "    ")
            parts.append(f"# %%\ntry:\n{tried}\nexcept Exception as error:\n    print(repr(error))")
        else:
            parts.append(f"# %%\n{cell.text}")
    return "\n\n".join(parts) + "\n"


def answers_file(day: Day, language: str) -> str:
    """The file that the learner fills in: each question as a comment, and below it the name or function to complete."""
    blocks = []
    for number, one in enumerate(exercises(day), 1):
        question = textwrap.wrap(f"{number}. {one.asks.said(language)}", 98, break_on_hyphens=False)
        blocks.append("\n".join(f"# {line}" for line in question) + f"\n{one.template}\n")
    return "\n\n".join(blocks)
