"""Trainings that are killed, stopped or run out of disk, as processes; resumed, they end where they would have."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import torch

from mnistlab.cli.app import main, run_app
from mnistlab.cli.progress import TerminalDisplay
from mnistlab.errors import Failure
from mnistlab.evaluation.models import load_model
from mnistlab.recipes.catalog import RECIPES
from mnistlab.runs.run import Run
from mnistlab.runs.store import find_run
from mnistlab.training import display, watch
from mnistlab.training.experiment import resume, train
from tests.support.waiting import LIMIT, wait_until

pytestmark = pytest.mark.usefixtures("no_drawing")  # in this process; those that are started draw

Start = Callable[..., BaseProcess]
EPOCHS = 12
STEPS = 4
FIELDS: dict[str, Any] = {
    "epochs": EPOCHS, "batch_size": 16, "widths": (4,), "kernel_size": 3, "hidden": 8, "precision": "fp32",
}  # fmt: skip
RECIPE = RECIPES["two-conv"].override(FIELDS)  # dropout and augmentation on
OPTIONS = [
    "two-conv",
    f"--epochs={EPOCHS}",
    "--batch-size=16",
    "--widths=4",
    "--kernel-size=3",
    "--hidden=8",
    "--precision=fp32",
]


@pytest.fixture(scope="module")
def straight(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The uninterrupted run."""
    return train(RECIPE, dataset=str(pictures), runs_dir=tmp_path_factory.mktemp("straight"), seed=1)[0]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a disk, and only where the machine lets it")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def assert_same_end(run: Run, straight: Run) -> None:
    """The weights to the last bit, each epoch once, the same test."""
    one, other = (load_model(r.model_path).model.state_dict() for r in (run, straight))
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    assert [row["epoch"] for row in run.metrics] == list(range(1, EPOCHS + 1))
    assert len((run.path / "metrics.jsonl").read_text().splitlines()) == EPOCHS
    for key in ("train_loss", "val_loss", "val_accuracy", "learning_rate", "step"):
        assert [row[key] for row in run.metrics] == [row[key] for row in straight.metrics]
    assert run.test == straight.test
    assert names(run) == names(straight)


def names(run: Run) -> set[str]:
    """The content of the run folder; a process that is killed while it writes a file leaves a temporary one beside it."""
    return {path.name for path in run.path.iterdir() if not path.name.endswith(".tmp")}


def wait_for_epochs(runs_dir: Path, epochs: int) -> Run:
    """Wait until the only run below the folder has that many lines of metrics."""
    found: list[Run] = []

    def look() -> bool:
        folders = [p for p in runs_dir.glob("*") if p.is_dir() and not p.name.startswith(".")]
        found[:] = [Run.open(folder) for folder in folders]
        return bool(found) and len(found[0].metrics) >= epochs

    wait_until(look)
    return found[0]


class KillAt(display.Silent):
    """Ends its own process as `kill -9` does, at a chosen step, or right after a chosen epoch; with 0 and 0, others have to.

    They will find the process still there, however late they are: it stops before the last epoch.
    """

    def __init__(self, step: int, epoch: int) -> None:
        self.at_step, self.at_epoch = step, epoch

    def step(self, done: int, loss: float, images_per_second: float) -> None:
        if done == self.at_step:
            os.kill(os.getpid(), signal.SIGKILL)

    def epoch(self, row: dict[str, Any]) -> None:
        if row["epoch"] == self.at_epoch:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.at_step == self.at_epoch == 0 and row["epoch"] == EPOCHS - 1:
            threading.Event().wait()


def train_until_killed(pictures: str, runs_dir: Path, step: int, epoch: int, save_every: float) -> None:
    watch.LOOK_EVERY, watch.SAVE_EVERY = 0.0, save_every
    train(RECIPE, dataset=pictures, runs_dir=runs_dir, seed=1, display=KillAt(step, epoch))


