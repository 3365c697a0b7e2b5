"""What the tests share: the real MNIST, fetched once per session through mnistlab itself, and pictures made from it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from PIL import Image

from mnistlab.data.dataset import open_dataset
from mnistlab.evaluation import plots
from mnistlab.evaluation.plots import draw_run
from mnistlab.evaluation.result import Evaluation
from mnistlab.files import write_bytes
from mnistlab.recipes.catalog import RECIPES
from mnistlab.runs.run import Run
from mnistlab.training.experiment import train

settings.register_profile("any speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any speed")

# A network as small as those of the tests gains nothing from a second thread, and two that share a busy core wait for each other
# a hundred times as long as they compute. The processes that tests start inherit this.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"
# What the tests look for is English, on a French machine too; the processes that tests start inherit this as well.
os.environ["MNISTLAB_LANG"] = "en"


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Processes that share the whole suite: one per core, at most four, because each needs a gigabyte.

    None for folders and files named on the command line: by the time the processes have started, most of those are done.
    """
    if any(Path(argument.partition("::")[0]).exists() for argument in config.invocation_params.args):
        return 0
    return min(4, os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The page's tests come first: they take longest of all files, and no process should be left alone with them at the end."""
    items.sort(key=lambda item: item.path.name != "test_page.py")


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that holds the real MNIST; tests read it and leave it as it is."""
    folder = tmp_path_factory.mktemp("data")
    open_dataset("mnist", folder).read("train")
    return folder


@pytest.fixture(scope="session")
def pictures(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 pictures each of three digits of MNIST, a folder per digit: trained on in well under a second."""
    folder = tmp_path_factory.mktemp("pictures") / "digits"
    images, labels = open_dataset("mnist", data_dir).read("train")
    for digit in range(3):
        (folder / str(digit)).mkdir(parents=True)
        for index in np.flatnonzero(labels == digit)[:30]:
            Image.fromarray(images[index]).save(folder / str(digit) / f"{index:05}.png")
    return folder


def leave_pictures(run: Run, evaluation: Evaluation) -> list[Path]:
    """Instead of `draw_run`: the same files, with nothing in them."""
    paths = [run.path / name for name in ("training.png", "confusion.png", "mistakes.png")]
    for path in paths:
        write_bytes(path, b"")
    return paths


@pytest.fixture
def no_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training runs in this test draw nothing, because drawing takes ten times as long as the training itself.

    What a module's fixtures train is drawn all the same, because they are made before.
    """
    monkeypatch.setattr(plots, "draw_run", leave_pictures)


@pytest.fixture
def drawing(no_drawing: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a module that draws nothing, a test that does."""
    monkeypatch.setattr(plots, "draw_run", draw_run)


@pytest.fixture
def ctrl_c_is_heard() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, as in a terminal: in the processes that share the suite it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def mnist_run(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run on the real MNIST that has learnt to read; tests work on copies of it."""
    recipe = RECIPES["two-conv"].override({
        "epochs": 1, "steps": 100, "widths": (4, 8), "kernel_size": 3, "hidden": 0, "precision": "fp32", "rotate": 0.0,
        "scale": 0.0, "shift": 0.0, "shear": 0.0, "learning_rate": 0.2,
    })  # fmt: skip
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(plots, "draw_run", leave_pictures)
        return train(recipe, data_dir=data_dir, runs_dir=tmp_path_factory.mktemp("mnist"))[0]
