"""The pages that are programs: the days of the course and two pages of the site's own, run as a learner would run them.

The outputs of a page's code are kept in `outputs/`, with the names of mnistlab's files that the code read and a key made from all
that the outputs depend on: the code itself, the module that runs it, the code and data in those files, and the versions of the
packages. A page is run again when its key has changed. Its text is not part of the key, and is always taken from the source.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import logging
import re
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from docs.site import running
from docs.site.reads import PACKAGE
from docs.site.running import Code, Outputs, run_pages
from mnistlab.learn.course import Day, days, in_language, notebook
from mnistlab.learn.language import Text
from mnistlab.messages.sentences import LANGUAGES

__all__ = ["OWN", "Lesson", "code_of", "kept", "lessons", "page", "renew"]

log = logging.getLogger(__name__)
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Lesson(Day):
    """A page of the site in the format of the days, without exercises."""

    @property
    def source(self) -> Path:
        """Its script in cells."""
        return HERE / "pages" / f"{self.name}.py"


OWN = (
    Lesson(
        "operations",
        Text("Every operation of the network, by hand", "Chaque opération du réseau, à la main"),
        Text("For each, a picture, a sentence and its numbers.", "Pour chacune, une image, une phrase et ses nombres."),
    ),
    Lesson(
        "errors",
        Text("The errors that everyone runs into", "Les erreurs que tout le monde rencontre"),
        Text("The message, its cause, and the remedy.", "Le message, sa cause et le remède."),
    ),
)


def lessons() -> list[Day]:
    """All pages that are programs."""
    return [*days(), *OWN]


def code_of(day: Day, language: str) -> list[Code]:
    """The page's code cells in a language."""
    return [Code(cell.text, cell.raises, cell.quick) for cell in in_language(day, language) if cell.kind == "code"]


@functools.cache
def digest(path: Path) -> str:
    """A hash of the file's content; for a module, of its code without comments, docstrings and layout."""
    content = path.read_bytes()
    if path.suffix == ".py":
        tree = ast.parse(content)
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                node.body = [part for part in node.body if not is_text(part)] or [ast.Pass()]
        content = ast.unparse(tree).encode("utf-8")
    return hashlib.sha256(content).hexdigest()


def is_text(node: ast.stmt) -> bool:
    """Whether the statement is a docstring, or the text below a field that describes it."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def in_json(text: str) -> str:
    """The text as it stands inside a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def sentences_in(outputs: Outputs, path: Path) -> str:
    """A hash of those entries of a message file that the outputs may contain, because all of their words occur there."""
    said = json.dumps(outputs, ensure_ascii=False)
    entries = (
        (room, name, text)
        for room, names in tomllib.loads(path.read_text(encoding="utf-8")).items()
        for name, entry in names.items()
        for text in entry.values()
    )
    shown = [one for one in entries if all(in_json(part) in said for part in re.split(r"\{[^}]*\}", one[2]))]
    return hashlib.sha256(json.dumps(shown).encode("utf-8")).hexdigest()


def key_of(code: list[Code], files: list[str], outputs: Outputs) -> str:
    """A hash of everything that the outputs of a page's code depend on. `files` are the files of mnistlab that the code read."""
    cells = [(cell.text, cell.raises) for cell in code]
    project = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["project"]["version"], project["tool"]["uv"]["constraint-dependencies"]
    read = {
        name: sentences_in(outputs, PACKAGE / name) if name.endswith(".toml") else digest(PACKAGE / name)
        for name in files
    }
    said = json.dumps([cells, digest(Path(running.__file__)), packages, read], ensure_ascii=False)
    return hashlib.sha256(said.encode("utf-8")).hexdigest()


def kept(day: Day, language: str, folder: Path) -> Outputs | None:
    """The outputs that the folder keeps for exactly the page's present code, or `None`."""
    path = folder / f"{day.name}-{language}.json"
    if not path.is_file():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    files, outputs = found["files"], cast("Outputs", found["outputs"])
    is_there = all((PACKAGE / name).is_file() for name in files)
    return outputs if is_there and found["key"] == key_of(code_of(day, language), files, outputs) else None


def renew(folder: Path) -> None:
    """Run the pages whose outputs the folder does not keep, and save their outputs there."""
    pages = [(day, language) for day in lessons() for language in LANGUAGES]
    stale = {(day.name, one): code_of(day, one) for day, one in pages if kept(day, one, folder) is None}
    began = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    for name, language, ran in run_pages(stale):
        key = key_of(stale[name, language], ran.files, ran.outputs)
        text = json.dumps({"key": key, "files": ran.files, "outputs": ran.outputs}, ensure_ascii=False, indent=1)
        (folder / f"{name}-{language}.json").write_text(text + "\n", encoding="utf-8")
        took = f"{ran.seconds:.0f} s of CPU time"
        log.info("%s in %s ran in %s; %.0f s so far", name, language, took, time.perf_counter() - began)


def page(day: Day, language: str, folder: Path) -> dict[str, Any]:
    """The page as a notebook with the outputs that the folder keeps. Raises `LookupError` if it keeps none for this code."""
    outputs = kept(day, language, folder)
    if outputs is None:
        raise LookupError(f"{folder} keeps nothing of the present code of {day.name} in {language}")
    book = notebook(day, language)
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    for number, (cell, given) in enumerate(zip(code, outputs, strict=True), 1):
        cell |= {"execution_count": number, "outputs": given}
    return book
