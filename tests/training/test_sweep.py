"""Many training runs: what a sweep trains, what it leaves alone, and that it only looks at validation."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from mnistlab.data.catalog import Part
from mnistlab.data.formats import Arrays
from mnistlab.data.picture_folder import PictureFolder
from mnistlab.errors import Failure, Interrupted, StorageFailure, UserError
from mnistlab.recipes.grid import Setting, grid
from mnistlab.recipes.recipe import Recipe
from mnistlab.runs.run import Run
from mnistlab.runs.store import list_runs
from mnistlab.training import single
from mnistlab.training.display import Display, Silent
from mnistlab.training.experiment import resume, train
from mnistlab.training.sweep import Outcome, Sweep, Trial, computing_on, sweep
from tests.support.comparing import same, weights, without_times
from tests.training.small import RECIPE, STEPS, Watcher

pytestmark = pytest.mark.usefixtures("no_drawing")

ENSEMBLE = RECIPE.override({"members": 2, "name": "pair"})


class Noted:
    """Records what it is told, and shows the training runs to `watchers` in turn."""

    def __init__(self, *watchers: Display) -> None:
        self.watchers = list(watchers)
        self.begun: list[tuple[str, int]] = []
        self.ended: list[tuple[str, int]] = []

    def begin(self, trial: Trial) -> Display:
        self.begun.append((trial.setting.title, trial.seed))
        return self.watchers.pop(0) if self.watchers else Silent()

    def at(self, trial: Trial, share: float) -> None:
        assert 0 <= share <= 1

    def end(self, trial: Trial, outcome: Outcome) -> None:
        self.ended.append((trial.setting.title, trial.seed))


def plan_of(pictures: Path, runs: Path, settings: Sequence[Setting] | None = None, **given: Any) -> Sweep:
    own = settings or grid([RECIPE], {"learning_rate": [0.05, 0.1]})
    return Sweep(tuple(own), **{"seeds": 2, "dataset": str(pictures), "runs_dir": runs, **given})


def finished_runs(outcomes: dict[Trial, Outcome]) -> list[Run]:
    runs = list(outcomes.values())
    assert all(isinstance(run, Run) for run in runs)
    return [run for run in runs if isinstance(run, Run)]


@pytest.fixture
def test_reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows each time the test images are read."""
    reads: list[str] = []
    read = PictureFolder.read

    def noted(self: PictureFolder, part: Part) -> Arrays:
        reads.extend([part] * (part == "test"))
        return read(self, part)

    monkeypatch.setattr(PictureFolder, "read", noted)
    return reads


@pytest.fixture(scope="module")
def done(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Sweep, dict[Trial, Outcome]]:
    """A sweep of two learning rates and two seeds; tests read it and leave it as it is."""
    plan = plan_of(pictures, tmp_path_factory.mktemp("sweep"))
    return plan, sweep(plan, Noted())


def test_each_trial_is_the_run_that_train_makes(
    done: tuple[Sweep, dict[Trial, Outcome]], pictures: Path, tmp_path: Path
) -> None:
    plan, outcomes = done
    assert [(trial.setting.title, trial.seed) for trial in outcomes] == [
        ("two-conv learning_rate=0.05", 0), ("two-conv learning_rate=0.1", 0),
        ("two-conv learning_rate=0.05", 1), ("two-conv learning_rate=0.1", 1),
    ]  # fmt: skip
    runs = finished_runs(outcomes)
    assert sorted(run.path for run in runs) == sorted(
        run.path for run in list_runs(plan.runs_dir) if isinstance(run, Run)
    )
    own, _ = train(RECIPE.override(learning_rate=0.05), dataset=str(pictures), runs_dir=tmp_path, seed=1)
    assert same(weights(runs[2]), weights(own))
    assert without_times(runs[2].metrics) == without_times(own.metrics)


@pytest.mark.parametrize("recipe", [RECIPE, ENSEMBLE], ids=lambda recipe: recipe.kind)
def test_only_validation_is_looked_at(recipe: Recipe, test_reads: list[str], pictures: Path, tmp_path: Path) -> None:
    (run,) = finished_runs(sweep(plan_of(pictures, tmp_path, [Setting(recipe)], seeds=1), Noted()))
    assert test_reads == []
    assert run.test is None
    assert run.validation is not None
    assert run.validation["split"] == "val"
    assert run.validation["correct"] / run.validation["total"] == run.metrics[-1]["val_accuracy"]


