"""The recipes finder and line-reader: a very short training run, stopped and resumed, measured, compared, refused."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest
import torch

from mnistlab import UserError, compare_runs, evaluate_run, export_model, find_run, load_model, resume, train
from mnistlab.cli.app import run_app
from mnistlab.data.catalog import DATASETS
from mnistlab.errors import Interrupted
from mnistlab.evaluation import alphabet
from mnistlab.evaluation.papers import saved_network
from mnistlab.evaluation.plots import draw_run
from mnistlab.networks.checkpoint import load_tensors, save_model
from mnistlab.networks.network import NeuralNet
from mnistlab.recipes.finder import FinderRecipe
from mnistlab.recipes.papers import PaperRecipe
from mnistlab.runs.run import Run
from mnistlab.training import watch
from mnistlab.training.papers import rate_at
from tests.support.comparing import same, without_times
from tests.training.small import PAGES, Watcher, copy_of

pytestmark = pytest.mark.usefixtures("drawn_here")
SAID = {"finder": "finds digits on pages", "line-reader": "reads lines of digits"}
"""What each network does, by the name of its recipe."""


def recipe_of(run: Run) -> PaperRecipe:
    assert isinstance(run.recipe, PaperRecipe)
    return run.recipe


def test_a_run_folder_holds_what_others_do(page_run: Run) -> None:
    assert json.loads((page_run.path / "config.json").read_text())["kind"] == page_run.kind == page_run.recipe.name
    assert Run.open(page_run.path).recipe == PAGES[page_run.kind]
    first, last = page_run.metrics
    assert (first["epoch"], first["step"], last["epoch"], last["step"]) == (1, 4, 2, 6)
    assert last["learning_rate"] == 0
    assert {"val_loss", "val_accuracy", "images_per_second"} < set(last)
    assert page_run.is_finished
    assert not page_run.is_classifier
    assert page_run.test is not None
    summary = page_run.summary()
    assert summary["epochs"] == [2, 2]
    assert summary["validation"] == "val"
    with pytest.raises(UserError, match=f"is not a classifier: it {SAID[page_run.kind]}"):
        _ = page_run.classifier


@pytest.mark.parametrize(("step", "number"), [(2, signal.SIGINT), (5, signal.SIGTERM)])
def test_one_that_was_stopped_ends_where_it_would_have(
    step: int, number: signal.Signals, page_run: Run, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_EVERY", 0.0)
    with pytest.raises(Interrupted, match=f"Stopped after step {step} of 6"):
        train(
            page_run.recipe, data_dir=data_dir, runs_dir=tmp_path, seed=3, display=Watcher(at_step=step, number=number)
        )
    run, _ = resume(find_run("latest", tmp_path))
    assert same(saved_network(run).model.state_dict(), saved_network(page_run).model.state_dict())
    assert without_times(run.metrics) == without_times(page_run.metrics)
    assert run.test == page_run.test


def test_no_test_digit_is_read_before_the_end(
    page_run: Run, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    splits = []
    reading = alphabet.read_split
    monkeypatch.setattr(alphabet, "read_split", lambda dataset, split: splits.append(split) or reading(dataset, split))
    with pytest.raises(Interrupted):
        train(page_run.recipe, data_dir=data_dir, runs_dir=tmp_path, display=Watcher(at_epoch=2))
    assert splits == ["train", "val"]


def test_a_finished_one_is_measured_again_and_drawn(page_run: Run, tmp_path: Path) -> None:
    run = copy_of(page_run, tmp_path)
    evaluation = evaluate_run(run)
    assert run.test == page_run.test
    low, high = evaluation.interval
    assert low <= evaluation.accuracy <= high
    names = [path.name for path in draw_run(run, evaluation)]
    assert sorted(names) == sorted(["confusion.png", "training.png", run.recipe.picture])
    assert all((run.path / name).stat().st_size > 5000 for name in names)
    assert evaluate_run(run, "val").mean_loss == pytest.approx(page_run.metrics[-1]["val_loss"])


def test_what_it_cannot_be_used_for_is_said(
    page_run: Run, mnist_run: Run, data_dir: Path, pictures: Path, tmp_path: Path
) -> None:
    does = SAID[page_run.kind]
    for use, said in (
        (lambda: load_model(page_run), f"holds the network that {does}, not a classifier"),
        (lambda: export_model(page_run, int8=True), f"int8 is for classifiers, but .* the network that {does}"),
        (lambda: export_model(page_run, coverage=0.5), "coverage is for classifiers"),
        (lambda: compare_runs(page_run, mnist_run), f"the first {does}, and the second is a classifier"),
        (lambda: train(page_run.recipe, dataset=pictures, runs_dir=tmp_path / "runs"), "trained on the ten digits"),
    ):
        with pytest.raises(UserError, match=said):
            use()
    assert not (tmp_path / "runs").exists()
    assert compare_runs(page_run, page_run).p_value == 1


def test_the_two_kinds_cannot_be_compared(finder_run: Run, line_run: Run) -> None:
    with pytest.raises(UserError, match="the first finds digits on pages, and the second reads lines of digits"):
        compare_runs(finder_run, line_run)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            "train KIND --epochs 3",
            "The recipe KIND has no --epochs. See the recipe's options: mnistlab train KIND --help",
        ),
        ("train quick --warmup-steps 3", "The recipe quick has no --warmup-steps."),
        ("train KIND --width 98", "--width must be a multiple of 4; it is 98."),
        ("train ensemble --networks KIND", "The recipe KIND does not train a classifier"),
        ("evaluate RUN --by-writer", "--by-writer is for classifiers"),
        ("evaluate RUN --corruptions", "--corruptions is for classifiers"),
        ("read --model RUN x.png", "is not a classifier: it DOES."),
        ("serve --model RUN --port 0", "is not a classifier: it DOES."),
        ("ensemble RUN OTHER", "holds the network that DOES, not a classifier"),
        ("doctor RUN/model.pth", "holds the network that DOES, not a classifier"),
    ],
)
def test_the_command_line_says_in_a_sentence_what_does_not_apply(
    command: str, said: str, page_run: Run, mnist_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = {"RUN": page_run.path, "OTHER": mnist_run.path, "KIND": page_run.kind, "DOES": SAID[page_run.kind]}
    for word, value in filled.items():
        command, said = command.replace(word, str(value)), said.replace(word, str(value))
    assert run_app(command.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err


@pytest.mark.parametrize(
    ("step", "share"), [(0, 0.25), (3, 1.0), (50, 1.0), (90, 1.0), (95, 0.5), (99, 0.1), (100, 0.0)]
)
def test_the_rate_rises_stays_and_falls(step: int, share: float) -> None:
    recipe = FinderRecipe(steps=100, warmup_steps=4, cooldown_steps=10, learning_rate=0.1)
    assert rate_at(recipe, step) == pytest.approx(0.1 * share)


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_training_run_may_start_from_another_ones_weights(
    is_folder: bool, page_run: Run, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = copy_of(page_run, tmp_path)
    recipe = recipe_of(page_run).override(
        start=str(source.path if is_folder else source.model_path), steps=1, epoch_steps=1, learning_rate=1e-9
    )
    with monkeypatch.context() as patched, pytest.raises(Interrupted):
        patched.setattr("mnistlab.training.single.carry_out", stopped_at_once)
        train(recipe, data_dir=data_dir, runs_dir=tmp_path / "runs", seed=4)
    shutil.rmtree(source.path)  # what was begun needs nothing but its own folder
    further = resume("latest", data_dir=data_dir, runs_dir=tmp_path / "runs")[0]
    theirs, ours = (saved_network(run).model for run in (page_run, further))
    for (name, one), two in zip(theirs.named_parameters(), ours.parameters(), strict=True):
        assert torch.allclose(one, two, atol=1e-6), name
    path = export_model(further, output=tmp_path / "further.onnx").path
    assert str(tmp_path).encode() not in path.read_bytes()


def stopped_at_once(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("nowhere.pth", r"nowhere\.pth is missing\. Give a NAME's run folder, or the model\.pth in it"),
        ("empty", r"model\.pth is missing\. Give a NAME's run folder"),
        ("classifier", r"does not hold the network that DOES\. Give a NAME's run folder"),
        ("other kind", r"does not hold the network that DOES\. Give a NAME's run folder"),
        ("text", r"is not a file that torch\.save wrote, or it is damaged.* Give a NAME's run folder"),
        ("other widths", r"holds a network with the widths 4,6,[\d,]+, but the recipe asks for 5,6,"),
    ],
)
def test_weights_that_cannot_be_started_from_are_refused_before_a_folder_is_made(
    given: str, message: str, page_run: Run, finder_run: Run, line_run: Run, data_dir: Path, tmp_path: Path
) -> None:
    source = tmp_path / given
    change: dict[str, object] = {"start": str(source)}
    if given == "empty":
        source.mkdir()
    elif given == "classifier":
        save_model(source, NeuralNet(), DATASETS["mnist"])
    elif given == "other kind":
        change = {"start": str((line_run if page_run is finder_run else finder_run).path)}
    elif given == "text":
        source.write_text("no weights")
    elif given == "other widths":
        change = {"start": str(page_run.path), "widths": (5, *recipe_of(page_run).widths[1:])}
    message = message.replace("NAME", page_run.kind.replace("-", " ")).replace("DOES", SAID[page_run.kind])
    with pytest.raises(UserError, match=message):
        train(recipe_of(page_run).override(change), data_dir=data_dir, runs_dir=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_run_goes_on_only_with_the_digits_that_it_was_started_with(page_run: Run, tmp_path: Path) -> None:
    run = copy_of(page_run, tmp_path)
    state = load_tensors(run.resume_path, "remedies.cannot_be_resumed")
    torch.save({**state, "data": "0"}, run.resume_path)
    with pytest.raises(UserError, match="the training digits or the fonts have changed"):
        resume(run)
    torch.save({**state, "format": "mnistlab resume 0"}, run.resume_path)
    with pytest.raises(UserError, match="version"):
        resume(run)
