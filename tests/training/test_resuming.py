"""Trainings that were stopped and resumed end where they would have, to the last bit."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mnistlab.data.picture_folder import lot
from mnistlab.errors import Interrupted, UserError
from mnistlab.runs.run import Run
from mnistlab.runs.store import find_run
from mnistlab.training import watch
from mnistlab.training.experiment import resume, train
from tests.support.comparing import same, weights, without_times
from tests.training.small import RECIPE, SHORT, STEPS, Watcher, copy_of

pytestmark = pytest.mark.usefixtures("no_drawing")


@pytest.mark.parametrize(("number", "epoch"), [(signal.SIGINT, 1), (signal.SIGTERM, 1), (signal.SIGINT, 2)])
def test_a_signal_between_epochs_stops_the_run_and_resuming_ends_where_it_would_have(
    finished: Run, pictures: Path, tmp_path: Path, number: signal.Signals, epoch: int
) -> None:
    with pytest.raises(Interrupted, match=f"after step {epoch * STEPS} of 8.*mnistlab.resume") as caught:
        train(RECIPE, dataset=str(pictures), runs_dir=tmp_path, seed=3, display=Watcher(at_epoch=epoch, number=number))
    assert caught.value.exit_code == 128 + number

    run, _ = resume(find_run("latest", tmp_path))
    assert same(weights(run), weights(finished))
    assert without_times(run.metrics) == without_times(finished.metrics)
    assert run.test == finished.test


@pytest.mark.parametrize("step", [1, 3, 5, 7])
def test_a_run_stopped_at_any_step_ends_where_it_would_have(
    step: int, finished: Run, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_EVERY", 0.0)
    with pytest.raises(Interrupted, match=f"Stopped after step {step} of 8"):
        train(RECIPE, dataset=str(pictures), runs_dir=tmp_path, seed=3, display=Watcher(at_step=step))

    watcher = Watcher()
    run, _ = resume(find_run("latest", tmp_path), display=watcher)
    assert watcher.seen[0] == ("start", 8, step)
    assert [row["step"] for row in run.metrics] == [4, 8]
    assert without_times(run.metrics) == without_times(finished.metrics)
    assert same(weights(run), weights(finished))


@pytest.mark.parametrize("step", [2, STEPS, STEPS + 1])
def test_a_short_training_that_was_stopped_ends_where_it_would_have(
    step: int, short: Run, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_EVERY", 0.0)
    watcher = Watcher(at_epoch=1) if step == STEPS else Watcher(at_step=step)
    with pytest.raises(Interrupted, match=f"Stopped after step {step} of {STEPS + 2}"):
        train(SHORT, dataset=str(pictures), runs_dir=tmp_path, seed=3, display=watcher)

    run, _ = resume(find_run("latest", tmp_path))
    assert same(weights(run), weights(short))
    assert without_times(run.metrics) == without_times(short.metrics)
    assert run.test == short.test


@pytest.mark.parametrize(
    "change",
    [
        {"writing": 1, "rejects": 0.5},
        {"averaging": 0.9, "optimizer": "adamw", "learning_rate": 0.01, "elastic": 2, "hidden": 8},
    ],
    ids=["rejects", "averaged, with AdamW"],
)
def test_so_does_whatever_else_draws_or_remembers(
    change: dict[str, Any], pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_EVERY", 0.0)
    recipe = RECIPE.override(change)
    straight, _ = train(recipe, dataset=str(pictures), runs_dir=tmp_path / "straight", seed=3)
    with pytest.raises(Interrupted):
        train(recipe, dataset=str(pictures), runs_dir=tmp_path, seed=3, display=Watcher(at_step=STEPS + 2))

    run, _ = resume(find_run("latest", tmp_path))
    assert same(weights(run), weights(straight))
    assert without_times(run.metrics) == without_times(straight.metrics)


@pytest.mark.parametrize("name", ["finished", "short"])
def test_resuming_a_finished_run_changes_nothing_in_it(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    run = copy_of(request.getfixturevalue(name), tmp_path)
    names = ("config.json", "metrics.jsonl", "model.pth", "resume.pt", "test.json")
    kept = {name: (run.path / name).read_bytes() for name in names}
    run.model_path.unlink()  # it comes back from resume.pt
    resume(run)

    assert {name: (run.path / name).read_bytes() for name in names} == kept


# files that are missing or damaged


def test_a_run_killed_before_its_first_save_starts_from_its_beginning(
    finished: Run, pictures: Path, tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        train(RECIPE, dataset=str(pictures), runs_dir=tmp_path, seed=3, display=Watcher(at_epoch=1))
    run = find_run("latest", tmp_path)
    for path in (run.resume_path, run.model_path, run.path / "metrics.jsonl"):
        path.unlink()

    resume(run)
    assert same(weights(run), weights(finished))
    assert [row["epoch"] for row in run.metrics] == [1, 2]


def test_a_finished_run_that_lost_its_state_is_not_begun_anew(finished: Run, tmp_path: Path) -> None:
    run = copy_of(finished, tmp_path)
    run.resume_path.unlink()
    kept = {path: path.read_bytes() for path in run.path.iterdir()}

    with pytest.raises(UserError, match=r"resume\.pt is missing"):
        resume(run)
    assert {path: content for path, content in kept.items() if path.read_bytes() != content} == {}


def test_a_run_whose_pictures_have_changed_is_not_resumed(pictures: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(pictures, own)
    with pytest.raises(Interrupted):
        train(RECIPE, dataset=str(own), runs_dir=tmp_path / "runs", display=Watcher(at_epoch=1))
    first = next(path for path in sorted((own / "0").iterdir()) if lot(path) >= 1 / 6)  # one that is trained on
    Image.new("L", (28, 28), 0).save(first)

    with pytest.raises(UserError, match="training data has changed"):
        resume(find_run("latest", tmp_path / "runs"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a file"])
def test_a_damaged_state_is_refused_and_nothing_is_touched(pictures: Path, tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Interrupted):
        train(RECIPE, dataset=str(pictures), runs_dir=tmp_path, display=Watcher(at_epoch=1))
    run = find_run("latest", tmp_path)
    run.resume_path.write_bytes(content)
    kept = {path: path.read_bytes() for path in run.path.iterdir()}

    with pytest.raises(UserError, match=r"resume\.pt"):
        resume(run)
    assert {path: path.read_bytes() for path in run.path.iterdir()} == kept


@pytest.mark.parametrize(
    "change",
    [
        {"device": "abacus"},
        {"threads": "many"},
        {"device": None},
        {"threads": 0},
    ],
)
def test_a_damaged_environment_is_refused(change: dict[str, Any], finished: Run, tmp_path: Path) -> None:
    run = copy_of(finished, tmp_path)
    path = run.path / "environment.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))

    with pytest.raises(UserError):
        resume(run)


def test_a_run_whose_pictures_are_gone_is_refused(finished: Run, tmp_path: Path) -> None:
    copy = copy_of(finished, tmp_path).path
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "dataset": "/no/such/pictures"}))

    with pytest.raises(UserError, match="/no/such/pictures"):
        resume(Run.open(copy))