def test_what_is_there_already_is_not_trained_again(
    done: tuple[Sweep, dict[Trial, Outcome]], pictures: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(done[0].runs_dir, runs)
    again, more = Noted(), Noted()

    sweep(plan_of(pictures, runs), again)
    assert (again.begun, len(again.ended)) == ([], 4)

    settings = grid([RECIPE], {"learning_rate": [0.1, 0.2]})
    outcomes = sweep(plan_of(pictures, runs, settings, seeds=3), more)
    assert more.begun == [
        ("two-conv learning_rate=0.2", 0), ("two-conv learning_rate=0.2", 1),
        ("two-conv learning_rate=0.1", 2), ("two-conv learning_rate=0.2", 2),
    ]  # fmt: skip
    assert [trial.seed for trial in outcomes] == [0, 0, 1, 1, 2, 2]  # in its own order all the same


def test_runs_of_another_dataset_recipe_or_name_do_not_count(pictures: Path, tmp_path: Path) -> None:
    other = tmp_path / "digits"
    shutil.copytree(pictures, other)
    for recipe, dataset in (
        (RECIPE, other),
        (RECIPE.override(dropout=0.1), pictures),
        (RECIPE.override(name="x"), pictures),
    ):
        train(recipe, dataset=str(dataset), runs_dir=tmp_path / "runs")
    noted = Noted()
    sweep(plan_of(pictures, tmp_path / "runs", [Setting(RECIPE)], seeds=1), noted)
    assert noted.begun == [("two-conv", 0)]


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_a_sweep_that_was_stopped_goes_on_as_if_it_never_had_been(
    done: tuple[Sweep, dict[Trial, Outcome]], pictures: Path, tmp_path: Path
) -> None:
    plan, noted = plan_of(pictures, tmp_path), Noted()
    with pytest.raises(Interrupted) as caught:
        sweep(plan, Noted(Silent(), Watcher(at_epoch=1)))
    assert f"after step {STEPS} of {2 * STEPS}" in str(caught.value)
    assert "run the same sweep again" in str(caught.value)
    assert caught.value.exit_code == 130

    runs = finished_runs(sweep(plan, noted))

    assert noted.ended[0] == ("two-conv learning_rate=0.05", 0)
    assert noted.begun[0] == ("two-conv learning_rate=0.1", 0)
    assert len(list(list_runs(tmp_path))) == 4
    for run, unstopped in zip(runs, finished_runs(done[1]), strict=True):
        assert same(weights(run), weights(unstopped))
        assert run.validation == unstopped.validation


def test_a_trial_resumed_by_hand_is_only_measured(pictures: Path, tmp_path: Path) -> None:
    run, _ = train(RECIPE, dataset=str(pictures), runs_dir=tmp_path)
    assert run.validation is None
    changed = run.model_path.stat().st_mtime_ns
    outcomes = sweep(plan_of(pictures, tmp_path, [Setting(RECIPE)], seeds=1), Noted())
    assert finished_runs(outcomes) == [run]
    assert run.validation is not None
    assert run.model_path.stat().st_mtime_ns == changed


def test_the_test_images_are_read_once_a_run(test_reads: list[str], pictures: Path, tmp_path: Path) -> None:
    plan = plan_of(pictures, tmp_path, [Setting(RECIPE)], test=True)
    sweep(replace(plan, test=False), Noted())
    assert test_reads == []
    for _ in range(2):
        runs = finished_runs(sweep(plan, Noted()))
        assert [run.test is not None for run in runs] == [True, True]
        assert test_reads == ["test"] * 2
    assert all(run.validation for run in runs)


def test_without_validation_it_is_tested_or_refused(pictures: Path, tmp_path: Path) -> None:
    plan = plan_of(pictures, tmp_path, [Setting(RECIPE.override(split="train+val"))], seeds=1)
    with pytest.raises(UserError, match="leaves no images for validation") as caught:
        sweep(plan, Noted())
    assert "--set split=train" in caught.value.for_command_line()
    assert list(tmp_path.iterdir()) == []
    (run,) = finished_runs(sweep(replace(plan, test=True), Noted()))
    assert (run.validation, run.test is not None) == (None, True)


def test_a_training_that_fails_fails_alone(pictures: Path, tmp_path: Path) -> None:
    settings = grid([RECIPE.override(batch_norm=False, optimizer="sgd")], {"learning_rate": [100.0, 0.05]})
    outcomes = sweep(plan_of(pictures, tmp_path, settings, seeds=1), Noted())
    broken, sound = outcomes.values()
    assert isinstance(broken, Failure)
    assert "is not a number" in str(broken) or "nan" in str(broken) or "inf" in str(broken)
    assert isinstance(sound, Run)


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("CUDA out of memory. Tried"), torch.OutOfMemoryError("out of memory")]
)
def test_a_training_too_large_for_the_memory_fails_alone(
    error: Exception, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Large(Silent):
        def start(self, *_: Any) -> None:
            raise error

    outcomes = sweep(plan_of(pictures, tmp_path, seeds=1), Noted(Large()))
    first, second = outcomes.values()
    assert isinstance(first, Failure)
    assert "Out of memory." in str(first)
    assert isinstance(second, Run)


def test_another_error_is_not_taken_for_that(pictures: Path, tmp_path: Path) -> None:
    class Broken(Silent):
        def start(self, *_: Any) -> None:
            raise RuntimeError("a mistake in the program")

    with pytest.raises(RuntimeError, match="a mistake in the program"):
        sweep(plan_of(pictures, tmp_path, seeds=1), Noted(Broken()))


def test_a_full_disk_ends_it_and_nothing_is_lost(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(pictures, tmp_path)
    calls = itertools.count()
    create = single.create_run

    def full_at_the_second(*given: Any) -> Run:
        if next(calls) == 1:
            raise StorageFailure("files.disk_full", path=tmp_path)
        return create(*given)

    with monkeypatch.context() as patched, pytest.raises(StorageFailure) as caught:
        patched.setattr(single, "create_run", full_at_the_second)
        sweep(plan, Noted())
    assert "then run the same sweep again" in str(caught.value)
    noted = Noted()
    assert len(finished_runs(sweep(plan, noted))) == 4
    assert len(noted.begun) == 3


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"fields": {"batch_size": [16, 5000]}}, "Batch size 5000 does not fit"),
        ({"fields": {"most_parameters": [0, 5]}}, "parameters"),
        ({"first": 2**32 - 1}, "last seed"),
        ({"device": "cuda:77"}, "cuda:77"),
        ({"dataset": "nowhere"}, "nowhere"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_what_cannot_be_done_shows_before_anything_is_trained(
    given: dict[str, Any], words: str, pictures: Path, tmp_path: Path
) -> None:
    settings = grid([RECIPE], given.pop("fields", {}))
    noted = Noted()
    with pytest.raises(UserError, match=words):
        sweep(plan_of(pictures, tmp_path, settings, **given), noted)
    assert noted.begun == []
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_another_process_trains_is_left_alone(pictures: Path, tmp_path: Path) -> None:
    run, _ = train(RECIPE, dataset=str(pictures), runs_dir=tmp_path)
    run.write_metrics(run.metrics[:1])
    with run.lock(), pytest.raises(UserError, match="is being trained by another process"):
        sweep(plan_of(pictures, tmp_path, [Setting(RECIPE)], seeds=1), Noted())


def test_ensembles_share_no_member(pictures: Path, tmp_path: Path) -> None:
    runs = finished_runs(sweep(plan_of(pictures, tmp_path, [Setting(ENSEMBLE)]), Noted()))
    assert [run.seed for run in runs] == [0, 2]
    seeds = [member.seed for run in runs for member in list_runs(run.path / "members") if isinstance(member, Run)]
    assert sorted(seeds) == [0, 1, 2, 3]


def test_a_trial_computes_on_as_many_cores_as_asked_and_no_later_one_on_others(pictures: Path, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    seen = []

    class Threads(Silent):
        def start(self, *_: Any) -> None:
            seen.append(torch.get_num_threads())

    sweep(plan_of(pictures, tmp_path, seeds=1, cores=before + 1), Noted(Threads(), Threads()))
    assert seen == [before + 1] * 2
    assert torch.get_num_threads() == before
    with computing_on(0):
        torch.set_num_threads(before + 2)  # as resuming a run does
    assert torch.get_num_threads() == before


def test_resuming_a_run_of_a_sweep_by_hand_tests_it(pictures: Path, tmp_path: Path) -> None:
    (run,) = finished_runs(sweep(plan_of(pictures, tmp_path, [Setting(RECIPE)], seeds=1), Noted()))
    _, evaluation = resume(run)
    assert evaluation.split == "test"
    assert run.test is not None
