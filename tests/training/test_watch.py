"""What is around the loop: who is told about a training run, and what stops one that broke."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mnistlab.cli.app import run_app
from mnistlab.data.dataset import open_dataset
from mnistlab.errors import Failure
from mnistlab.networks.checkpoint import load_tensors
from mnistlab.runs.run import Run
from mnistlab.runs.store import delete_run, find_run
from mnistlab.training import watch
from mnistlab.training.display import Silent
from mnistlab.training.experiment import train
from mnistlab.training.state import TrainingState
from mnistlab.training.watch import course, watching
from tests.training.small import RECIPE, STEPS, Watcher

pytestmark = pytest.mark.usefixtures("no_drawing")

BREAKS = RECIPE.override({"learning_rate": 10.0, "batch_norm": False, "batch_size": 8, "epochs": 4})


def test_the_display_hears_of_everything_in_order(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_EVERY", 0.0)
    watcher = Watcher()
    train(RECIPE, dataset=str(pictures), runs_dir=tmp_path, display=watcher)

    assert watcher.seen == [
        ("start", 2 * STEPS, 0),
        *(("step", n) for n in range(1, STEPS)), ("epoch", 1),
        *(("step", n) for n in range(STEPS + 1, 2 * STEPS)), ("epoch", 2),
        "stop",
    ]  # fmt: skip


@pytest.mark.parametrize(("steps", "epochs", "parts"), [(280, 1, 200), (429, 7, 28), (5, 1, 5), (429, 1000, 1)])
def test_the_course_of_the_losses_is_bounded_and_keeps_their_mean(steps: int, epochs: int, parts: int) -> None:
    losses = torch.linspace(2, 1, steps)
    kept = course(losses, epochs)
    assert len(kept) == parts
    assert kept == sorted(kept, reverse=True)
    assert sum(kept) / parts == pytest.approx(1.5, abs=0.01)


# a loss that is no number


def test_a_broken_loss_names_the_step_and_leaves_the_last_good_state(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"The loss became NaN or infinite at step \d+ of 32") as caught:
        train(BREAKS, dataset=str(pictures), runs_dir=tmp_path)

    run = find_run("latest", tmp_path)
    assert str(run.path) in str(caught.value)
    assert "--learning-rate smaller than 10" in caught.value.command_remedy
    assert 1 <= len(run.metrics) < BREAKS.epochs
    state = TrainingState(run.recipe, open_dataset(run.dataset), run.seed, torch.device("cpu"), "fp32")
    state.load_state_dict(load_tensors(run.resume_path, "remedies.restore_or_train"))
    assert all(value.isfinite().all() for value in state.model.state_dict().values())
    assert state.epochs_done == len(run.metrics)
    assert run.test is None
    delete_run(run)  # it is free again
    assert not run.path.exists()


def test_a_broken_loss_is_one_line_and_exit_code_1(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = "train two-conv --batch-size 8 --widths 4 --kernel-size 3 --hidden 0 --no-batch-norm --learning-rate 10 --epochs 4"
    options = ["--precision", "fp32", "--dataset", str(pictures), "--runs", str(tmp_path)]

    assert run_app([*command.split(), *options]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith("error: The loss became ")
    assert "Traceback" not in err


def test_weights_that_an_epochs_last_step_broke_are_a_failure_though_its_loss_was_a_number(
    finished: Run, pictures: Path
) -> None:
    state = TrainingState(RECIPE, open_dataset(str(pictures)), 3, torch.device("cpu"), "fp32")
    state.steps_done = STEPS
    next(state.model.parameters()).data[0] = torch.nan
    kept = {path: path.read_bytes() for path in finished.path.iterdir()}
    with watching(finished, state, Silent(), None) as watched, pytest.raises(Failure) as caught:
        watched.step(torch.tensor(1.0))
    assert caught.value.message == "The weights became NaN or infinite at step 4 of 8."
    assert caught.value.remedy.startswith(
        f"The last good state is kept in {finished.path}. Train with a learning_rate smaller"
    )
    assert {path: path.read_bytes() for path in finished.path.iterdir()} == kept
