"""The pages that are programs: the days of the course and two of the site's own, run as a learner runs them.

What the code of a page gave is kept in `outputs/`, under a key made of all that it depends on: the code itself, the files of
mnistlab that it names, and the version of mnistlab. A page is run again when its key has changed. Its text is not part of
the key, and always taken from the source.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import mnistlab
from mnistlab.learn.course import Day, days, in_language, notebook
from mnistlab.learn.language import Text

__all__ = ["OWN", "Lesson", "Outputs", "lessons", "page", "run"]

HERE = Path(__file__).parent
Outputs = list[list[dict[str, Any]]]
"""Of each cell of code its outputs, as a notebook (nbformat 4) has them."""


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
        Text("A picture, a sentence and its numbers for each.", "Pour chacune, une image, une phrase et ses nombres."),
    ),
    Lesson(
        "errors",
        Text("The errors that everybody meets", "Les erreurs que tout le monde rencontre"),
        Text("The message, why, and the remedy.", "Le message, pourquoi, et le remède."),
    ),
)


def lessons() -> list[Day]:
    """All pages that are programs."""
    return [*days(), *OWN]


SETUP = (HERE / "in_kernel.py").read_text(encoding="utf-8")


def named_files(code: str) -> list[Path]:
    """The files of mnistlab from which the code imports."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "mnistlab":
            names = [alias.name for alias in node.names]
            homes = [f"mnistlab.{mnistlab.HOME[name]}" if node.module == "mnistlab" else node.module for name in names]
            found |= {spec.origin for home in homes if (spec := importlib.util.find_spec(home or "")) and spec.origin}
    return sorted(map(Path, found))


def key_of(day: Day, language: str) -> str:
    """What the outputs of the page's code depend on, as one hash."""
    cells = [(cell.text, cell.raises) for cell in in_language(day, language) if cell.kind == "code"]
    code = "\n".join(text for text, _ in cells)
    files = [path.read_text(encoding="utf-8") for path in named_files(code)]
    said = json.dumps([cells, SETUP, files, metadata.version("mnistlab")], ensure_ascii=False)
    return hashlib.sha256(said.encode("utf-8")).hexdigest()


def kept(day: Day, language: str, folder: Path) -> Outputs | None:
    """The outputs that were kept of this very code, `None` where there are none."""
    path = folder / f"{day.name}-{language}.json"
    if not path.is_file():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    return found["outputs"] if found["key"] == key_of(day, language) else None


def run(day: Day, language: str, *, quick: bool = False) -> Outputs:
    """Run the page's code in a kernel of its own, in an empty folder, and return what it gives.

    A warning is an error; an error that no cell announces is raised (`nbclient.exceptions.CellExecutionError`), and so is
    `AssertionError` where an announced one does not come. With `quick`, trainings are cut to a few steps.
    """
    import nbformat
    from nbclient import NotebookClient

    sources = [cell for cell in in_language(day, language) if cell.kind == "code"]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SETUP)])
    for cell in sources:
        code = f"{cell.text}\n{cell.quick}" if quick else cell.text
        tags = ["raises-exception"] if cell.raises else []
        book.cells.append(nbformat.v4.new_code_cell(code, metadata={"tags": tags}))
    with tempfile.TemporaryDirectory(prefix="mnistlab-") as folder:
        own = {"IPYTHONDIR": f"{folder}/.ipython", "JUPYTER_RUNTIME_DIR": f"{folder}/.jupyter", "MPLBACKEND": "agg"}
        work = Path(folder, day.name)
        work.mkdir()
        client = NotebookClient(
            book, timeout=None, resources={"metadata": {"path": str(work)}}, extra_arguments=["--log-level=CRITICAL"]
        )
        client.execute(env={**os.environ, **own})
    outputs = [[tidy(output, folder) for output in cell.outputs] for cell in book.cells[1:]]
    for source, given in zip(sources, outputs, strict=True):
        raised = [output["ename"] for output in given if output["output_type"] == "error"]
        assert raised == [source.raises] * bool(source.raises), (day.name, language, source.text, raised)
    return outputs


def tidy(output: dict[str, Any], folder: str) -> dict[str, Any]:
    """The output without what is of this machine alone; of an error its message."""
    if output["output_type"] == "stream":
        return {**output, "text": output["text"].replace(folder, "").replace(sys.prefix, "")}
    if output["output_type"] == "error":
        message = output["evalue"].replace(folder, "").replace(sys.prefix, "")
        return {**output, "evalue": message, "traceback": [f"{output['ename']}: {message}"]}
    return {key: value for key, value in output.items() if key != "execution_count"}


def page(day: Day, language: str, folder: Path, *, again: bool = False) -> dict[str, Any]:
    """The page as a notebook with its outputs: those kept in the folder, or, where its code has changed, new ones."""
    outputs = None if again else kept(day, language, folder)
    if outputs is None:
        outputs = run(day, language)
        found = {"key": key_of(day, language), "outputs": outputs}
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(found, ensure_ascii=False, indent=1) + "\n"
        (folder / f"{day.name}-{language}.json").write_text(text, encoding="utf-8")
    book = notebook(day, language)
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    for number, (cell, given) in enumerate(zip(code, outputs, strict=True), 1):
        cell["execution_count"] = number
        cell["outputs"] = [
            {**one, "execution_count": number} if "execution" in one["output_type"] else one for one in given
        ]
    return book
