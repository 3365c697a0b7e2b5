"""Find the models that a command names: a run, an ONNX file, or mnistlab's own reader."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from mnistlab.cli.words import tell
from mnistlab.dependencies import require

if TYPE_CHECKING:
    from mnistlab.serving.models import ServedModel


def model_file(model: str, runs_dir: Path) -> Path:
    """The ONNX file that `model` names; a run is exported first if its ONNX file is missing or older than its model."""
    from mnistlab.files import is_file

    if model.lower().endswith(".onnx") or is_file(Path(model)):
        return Path(model)
    from mnistlab.runs.store import find_run

    run = find_run(model, runs_dir)
    _ = run.classifier  # raises an error if the run trained another network
    exported = run.path / "model.onnx"
    if not exported.exists() or (run.model_path.exists() and exported.stat().st_mtime < run.model_path.stat().st_mtime):
        require("export")
        from mnistlab.export.export import export_model, find_finished

        find_finished(run, runs_dir)
        tell("cli.exporting_once", run=run.path, path=exported, err=True)
        export_model(run)
    return exported


BUNDLED = "mnistlab"
"""The name of the reader that comes with mnistlab."""


def load_models(names: tuple[str, ...], runs_dir: Path) -> list[ServedModel]:
    """Open each of the models in its own reader, under a unique name."""
    from mnistlab.files import resolved
    from mnistlab.reading.reader import Reader
    from mnistlab.serving.models import ServedModel

    served: list[ServedModel] = []
    for name in dict.fromkeys(names):
        run = None
        if name == BUNDLED:
            reader, identity = Reader(), BUNDLED
        else:
            file = model_file(name, runs_dir)
            reader = Reader(file)
            run = resolved(file).parent if file.name == "model.onnx" else None
            identity = run.name if run else file.stem
        identity = re.sub(r"[^\w.-]+", "-", identity)
        taken = [one.name for one in served]
        unique = next(n for n in (identity, *(f"{identity}-{k}" for k in range(2, 1000))) if n not in taken)
        title = "mnistlab's reader" if name == BUNDLED else title_of(unique)
        served.append(ServedModel(unique, title, reader, run))
    return served


def title_of(name: str) -> str:
    """A run's name, with the recipe first and the date after it: quick-seed0, 2026-11-22 22:10."""
    found = re.fullmatch(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)\d\d-(.+)", name)
    if found is None:
        return name
    year, month, day, hour, minute, what = found.groups()
    return f"{what}, {year}-{month}-{day} {hour}:{minute}"
