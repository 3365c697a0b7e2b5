from __future__ import annotations

import json
import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from mnistlab.cli.app import run_app
from mnistlab.data.dataset import open_dataset
from mnistlab.data.loader import MNISTDataLoader
from mnistlab.data.picture_folder import draw
from mnistlab.errors import Failure, Interrupted, MnistlabError, UserError
from mnistlab.evaluation.evaluate import evaluate
from mnistlab.evaluation.gallery import describe_data
from mnistlab.networks.checkpoint import load_model, load_tensors
from mnistlab.recipes.catalog import RECIPES
from mnistlab.recipes.recipe import Recipe, override
from mnistlab.runs.run import Run
from mnistlab.runs.store import delete_run, find_run, list_runs
from mnistlab.training import display, watch
from mnistlab.training.experiment import resume, train
from mnistlab.training.state import TrainingState
from mnistlab.training.watch import course
from tests.support.comparing import same, weights, without_times

pytestmark = pytest.mark.usefixtures("no_drawing")

SMALL: dict[str, Any] = {
    "epochs": 2, "batch_size": 16, "widths": (4,), "kernel_size": 3, "hidden": 0, "precision": "fp32",
}  # fmt: skip
RECIPE = override(RECIPES["two-conv"], SMALL)
STEPS = 4  # an epoch: of 75 training pictures 6 are for validation, and the other 69 make four whole batches
BREAKS = override(RECIPE, {"learning_rate": 10.0, "batch_norm": False, "batch_size": 8, "epochs": 4})
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


