from __future__ import annotations

import json
import logging
import resource
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

from mnistlab.cli.app import run_app
from mnistlab.data.dataset import open_dataset
from mnistlab.data.normalisation import Normalisation
from mnistlab.data.splits import read_split
from mnistlab.dependencies import import_onnxruntime
from mnistlab.errors import Failure, StorageFailure, UserError
from mnistlab.evaluation.calibration import find_threshold, fit_temperature
from mnistlab.evaluation.evaluate import check_fit
from mnistlab.evaluation.models import load_model
from mnistlab.export import export, onnx_file, safetensors_file
from mnistlab.export.export import Export, export_model
from mnistlab.export.onnx_file import OnnxFile
from mnistlab.networks.checkpoint import SavedModel, save_model
from mnistlab.networks.deskew import Deskewed
from mnistlab.networks.ensemble import Ensemble, Network
from mnistlab.networks.network import NeuralNet
from mnistlab.networks.shifts import Shifted
from mnistlab.runs.run import Run
from tests.support.comparing import assert_one_line


@pytest.fixture
def run(mnist_run: Run, tmp_path: Path) -> Run:
    return Run.open(Path(shutil.copytree(mnist_run.path, tmp_path / "run")))


@pytest.fixture(scope="module")
def done(mnist_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Export:
    return export_model(mnist_run, tmp_path_factory.mktemp("exported") / "digits.onnx")


@pytest.fixture
def lone(pictures: Path, tmp_path: Path) -> Path:
    """A model.pth without a run: the quickest thing to export."""
    path = tmp_path / "model.pth"
    save_model(path, network(), open_dataset(str(pictures)).spec)
    return path


def network(classes: int = 3, seed: int = 0, **options: Any) -> NeuralNet:
    """Untrained, but with batch norms as if they had seen data."""
    torch.manual_seed(seed)
    net = NeuralNet((4,), kernel_size=3, classes=classes, **options)
    for name, buffer in net.named_buffers():
        if "running" in name:
            buffer.uniform_(0.5, 1.5)
    return net.eval()


def ask(path: Path, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """onnxruntime's own answer from the file."""
    session = import_onnxruntime().InferenceSession(str(path), providers=["CPUExecutionProvider"])
    answer = session.run(["probabilities"], {"images": images[:, None]})[0]
    assert isinstance(answer, np.ndarray)
    return answer


def torch_answer(model: Network, images: np.ndarray[Any, Any], mean: float, std: float, t: float) -> Any:
    with torch.no_grad():
        return (model((torch.tensor(images[:, None]) / 255 - mean) / std) / t).softmax(dim=1).numpy()


def warned(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.WARNING]


def facts_of(path: Path) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(path, load_external_data=False).metadata_props}


# ONNX


def test_the_file_gives_pytorchs_answer_on_every_test_image(mnist_run: Run, done: Export, data_dir: Path) -> None:
    images = open_dataset("mnist", data_dir).read("test")[0]
    saved = load_model(mnist_run.model_path)
    expected = torch_answer(saved.model, images, saved.mean, saved.std, done.temperature)
    answers = ask(done.path, images)

    assert answers.dtype == np.float32
    assert answers.shape == (10_000, 10)
    assert (answers.argmax(axis=1) == expected.argmax(axis=1)).all()
    assert np.abs(answers - expected).max() < 1e-4
    assert done.parity.images == 10_000
    assert 0 <= done.parity.largest_difference < 1e-4


@pytest.mark.parametrize("count", [1, 3, 1000])
def test_any_batch_size_gives_the_same_answers(done: Export, data_dir: Path, count: int) -> None:
    images = open_dataset("mnist", data_dir).read("train")[0][:count]
    answers = ask(done.path, images)

    assert answers.sum(axis=1) == pytest.approx(np.ones(count), abs=1e-5)
    assert answers[0] == pytest.approx(ask(done.path, images[:1])[0], abs=1e-5)


def test_the_file_is_one_and_says_what_it_is(mnist_run: Run, done: Export) -> None:
    assert [path.name for path in done.path.parent.iterdir()] == ["digits.onnx"]
    assert done.path.stat().st_size == done.bytes
    model = onnx.load(done.path, load_external_data=False)
    onnx.checker.check_model(model, full_check=True)
    assert all(tensor.data_location == onnx.TensorProto.DEFAULT for tensor in model.graph.initializer)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", onnx_file.OPSET)]
    assert model.producer_name == "mnistlab"
    assert model.doc_string.endswith(".")
    (given,), (gives,) = model.graph.input, model.graph.output
    shape = [axis.dim_param or axis.dim_value for axis in given.type.tensor_type.shape.dim]
    assert (given.name, given.type.tensor_type.elem_type, shape) == ("images", onnx.TensorProto.UINT8, ["N", 1, 28, 28])
    shape = [axis.dim_param or axis.dim_value for axis in gives.type.tensor_type.shape.dim]
    assert (gives.name, gives.type.tensor_type.elem_type, shape) == ("probabilities", onnx.TensorProto.FLOAT, ["N", 10])

    facts = facts_of(done.path)
    assert json.loads(facts["classes"]) == list("0123456789")
    assert json.loads(facts["recipe"]) == mnist_run.recipe.to_dict()
    assert json.loads(facts["calibration"]) == {
        "split": "val", "images": 5004, "before": done.calibration.before, "after": done.calibration.after,  # type: ignore[union-attr]
    }  # fmt: skip
    assert float(facts["temperature"]) == done.temperature
    assert float(facts["threshold"]) == done.threshold
    assert (facts["dataset"], facts["coverage"], facts["opset"]) == ("mnist", "0.99", str(onnx_file.OPSET))
    assert facts["commit"] == (mnist_run.environment["commit"] or "unknown")
    assert facts["torch"] == torch.__version__
    assert {"mnistlab", "onnx", "created"} <= set(facts)


def test_the_file_names_no_place_of_this_machine(done: Export) -> None:
    content = done.path.read_bytes()
    for place in (Path(export.__file__).parent, Path(torch.__file__).parent, done.path.parent, Path.home()):
        assert str(place).encode() not in content
    assert b".py" not in content


def test_temperature_and_threshold_fit_the_validation_split(done: Export, data_dir: Path) -> None:
    images, labels = read_split(open_dataset("mnist", data_dir), "val")
    confidence = ask(done.path, images).max(axis=1)

    assert done.calibration is not None
    assert done.calibration.images == len(labels) == 5004
    assert done.calibration.after < done.calibration.before
    assert (confidence >= done.threshold).sum() >= 0.99 * 5004
    assert (confidence >= done.threshold + 2e-6).sum() < 0.99 * 5004
    assert done.accuracy == pytest.approx((ask(done.path, images).argmax(axis=1) == labels).mean())


def test_an_ensemble_with_shifts_of_three_classes(
    pictures: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its dataset is a folder of pictures; a model.pth alone does not say what it was trained on, so it is not calibrated."""
    spec = open_dataset(str(pictures)).spec
    model = Ensemble([Shifted(network()), Deskewed(network(seed=1))])
    save_model(tmp_path / "model.pth", model, spec)
    done = export_model(tmp_path / "model.pth")

    images = open_dataset(str(pictures)).read("train")[0]
    assert ask(done.path, images) == pytest.approx(torch_answer(model, images, spec.mean, spec.std, 1), abs=1e-5)
    assert done.path == tmp_path / "model.onnx"
    assert (done.temperature, done.threshold, done.calibration, done.accuracy) == (1.0, 0.5, None, None)
    (record,) = warned(caplog)
    assert record.getMessage() == ("Not calibrated: nothing says what the model was trained on. The threshold is 0.5.")
    facts = facts_of(done.path)
    assert (facts["calibration"], facts["recipe"], facts["dataset"]) == ("null", "null", pictures.name)
    assert json.loads(facts["classes"]) == ["0", "1", "2"]


def test_pictures_of_another_size() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 16, 20), np.uint8)
    saved = SavedModel(network(7, image_size=(16, 20)), "strange", tuple("abcdefg"), Normalisation(0.2, 0.4))

    answers = OnnxFile(saved, 1.7).answer(images)
    assert answers == pytest.approx(torch_answer(saved.model, images, 0.2, 0.4, 1.7), abs=1e-5)


def test_exporting_says_nothing_and_leaves_no_trace(
    run: Run, done: Export, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, data_dir: Path
) -> None:
    """In 8 bits, where most is logged; warnings are errors in these tests."""
    handlers, disabled = list(logging.root.handlers), logging.root.manager.disable
    before = {path.name for path in run.path.iterdir()}
    small = export_model(run, int8=True)

    assert capfd.readouterr() == ("", "")
    assert warned(caplog) == []
    assert (logging.root.handlers, logging.root.manager.disable) == (handlers, disabled)
    assert {path.name for path in run.path.iterdir()} == {*before, "model.int8.onnx"}

    model = onnx.load(small.path, load_external_data=False)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", onnx_file.OPSET)]
    assert "QuantizeLinear" in {node.op_type for node in model.graph.node}
    assert onnx.TensorProto.INT8 in {tensor.data_type for tensor in model.graph.initializer}
    assert json.loads(facts_of(small.path)["recipe"]) == run.recipe.to_dict()
    images, labels = read_split(open_dataset("mnist", data_dir), "val")
    answers = ask(small.path, images)
    accuracy = (answers.argmax(axis=1) == labels).mean()
    assert small.accuracy == done.accuracy
    assert small.int8_loss == pytest.approx(done.accuracy - accuracy, abs=1e-3)
    assert abs(small.int8_loss) < 0.02  # type: ignore[arg-type]
    assert (answers.max(axis=1) >= small.threshold).mean() == pytest.approx(0.99, abs=2e-3)
    assert done.int8_loss is None


# safetensors


def test_safetensors_hold_the_network(run: Run, data_dir: Path) -> None:
    done = export_model(run, to="safetensors", coverage=0.9)
    assert done.path == run.path / "model.safetensors"
    with safe_open(done.path, "pt") as file:
        facts = file.metadata()
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    model = NeuralNet(**json.loads(facts["architecture"]))
    model.load_state_dict(weights)

    saved = load_model(run.model_path)
    images = open_dataset("mnist", data_dir).read("train")[0][:100]
    mean, std, temperature = (float(facts[key]) for key in ("mean", "std", "temperature"))
    expected = torch_answer(saved.model, images, saved.mean, saved.std, done.temperature)
    assert np.array_equal(torch_answer(model.eval(), images, mean, std, temperature), expected)
    assert json.loads(facts["classes"]) == list(saved.classes)
    assert json.loads(facts["recipe"]) == run.recipe.to_dict()
    assert done.parity.largest_difference < 1e-6
    assert float(facts["threshold"]) == done.threshold
    assert facts["coverage"] == "0.9"


# calibration


@pytest.mark.parametrize("factor", [0.3, 1, 4])
def test_the_temperature_undoes_what_sharpens_or_flattens(factor: float) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(20_000, 5, generator=generator)
    labels = torch.multinomial(logits.softmax(dim=1), 1, generator=generator)[:, 0].numpy()

    assert fit_temperature(factor * logits, labels) == pytest.approx(factor, rel=0.03)


def test_without_a_mistake_there_is_nothing_to_fit() -> None:
    assert fit_temperature(torch.eye(3), np.arange(3)) == 1.0


@given(confidence=st.lists(st.floats(0.125, 1, width=32), min_size=1, max_size=50), coverage=st.floats(0.01, 1))
def test_the_threshold_is_the_largest_that_accepts_enough(confidence: list[float], coverage: float) -> None:
    values = np.array(confidence, np.float32)
    threshold = find_threshold(values, coverage)
    enough = coverage * len(values) - 1e-6

    assert (values >= threshold).sum() >= enough
    assert (values >= threshold + 2e-6).sum() < enough + 1


def test_a_run_that_saw_the_validation_images_is_not_calibrated(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    config = json.loads((run.path / "config.json").read_text())
    config["recipe"]["data"]["split"] = "train+val"
    (run.path / "config.json").write_text(json.dumps(config))
    done = export_model(run.path, to="safetensors")

    (record,) = warned(caplog)
    assert "the model was trained on the validation images too" in record.getMessage()
    assert (done.temperature, done.threshold, done.calibration, done.accuracy) == (1.0, 0.5, None, None)


# what goes wrong


def test_a_file_that_answers_otherwise_is_not_written(lone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (lone.parent / "model.safetensors").write_text("old")
    answer = safetensors_file.SafetensorsFile.answer
    monkeypatch.setattr(safetensors_file.SafetensorsFile, "answer", lambda *given: np.roll(answer(*given), 1, axis=1))

    with pytest.raises(Failure, match=r"from PyTorch's .*test images with another answer: \d+ of \d+\)") as caught:
        export_model(lone, to="safetensors")
    assert caught.value.exit_code == 1
    assert (lone.parent / "model.safetensors").read_text() == "old"
    assert sorted(path.name for path in lone.parent.iterdir()) == ["model.pth", "model.safetensors"]


def test_a_disk_without_room_leaves_the_old_file(lone: Path) -> None:
    path = lone.with_name("model.safetensors")
    path.write_text("old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, before[1]))  # Python ignores the signal, so write() fails
    try:
        with pytest.raises(Failure, match="Cannot write"):
            export_model(lone, to="safetensors")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text() == "old"
    assert sorted(p.name for p in lone.parent.iterdir()) == ["model.pth", "model.safetensors"]


def test_temporary_files_without_room_are_a_failure_in_a_line(lone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(lone.parent))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, before[1]))
    try:
        with pytest.raises(StorageFailure, match=f"Temporary files cannot be written in {lone.parent} ") as caught:
            export_model(lone, int8=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.remedy == "Free some space there, or set TMPDIR to another folder."
    assert [path.name for path in lone.parent.iterdir()] == ["model.pth"]


@pytest.mark.parametrize(("room", "error"), [(2**62, "the disk is full"), (1, "broken")])
def test_what_breaks_where_there_was_room_is_not_laid_on_the_disk(room: int, error: str) -> None:
    """ONNX Runtime does not notice that a file was cut off until it reads it."""
    found = f"cannot be written in {tempfile.gettempdir()} " if room > 1 else "broken"
    with pytest.raises(StorageFailure if room > 1 else ValueError, match=found), onnx_file.temporary_folder(room):
        raise ValueError(error)


def test_an_error_of_the_system_that_has_no_number_is_told_in_its_own_words() -> None:
    with pytest.raises(StorageFailure, match=r"\(half a file\)"), onnx_file.temporary_folder(1):
        raise OSError("half a file")


def test_a_model_of_nan_is_refused(lone: Path, pictures: Path) -> None:
    net = network()
    torch.nn.init.constant_(net.layers.linear1.weight, float("nan"))  # type: ignore[arg-type]
    save_model(lone, net, open_dataset(str(pictures)).spec)
    with pytest.raises(Failure, match="not all finite"):
        export_model(lone)


@pytest.mark.parametrize(("to", "package"), [("onnx", "onnx"), ("onnx", "onnxscript"), ("safetensors", "safetensors")])
def test_a_missing_extra_is_named_with_its_command(
    lone: Path, monkeypatch: pytest.MonkeyPatch, to: Any, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=rf"^Required but not installed: {package}\.") as caught:
        export_model(lone, to=to)
    assert "uv sync --extra export (or pip install '.[export]')" in str(caught.value)
    assert "uv sync --extra export" in str(caught.value)


def test_a_run_that_is_not_finished_is_refused(run: Run, pictures: Path) -> None:
    run.write_metrics([])
    with pytest.raises(UserError, match=r"has completed 0 of 1 epoch\..*mnistlab.resume"):
        export_model(run)


def test_a_model_of_other_classes_is_refused(run: Run, pictures: Path, tmp_path: Path) -> None:
    save_model(run.model_path, network(), open_dataset(str(pictures)).spec)
    with pytest.raises(UserError, match="was trained on"):
        export_model(run.model_path)
    copy = Path(shutil.copytree(pictures, tmp_path / "digits"))
    save_model(tmp_path / "other.pth", network(), open_dataset(str(copy)).spec)
    shutil.rmtree(copy / "2")
    with pytest.raises(UserError, match=r"The 3 classes .* was trained on are not the 2"):
        export_model(tmp_path / "other.pth")


def test_a_run_of_a_folder_whose_classes_have_changed_is_refused(run: Run) -> None:
    with pytest.raises(UserError, match=r"The 2 classes .* was trained on are not the 3 that mnist has now"):
        check_fit(run, run.dataset, ("a", "b"), ("a", "b", "c"))


@pytest.mark.parametrize(
    ("coverage", "words"), [(True, "True is not a number"), ("0.9", "'0.9' is not a number"), (0, "0 is out of range")]
)
def test_a_coverage_that_is_none_is_refused(coverage: Any, words: str, lone: Path) -> None:
    with pytest.raises(UserError, match=f"Coverage {words}. Choose a fraction above 0 and up to 1"):
        export_model(str(lone), coverage=coverage)


def test_a_run_is_exported_by_name(run: Run) -> None:
    runs_dir, output = str(run.path.parent), str(run.path / "other.safetensors")
    for name in (run.path.name, str(run.model_path)):
        done = export_model(name, output, to="safetensors", coverage=np.float32(1), runs_dir=runs_dir)  # type: ignore[arg-type]
        assert (done.path, done.coverage) == (Path(output), 1.0)
        assert done.accuracy is not None  # it knows the run, and what that has seen


# the command


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--to", "tflite"], ["Unknown format 'tflite'", "onnx, safetensors"]),
        (["--to", "safetensors", "--int8"], ["8 bits is only for ONNX"]),
        (["--coverage", "0"], ["Coverage 0 is out of range"]),
        (["--coverage", "1.01"], ["Coverage 1.01 is out of range"]),
        (["--coverage", "nan"], ["Coverage nan is out of range"]),
        (["--coverage", "most"], ["'most' is not a number."]),
        (["--output", "."], ["'.' is a folder, not a file", "model.onnx"]),
        (["--output", "model.pth"], ["is not a file name with the ending .onnx", "model.onnx"]),
        (["--output", "model.pth/model.onnx"], ["model.pth is a file, not a folder"]),
        (["--output", "x" * 300 + ".onnx"], ["the name is too long"]),
        (["--data-dir", "model.pth"], ["model.pth"]),
    ],
)
def test_bad_options_are_refused_in_a_line(
    lone: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: list[str],
) -> None:
    monkeypatch.chdir(lone.parent)
    assert run_app(["export", "model.pth", *arguments]) == 2
    assert_one_line(capsys, *words)
    assert [path.name for path in lone.parent.iterdir()] == ["model.pth"]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("nothing.pth", ["nothing.pth is missing"]),
        ("nothing", ["There is no run 'nothing'"]),
        ("latest", ["There is no run in runs"]),
        ("empty.pth", ["empty.pth is empty"]),
        ("noise.pth", ["is not a file that torch.save wrote"]),
        (".", ["is not a run folder"]),
    ],
)
def test_bad_models_are_refused_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], model: str, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.pth").touch()
    Path("noise.pth").write_bytes(bytes(range(256)))
    assert run_app(["export", model]) == 2
    assert_one_line(capsys, *words)


def test_a_damaged_run_is_refused(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.model_path.write_bytes(run.model_path.read_bytes()[:1000])
    assert run_app(["export", str(run.path)]) == 2
    assert_one_line(capsys, "model.pth is not a file that torch.save wrote, or it is damaged")
    run.model_path.unlink()
    assert run_app(["export", str(run.path)]) == 2
    assert_one_line(capsys, "model.pth is missing")


def test_the_command_says_what_it_did(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["export", "latest", "--runs", str(run.path.parent), "--to", "safetensors"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    first, parity, calibration, threshold = out.splitlines()
    assert first == f"Exported {run.path / 'model.safetensors'} (0.01 MB)"
    assert parity.startswith("Same answers as PyTorch on all 10,000 test images; the probabilities differ by at most ")
    assert calibration.startswith("Calibration error ")
    assert threshold.endswith(" accepts at least 99 % of 5,004 validation images")


def test_the_commands_json(lone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(lone.parent)
    output = Path("new", "folder", "weights.safetensors")
    assert run_app(["export", "model.pth", "--to", "safetensors", "--output", str(output), "--json"]) == 0
    out, _ = capsys.readouterr()
    content = json.loads(out)
    assert len(out.splitlines()) == 1
    assert content["path"] == str(output)
    assert content["bytes"] == output.stat().st_size
    assert (content["to"], content["temperature"], content["threshold"], content["coverage"]) == (
        "safetensors", 1.0, 0.5, 0.99,
    )  # fmt: skip
    assert (content["calibration"], content["accuracy"], content["int8_loss"]) == (None, None, None)
    assert set(content["parity"]) == {"images", "largest_difference"}
