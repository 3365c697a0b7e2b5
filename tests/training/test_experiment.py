from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mnistlab.data.dataset import open_dataset
from mnistlab.data.loader import MNISTDataLoader
from mnistlab.errors import Interrupted, UserError
from mnistlab.evaluation.evaluate import evaluate, evaluate_run
from mnistlab.evaluation.models import load_model
from mnistlab.evaluation.result import Evaluation
from mnistlab.networks.checkpoint import save_model
from mnistlab.networks.ensemble import Ensemble
from mnistlab.networks.network import NeuralNet
from mnistlab.recipes.catalog import RECIPES
from mnistlab.runs.run import Run
from mnistlab.runs.store import find_run, list_runs
from mnistlab.training import display, watch
from mnistlab.training.ensembles import combine
from mnistlab.training.experiment import resume, train
from tests.support.comparing import same, weights, without_times

pytestmark = pytest.mark.usefixtures("no_drawing")

SMALL: dict[str, Any] = {
    "epochs": 2, "batch_size": 16, "widths": (4,), "kernel_size": 3, "hidden": 0, "precision": "fp32",
}  # fmt: skip
ALONE = RECIPES["two-conv"].override(SMALL)
RECIPE = ALONE.override({"members": 2, "name": "pair"})
STEPS = 8  # of each member


@pytest.fixture(scope="module")
def trained(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Evaluation]:
    """A finished run of two members; tests read it and leave it as it is."""
    return train(RECIPE, dataset=str(pictures), runs_dir=tmp_path_factory.mktemp("runs"), seed=3)


@pytest.fixture
def finished(trained: tuple[Run, Evaluation]) -> Run:
    return trained[0]


@pytest.fixture
def pair(finished: Run) -> list[Run]:
    """Its members, which are runs themselves."""
    return members_of(finished)


class StopIn(display.Silent):
    """Sends this process a signal in the training of the nth member (0 for none), at a step."""

    def __init__(self, member: int, step: int = 0, number: int = signal.SIGINT) -> None:
        self.member, self.at_step, self.number = member, step, number
        self.starts: list[tuple[str, int]] = []

    def start(self, run: Run, epoch_steps: int, steps: int, done: int) -> None:
        self.starts.append((run.path.parent.name, done))

    def step(self, done: int, loss: float, images_per_second: float) -> None:
        if len(self.starts) == self.member and done == self.at_step:
            os.kill(os.getpid(), self.number)


def members_of(run: Run) -> list[Run]:
    members = list(list_runs(run.path / "members"))
    assert all(isinstance(member, Run) for member in members)
    return sorted((m for m in members if isinstance(m, Run)), key=lambda member: member.seed)


def copy_of(run: Run, path: Path) -> Run:
    return Run.open(Path(shutil.copytree(run.path, path)))


def pictures_of_test(dataset: str) -> tuple[torch.Tensor, torch.Tensor]:
    (batch,) = MNISTDataLoader("test", dataset=open_dataset(dataset), batch_size=None)
    return batch


# a recipe of several members


def test_the_members_are_runs_inside_the_runs_folder(finished: Run) -> None:
    members = members_of(finished)

    assert [(m.seed, m.recipe.name, m.kind) for m in members] == [
        (3, "pair-member", "single"),
        (4, "pair-member", "single"),
    ]
    for member in members:
        assert member.recipe == finished.recipe.override(members=1, name="pair-member")
        assert len(member.metrics) == 2
        assert member.test is not None
        assert (member.path / "training.png").exists()
    assert list(list_runs(finished.path.parent)) == [finished]  # which lists only the whole


def test_the_runs_folder_is_complete(finished: Run) -> None:
    assert {path.name for path in finished.path.iterdir()} - {".lock"} == {
        "config.json", "environment.json", "members", "metrics.jsonl", "model.pth", "test.json",
        "training.png", "confusion.png", "mistakes.png",
    }  # fmt: skip
    assert finished.recipe == RECIPE
    assert Run.open(finished.path) == finished


def test_a_member_is_what_it_would_be_if_trained_alone(finished: Run, pictures: Path, tmp_path: Path) -> None:
    alone, _ = train(ALONE, dataset=str(pictures), runs_dir=tmp_path, seed=4)

    member = members_of(finished)[1]
    assert same(weights(member), weights(alone))
    assert without_times(member.metrics) == without_times(alone.metrics)
    assert member.test == alone.test


