"""Run the code of a page as a learner would: cell by cell in one namespace, in an empty folder; a warning is an error.

Pages run side by side, each in its own process with one torch thread, so that the last digits of its sums do not depend
on how many cores there are.
"""

from __future__ import annotations

import base64
import contextlib
import io
import multiprocessing
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from PIL import Image

from docs.site.reads import files_read
from mnistlab.dependencies import import_matplotlib

__all__ = ["Code", "Output", "Outputs", "Ran", "run_cells", "run_pages"]

Output = dict[str, Any]
"""An output in a notebook (nbformat 4): text, a picture or an error."""
Outputs = list[list[Output]]
"""The outputs of each code cell."""
SHARED = ["docs.site.reads", "torch", "torchvision", "scipy.stats", "PIL.Image"]
"""Imported once for all pages, because they take longer than most pages do."""


class Code(NamedTuple):
    """A code cell, as a type that does not need mnistlab to be imported."""

    text: str
    raises: str
    """The name of the error that it ends in on purpose; empty if it ends without one."""
    quick: str
    """The statement that the tests run after it, to cut training short; empty if there is none."""


@dataclass
class Shown:
    """The outputs of a cell so far."""

    draw: Callable[[Any], Output]
    outputs: list[Output] = field(default_factory=list)
    text: io.StringIO = field(default_factory=io.StringIO)

    def flush(self) -> None:
        """Turn what was printed into an output."""
        if text := self.text.getvalue():
            self.outputs.append({"output_type": "stream", "name": "stdout", "text": text})
        self.text.seek(0)
        self.text.truncate()

    def show(self, *_: Any, **__: Any) -> None:
        """Draw the figures and close them; this replaces `plt.show`."""
        import matplotlib.pyplot as plt

        self.flush()
        self.outputs += [self.draw(plt.figure(number)) for number in plt.get_fignums()]
        plt.close("all")


def run_cells(
    cells: Sequence[Code], name: str, folder: Path, draw: Callable[[Any], Output], *, quick: bool = False
) -> tuple[Outputs, dict[str, Any]]:
    """Run a page's code cells in the folder; return the outputs of each, for which `draw` draws the figures, and all variables.

    A warning is an error. An error that its cell does not announce is raised; if an announced one does not come, or a figure is
    not shown, `AssertionError` is. With `quick`, each cell's statement for the tests is run after it, so that training is cut
    to a few steps. `name` is the name of the page, for error messages.
    """
    import_matplotlib()
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    names: dict[str, Any] = {"__name__": "__main__"}
    outputs = []
    with contextlib.chdir(folder), warnings.catch_warnings():
        warnings.simplefilter("error")
        for number, cell in enumerate(cells):
            place, shown = f"{name}, code cell {number}", Shown(draw)
            with mock.patch.object(plt, "show", shown.show), contextlib.redirect_stdout(shown.text):
                raised = run_cell(cell, place, names)
            shown.flush()
            assert bool(raised) == bool(cell.raises), f"{place} did not raise {cell.raises}"
            assert not plt.get_fignums(), f"{place} draws and does not call plt.show()"
            outputs.append(shown.outputs + raised)
            if quick:
                exec(cell.quick, names)  # noqa: S102
    return outputs, names


def run_cell(cell: Code, place: str, names: dict[str, Any]) -> list[Output]:
    """Run one cell; if the error that it announces comes, return it as an output. Any other is raised, with `place` in a note."""
    try:
        exec(compile(cell.text, place, "exec"), names)  # noqa: S102
    except Exception as error:
        name, message = type(error).__name__, str(error)
        if name != cell.raises:
            error.add_note(place)
            raise
        return [{"output_type": "error", "ename": name, "evalue": message, "traceback": [f"{name}: {message}"]}]
    return []


def words_of(figure: Any) -> str:
    """The titles, labels and legends of a figure, each once, separated by commas."""
    said = [figure.get_suptitle()]
    for axes in figure.axes:
        legend = axes.get_legend()
        said += [axes.get_title(), axes.get_xlabel(), axes.get_ylabel()]
        said += [text.get_text() for text in legend.get_texts()] if legend else []
    return ", ".join(dict.fromkeys(text.strip().replace("\n", " ").replace("$", "") for text in said if text.strip()))


def as_png(figure: Any) -> Output:
    """The figure as a PNG at 200 dots per inch in 256 colours, with its words for people who cannot see it."""
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, dpi=200, bbox_inches="tight", facecolor="white")
    Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    data = {"image/png": base64.b64encode(small.getvalue()).decode(), "text/plain": words_of(figure)}
    return {"output_type": "display_data", "data": data, "metadata": {}}


@dataclass(frozen=True)
class Ran:
    """The result of running a page."""

    outputs: Outputs
    """The outputs, without what is specific to this machine."""
    files: list[str]
    """The files of mnistlab that it read."""
    seconds: float
    """The CPU time that it took, in seconds."""


def run_alone(cells: Sequence[Code], name: str) -> Ran:
    """Run a page's cells in this process, which must be its own, in a folder that is deleted afterwards."""
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="mnistlab-") as folder:
        work = Path(folder, name)
        work.mkdir()
        outputs, _ = run_cells(cells, name, work, as_png)
    clean = [[tidy(output, folder) for output in given] for given in outputs]
    return Ran(clean, files_read(), time.process_time())


def tidy(output: Output, folder: str) -> Output:
    """The output without the paths of folders that are specific to this machine."""

    def cut(text: str) -> str:
        return text.replace(folder, "").replace(sys.prefix, "")

    if output["output_type"] == "stream":
        return {**output, "text": cut(output["text"])}
    if output["output_type"] == "error":
        return {**output, "evalue": cut(output["evalue"]), "traceback": [cut(line) for line in output["traceback"]]}
    return output


def run_pages(pages: Mapping[tuple[str, str], Sequence[Code]]) -> Iterator[tuple[str, str, Ran]]:
    """Run pages side by side and yield the result of each as it ends. `pages` gives their code by name and language."""
    start = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(start)
    context.set_forkserver_preload(SHARED)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with ProcessPoolExecutor(min(cores, 8), context, max_tasks_per_child=1) as pool:
        running = {pool.submit(run_alone, code, name): (name, language) for (name, language), code in pages.items()}
        try:
            for one in as_completed(running):
                yield *running[one], one.result()
        finally:
            pool.shutdown(cancel_futures=True)
