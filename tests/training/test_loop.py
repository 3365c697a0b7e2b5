"""Uninterrupted training runs: what they leave, and where they end."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from mnistlab.cli.app import run_app
from mnistlab.data.dataset import open_dataset
from mnistlab.data.loader import MNISTDataLoader
from mnistlab.evaluation.evaluate import evaluate
from mnistlab.evaluation.gallery import describe_data
from mnistlab.evaluation.models import load_model
from mnistlab.networks.checkpoint import load_tensors
from mnistlab.runs.run import Run
from mnistlab.runs.store import delete_run
from mnistlab.training.experiment import train
from tests.support.comparing import same, weights, without_times
from tests.training.small import RECIPE, STEPS, Watcher

pytestmark = pytest.mark.usefixtures("no_drawing")

ROW = {
    "losses",
    "epoch",
    "step",
    "learning_rate",
    "train_loss",
    "val_loss",
    "val_accuracy",
    "images_per_second",
    "seconds",
}


def count_test(pictures: Path) -> int:
    return len(open_dataset(str(pictures)).read("test")[1])


def test_the_run_folder_is_complete(finished: Run) -> None:
    names = {p.name for p in finished.path.iterdir()}

    assert names - {".lock"} == {
        "config.json", "environment.json", "metrics.jsonl", "model.pth", "resume.pt", "snapshots.npz", "test.json",
        "training.png", "confusion.png", "mistakes.png",
    }  # fmt: skip
    assert Run.open(finished.path) == finished
    assert finished.recipe == RECIPE
    assert [path.name for path in finished.path.parent.iterdir()] == [finished.path.name]


def test_metrics_have_a_row_an_epoch(finished: Run) -> None:
    first, last = finished.metrics

    assert set(first) == set(last) == ROW
    assert [(row["epoch"], row["step"]) for row in (first, last)] == [(1, STEPS), (2, 2 * STEPS)]
    assert 0 < first["seconds"] < last["seconds"]
    assert all(row["train_loss"] > 0 and row["val_loss"] > 0 and 0 <= row["val_accuracy"] <= 1 for row in (first, last))
    assert last["learning_rate"] == pytest.approx(RECIPE.learning_rate / 25_000)


def test_what_comes_back_is_what_is_on_disk(pictures: Path, tmp_path: Path) -> None:
    run, evaluation = train(RECIPE, dataset=str(pictures), runs_dir=tmp_path)

    assert run.test == json.loads(json.dumps(evaluation.to_dict()))
    assert (evaluation.total, evaluation.split, evaluation.classes) == (count_test(pictures), "test", ("0", "1", "2"))
    dataset = open_dataset(run.dataset)
    again = evaluate(load_model(run.model_path).model, MNISTDataLoader("test", dataset=dataset, batch_size=None))
    assert again.confusion.tolist() == evaluation.confusion.tolist()
    validated = evaluate(load_model(run.model_path).model, MNISTDataLoader("val", dataset=dataset, batch_size=None))
    assert validated.accuracy == run.metrics[-1]["val_accuracy"]


def test_the_same_seed_gives_the_same_model_to_the_last_bit(finished: Run, pictures: Path, tmp_path: Path) -> None:
    torch.manual_seed(12345)  # what went before does not matter
    same_seed, _ = train(RECIPE, dataset=str(pictures), runs_dir=tmp_path, seed=3)
    other_seed, _ = train(RECIPE, dataset=str(pictures), runs_dir=tmp_path, seed=4)

    assert same(weights(same_seed), weights(finished))
    assert without_times(same_seed.metrics) == without_times(finished.metrics)
    assert same_seed.test == finished.test
    assert not same(weights(other_seed), weights(finished))


def test_trainings_in_threads_give_what_their_seeds_give_alone(finished: Run, pictures: Path, tmp_path: Path) -> None:
    alone, _ = train(RECIPE, dataset=str(pictures), runs_dir=tmp_path / "alone", seed=4)

    def training(seed: int) -> Run:
        return train(RECIPE, dataset=str(pictures), runs_dir=tmp_path / str(seed), seed=seed)[0]

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(training, seed) for seed in (3, 4)]
        while not all(future.done() for future in futures):
            load_model(finished.model_path)  # which makes a network too
            describe_data(str(pictures), tmp_path, "val", 2, tmp_path / "gallery.png")
        runs = [future.result() for future in futures]

    for run, expected in zip(runs, (finished, alone), strict=True):
        assert same(weights(run), weights(expected))
        assert without_times(run.metrics) == without_times(expected.metrics)


def test_a_dataset_that_is_open_already_is_taken_too(finished: Run, pictures: Path, tmp_path: Path) -> None:
    opened = open_dataset(str(pictures))
    run, _ = train(RECIPE, dataset=str(pictures), runs_dir=tmp_path, seed=3, opened=opened)

    assert run.dataset == finished.dataset
    assert same(weights(run), weights(finished))
    assert run.test == finished.test


def test_training_on_everything_has_no_validation_and_works_all_the_same(
    drawing: None, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, evaluation = train(RECIPE.override({"split": "train+val"}), dataset=str(pictures), runs_dir=tmp_path)

    assert [(row["val_accuracy"], row["val_loss"]) for row in run.metrics] == [(None, None)] * 2
    assert evaluation.total == count_test(pictures)
    assert (run.path / "training.png").stat().st_size > 1000
    assert run.summary()["val_accuracy"] is None
    assert run_app(["runs", "--runs", str(tmp_path)]) == 0
    assert run.path.name in capsys.readouterr().out
    assert run_app(["runs", "compare", run.path.name, run.path.name, "--runs", str(tmp_path)]) == 0
    delete_run(run)  # it is free again
    assert list(tmp_path.iterdir()) == []


def test_an_averaged_model_is_what_is_saved(finished: Run, pictures: Path, tmp_path: Path) -> None:
    run, _ = train(RECIPE.override({"averaging": 0.8}), dataset=str(pictures), runs_dir=tmp_path, seed=3)

    trained = load_tensors(run.resume_path, "remedies.restore_or_train")["model"]
    assert same(trained, weights(finished))  # averaging changes nothing in the training itself
    assert not same(weights(run), trained)


# a training run that ends inside an epoch


def test_a_training_stops_inside_an_epoch_and_tells_it_like_a_whole_one(short: Run, pictures: Path) -> None:
    assert [(row["epoch"], row["step"]) for row in short.metrics] == [(1, STEPS), (2, STEPS + 2)]
    last = short.metrics[-1]
    assert set(last) == ROW
    assert last["learning_rate"] == pytest.approx(RECIPE.learning_rate / 25_000)
    state = load_tensors(short.resume_path, "remedies.restore_or_train")
    assert last["train_loss"] == pytest.approx(float(state["losses"][:2].mean()))  # of its own two steps alone
    assert (state["steps_done"], state["epochs_done"]) == (STEPS + 2, 2)

    dataset = open_dataset(str(pictures))
    saved = load_model(short.model_path).model
    assert same(saved.state_dict(), state["model"])  # the last step's, not the last whole epoch's
    validated = evaluate(saved, MNISTDataLoader("val", dataset=dataset, batch_size=None))
    assert (validated.accuracy, validated.mean_loss) == (last["val_accuracy"], pytest.approx(last["val_loss"]))
    assert short.test is not None
    assert short.test["total"] == count_test(pictures)


@pytest.mark.parametrize(("steps", "rows"), [(1, [1]), (STEPS, [STEPS]), (STEPS + 1, [STEPS, STEPS + 1])])
def test_a_training_has_as_many_steps_as_it_is_allowed(
    steps: int, rows: list[int], pictures: Path, tmp_path: Path
) -> None:
    watcher = Watcher()
    recipe = RECIPE.override({"steps": steps})
    run, _ = train(recipe, dataset=str(pictures), runs_dir=tmp_path, display=watcher)

    assert [row["step"] for row in run.metrics] == rows
    assert [row["epoch"] for row in run.metrics] == list(range(1, len(rows) + 1))
    assert watcher.seen == [("start", steps, 0), *(("epoch", n + 1) for n in range(len(rows))), "stop"]


def test_more_steps_than_the_epochs_have_change_nothing(finished: Run, pictures: Path, tmp_path: Path) -> None:
    recipe = RECIPE.override({"steps": 2 * STEPS + 1})
    run, _ = train(recipe, dataset=str(pictures), runs_dir=tmp_path, seed=3)

    assert same(weights(run), weights(finished))
    assert without_times(run.metrics) == without_times(finished.metrics)