def test_the_model_is_the_ensemble_of_the_members(finished: Run) -> None:
    saved = load_model(finished.model_path)
    members = [load_model(member.model_path) for member in members_of(finished)]

    assert isinstance(saved.model, Ensemble)
    assert len(saved.model.members) == 2
    for network, member in zip(saved.model.members, members, strict=True):
        assert same(network.state_dict(), member.model.state_dict())
    assert (saved.dataset, saved.classes, saved.mean, saved.std) == (
        members[0].dataset, members[0].classes, members[0].mean, members[0].std
    )  # fmt: skip


def test_what_is_tested_is_the_mean_of_the_probabilities(trained: tuple[Run, Evaluation]) -> None:
    run, evaluation = trained
    images, labels = pictures_of_test(run.dataset)
    with torch.no_grad():
        each = [load_model(m.model_path).model(images).softmax(1) for m in members_of(run)]
    mean = (each[0] + each[1]) / 2

    assert (evaluation.split, evaluation.total) == ("test", len(labels))
    assert evaluation.correct == int((mean.argmax(1) == labels).sum())
    assert evaluation.loss_sum == pytest.approx(float(-mean.log()[range(len(labels)), labels].sum()), rel=1e-4)
    assert run.test == json.loads(json.dumps(evaluation.to_dict()))


def test_metrics_have_a_row_a_member(finished: Run) -> None:
    members = members_of(finished)
    first, last = finished.metrics
    ends = [member.metrics[-1] for member in members]

    assert [(row["member"], row["step"]) for row in (first, last)] == [(1, STEPS), (2, 2 * STEPS)]
    assert [row["train_loss"] for row in (first, last)] == [end["train_loss"] for end in ends]
    assert first["seconds"] == ends[0]["seconds"]
    assert last["seconds"] == pytest.approx(ends[0]["seconds"] + ends[1]["seconds"])
    assert first["val_accuracy"] == ends[0]["val_accuracy"]  # of the first alone, then of both
    assert first["val_loss"] == pytest.approx(ends[0]["val_loss"], rel=1e-4)
    both = evaluate_run(finished, "val")
    assert (last["val_accuracy"], last["val_loss"]) == (both.accuracy, pytest.approx(both.mean_loss, rel=1e-4))


def test_members_of_the_longest_name_that_train_on_everything_have_no_validation(
    pictures: Path, tmp_path: Path
) -> None:
    recipe = RECIPE.override({"split": "train+val", "steps": 1, "name": "a" * 40})
    run, _ = train(recipe, dataset=str(pictures), runs_dir=tmp_path)

    assert [(row["val_loss"], row["val_accuracy"]) for row in run.metrics] == [(None, None)] * 2
    assert [member.recipe.name for member in members_of(run)] == ["a" * 33 + "-member"] * 2
    assert run.test is not None


def test_the_last_seeds_are_refused_before_a_folder_is_made_or_work(pictures: Path, tmp_path: Path) -> None:
    recipe = RECIPE.override({"steps": 1})
    try:
        train(recipe, dataset=str(pictures), runs_dir=tmp_path / "runs", seed=2**32 - 1)
    except UserError:
        if (tmp_path / "runs").exists():
            raise


# stopped and resumed


@pytest.mark.parametrize(("member", "step", "number"), [(1, 3, signal.SIGINT), (2, 5, signal.SIGTERM)])
def test_an_ensemble_that_was_stopped_ends_where_it_would_have(
    member: int,
    step: int,
    number: signal.Signals,
    finished: Run,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "LOOK_EVERY", 0.0)
    stop = StopIn(member, step, number)
    with pytest.raises(Interrupted, match="Stopped after step") as caught:
        train(RECIPE, dataset=str(pictures), runs_dir=tmp_path, seed=3, display=stop)
    run = find_run("latest", tmp_path)
    assert caught.value.command_remedy == f"Continue with: mnistlab train --resume {run.path}"
    assert caught.value.exit_code == 128 + number
    assert len(members_of(run)) == member
    assert run.test is None
    assert not run.model_path.exists()

    watcher = StopIn(0)
    run, evaluation = resume(run, display=watcher)
    assert watcher.starts == [("members", step), ("members", 0)][: 3 - member]  # what is finished is not begun anew
    assert same(weights(run), weights(finished))
    assert without_times(run.metrics) == without_times(finished.metrics)
    assert run.test == finished.test == json.loads(json.dumps(evaluation.to_dict()))
    assert len(members_of(run)) == 2