@pytest.fixture(scope="module")
def finished(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run; tests read it and leave it as it is."""
    return train(RECIPE, dataset=str(pictures), runs_dir=tmp_path_factory.mktemp("runs"), seed=3)[0]


class Watcher(display.Silent):
    """Sends this process a signal at a chosen point, as somebody at the keyboard would."""

    def __init__(self, at_step: int | None = None, at_epoch: int | None = None, number: int = signal.SIGINT) -> None:
        self.at_step, self.at_epoch, self.number = at_step, at_epoch, number
        self.seen: list[Any] = []

    def start(self, run: Run, epoch_steps: int, steps: int, done: int) -> None:
        self.seen.append(("start", steps, done))

    def step(self, done: int, loss: float, images_per_second: float) -> None:
        self.seen.append(("step", done))
        assert loss > 0
        assert images_per_second > 0
        if done == self.at_step:
            os.kill(os.getpid(), self.number)

    def epoch(self, row: dict[str, Any]) -> None:
        self.seen.append(("epoch", row["epoch"]))
        if row["epoch"] == self.at_epoch:
            os.kill(os.getpid(), self.number)

    def stop(self) -> None:
        self.seen.append("stop")


def count_test(pictures: Path) -> int:
    return len(open_dataset(str(pictures)).read("test")[1])


# a training from beginning to end


def test_the_run_folder_is_complete(finished: Run) -> None:
    names = {p.name for p in finished.path.iterdir()}

    assert names - {".lock"} == {
        "config.json", "environment.json", "metrics.jsonl", "model.pth", "resume.pt", "test.json",
        "training.png", "confusion.png", "mistakes.png",
    }  # fmt: skip
    assert Run.open(finished.path) == finished
    assert [path.name for path in finished.path.parent.iterdir()] == [finished.path.name]


@pytest.mark.parametrize(("steps", "epochs", "parts"), [(280, 1, 200), (429, 7, 28), (5, 1, 5), (429, 1000, 1)])
def test_the_course_of_the_losses_is_bounded_and_keeps_their_mean(steps: int, epochs: int, parts: int) -> None:
    losses = torch.linspace(2, 1, steps)
    kept = course(losses, epochs)
    assert len(kept) == parts
    assert kept == sorted(kept, reverse=True)
    assert sum(kept) / parts == pytest.approx(1.5, abs=0.01)


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
    torch.manual_seed(12345)  # what went before is of no account
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


def test_training_on_everything_has_no_validation_and_works_all_the_same(
    drawing: None, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, evaluation = train(override(RECIPE, {"split": "train+val"}), dataset=str(pictures), runs_dir=tmp_path)

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
    run, _ = train(override(RECIPE, {"averaging": 0.8}), dataset=str(pictures), runs_dir=tmp_path, seed=3)

    trained = load_tensors(run.resume_path, "")["model"]
    assert same(trained, weights(finished))  # averaging changes nothing in the training itself
    assert not same(weights(run), trained)


# a training that ends inside an epoch

SHORT = override(RECIPE, {"steps": STEPS + 2})


@pytest.fixture(scope="module")
def short(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of an epoch and a half; tests read it and leave it as it is."""
    return train(SHORT, dataset=str(pictures), runs_dir=tmp_path_factory.mktemp("short"), seed=3)[0]


def test_a_training_stops_inside_an_epoch_and_tells_it_like_a_whole_one(short: Run, pictures: Path) -> None:
    assert [(row["epoch"], row["step"]) for row in short.metrics] == [(1, STEPS), (2, STEPS + 2)]
    last = short.metrics[-1]
    assert set(last) == ROW
    assert last["learning_rate"] == pytest.approx(RECIPE.learning_rate / 25_000)
    state = load_tensors(short.resume_path, "")
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
    recipe = override(RECIPE, {"steps": steps})
    run, _ = train(recipe, dataset=str(pictures), runs_dir=tmp_path, display=watcher)

    assert [row["step"] for row in run.metrics] == rows
    assert [row["epoch"] for row in run.metrics] == list(range(1, len(rows) + 1))
    assert watcher.seen == [("start", steps, 0), *(("epoch", n + 1) for n in range(len(rows))), "stop"]


def test_more_steps_than_the_epochs_have_change_nothing(finished: Run, pictures: Path, tmp_path: Path) -> None:
    recipe = override(RECIPE, {"steps": 2 * STEPS + 1})
    run, _ = train(recipe, dataset=str(pictures), runs_dir=tmp_path, seed=3)

    assert same(weights(run), weights(finished))
    assert without_times(run.metrics) == without_times(finished.metrics)


def test_a_training_with_rejects_that_was_stopped_ends_where_it_would_have(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_EVERY", 0.0)
    recipe = override(RECIPE, {"writing": 1, "rejects": 0.5})
    straight, _ = train(recipe, dataset=str(pictures), runs_dir=tmp_path / "straight", seed=3)
    with pytest.raises(Interrupted):
        train(recipe, dataset=str(pictures), runs_dir=tmp_path, seed=3, display=Watcher(at_step=STEPS + 2))

    run, _ = resume(find_run("latest", tmp_path))
    assert same(weights(run), weights(straight))
    assert without_times(run.metrics) == without_times(straight.metrics)


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


def test_resuming_a_finished_short_run_changes_nothing_in_it(short: Run, tmp_path: Path) -> None:
    run = Run.open(copy_of(short, tmp_path))
    names = ("config.json", "metrics.jsonl", "model.pth", "resume.pt", "test.json")
    kept = {name: (run.path / name).read_bytes() for name in names}
    run.model_path.unlink()  # it comes back from resume.pt
    resume(run)

    assert {name: (run.path / name).read_bytes() for name in names} == kept


# what cannot be done as asked leaves nothing behind


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"recipe": "four-conv"}, "Unknown recipe 'four-conv'"),
        ({"dataset": "imagenet"}, "imagenet"),
        ({"device": "abacus"}, "Unknown device 'abacus'"),
        ({"device": "cuda:99"}, "cuda:99"),
        ({"track": "paper"}, "Unknown tracker 'paper'"),
        ({"seed": -1}, "Seed -1"),
        ({"seed": 2**32}, "Seed 4294967296"),
        ({"recipe": override(RECIPE, {"batch_size": 10_000})}, "Batch size 10000"),
        ({"recipe": override(RECIPE, {"widths": (4,) * 9})}, "leaves no pixel"),
        ({"recipe": override(RECIPE, {"depth": (1, 2)})}, "depth has 2 values for 1 block"),
        ({"recipe": override(RECIPE, {"most_parameters": 100})}, r"has 2,\d\d\d parameters, and two-conv may have 100"),
        ({"recipe": override(RECIPE, {"most_parameters": 100, "members": 2})}, "may have 100"),
    ],
)
def test_nothing_is_made_for_what_cannot_be_done(
    arguments: dict[str, Any], match: str, pictures: Path, tmp_path: Path
) -> None:
    given = {"recipe": RECIPE, "dataset": str(pictures), "runs_dir": tmp_path / "runs", **arguments}
    with pytest.raises(UserError, match=match):
        train(**given)
    assert not (tmp_path / "runs").exists()


