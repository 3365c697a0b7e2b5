"""The recipe finder: a very short training run, stopped and resumed, measured, exported, refused."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from mnistlab import UserError, compare_runs, evaluate_run, export_model, find_run, load_model, resume, train
from mnistlab.cli.app import run_app
from mnistlab.data.catalog import DATASETS
from mnistlab.dependencies import import_onnxruntime
from mnistlab.errors import Interrupted
from mnistlab.evaluation import finder as measuring
from mnistlab.evaluation.finder import saved_finder
from mnistlab.evaluation.finds import FinderEvaluation
from mnistlab.evaluation.plots import draw_run
from mnistlab.networks.checkpoint import save_model
from mnistlab.networks.finder import FinderNet, save_finder
from mnistlab.networks.network import NeuralNet
from mnistlab.reading.finder import CLASSES
from mnistlab.recipes.catalog import find_recipe
from mnistlab.recipes.finder import FinderRecipe
from mnistlab.runs.run import Run
from mnistlab.training import finder, watch
from mnistlab.training.finder import rate_at
from tests.conftest import leave_pictures
from tests.support.comparing import same, without_times
from tests.training.small import Watcher, copy_of

NAMED = find_recipe("finder")
assert isinstance(NAMED, FinderRecipe)
RECIPE = NAMED.override(
    steps=6, epoch_steps=4, batch_size=2, height=48, width=64, val_scenes=50, test_scenes=50, warmup_steps=2,
    cooldown_steps=2, precision="fp32", widths=(4, 6, 8), dilations=(1, 2),
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def quick() -> None:
    """This process draws the scenes, and no pictures are made unless a test asks for them."""
    patched = pytest.MonkeyPatch()
    for module in (finder, measuring):
        patched.setattr(module, "worker_count", lambda device: 0)
    patched.setattr("mnistlab.evaluation.plots.draw_run", leave_pictures)
    yield  # type: ignore[misc]
    patched.undo()


@pytest.fixture(scope="module")
def found(quick: None, data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run; tests read it and leave it as it is."""
    return train(RECIPE, data_dir=data_dir, runs_dir=tmp_path_factory.mktemp("finder"), seed=3)[0]


def test_a_run_folder_holds_what_others_do(found: Run) -> None:
    assert json.loads((found.path / "config.json").read_text())["kind"] == found.kind == "finder"
    assert Run.open(found.path).recipe == RECIPE
    first, last = found.metrics
    assert (first["epoch"], first["step"], last["epoch"], last["step"]) == (1, 4, 2, 6)
    assert last["learning_rate"] == 0
    parts = last["train_kinds"] + 0.3 * last["train_boxes"] + 0.3 * last["train_ink"]
    assert last["train_loss"] == pytest.approx(parts, rel=1e-4)
    assert {"val_loss", "val_accuracy", "val_false_finds", "images_per_second"} < set(last)
    assert found.is_finished
    assert found.test is not None
    assert found.test["scenes"] == 50
    summary = found.summary()
    assert summary["epochs"] == [2, 2]
    assert summary["validation"] == "val"
    with pytest.raises(UserError, match="is not a classifier: it marks digits"):
        _ = found.classifier