def test_resuming_a_finished_ensemble_changes_nothing_in_it(finished: Run, tmp_path: Path) -> None:
    run = copy_of(finished, tmp_path / "copy")
    names = ("config.json", "metrics.jsonl", "model.pth", "test.json")
    kept = {name: (run.path / name).read_bytes() for name in names}
    run.model_path.unlink()
    (run.path / "test.json").unlink()
    watcher = StopIn(0)
    resume(run, display=watcher)

    assert watcher.starts == []
    assert {name: (run.path / name).read_bytes() for name in names} == kept


def test_members_of_two_kinds_share_seeds_and_are_told_apart(pictures: Path, tmp_path: Path) -> None:
    quick = {"epochs": 1, "steps": 2, "batch_size": 16, "split": "train", "test_shifts": False}
    recipe = RECIPES["ensemble"].override({**quick, "members": 4, "networks": ("tiny-1k", "quick")})
    run, evaluation = train(recipe, dataset=str(pictures), runs_dir=tmp_path, seed=7)
    found = sorted((member.seed, member.recipe.name) for member in members_of(run))
    assert found == [(7, "quick-member"), (7, "tiny-1k-member"), (8, "quick-member"), (8, "tiny-1k-member")]
    assert {member.recipe.learning_rate for member in members_of(run)} == {recipe.learning_rate}
    model = load_model(run.model_path).model
    assert [len(part.widths) for part in model.architecture.members] == [3, 3, 3, 3]
    assert [part.kernel_size[0] for part in model.architecture.members] == [5, 5, 5, 5]
    assert [part.separable for part in model.architecture.members] == [True, False, True, False]
    assert evaluation.total > 0


# runs that are there already


def test_finished_runs_are_combined_into_a_run_of_their_own(
    finished: Run, pair: list[Run], pictures: Path, tmp_path: Path
) -> None:
    kept = {path: path.read_bytes() for member in pair for path in member.path.iterdir() if path.is_file()}
    run, evaluation = combine(pair, runs_dir=tmp_path / "runs")

    assert (run.recipe.name, run.recipe.members, run.seed, run.dataset) == ("ensemble", 2, 3, str(pictures))
    assert find_run("latest", tmp_path / "runs") == run
    assert run.members == tuple(str(member.path.resolve()) for member in pair)
    assert "members" not in run.environment
    assert same(weights(run), weights(finished))  # the same members, the same ensemble
    assert without_times(run.metrics) == without_times(finished.metrics)
    assert run.test == finished.test == json.loads(json.dumps(evaluation.to_dict()))
    assert {path: path.read_bytes() for path in kept} == kept


def test_runs_are_combined_and_resumed_by_name(pair: list[Run], tmp_path: Path) -> None:
    expected = combine(pair, runs_dir=tmp_path / "a")[1].to_dict()
    for run in pair:
        shutil.copytree(run.path, tmp_path / "b" / run.path.name)
    run, evaluation = combine(
        [pair[0].path.name, str(tmp_path / "b" / pair[1].path.name)], runs_dir=str(tmp_path / "b")
    )
    assert evaluation.to_dict() == expected
    assert resume(run.path.name, runs_dir=str(tmp_path / "b"))[1].to_dict() == expected


@pytest.mark.parametrize(
    ("one", "shown"),
    [("latest", "'latest'"), (Path("latest"), "Path('latest')"), (None, "None"), (2, "2"), (0, "Run(")],
)
def test_what_is_not_a_list_of_runs_is_named(one: Any, shown: str, pair: list[Run]) -> None:
    """One name is one run, and not a sequence of letters; so is one Run."""
    with pytest.raises(
        UserError, match=r"^The value of 'members', .*, is not a list of runs\. Give at least two runs in a list"
    ) as caught:
        combine(pair[0] if one == 0 else one, runs_dir=pair[0].path.parent)
    assert shown in str(caught.value)


# seeds


