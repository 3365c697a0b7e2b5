"""From a training run of some seconds to one's own model reading a page."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mnistlab.cli.app import run_app
from mnistlab.data.dataset import open_dataset
from mnistlab.data.splits import read_split
from mnistlab.runs.run import Run
from mnistlab.runs.store import find_run
from tests.support.drawing import count_read
from tests.support.pages import EFFECTS, Page, make_page, save

COMMAND = str(Path(sys.executable).parent / "mnistlab")


@pytest.fixture(scope="module")
def home(mnist_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run in it, as training leaves it."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copytree(mnist_run.path, folder / "runs" / mnist_run.path.name)
    return folder


@pytest.fixture(scope="module")
def run(home: Path) -> Run:
    return find_run("latest", home / "runs")


@pytest.fixture(scope="module")
def page(home: Path, data_dir: Path) -> Page:
    """40 validation digits on lined paper, in home as page.png."""
    images, labels = read_split(open_dataset("mnist", data_dir), "val")
    drawn = make_page(
        2, images[:40], labels[:40], size=(1200, 900), paper="cream", ruling="ruled", pen="blue ballpoint", tilt=3,
        per_line=8, without=[effect for effect in EFFECTS if effect not in ("texture", "light")],
    )  # fmt: skip
    save(drawn, home / "page.png")
    return drawn


def command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    return subprocess.run([COMMAND, *arguments], cwd=home, env=environment, capture_output=True, text=True, check=False)


def digits_of(answer: str) -> list[dict[str, Any]]:
    (content,) = json.loads(answer)
    assert set(content) == {"file", "page", "text", "lines"}
    return [digit for line in content["lines"] for digit in line["digits"]]


def test_train_export_read(home: Path, run: Run, page: Page, data_dir: Path) -> None:
    assert run_app(["export", str(run.path), "--data-dir", str(data_dir)]) == 0
    assert (run.path / "model.onnx").stat().st_size < 2_000_000

    answers = []
    for model in ("latest", str(run.path / "model.onnx")):
        read = command(home, "read", "--model", model, "page.png", "--json")
        assert (read.returncode, read.stderr) == (0, "")
        answers.append(read.stdout)
    assert len(set(answers)) == 1

    assert count_read(digits_of(answers[0]), page) >= 34


def test_with_the_model_that_comes_along(home: Path, page: Page) -> None:
    read = command(home, "read", "page.png", "--json")
    assert (read.returncode, read.stderr) == (0, "")
    assert count_read(digits_of(read.stdout), page) >= 36
    shown = command(home, "read", "page.png")
    assert shown.stdout.splitlines() == json.loads(read.stdout)[0]["text"].splitlines()
    assert len(shown.stdout.splitlines()) == len(page.lines)