def command(arguments: list[str], out: Path, err: Path, signalled: Path | None = None) -> None:
    """The command line with its streams in files; it waits before the last epoch until `signalled` exists."""
    if signalled:
        shown = TerminalDisplay.epoch

        def epoch(self: TerminalDisplay, row: dict[str, Any]) -> None:
            shown(self, row)
            if row["epoch"] == EPOCHS - 1:
                wait_until(signalled.exists)

        TerminalDisplay.epoch = epoch  # type: ignore[method-assign]
    for path, number in ((out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    sys.stdout, sys.stderr = open(1, "w"), open(2, "w")  # noqa: SIM115 - pytest's own are inherited
    main(arguments)


@pytest.mark.parametrize(
    ("step", "epoch", "save_every"),
    [
        (2, 0, 30.0),  # in the first epoch, with nothing saved
        (2 * STEPS + 3, 0, 30.0),  # inside an epoch: the whole epoch is done again
        (3 * STEPS + 3, 0, 0.0),  # inside an epoch, saved a step before
        (0, 3, 30.0),  # right after an epoch
        (0, EPOCHS, 30.0),  # after the last one, before the test
    ],
)
def test_a_killed_training_ends_where_it_would_have(
    step: int, epoch: int, save_every: float, pictures: Path, straight: Run, tmp_path: Path, start: Start
) -> None:
    process = start(train_until_killed, str(pictures), tmp_path, step, epoch, save_every)
    process.join(LIMIT)
    assert process.exitcode == -signal.SIGKILL
    run = find_run("latest", tmp_path)
    assert run.test is None

    (run.path / ".resume.pt.0123abcd.tmp").write_bytes(b"half a fi")  # as files.write_bytes names it
    resume(run)
    assert_same_end(run, straight)
    assert not list(run.path.glob(".*.tmp"))


@pytest.mark.parametrize("epochs", [1, 4])
def test_a_training_killed_from_outside_at_any_moment_ends_where_it_would_have(
    epochs: int, pictures: Path, straight: Run, tmp_path: Path, start: Start
) -> None:
    process = start(train_until_killed, str(pictures), tmp_path, 0, 0, 0.0)
    run = wait_for_epochs(tmp_path, epochs)
    process.kill()
    process.join(LIMIT)
    assert process.exitcode == -signal.SIGKILL

    resume(run)
    assert_same_end(run, straight)


def test_a_training_killed_twice_ends_where_it_would_have(
    pictures: Path, straight: Run, tmp_path: Path, start: Start
) -> None:
    start(train_until_killed, str(pictures), tmp_path, 2 * STEPS + 1, 0, 0.0).join(LIMIT)
    run = find_run("latest", tmp_path)
    process = start(resume_until_killed, run.path, 5 * STEPS + 3)
    process.join(LIMIT)
    assert process.exitcode == -signal.SIGKILL

    resume(run)
    assert_same_end(run, straight)


def resume_until_killed(folder: Path, step: int) -> None:
    watch.LOOK_EVERY = watch.SAVE_EVERY = 0.0
    resume(Run.open(folder), display=KillAt(step, 0))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_command_which_says_how_to_go_on_and_does(
    number: int, code: int, pictures: Path, straight: Run, tmp_path: Path, start: Start
) -> None:
    runs, out, err, signalled = (tmp_path / name for name in ("runs", "out", "err", "signalled"))
    arguments = ["train", "--seed", "1", "--dataset", str(pictures), "--runs", str(runs), *OPTIONS]
    process = start(command, arguments, out, err, signalled)
    run = wait_for_epochs(runs, 3)
    assert process.pid is not None
    os.kill(process.pid, number)
    signalled.touch()
    process.join(LIMIT)
    assert process.exitcode == code
    assert out.read_text() == ""
    assert err.read_text().splitlines()[-1].endswith(f"Continue with: mnistlab train --resume {run.path}")
    assert "Traceback" not in err.read_text()
    assert 3 <= len(run.metrics) < EPOCHS

    again = start(command, ["train", "--resume", str(run.path), "--json"], tmp_path / "out2", tmp_path / "err2")
    again.join(LIMIT)
    assert again.exitcode == 0
    content = json.loads((tmp_path / "out2").read_text())
    assert content["run"] == str(run.path)
    assert content["val_accuracy"] == straight.metrics[-1]["val_accuracy"]
    assert_same_end(run, straight)


def test_a_run_in_training_is_not_deleted_nor_resumed_by_another_process(
    pictures: Path, tmp_path: Path, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    process = start(train_until_killed, str(pictures), tmp_path, 0, 0, 0.0)
    run = wait_for_epochs(tmp_path, 1)
    try:
        codes = [run_app(["runs", "delete", str(run.path), "--yes"]), run_app(["train", "--resume", str(run.path)])]
    finally:
        process.kill()
        process.join(LIMIT)
    assert codes == [2, 2]
    assert run.resume_path.exists()
    lines = capsys.readouterr().err.splitlines()
    assert [
        line
        for line in lines
        if line.endswith("is being trained by another process. Wait until the other process has ended.")
    ] == lines


def test_a_full_disk_is_one_sentence_and_the_run_goes_on_when_there_is_room(
    pictures: Path, straight: Run, small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    older = small_disk / "runs" / "older"
    older.mkdir(parents=True)
    (older / "config.json").write_bytes((straight.path / "config.json").read_bytes())
    kept = (older / "config.json").read_bytes()
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    (small_disk / "filler").write_bytes(bytes(free - 40_000))  # room for a run's beginning, not for its state
    arguments = ["train", "--seed", "1", "--dataset", str(pictures), "--runs", str(small_disk / "runs"), *OPTIONS]

    assert run_app(arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("error: Cannot write ")
    assert "the disk is full" in err.splitlines()[-1]
    assert (older / "config.json").read_bytes() == kept
    (run_path,) = [p for p in (small_disk / "runs").iterdir() if p.name != "older"]
    assert not [p.name for p in run_path.iterdir() if p.name.endswith(".tmp")]
    assert run_app(["runs", "--runs", str(small_disk / "runs")]) == 0

    (small_disk / "filler").unlink()
    run, _ = resume(Run.open(run_path))
    assert_same_end(run, straight)


class FillDisk(display.Silent):
    """Fills the disk after the second epoch."""

    def __init__(self, filler: Path) -> None:
        self.filler = filler

    def epoch(self, row: dict[str, Any]) -> None:
        if row["epoch"] == 2:
            disk = os.statvfs(self.filler.parent)
            self.filler.write_bytes(bytes(disk.f_bavail * disk.f_frsize))


def test_a_disk_that_fills_up_in_mid_training_leaves_the_last_good_state(
    pictures: Path, straight: Run, small_disk: Path
) -> None:
    with pytest.raises(Failure, match="the disk is full"):
        train(
            RECIPE, dataset=str(pictures), runs_dir=small_disk / "runs", seed=1, display=FillDisk(small_disk / "filler")
        )
    run = find_run("latest", small_disk / "runs")
    assert load_model(run.model_path).dataset == str(pictures)  # the second epoch's, whole
    assert [row["epoch"] for row in run.metrics] == [1, 2]

    (small_disk / "filler").unlink()
    resume(run)
    assert_same_end(run, straight)


def test_a_disk_that_fills_up_under_an_ensemble_names_the_ensembles_folder(pictures: Path, small_disk: Path) -> None:
    recipe = RECIPE.override({"members": 2, "epochs": 3})
    with pytest.raises(Failure, match="the disk is full") as caught:
        train(recipe, dataset=str(pictures), runs_dir=small_disk / "runs", display=FillDisk(small_disk / "filler"))
    run = find_run("latest", small_disk / "runs")
    assert caught.value.command_remedy.endswith(f"mnistlab train --resume {run.path}")


def test_a_full_disk_at_the_very_beginning_leaves_no_run(
    pictures: Path, small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(bytes(disk.f_bavail * disk.f_frsize))
    arguments = ["train", "--dataset", str(pictures), "--runs", str(small_disk / "runs"), *OPTIONS]

    assert run_app(arguments) == 1
    assert "the disk is full" in capsys.readouterr().err.splitlines()[-1]
    assert list((small_disk / "runs").iterdir()) == []