@pytest.mark.parametrize(
    ("seed", "sentence"),
    [
        (None, "Seed None is not a whole number."),
        (1.0, "Seed 1.0 is not a whole number."),
        (True, "Seed True is not a whole number."),
        ("3", "Seed '3' is not a whole number."),
        (-1, "Seed -1 is out of range."),
        (2**70, f"Seed {2**70} is out of range."),
    ],
)
def test_a_seed_that_is_none_gets_a_sentence_before_there_is_a_folder(seed: Any, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        train(ALONE, runs_dir=str(tmp_path / "runs"), seed=seed)
    assert str(caught.value) == f"{sentence} Choose a whole number from 0 to 4,294,967,295."
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("name", ["dataset", "data_dir", "runs_dir"])
def test_what_is_no_path_gets_a_sentence_before_there_is_a_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"^{name} None is not a path"):
        train("quick", **{"runs_dir": tmp_path / "runs", "data_dir": tmp_path, name: None})  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_numpys_seed_is_a_seed_and_a_path_a_dataset(pair: list[Run], pictures: Path, tmp_path: Path) -> None:
    run, _ = train(ALONE, dataset=pictures, runs_dir=str(tmp_path), seed=np.int64(3), device=torch.device("cpu"))
    assert json.loads((run.path / "config.json").read_text())["seed"] == 3
    assert same(weights(run), weights(pair[0]))


@pytest.mark.parametrize("name", [None, 5, ["quick"], Path("quick")])
def test_what_is_no_recipe_gets_a_sentence(name: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Unknown recipe .* Choose one of default, "):
        train(name, runs_dir=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


# combining others


def test_runs_of_different_networks_are_combined(pair: list[Run], pictures: Path, tmp_path: Path) -> None:
    recipe = ALONE.override({"widths": (3, 5), "hidden": 6, "epochs": 1, "test_shifts": True})
    other, _ = train(recipe, dataset=str(pictures), runs_dir=tmp_path, seed=9)
    run, _ = combine([other, *pair], runs_dir=tmp_path)

    images, _ = pictures_of_test(run.dataset)
    with torch.no_grad():
        each = [load_model(m.model_path).model(images).softmax(1) for m in (other, *pair)]
        mean = load_model(run.model_path).model(images).softmax(1)
    assert torch.allclose(mean, sum(each) / 3, atol=1e-6)
    assert [row["step"] for row in run.metrics] == [4, 12, 20]
    assert run.recipe.members == 3


def test_a_combined_run_is_resumed_from_its_members(pair: list[Run], data_dir: Path, tmp_path: Path) -> None:
    run, _ = combine(pair, runs_dir=tmp_path, data_dir=data_dir)
    assert run.data_dir == str(data_dir.resolve())
    kept = (weights(run), run.metrics, run.test)
    for name in ("model.pth", "test.json", "metrics.jsonl"):
        (run.path / name).unlink()
    run, _ = resume(run)

    assert same(weights(run), kept[0])
    assert (run.metrics, run.test) == kept[1:]


def assert_refused(members: list[Run], folder: Path, match: str) -> UserError:
    """Why the runs are not combined; nothing is made."""
    with pytest.raises(UserError, match=match) as caught:
        combine(members, runs_dir=folder / "ensembles")
    assert caught.value.remedy
    assert not (folder / "ensembles").exists()
    return caught.value


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_runs_are_no_ensemble(count: int, pair: list[Run], tmp_path: Path) -> None:
    assert_refused(pair[:count], tmp_path, f"at least 2 runs, not {count}")


def test_a_run_given_twice_is_refused_however_it_is_named(pair: list[Run], tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(pair[0].path)
    for again in (pair[0], Run.open(tmp_path / "link")):
        error = assert_refused([*pair, again], tmp_path, "is given twice")
        assert str(pair[0].path.resolve()) in error.message


def test_a_run_without_a_model_is_refused(pair: list[Run], tmp_path: Path) -> None:
    broken = copy_of(pair[1], tmp_path / "copy")
    broken.model_path.unlink()
    error = assert_refused([pair[0], broken], tmp_path, r"has no model\.pth")
    assert str(broken.path) in error.message


def test_a_finished_run_that_was_not_tested_is_to_be_evaluated(pair: list[Run], tmp_path: Path) -> None:
    bare = copy_of(pair[1], tmp_path / "copy")
    (bare.path / "test.json").unlink()
    error = assert_refused([pair[0], bare], tmp_path, r"has no test\.json")
    assert f"mnistlab evaluate {bare.path}" in error.command_remedy


def test_a_run_with_a_damaged_model_is_refused(pair: list[Run], tmp_path: Path) -> None:
    broken = copy_of(pair[1], tmp_path / "copy")
    broken.model_path.write_bytes(broken.model_path.read_bytes()[:1000])
    assert_refused([pair[0], broken], tmp_path, r"model\.pth.*is damaged")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"name": "kmnist"}, r"and .*copy.* \(kmnist, 3 classes\) differ in .*, so their answers cannot be averaged"),
        ({"classes": ("0", "1", "7")}, r", 3 classes\) and .*copy.*, 3 classes\) differ in their dataset or its"),
        ({"mean": 0.5}, r"mean 0\.\d{4} and std 0\.\d{4}, and .*copy with 0\.5000 and"),
        ({"std": 0.125}, r"copy with 0\.\d{4} and 0\.1250"),
    ],
    ids=str,
)
def test_runs_whose_answers_cannot_be_averaged_are_refused(
    change: dict[str, Any], match: str, pair: list[Run], tmp_path: Path
) -> None:
    other = copy_of(pair[1], tmp_path / "copy")
    spec = dataclasses.replace(open_dataset(other.dataset).spec, **change)
    save_model(other.model_path, load_model(other.model_path).model, spec)
    error = assert_refused([pair[0], other], tmp_path, match)
    assert str(pair[0].path) in error.message


