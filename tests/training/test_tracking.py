from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mnistlab.data.dataset import open_dataset
from mnistlab.errors import Interrupted, UserError
from mnistlab.recipes.catalog import RECIPES
from mnistlab.recipes.recipe import override
from mnistlab.runs.run import Run
from mnistlab.runs.store import find_run
from mnistlab.training import experiment as experiments
from mnistlab.training.display import Silent
from mnistlab.training.tracking import check_tracker, make_tracker

RECIPE = override(RECIPES["two-conv"], {
    "epochs": 3, "batch_size": 16, "widths": (4,), "kernel_size": 3, "hidden": 0, "precision": "fp32",
})  # fmt: skip


@pytest.fixture(scope="module")
def pictures(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 pictures each of two digits."""
    folder = tmp_path_factory.mktemp("pictures")
    images, labels = open_dataset("mnist", data_dir).read("train")
    for digit in (0, 1):
        (folder / str(digit)).mkdir()
        for index in np.flatnonzero(labels == digit)[:24]:
            Image.fromarray(images[index]).save(folder / str(digit) / f"{index}.png")
    return folder


class StopAfterOne(Silent):
    def epoch(self, row: dict[str, Any]) -> None:
        if row["epoch"] == 1:
            os.kill(os.getpid(), signal.SIGINT)


def events(run: Run) -> dict[str, list[tuple[int, float]]]:
    accumulator = EventAccumulator(str(run.path / "tensorboard"))
    accumulator.Reload()
    return {tag: [(e.step, e.value) for e in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]}


def expected(run: Run, key: str) -> list[tuple[int, float]]:
    return [(row["step"], pytest.approx(row[key], rel=1e-6)) for row in run.metrics]


def test_every_epoch_is_in_the_events(pictures: Path, tmp_path: Path) -> None:
    run, _ = experiments.train(RECIPE, dataset=str(pictures), runs_dir=tmp_path, track="tensorboard")

    found = events(run)
    assert set(found) == set(run.metrics[0]) - {"epoch", "step", "losses"}
    assert all(values == expected(run, key) for key, values in found.items())


def test_a_resumed_run_has_each_epoch_once(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        experiments.train(RECIPE, dataset=str(pictures), runs_dir=tmp_path, track="tensorboard", display=StopAfterOne())
    run = find_run("latest", tmp_path)
    assert len(events(run)["train_loss"]) == 1

    experiments.resume(run, track="tensorboard")
    assert len(run.metrics) == 3
    assert all(values == expected(run, key) for key, values in events(run).items())


def test_a_value_that_is_missing_is_left_out(pictures: Path, tmp_path: Path) -> None:
    tracker = make_tracker("tensorboard", tmp_path, [])
    assert tracker is not None
    tracker.epoch({"epoch": 1, "step": 5, "train_loss": 0.5, "val_accuracy": None})
    tracker.close()

    accumulator = EventAccumulator(str(tmp_path / "tensorboard"))
    accumulator.Reload()
    assert accumulator.Tags()["scalars"] == ["train_loss"]


def test_steps_after_the_last_finished_epoch_are_written_over(tmp_path: Path) -> None:
    """A process that died after its second epoch's event, before that epoch was saved."""
    first = make_tracker("tensorboard", tmp_path, [])
    assert first is not None
    for epoch in (1, 2):
        first.epoch({"epoch": epoch, "step": 10 * epoch, "train_loss": epoch / 2})
    first.close()
    second = make_tracker("tensorboard", tmp_path, [{"epoch": 1, "step": 10}])
    assert second is not None
    second.epoch({"epoch": 2, "step": 20, "train_loss": 0.25})
    second.close()

    accumulator = EventAccumulator(str(tmp_path / "tensorboard"))
    accumulator.Reload()
    assert [(e.step, e.value) for e in accumulator.Scalars("train_loss")] == [(10, 0.5), (20, 0.25)]


def test_without_a_tracker_nothing_is_written(tmp_path: Path) -> None:
    assert make_tracker(None, tmp_path, []) is None
    assert list(tmp_path.iterdir()) == []


def test_known_trackers_are_accepted() -> None:
    assert check_tracker(None) is None
    assert check_tracker("tensorboard") is None


@pytest.mark.parametrize("name", ["", "wandb", "TensorBoard"])
def test_an_unknown_tracker_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(UserError, match=r"Unknown tracker.*tensorboard"):
        check_tracker(name)
