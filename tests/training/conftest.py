"""Trainings that several of these modules look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from mnistlab.runs.run import Run
from mnistlab.training.experiment import train
from tests.training.small import RECIPE, SHORT


@pytest.fixture(scope="package")
def finished(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of seed 3; tests read it and leave it as it is."""
    return train(RECIPE, dataset=str(pictures), runs_dir=tmp_path_factory.mktemp("finished"), seed=3)[0]


@pytest.fixture(scope="package")
def short(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of an epoch and a half, of seed 3; tests read it and leave it as it is."""
    return train(SHORT, dataset=str(pictures), runs_dir=tmp_path_factory.mktemp("short"), seed=3)[0]