def test_runs_of_different_class_counts_are_refused(pair: list[Run], tmp_path: Path) -> None:
    other = copy_of(pair[1], tmp_path / "copy")
    spec = dataclasses.replace(open_dataset(other.dataset).spec, classes=("0", "1"))
    save_model(other.model_path, NeuralNet((3,), classes=2), spec)
    assert_refused([pair[0], other], tmp_path, r", 3 classes\) and .*, 2 classes\) differ in .*, so their answers")


def test_a_member_without_metrics_is_refused_or_combined(pair: list[Run], tmp_path: Path) -> None:
    bare = copy_of(pair[1], tmp_path / "copy")
    (bare.path / "metrics.jsonl").unlink()
    try:
        run, _ = combine([pair[0], bare], runs_dir=tmp_path / "ensembles")
    except UserError:
        assert not (tmp_path / "ensembles").exists()
    else:
        assert run.test is not None


def test_an_ensemble_is_not_measured_on_what_one_of_its_members_was_trained_on(pair: list[Run], tmp_path: Path) -> None:
    other = copy_of(pair[1], tmp_path / "copy")
    config = json.loads((other.path / "config.json").read_text())
    config["recipe"]["data"]["split"] = "train+val"
    (other.path / "config.json").write_text(json.dumps(config))
    run, _ = combine([pair[0], Run.open(other.path)], runs_dir=tmp_path)
    assert [row["val_accuracy"] for row in run.metrics] == [None, None]
    with pytest.raises(UserError, match="trained on the validation split too"):
        evaluate_run(run, "val")


def test_an_ensemble_normalises_as_its_members_do_though_the_pictures_have_changed(
    pair: list[Run], pictures: Path, tmp_path: Path
) -> None:
    own = Path(shutil.copytree(pictures, tmp_path / "own"))
    spec, members = open_dataset(str(own)).spec, []
    for number, run in enumerate(pair):  # as if they had been trained on that folder
        member = copy_of(run, tmp_path / f"copy{number}")
        save_model(member.model_path, load_model(run.model_path).model, spec)
        members.append(dataclasses.replace(member, dataset=str(own)))
    for number in range(40):
        Image.new("L", (28, 28), 255).save(own / "0" / f"white-{number}.png")
    try:
        combined, _ = combine(members, runs_dir=tmp_path / "ensembles")
    except UserError:
        assert not (tmp_path / "ensembles").exists()
    else:
        ensemble = load_model(combined.model_path)
        assert (ensemble.mean, ensemble.std) == (spec.mean, spec.std)


def test_the_validation_of_an_ensemble_is_as_its_metrics_say(finished: Run) -> None:
    dataset = open_dataset(finished.dataset)
    loader = MNISTDataLoader("val", dataset=dataset, batch_size=None)
    assert evaluate(load_model(finished.model_path).model, loader).accuracy == finished.metrics[-1]["val_accuracy"]
