"""Gather the source of the site in one language: our pages, the executed lessons, and the repository's documents.

The documents keep their paths (`docs/RESULTS.md`), so that their links to each other work; other linked files are put beside
them and can be downloaded. Nothing is copied by hand.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import mnistlab
from docs.site.curves import caption, draw_curves
from docs.site.glossary import glossary
from docs.site.lessons import HERE, lessons, page
from mnistlab.learn.language import typeset

__all__ = ["DOCUMENTS", "gather"]

ROOT = HERE.parents[1]
CARD = "src/mnistlab/bundled/reader/README.md"
DOCUMENTS = (
    "docs/COMMANDS.md",
    "docs/PYTHON.md",
    "docs/SERVING.md",
    "docs/RESULTS.md",
    CARD,
    "examples/README.md",
    "CHANGELOG.md",
    "SECURITY.md",
)
"""The documents that the site shows in English, as they are in the repository."""
NOTES = {"en": "", "fr": '```{note}\n<span lang="fr">Cette page est en anglais.</span>\n```\n\n'}
AFTER_TABLE = re.compile(r"^\| `mnistlab train three-conv` \|.*\n", re.MULTILINE)
"""Where day 3 gives the results of the full training runs, after which their curves are inserted."""
LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)\s#]+)")


def gather(language: str, folder: Path, outputs: Path) -> None:
    """Write the source into the folder, which is recreated. The folder `outputs` keeps the outputs of the lessons."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HERE / "theme", folder)
    for path in sorted((HERE / "pages" / language).glob("*.md")):
        text = typeset(followed(path.read_text(encoding="utf-8"), ROOT, folder), language)
        write(folder / path.name, filled(text, language))
    for day in lessons():
        book = page(day, language, outputs)
        for cell in book["cells"]:
            text = "".join(cell["source"]).replace("  # fmt: skip", "")
            cell["source"] = AFTER_TABLE.sub(rf"\g<0>\n{caption(language)}\n", text)
        write(folder / f"{day.name}.ipynb", json.dumps(book, ensure_ascii=False))
    draw_curves(language, folder / "curves.svg")
    for name in ("README.md", "LISEZMOI.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        write(folder / name, text.replace("n = ", "n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"))
    for name in DOCUMENTS:
        lay(name, folder, language)


def lay(name: str, folder: Path, language: str) -> None:
    """Write a document of the repository into the folder, and the files that it links to."""
    path = ROOT / name
    text = re.sub(r"\A---\n.*?\n---\n", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    head = f"---\nlang: en\norphan: true\n---\n\n{NOTES[language]}"
    write(folder / name, head + followed(text, path.parent, folder))


def followed(text: str, base: Path, folder: Path) -> str:
    """The text of a document in `base`, with links that work in the folder: the files they lead to are copied there.

    A link to a page of the site, in either language, leads to that page of this site.
    """

    def copied(link: re.Match[str]) -> str:
        target = (base / link[1]).resolve()
        place = target.relative_to(ROOT)
        if target.is_relative_to(HERE / "pages"):
            return os.path.relpath(target.name, base.relative_to(ROOT))
        if target.is_dir():
            return f"{link[1].rstrip('/')}/{listed(str(place), folder)}"
        if target.is_file() and str(place) not in DOCUMENTS and not (folder / place).exists():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(target, folder / place)
        return link[1]

    return LINK.sub(copied, text)


def listed(place: str, folder: Path) -> str:
    """The name of the page for a folder that a document links to: its README, or a list of its files, which is written."""
    if f"{place}/README.md" in DOCUMENTS:
        return "README.md"
    names = sorted(path.name for path in (ROOT / place).iterdir() if path.is_file())
    for name in names:
        (folder / place).mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / place / name, folder / place)
    lines = "\n".join(f"- [{name}]({name})" for name in names)
    write(folder / place / "README.md", f"---\nlang: en\norphan: true\n---\n\n# {place}\n\n{lines}\n")
    return "README.md"


def filled(text: str, language: str) -> str:
    """The page's text with `{{flow}}`, `{{reference}}` and `{{glossary}}` filled in."""
    text = text.replace("{{flow}}", flow(language)).replace("{{glossary}}", glossary(language))
    return text.replace("{{reference}}", reference())


def flow(language: str) -> str:
    """The drawing of the data flow, as raw HTML, with the words of one language."""
    drawn = (HERE / "flow.svg").read_text(encoding="utf-8")
    other = {"en": "fr", "fr": "en"}[language]
    own = "\n".join(line for line in drawn.splitlines() if f'lang="{other}"' not in line)
    return "```{raw} html\n" + own.replace(f' lang="{language}"', "") + "\n```"


def reference() -> str:
    """Sphinx directives that show the docstrings of the public names, package by package."""
    parts, room = [], ""
    for home, names in mnistlab.HOMES.items():
        if home.partition(".")[0] != room:
            room = home.partition(".")[0]
            parts.append(f"## `{room}`")
        parts += [f"```{{eval-rst}}\n{directive(name, getattr(mnistlab, name))}\n```" for name in names]
    return "\n\n".join(parts)


def directive(name: str, value: object) -> str:
    """The description of a public name in reStructuredText: its docstring, or, for a table, the names of its rows."""
    if isinstance(value, Mapping):
        kind = type(next(iter(value.values()))).__name__
        keys = ", ".join(f"``{key}``" for key in value)
        return f".. py:data:: mnistlab.{name}\n\n   ``{kind}`` by name: {keys}."
    if inspect.isclass(value):
        return f".. autoclass:: mnistlab.{name}\n   :members:"
    return f".. autofunction:: mnistlab.{name}"


def write(path: Path, text: str) -> None:
    """Write the text, creating the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