@pytest.mark.parametrize(("step", "number"), [(2, signal.SIGINT), (5, signal.SIGTERM)])
def test_one_that_was_stopped_ends_where_it_would_have(
    step: int, number: signal.Signals, found: Run, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_EVERY", 0.0)
    with pytest.raises(Interrupted, match=f"Stopped after step {step} of 6"):
        train(RECIPE, data_dir=data_dir, runs_dir=tmp_path, seed=3, display=Watcher(at_step=step, number=number))
    run, _ = resume(find_run("latest", tmp_path))
    assert same(saved_finder(run).model.state_dict(), saved_finder(found).model.state_dict())
    assert without_times(run.metrics) == without_times(found.metrics)
    assert run.test == found.test


def test_no_test_digit_is_read_before_the_end(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    splits = []
    reading = measuring.read_split
    monkeypatch.setattr(measuring, "read_split", lambda dataset, split: splits.append(split) or reading(dataset, split))
    with pytest.raises(Interrupted):
        train(RECIPE, data_dir=data_dir, runs_dir=tmp_path, display=Watcher(at_epoch=2))
    assert splits == ["train", "val"]


def test_a_finished_one_is_measured_again_and_drawn(found: Run, tmp_path: Path) -> None:
    run = copy_of(found, tmp_path)
    evaluation = evaluate_run(run)
    assert isinstance(evaluation, FinderEvaluation)
    assert run.test == found.test
    low, high = evaluation.interval
    assert low <= evaluation.accuracy <= high
    names = [path.name for path in draw_run(run, evaluation)]
    assert sorted(names) == ["confusion.png", "scenes.png", "training.png"]
    assert all((run.path / name).stat().st_size > 5000 for name in names)
    assert evaluate_run(run, "val").mean_loss == pytest.approx(found.metrics[-1]["val_loss"])


def test_its_file_answers_as_pytorch_does_and_is_the_same_each_time(found: Run, tmp_path: Path) -> None:
    run = copy_of(found, tmp_path)
    done = export_model(run)
    content = done.path.read_bytes()
    assert done.path == run.path / "finder.onnx"
    assert set(done.to_dict()) == {"path", "bytes", "to", "threshold", "parity"}
    assert export_model(run, tmp_path / "again.onnx").path.read_bytes() == content
    session = import_onnxruntime().InferenceSession(content, providers=["CPUExecutionProvider"])
    assert [one.shape[1:] for one in session.get_outputs()] == [[17, "h", "w"], [4, "h", "w"], [1, "4*h", "4*w"]]
    model = saved_finder(run).model
    for height, width in ((48, 64), (4, 4), (84, 100)):
        picture = torch.randn(1, 1, height, width)
        kinds, boxes, ink = session.run(None, {"contrast": picture.numpy()})
        with torch.no_grad():
            expected = model(picture)
        for mine, theirs in ((kinds, expected[0].sigmoid()), (boxes, expected[1]), (ink, expected[2].sigmoid())):
            assert np.abs(mine - theirs.numpy()).max() < 1e-4
    facts = {entry.key: entry.value for entry in onnx.load_from_string(content).metadata_props}
    assert json.loads(facts["classes"]) == list(CLASSES)
    assert json.loads(facts["recipe"])["name"] == "finder"
    assert {"mnistlab", "commit", "data", "dataset"} < set(facts)
    assert str(Path.cwd()).encode() not in content
    assert export_model(run, to="safetensors").path.name == "finder.safetensors"


def test_what_it_cannot_be_used_for_is_said(
    found: Run, mnist_run: Run, data_dir: Path, pictures: Path, tmp_path: Path
) -> None:
    for use, said in (
        (lambda: load_model(found), "holds the network that finds digits on pages, not a classifier"),
        (lambda: export_model(found, int8=True), "int8 is for classifiers"),
        (lambda: export_model(found, coverage=0.5), "coverage is for classifiers"),
        (lambda: compare_runs(found, mnist_run), "one finds digits on pages, and the other is a classifier"),
        (lambda: train(RECIPE, dataset=pictures, runs_dir=tmp_path / "runs"), "trained on the ten digits"),
    ):
        with pytest.raises(UserError, match=said):
            use()
    assert not (tmp_path / "runs").exists()
    assert compare_runs(found, found).p_value == 1


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("train finder --epochs 3", "The recipe finder has no --epochs. See its options: mnistlab train finder --help"),
        ("train quick --warmup-steps 3", "The recipe quick has no --warmup-steps."),
        ("train finder --height 98", "--height must be a multiple of 4; it is 98."),
        ("train ensemble --networks finder", "The recipe finder does not train a classifier"),
        ("evaluate RUN --by-writer", "--by-writer is for classifiers"),
        ("evaluate RUN --corruptions", "--corruptions is for classifiers"),
        ("read --model RUN x.png", "is not a classifier: it marks digits on pages."),
        ("serve --model RUN --port 0", "is not a classifier: it marks digits on pages."),
        ("ensemble RUN OTHER", "holds the network that finds digits on pages, not a classifier"),
        ("doctor RUN/model.pth", "holds the network that finds digits on pages, not a classifier"),
    ],
)
def test_the_command_line_says_in_a_sentence_what_does_not_apply(
    command: str, said: str, found: Run, mnist_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word.replace("RUN", str(found.path)).replace("OTHER", str(mnist_run.path)) for word in command.split()]
    assert run_app(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err


def test_the_commands_that_apply_print_what_it_did(
    found: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = copy_of(found, tmp_path)
    assert run_app(["evaluate", str(run.path), "--split", "val"]) == 0
    out = capsys.readouterr().out
    assert "digits on 50 generated scenes were found and read correctly, 95 % interval" in out
    assert "per scene, at probabilities of 0.3 or more" in out
    assert "nats" not in out
    assert run_app(["doctor", str(run.path)]) in (0, 1)  # it has learnt nothing
    assert "digits on 48 generated scenes found and read correctly" in capsys.readouterr().out
    assert run_app(["runs", "--runs", str(tmp_path)]) == 0
    assert "finder*" in capsys.readouterr().out


def test_help_has_the_options_of_the_recipe_that_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["train", "finder", "--help"]) == 0
    finders = capsys.readouterr().out
    assert run_app(["train", "--help"]) == 0
    defaults = capsys.readouterr().out
    assert "  finder     marks digits on pages" in defaults
    assert "--warmup-steps" in finders
    assert "\n  --epochs " not in finders  # in the examples it is
    assert "\n  --epochs " in defaults
    assert "--warmup-steps" not in defaults
    assert "[default: 16,28,64;" in " ".join(finders.split())


@pytest.mark.parametrize(
    ("step", "share"), [(0, 0.25), (3, 1.0), (50, 1.0), (90, 1.0), (95, 0.5), (99, 0.1), (100, 0.0)]
)
def test_the_rate_rises_stays_and_falls(step: int, share: float) -> None:
    recipe = FinderRecipe(steps=100, warmup_steps=4, cooldown_steps=10, learning_rate=0.1)
    assert rate_at(recipe, step) == pytest.approx(0.1 * share)


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_training_run_may_start_from_another_ones_weights(
    is_folder: bool, found: Run, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = copy_of(found, tmp_path)
    recipe = RECIPE.override(
        start=str(source.path if is_folder else source.model_path), steps=1, epoch_steps=1, learning_rate=1e-9
    )
    with monkeypatch.context() as patched, pytest.raises(Interrupted):
        patched.setattr("mnistlab.training.single.carry_out", stopped_at_once)
        train(recipe, data_dir=data_dir, runs_dir=tmp_path / "runs", seed=4)
    shutil.rmtree(source.path)  # what was begun needs nothing but its own folder
    further = resume("latest", data_dir=data_dir, runs_dir=tmp_path / "runs")[0]
    theirs, ours = (saved_finder(run).model for run in (found, further))
    for (name, one), two in zip(theirs.named_parameters(), ours.parameters(), strict=True):
        assert torch.allclose(one, two, atol=1e-6), name
    path = export_model(further, output=tmp_path / "further.onnx").path
    assert str(tmp_path).encode() not in path.read_bytes()


def stopped_at_once(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("nowhere.pth", r"nowhere\.pth is missing\. Give a finder's run folder, or the model\.pth in it"),
        ("empty", r"model\.pth is missing\. Give a finder's run folder"),
        ("classifier", r"does not hold the network that finds digits.* Give a finder's run folder"),
        ("text", r"is not a file that torch\.save wrote, or it is damaged.* Give a finder's run folder"),
        ("other classes", r"with the classes 0,1, but the recipe asks for 0,1,2,3"),
        ("other widths", r"holds a finder with the widths 4,6,8, but the recipe asks for 4,6,9"),
    ],
)
def test_weights_that_cannot_be_started_from_are_refused_before_a_folder_is_made(
    given: str, message: str, found: Run, data_dir: Path, tmp_path: Path
) -> None:
    source = tmp_path / given
    change: dict[str, object] = {"start": str(source)}
    if given == "empty":
        source.mkdir()
    elif given == "classifier":
        save_model(source, NeuralNet(), DATASETS["mnist"])
    elif given == "text":
        source.write_text("no weights")
    elif given == "other classes":
        save_finder(source, FinderNet(2, (4, 6, 8), (1, 2)), "mnist", ["0", "1"], "0")
    elif given == "other widths":
        change = {"start": str(found.path), "widths": (4, 6, 9)}
    with pytest.raises(UserError, match=message):
        train(RECIPE.override(change), data_dir=data_dir, runs_dir=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
