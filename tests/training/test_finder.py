"""The recipe finder: what only this recipe does; test_papers.py tests what it has in common with the recipe line-reader."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from mnistlab import UserError, export_model, train
from mnistlab.cli.app import run_app
from mnistlab.dependencies import import_onnxruntime
from mnistlab.evaluation.papers import saved_network
from mnistlab.networks.finder import FinderNet, save_finder
from mnistlab.reading.finder import CLASSES
from mnistlab.runs.run import Run
from tests.training.small import PAGES, copy_of

pytestmark = pytest.mark.usefixtures("drawn_here")


def test_a_run_folder_holds_the_parts_of_its_loss_and_its_false_finds(finder_run: Run) -> None:
    last = finder_run.metrics[-1]
    parts = last["train_kinds"] + 0.3 * last["train_boxes"] + 0.3 * last["train_ink"]
    assert last["train_loss"] == pytest.approx(parts, rel=1e-4)
    assert {"val_loss", "val_accuracy", "val_false_finds", "images_per_second"} < set(last)
    assert finder_run.test is not None
    assert finder_run.test["scenes"] == 50


def test_its_file_answers_as_pytorch_does_and_is_the_same_each_time(finder_run: Run, tmp_path: Path) -> None:
    run = copy_of(finder_run, tmp_path)
    done = export_model(run)
    content = done.path.read_bytes()
    assert done.path == run.path / "finder.onnx"
    assert set(done.to_dict()) == {"path", "bytes", "to", "threshold", "parity"}
    assert export_model(run, tmp_path / "again.onnx").path.read_bytes() == content
    session = import_onnxruntime().InferenceSession(content, providers=["CPUExecutionProvider"])
    assert [one.shape[1:] for one in session.get_outputs()] == [[17, "h", "w"], [4, "h", "w"], [1, "4*h", "4*w"]]
    model = saved_network(run).model
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


def test_the_commands_that_apply_print_what_it_did(
    finder_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = copy_of(finder_run, tmp_path)
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
    assert "  finder      marks digits on pages" in defaults
    assert "--warmup-steps" in finders
    assert "\n  --epochs " not in finders  # in the examples it is
    assert "\n  --epochs " in defaults
    assert "--warmup-steps" not in defaults
    assert "[default: 16,28,64;" in " ".join(finders.split())


def test_weights_for_other_classes_are_refused_before_a_folder_is_made(data_dir: Path, tmp_path: Path) -> None:
    source = tmp_path / "model.pth"
    save_finder(source, FinderNet(2, (4, 6, 8), (1, 2)), "mnist", ["0", "1"], "0")
    with pytest.raises(UserError, match=r"with the classes 0,1, but the recipe asks for 0,1,2,3"):
        train(PAGES["finder"].override(start=str(source)), data_dir=data_dir, runs_dir=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
