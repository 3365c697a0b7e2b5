from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mnistlab.errors import Interrupted, UserError
from mnistlab.runs.run import Run
from mnistlab.runs.store import find_run
from mnistlab.training.experiment import resume, train
from mnistlab.training.tracking import check_packages, make_tracker
from tests.training.small import RECIPE, Watcher

pytestmark = pytest.mark.usefixtures("no_drawing")


def events(run: Run) -> dict[str, list[tuple[int, float]]]:
    accumulator = EventAccumulator(str(run.path / "tensorboard"))
    accumulator.Reload()
    return {tag: [(e.step, e.value) for e in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]}


def expected(run: Run, key: str) -> list[tuple[int, float]]:
    return [(row["step"], pytest.approx(row[key], rel=1e-6)) for row in run.metrics]


def test_every_epoch_is_in_the_events(pictures: Path, tmp_path: Path) -> None:
    run, _ = train(RECIPE, dataset=str(pictures), runs_dir=tmp_path, track="tensorboard")

    found = events(run)
    assert set(found) == set(run.metrics[0]) - {"epoch", "step", "losses"}
    assert all(values == expected(run, key) for key, values in found.items())


def test_a_resumed_run_has_each_epoch_once(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train(RECIPE, dataset=str(pictures), runs_dir=tmp_path, track="tensorboard", display=Watcher(at_epoch=1))
    run = find_run("latest", tmp_path)
    assert len(events(run)["train_loss"]) == 1

    resume(run, track="tensorboard")
    assert len(run.metrics) == 2
    assert all(values == expected(run, key) for key, values in events(run).items())


def test_a_value_that_is_missing_is_left_out(tmp_path: Path) -> None:
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
    assert check_packages(None) is None
    assert check_packages("tensorboard") is None


@pytest.mark.parametrize("name", ["", "wandb", "TensorBoard"])
def test_an_unknown_tracker_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(UserError, match=r"Unknown tracker.*\. Choose 'tensorboard'\."):
        check_packages(name)


def test_without_tensorboard_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(UserError, match=r"not installed: tensorboard\. .*uv sync --extra track"):
        train(RECIPE, runs_dir=tmp_path / "runs", track="tensorboard")
    assert list(tmp_path.iterdir()) == []