def test_a_runs_folder_that_is_a_file_is_refused(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(UserError, match="is a file, not a folder"):
        train(RECIPE, dataset=str(pictures), runs_dir=tmp_path / "runs")


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_the_first_and_the_last_seed_work(pictures: Path, tmp_path: Path, seed: int) -> None:
    run, _ = train(override(RECIPE, {"epochs": 1}), dataset=str(pictures), runs_dir=tmp_path, seed=seed)
    assert Run.open(run.path).seed == seed


# a loss that is no number


def test_a_broken_loss_names_the_step_and_leaves_the_last_good_state(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"The loss became (nan|inf) at step \d+ of 32") as caught:
        train(BREAKS, dataset=str(pictures), runs_dir=tmp_path)

    run = find_run("latest", tmp_path)
    assert str(run.path) in str(caught.value)
    assert "smaller --learning-rate than 10" in caught.value.remedy
    assert 1 <= len(run.metrics) < BREAKS.epochs
    state = TrainingState(run.recipe, open_dataset(run.dataset), run.seed, torch.device("cpu"), "fp32")
    state.load_state_dict(load_tensors(run.resume_path, ""))
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


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_weights_that_break_at_the_last_step_of_an_epoch_are_a_failure_too(pictures: Path, tmp_path: Path) -> None:
    recipe = override(BREAKS, {"learning_rate": 100.0})
    with pytest.raises(MnistlabError):
        train(recipe, dataset=str(pictures), runs_dir=tmp_path)


# stopped and resumed


@pytest.mark.parametrize(("number", "epoch"), [(signal.SIGINT, 1), (signal.SIGTERM, 1), (signal.SIGINT, 2)])
def test_a_signal_between_epochs_stops_the_run_and_resuming_ends_where_it_would_have(
    finished: Run, pictures: Path, tmp_path: Path, number: signal.Signals, epoch: int
) -> None:
    with pytest.raises(Interrupted, match=f"after step {epoch * STEPS} of 8.*mnistlab train --resume") as caught:
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


def test_an_averaged_run_with_adamw_is_resumed_to_the_last_bit(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_EVERY", 0.0)
    recipe = override(
        RECIPE, {"averaging": 0.9, "optimizer": "adamw", "learning_rate": 0.01, "elastic": 2, "hidden": 8}
    )
    straight, _ = train(recipe, dataset=str(pictures), runs_dir=tmp_path / "a")
    with pytest.raises(Interrupted):
        train(recipe, dataset=str(pictures), runs_dir=tmp_path / "b", display=Watcher(at_step=6))
    run, _ = resume(find_run("latest", tmp_path / "b"))

    assert same(weights(run), weights(straight))


def test_resuming_a_finished_run_changes_nothing_in_it(pictures: Path, tmp_path: Path) -> None:
    run, _ = train(RECIPE, dataset=str(pictures), runs_dir=tmp_path)
    kept = {name: (run.path / name).read_bytes() for name in ("config.json", "metrics.jsonl", "model.pth", "test.json")}
    resume(run)

    assert {name: (run.path / name).read_bytes() for name in kept} == kept


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
    run = Run.open(copy_of(finished, tmp_path))
    run.resume_path.unlink()
    kept = {path: path.read_bytes() for path in run.path.iterdir()}

    with pytest.raises(UserError, match=r"resume\.pt is missing"):
        resume(run)
    assert {path: content for path, content in kept.items() if path.read_bytes() != content} == {}


def test_a_finished_run_that_lost_its_model_gets_it_back(finished: Run, tmp_path: Path) -> None:
    run = Run.open(copy_of(finished, tmp_path))
    run.model_path.unlink()

    resume(run)
    assert same(weights(run), weights(finished))


def test_a_run_whose_pictures_have_changed_is_not_resumed(pictures: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(pictures, own)
    with pytest.raises(Interrupted):
        train(RECIPE, dataset=str(own), runs_dir=tmp_path / "runs", display=Watcher(at_epoch=1))
    first = next(path for path in sorted((own / "0").iterdir()) if draw(path) >= 1 / 6)  # one that is trained on
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
    run = Run.open(copy_of(finished, tmp_path))
    path = run.path / "environment.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))

    with pytest.raises(UserError):
        resume(run)


def copy_of(run: Run, folder: Path) -> Path:
    copy = folder / "copy"
    copy.mkdir()
    for path in run.path.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


def test_a_run_whose_pictures_are_gone_is_refused(finished: Run, tmp_path: Path) -> None:
    copy = copy_of(finished, tmp_path)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "dataset": "/no/such/pictures"}))

    with pytest.raises(UserError, match="/no/such/pictures"):
        resume(Run.open(copy))


def test_listing_finds_every_run_that_was_trained_here(finished: Run) -> None:
    assert [run.path for run in list_runs(finished.path.parent) if isinstance(run, Run)] == [finished.path]


def test_recipes_of_the_table_can_be_given_by_name(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Batch size 128 does not fit"):  # too few pictures in this split for it
        train("two-conv", dataset=str(small_part(pictures, tmp_path)), runs_dir=tmp_path / "runs")


def small_part(pictures: Path, folder: Path) -> Path:
    for label in ("0", "1"):
        (folder / "part" / label).mkdir(parents=True)
        for path in sorted((pictures / label).iterdir())[:12]:
            (folder / "part" / label / path.name).write_bytes(path.read_bytes())
    return folder / "part"


def test_the_recipe_is_kept_whole(finished: Run) -> None:
    assert isinstance(finished.recipe, Recipe)
    assert Run.open(finished.path).recipe == RECIPE
