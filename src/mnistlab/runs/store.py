"""Make, list, find and delete the runs in a folder."""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mnistlab.errors import StorageFailure, UserError, shown
from mnistlab.files import (
    DENIED,
    check_links,
    explain_os_errors,
    given_path,
    is_file,
    is_folder,
    resolved,
    shorten,
    write_json,
)
from mnistlab.recipes.papers import AnyRecipe
from mnistlab.runs.config import CONFIG_VERSION
from mnistlab.runs.run import Run

__all__ = ["begin_run", "create_run", "delete_run", "find_model", "find_run", "list_runs"]

TRACES = ("config.json", "metrics.jsonl", "model.pth")
"""A folder that holds one of these files is a run, though perhaps a damaged one."""
LATEST = "latest"
"""This name always means the run that was created last."""


def create_run(
    runs_dir: Path,
    recipe: AnyRecipe,
    dataset: str,
    data_dir: Path,
    seed: int,
    environment: dict[str, Any],
    members: Sequence[str] = (),
) -> Run:
    """Create a run folder that has config.json and environment.json from the moment it appears.

    Raises `UserError` or `Failure` if the folder cannot be written; in that case, nothing is left behind.
    """
    created = datetime.datetime.now().astimezone().replace(microsecond=0)
    config = {
        "version": CONFIG_VERSION,
        "kind": recipe.kind,
        "created": created.isoformat(),
        "dataset": dataset,
        "data_dir": str(data_dir),
        "seed": seed,
        "recipe": recipe.to_groups(),
        **({"members": list(members)} if members else {}),
    }
    name = f"{created:%Y%m%d-%H%M%S}-{recipe.name}-seed{seed}"
    temporary = runs_dir / f".{name}.{uuid.uuid4().hex[:8]}.tmp"
    try:
        write_json(temporary / "config.json", config)
        write_json(temporary / "environment.json", environment)
        for suffix in ["", *(f"-{n}" for n in range(2, 1000))]:
            path = runs_dir / (name + suffix)
            if path.exists():
                continue
            with explain_os_errors(path):
                try:
                    os.rename(temporary, path)  # noqa: PTH104 - fails if another process has taken the name; then try the next
                except OSError:
                    if not path.exists():
                        raise
                    continue
            return Run(path, recipe, dataset, str(data_dir), seed, created, tuple(members))
        raise UserError("runs.too_many_of_one_name", runs_dir=runs_dir, name=name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def begin_run(run: Run) -> Iterator[Run]:
    """Inside `with`, hold the lock of a newly created run. If the run cannot be locked, its folder is deleted."""
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(run.lock())
        except BaseException:
            shutil.rmtree(run.path, ignore_errors=True)
            raise
        yield run


def list_runs(runs_dir: str | Path = "runs") -> Iterator[Run | UserError]:
    """All runs in a folder, oldest first.

    Parameters
    ----------
    runs_dir : str or Path
        The folder that holds the runs; if it is missing, there are no runs.

    Returns
    -------
    iterator of Run or UserError
        The runs; after them, for each damaged run, the error that says what is wrong with it.

    Raises
    ------
    UserError
        If `runs_dir` is not a path, or is a link that leads nowhere.
    """
    runs_dir = given_path(runs_dir, "runs_dir")
    check_links(runs_dir)
    if not runs_dir.is_dir():
        return
    runs: list[Run] = []
    errors: list[UserError] = []
    for path in sorted(runs_dir.iterdir()):
        if path.is_dir() and not path.name.startswith(".") and any((path / name).exists() for name in TRACES):
            try:
                runs.append(Run.open(path))
            except UserError as error:
                errors.append(error)
    yield from sorted(runs, key=lambda run: (run.created, run.path.name))
    yield from errors


def find_run(name: Run | str | Path, runs_dir: str | Path = "runs") -> Run:
    """Find a run. Every function that takes a run finds it this way.

    Parameters
    ----------
    name : Run, str or Path
        A run folder, its name in `runs_dir`, or "latest" for the run in `runs_dir` that was created last. Runs whose date lies
        in the future, because a clock was wrong, count only if there are no other runs. A `Run` is returned as it is.
    runs_dir : str or Path
        The folder that holds the runs.

    Returns
    -------
    Run
        The run, which need not be finished.

    Raises
    ------
    UserError
        If there is no such run, or its config.json is damaged or of an unknown version.
    """
    if isinstance(name, Run):
        return name
    if not isinstance(name, str | Path):
        raise UserError("runs.not_a_run_name", name=shown(name))
    name, runs_dir = str(name), given_path(runs_dir, "runs_dir")
    if name == LATEST:
        found = list(list_runs(runs_dir))
        runs = [run for run in found if isinstance(run, Run)]
        if not runs:
            damaged = [run for run in found if isinstance(run, UserError)]
            raise damaged[-1] if damaged else UserError("runs.none_yet", runs_dir=runs_dir)
        now = datetime.datetime.now().astimezone()
        return ([run for run in runs if run.created <= now] or runs)[-1]
    for path in (Path(name), runs_dir / name):
        if name and is_folder(path):
            return Run.open(path if path.name not in ("", "..") else resolved(path))
        check_links(path)
    raise UserError("runs.no_such_run", name=shorten(name), runs_dir=runs_dir)


def find_model(source: Run | str | Path, runs_dir: str | Path = "runs") -> Path:
    """The path of a model: `source` if that is a file or ends in .pth or .pt, else the model of the run that `find_run` finds.

    Raises `UserError` if there is no such run, but does not check whether the model's file exists.
    """
    if isinstance(source, str | Path) and str(source) != LATEST:
        path = Path(source)
        if path.suffix in (".pth", ".pt") or is_file(path):
            return path
    return find_run(source, runs_dir).model_path


def delete_run(run: Run) -> None:
    """Delete the run's folder. It is first renamed to a hidden name, so that the run disappears entirely or not at all.

    Raises `UserError` while another process is training the run, if the folder is a link, or if it may not be deleted, and
    `StorageFailure` if deleting it fails for another reason.
    """
    if run.path.is_symlink():
        raise UserError("runs.is_a_link", run_path=run.path, target=resolved(run.path))
    with run.lock():
        pass
    hidden = run.path.with_name(f".{run.path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        run.path.rename(hidden)
        shutil.rmtree(hidden)
    except OSError as error:
        kind = UserError if error.errno in DENIED else StorageFailure
        raise kind("runs.not_deleted", run_path=run.path, reason=error.strerror or error) from error
