"""Trainings that several of these modules look at."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnistlab.runs.run import Run
from mnistlab.training.experiment import train
from tests.conftest import leave_pictures
from tests.training.small import PAGES, RECIPE, SHORT


@pytest.fixture(scope="package")
def finished(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of seed 3; tests read it and leave it as it is."""
    return train(RECIPE, dataset=str(pictures), runs_dir=tmp_path_factory.mktemp("finished"), seed=3)[0]


@pytest.fixture(scope="package")
def short(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of an epoch and a half, of seed 3; tests read it and leave it as it is."""
    return train(SHORT, dataset=str(pictures), runs_dir=tmp_path_factory.mktemp("short"), seed=3)[0]


@contextlib.contextmanager
def by_this_process() -> Iterator[None]:
    """Inside `with`, this process draws what networks for pages are trained on, and no pictures of runs are made."""
    with pytest.MonkeyPatch.context() as patched:
        for module in ("training", "evaluation"):
            patched.setattr(f"mnistlab.{module}.papers.worker_count", lambda device: 0)
        patched.setattr("mnistlab.evaluation.plots.draw_run", leave_pictures)
        yield


@pytest.fixture(scope="module")
def drawn_here() -> Iterator[None]:
    """While a module is tested, its own process draws scenes and strips, and no pictures of runs are made."""
    with by_this_process():
        yield


@pytest.fixture(scope="package")
def finder_run(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of the recipe finder, of seed 3; tests read it and leave it as it is."""
    with by_this_process():
        return train(PAGES["finder"], data_dir=data_dir, runs_dir=tmp_path_factory.mktemp("finder"), seed=3)[0]


@pytest.fixture(scope="package")
def line_run(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of the recipe line-reader, of seed 3; tests read it and leave it as it is."""
    with by_this_process():
        return train(PAGES["line-reader"], data_dir=data_dir, runs_dir=tmp_path_factory.mktemp("lines"), seed=3)[0]


@pytest.fixture(params=["finder_run", "line_run"])
def page_run(request: pytest.FixtureRequest) -> Run:
    """`finder_run` and `line_run`, in turn."""
    found: Run = request.getfixturevalue(request.param)
    return found
