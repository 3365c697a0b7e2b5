"""The recipe line-reader: what only this recipe does; test_papers.py tests what it has in common with the recipe finder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from mnistlab import evaluate_run, export_model
from mnistlab.cli.app import run_app
from mnistlab.dependencies import import_onnxruntime
from mnistlab.evaluation.lines import LineEvaluation
from mnistlab.evaluation.papers import saved_network
from mnistlab.export.line_reader import rounded
from mnistlab.networks.line_reader import CLASSES
from mnistlab.runs.run import Run
from tests.training.small import copy_of

pytestmark = pytest.mark.usefixtures("drawn_here")


def test_a_run_folder_holds_its_lines_and_their_wrong_digits(line_run: Run) -> None:
    last, test = line_run.metrics[-1], line_run.test
    assert 0 <= last["val_character_error_rate"] <= 2
    assert test is not None
    assert test["total"] == 50
    assert test["correct"] == 50 - len(test["mistakes"])
    assert test["wrong_digits"] == pytest.approx(test["character_error_rate"] * test["digits"])
    assert set(test["mistakes"][0]) == {"index", "label", "predicted"}
    evaluation = evaluate_run(line_run, "val")
    assert isinstance(evaluation, LineEvaluation)
    assert evaluation.character_error_rate == last["val_character_error_rate"]


def test_its_file_answers_as_pytorch_does_with_half_the_bytes_of_its_weights(line_run: Run, tmp_path: Path) -> None:
    run = copy_of(line_run, tmp_path)
    done = export_model(run)
    content = done.path.read_bytes()
    assert done.path == run.path / "lines.onnx"
    assert set(done.to_dict()) == {"path", "bytes", "to", "parity"}
    assert export_model(run, tmp_path / "again.onnx").path.read_bytes() == content
    session = import_onnxruntime().InferenceSession(content, providers=["CPUExecutionProvider"])
    assert [one.shape for one in session.get_inputs()] == [["n", 1, 48, "4*w"]]
    assert [one.shape for one in session.get_outputs()] == [["n", "2*w", 11]]
    exact = saved_network(run).model
    model = rounded(exact)
    for count, width in ((1, 64), (3, 4), (2, 300)):
        strips = torch.randn(count, 1, 48, width)
        (classes,) = session.run(None, {"contrast": strips.numpy()})
        assert classes.shape == (count, width // 2, 11)
        assert np.abs(classes.sum(2) - 1).max() < 1e-5
        with torch.no_grad():
            for network, most in ((model, 1e-5), (exact, 1e-2)):
                assert np.abs(classes - network(strips).softmax(1).transpose(1, 2).numpy()).max() < most
    file = onnx.load_from_string(content)
    kernels = [value for value in file.graph.initializer if len(value.dims) > 1]
    assert len(kernels) == 15
    assert {value.data_type for value in kernels} == {onnx.TensorProto.FLOAT16}
    facts = {entry.key: entry.value for entry in file.metadata_props}
    assert json.loads(facts["classes"]) == list(CLASSES)
    assert json.loads(facts["recipe"])["name"] == "line-reader"
    assert export_model(run, to="safetensors").path.name == "lines.safetensors"


def test_the_commands_that_apply_print_what_it_did(
    line_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = copy_of(line_run, tmp_path)
    assert run_app(["evaluate", str(run.path), "--split", "val"]) == 0
    out = capsys.readouterr().out
    assert "of 50 generated lines were read exactly, 95 % interval" in out
    assert "digits misread, left out or added: " in out
    assert run_app(["doctor", str(run.path)]) in (0, 1)  # it has learnt nothing
    assert "% of 48 generated lines were read exactly" in capsys.readouterr().out
    assert run_app(["export", str(run.path)]) == 0
    assert "Same answers as PyTorch on 4 inputs of several sizes" in capsys.readouterr().out
    assert run_app(["runs", "--runs", str(tmp_path)]) == 0
    assert "line-reader*" in capsys.readouterr().out
    assert run_app(["train", "line-reader", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "[default: 24,48,64,112;" in shown
    assert "--height" not in shown
