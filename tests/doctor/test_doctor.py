from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from mnistlab.cli.app import run_app
from mnistlab.data.dataset import find_spec, open_dataset
from mnistlab.doctor import model as doctor
from mnistlab.doctor.check import Check
from mnistlab.doctor.examination import examine
from mnistlab.doctor.machine import check_data, check_machine
from mnistlab.doctor.model import check_model, check_run, examine_layers, import_model, load_weights
from mnistlab.errors import UserError
from mnistlab.evaluation.models import load_model
from mnistlab.networks.checkpoint import save_model, strip_prefix
from mnistlab.networks.deskew import Deskewed, upright
from mnistlab.networks.ensemble import Ensemble
from mnistlab.networks.network import NeuralNet
from mnistlab.networks.shifts import Shifted
from mnistlab.runs.run import Run

NETWORK = """
import torch
from torch import nn

class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.last = nn.Linear(2 * 26 * 26, 10)

    def forward(self, images):
        return self.last(torch.relu(self.conv(images)).flatten(1))

class Softmax(Plain):
    def forward(self, images):
        return super().forward(images).softmax(dim=1)

class Raises(nn.Module):
    def __init__(self):
        raise RuntimeError("not today")

class NeedsArguments(Plain):
    def __init__(self, width):
        super().__init__()

class NotANetwork:
    pass

class Flat(Plain):
    def forward(self, images):
        return self.last(images)
"""


@pytest.fixture
def run(mnist_run: Run, tmp_path: Path) -> Run:
    return Run.open(Path(shutil.copytree(mnist_run.path, tmp_path / "run")))


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight kinds of input are tried on each image, and what a test looks for must not be among them."""
    monkeypatch.setattr(doctor, "IMAGES", 200)


@pytest.fixture
def network(tmp_path: Path) -> tuple[str, Path]:
    """A file of network classes, and a state_dict of theirs."""
    (tmp_path / "network.py").write_text(NETWORK)
    weights = tmp_path / "weights.pth"
    layers: dict[str, nn.Module] = {"conv": nn.Conv2d(1, 2, 3), "last": nn.Linear(2 * 26 * 26, 10)}
    torch.save(nn.ModuleDict(layers).state_dict(), weights)
    return str(tmp_path / "network.py"), weights


def verdicts(checks: list[Check]) -> dict[str, str]:
    return {check.name: check.verdict for check in checks}


# the machine


def test_this_machine_is_fine(data_dir: Path, tmp_path: Path) -> None:
    checks = check_machine(data_dir, tmp_path / "not" / "made" / "yet")

    assert {"Python", "torch", "device", "threads", "data folder", "runs folder", "data"} <= set(verdicts(checks))
    assert "problem" not in verdicts(checks).values()
    assert not (tmp_path / "not").exists()  # looking makes nothing
    assert all(check.remedy for check in checks if check.verdict != "ok")
    assert "all checksums correct" in checks[-1].detail


def test_an_unknown_device_is_refused(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="abacus"):
        check_machine(data_dir, tmp_path, "abacus")


def test_a_runs_folder_on_a_read_only_disk_is_a_problem(data_dir: Path, tmp_path: Path) -> None:
    command = ["mount", "-t", "tmpfs", "-o", "size=64k,ro", "none", str(tmp_path)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a disk, and only where the machine lets it")
    try:
        assert verdicts(check_machine(data_dir, tmp_path / "runs"))["runs folder"] == "problem"
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_nearly_full_disk_is_a_warning(data_dir: Path, tmp_path: Path) -> None:
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(tmp_path)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a disk, and only where the machine lets it")
    try:
        assert verdicts(check_machine(data_dir, tmp_path / "runs"))["runs folder"] == "warning"
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_data_that_is_not_there_yet_is_fine_and_is_not_fetched(tmp_path: Path) -> None:
    check = check_data(find_spec("mnist"), tmp_path)

    assert check.verdict == "ok"
    assert "will fetch it" in check.detail
    assert list(tmp_path.iterdir()) == []


def test_corrupt_data_is_a_problem_and_exit_code_1(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(data_dir, tmp_path / "data")
    spec = find_spec("mnist")
    path = tmp_path / "data" / spec.folder / spec.files[1].name
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)

    check = check_data(spec, tmp_path / "data")
    assert (check.verdict, spec.files[1].name in check.detail) == ("problem", True)
    assert check.remedy == "The next training run will fetch this file again."
    assert run_app(["doctor", "--data-dir", str(tmp_path / "data"), "--runs", str(tmp_path), "--json"]) == 1
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert [c["name"] for c in checks if c["verdict"] == "problem"] == ["data"]
    assert set(checks[0]) == {"name", "verdict", "detail", "remedy"}
    assert path.read_bytes() == content  # nothing is fixed behind the user's back


def test_the_machine_as_text(data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["doctor", "--data-dir", str(data_dir), "--runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out.rstrip().endswith("No problem found.")


# a run


def test_a_good_run_has_no_problem(run: Run) -> None:
    checks = check_run(run)

    assert {"run", "softmax", "input"} <= set(verdicts(checks))
    assert "problem" not in verdicts(checks).values()
    assert verdicts(checks)["run"] == "ok"


@pytest.mark.usefixtures("few_images")
@pytest.mark.parametrize("as_json", [True, False])
def test_a_good_run_on_the_command_line(
    run: Run, data_dir: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    assert run_app(["doctor", str(run.path), "--data-dir", str(data_dir), *["--json"][: int(as_json)]]) == 0
    out = capsys.readouterr().out
    assert json.loads(out)["checks"] if as_json else "No problem found." in out


@pytest.mark.usefixtures("few_images")
def test_a_run_is_examined_with_the_data_it_was_trained_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_app(["doctor", str(run.path)]) == 0
    assert not (tmp_path / "data").exists()


@pytest.mark.usefixtures("few_images")
def test_losses_that_stay_high_while_all_is_read_right_are_a_softmax_in_the_training(run: Run) -> None:
    """Cross-entropy of a softmax cannot fall under ln(1 + 9/e) = 1.461."""
    run.write_metrics([{**run.metrics[0], "train_loss": 1.4715, "val_accuracy": 0.982}])

    (course,) = [check for check in check_run(run) if check.name == "course"]
    assert course.verdict == "problem"
    assert "softmax" in course.detail
    assert "logits" in course.remedy


@pytest.mark.usefixtures("few_images")
@pytest.mark.parametrize(("loss", "accuracy"), [(1.5, 0.6), (0.4, 0.99), (1.5, None)])
def test_other_courses_are_not_taken_for_it(run: Run, loss: float, accuracy: float | None) -> None:
    run.write_metrics([{**run.metrics[0], "train_loss": loss, "val_accuracy": accuracy}])
    assert "course" not in verdicts(check_run(run))


@pytest.mark.usefixtures("few_images")
def test_a_run_that_is_not_finished_is_a_warning(run: Run) -> None:
    run.write_metrics([])
    (first, *_) = check_run(run)

    assert (first.name, first.verdict) == ("run", "warning")
    assert "mnistlab train --resume" in first.remedy


@pytest.mark.usefixtures("few_images")
def test_a_network_that_has_learnt_nothing_is_a_problem(run: Run) -> None:
    torch.manual_seed(0)
    save_model(run.model_path, NeuralNet((4,)), find_spec("mnist"))
    assert verdicts(check_run(run))["input"] == "problem"


def test_weights_that_are_no_numbers_are_a_problem(run: Run) -> None:
    model = NeuralNet((4,))
    nn.init.constant_(next(model.parameters()), torch.nan)
    save_model(run.model_path, model, find_spec("mnist"))
    assert verdicts(check_run(run))["output"] == "problem"


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04"])
def test_a_run_without_a_readable_model_is_refused(run: Run, content: bytes | None) -> None:
    run.model_path.unlink()
    if content is not None:
        run.model_path.write_bytes(content)
    with pytest.raises(UserError, match=r"model\.pth"):
        check_run(run)


def with_recipe(run: Run, **fields: Any) -> Run:
    """The run, as if it had been trained by a recipe with these fields."""
    path = run.path / "config.json"
    config = json.loads(path.read_text())
    recipe = run.recipe.override(fields)
    config |= {"kind": recipe.kind, "recipe": recipe.to_groups()}
    path.write_text(json.dumps(config))
    return Run.open(run.path)


@pytest.fixture
def ensemble(run: Run) -> Run:
    """A finished run of two members (twice the same one)."""
    network = load_model(run.model_path).model
    assert isinstance(network, NeuralNet)
    save_model(run.model_path, Ensemble([network, network]), find_spec("mnist"))
    whole = with_recipe(run, members=2, epochs=3)
    whole.write_metrics([{**run.metrics[0], "member": number} for number in (1, 2)])
    return whole


@pytest.mark.usefixtures("few_images")
def test_a_finished_run_that_stops_inside_its_epochs_is_healthy(run: Run, data_dir: Path) -> None:
    short = with_recipe(run, epochs=3, steps=run.metrics[-1]["step"])
    assert verdicts(check_run(short, data_dir))["run"] == "ok"


@pytest.mark.usefixtures("few_images")
def test_a_finished_ensemble_is_healthy(ensemble: Run, data_dir: Path) -> None:
    assert verdicts(check_run(ensemble, data_dir))["run"] == "ok"


@pytest.mark.usefixtures("few_images")
@pytest.mark.parametrize("kind", ["ensemble", "test_shifts"])
def test_models_that_mnistlab_itself_averages_are_no_cause_for_a_warning(
    kind: str, run: Run, data_dir: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "ensemble":
        run = request.getfixturevalue("ensemble")
    else:
        network = load_model(run.model_path).model
        save_model(run.model_path, Shifted(network), find_spec("mnist"))
    found = {name: verdict for name, verdict in verdicts(check_run(run, data_dir)).items() if name.endswith("softmax")}
    assert found == (
        {"member 1, softmax": "ok", "member 2, softmax": "ok"} if kind == "ensemble" else {"softmax": "ok"}
    )


@pytest.mark.parametrize("shifts", [False, True])
def test_a_network_is_examined_as_it_was_trained_without_what_is_around_it(data_dir: Path, shifts: bool) -> None:
    torch.manual_seed(0)
    network, arrays = NeuralNet((3, 4)), open_dataset("mnist", data_dir).read("test")
    images, labels = (torch.tensor(array[:50]) for array in arrays)
    pictures = images.unsqueeze(1)
    around = Deskewed(Shifted(network) if shifts else network)
    found = examine_layers(around, pictures, labels, 0.13, 0.31)
    assert found == examine(network, upright(pictures), labels, 0.13, 0.31)
    assert [check.name for check in found if check.name.startswith("ReLU")] == [
        "ReLU 1",
        "ReLU 2",
    ]  # deskewing has none


# a model file


@pytest.mark.usefixtures("few_images")
def test_a_saved_model_can_be_examined_by_its_file(run: Run, data_dir: Path) -> None:
    assert "problem" not in verdicts(check_model(run.model_path, data_dir)).values()


def test_a_bare_state_dict_needs_its_class(network: tuple[str, Path], data_dir: Path) -> None:
    with pytest.raises(UserError, match=r'only weights.*code="FILE\.py:CLASS"'):
        check_model(network[1], data_dir)


@pytest.mark.usefixtures("few_images")
def test_a_class_that_ends_in_a_softmax_is_found_out(
    network: tuple[str, Path], data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, weights = network
    checks = check_model(weights, data_dir, code=f"{file}:Softmax")
    assert verdicts(checks)["softmax"] == "problem"

    assert run_app(["doctor", str(weights), "--code", f"{file}:Softmax", "--data-dir", str(data_dir)]) == 1
    assert "applied twice" in capsys.readouterr().out


@pytest.mark.usefixtures("few_images")
def test_a_class_that_returns_logits_passes_that_check(network: tuple[str, Path], data_dir: Path) -> None:
    file, weights = network
    before = list(sys.path)
    assert verdicts(check_model(weights, data_dir, code=f"{file}:Plain"))["softmax"] == "ok"
    assert sys.path == before


@pytest.mark.usefixtures("few_images")
@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model"])
def test_weights_inside_a_checkpoint_are_found(network: tuple[str, Path], data_dir: Path, key: str) -> None:
    file, weights = network
    torch.save({key: torch.load(weights, weights_only=True), "epoch": 5}, weights)
    assert verdicts(check_model(weights, data_dir, code=f"{file}:Plain"))["softmax"] == "ok"


class Holder(nn.Module):
    """A module that holds a network, as Lightning's do."""

    def __init__(self, **networks: nn.Module) -> None:
        super().__init__()
        for name, network in networks.items():
            self.add_module(name, network)


WRAPPERS: dict[str, tuple[Callable[[nn.Module], nn.Module], str]] = {
    "parallel": (nn.DataParallel, "module."),
    "compiled": (torch.compile, "_orig_mod."),  # type: ignore[dict-item]
    "held": (lambda network: Holder(model=network), "model."),
    "held by another name": (lambda network: Holder(net=network), "net."),
    "averaged": (AveragedModel, "module."),
    "compiled, parallel": (lambda network: nn.DataParallel(torch.compile(network)), "module._orig_mod."),  # type: ignore[arg-type]
    "parallel, compiled": (lambda network: torch.compile(nn.DataParallel(network)), "_orig_mod.module."),  # type: ignore[arg-type,return-value]
    "compiled, held": (lambda network: Holder(model=torch.compile(network)), "model._orig_mod."),  # type: ignore[arg-type]
    "twice": (lambda network: nn.DataParallel(Holder(module=Holder(model=network))), "module.module.model."),
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_what_wrappers_put_before_the_names_is_taken_off(network: tuple[str, Path], wrapper: str) -> None:
    wrap, prefix = WRAPPERS[wrapper]
    trained, other = import_model(f"{network[0]}:Plain"), import_model(f"{network[0]}:Plain")
    torch.save(wrap(trained).state_dict(), network[1])

    assert load_weights(other, network[1]) == prefix
    for name, value in trained.state_dict().items():
        assert torch.equal(other.state_dict()[name], value)
    assert load_weights(wrap(other), network[1]) == ""


@pytest.mark.usefixtures("few_images")
def test_a_checkpoint_of_a_module_that_holds_the_network_is_examined_as_the_network(
    network: tuple[str, Path], data_dir: Path
) -> None:
    """As Lightning writes it."""
    file, weights = network
    expected = check_model(weights, data_dir, code=f"{file}:Plain")
    plain = torch.load(weights, weights_only=True)
    torch.save({"state_dict": {f"model.{name}": value for name, value in plain.items()}, "epoch": 5}, weights)

    told, *others = check_model(weights, data_dir, code=f"{file}:Plain")
    assert (told.name, told.verdict) == ("weights", "ok")
    assert (
        told.detail
        == 'the names of all weights begin with "model.", unlike those in the class; the prefix was left off'
    )
    assert others == expected


def test_a_prefix_of_the_class_itself_stays() -> None:
    """A network may have a part called `model`: nothing is removed if names fit, in whole or in part."""
    network = Holder(model=nn.Linear(2, 2), head=nn.Linear(2, 2))
    for state, prefix in (
        (network.state_dict(), ""),
        (Holder(model=nn.Linear(2, 2)).state_dict(), ""),
        (Holder(model=network).state_dict(), "model."),
        (Holder(other=nn.ReLU(), last=nn.Linear(2, 2)).state_dict(), ""),
        ({}, ""),
    ):
        left = [name.removeprefix(prefix) for name in state]
        assert strip_prefix(state, network.state_dict()) == prefix
        assert list(state) == left


def test_wrapped_weights_of_another_class_are_refused(network: tuple[str, Path], data_dir: Path) -> None:
    torch.save(nn.DataParallel(nn.Linear(3, 3)).state_dict(), network[1])
    with pytest.raises(
        UserError, match=r"do not fit the class \(.*module\.weight.*[^.]\)\. Name the class of the network.*\.$"
    ):
        check_model(network[1], data_dir, code=f"{network[0]}:Plain")


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("Missing", "defines nothing called 'Missing'"),
        ("Raises", "RuntimeError: not today"),
        ("NeedsArguments", "The code .*NeedsArguments failed"),
        ("NotANetwork", r"returns an object of type NotANetwork, not a torch\.nn\.Module"),
        ("Flat", r"cannot take a batch of shape \(1000, 1, 28, 28\)"),
    ],
)
def test_a_class_that_cannot_be_used_is_refused(
    network: tuple[str, Path], data_dir: Path, name: str, match: str
) -> None:
    file, weights = network
    with pytest.raises(UserError, match=match):
        check_model(weights, data_dir, code=f"{file}:{name}")


@pytest.mark.parametrize("code", ["", "nothing", "nothing.py:Net", ":Net", "network.txt:Net"])
def test_code_that_is_not_there_is_refused(network: tuple[str, Path], data_dir: Path, code: str) -> None:
    with pytest.raises(UserError, match="no Python file"):
        check_model(network[1], data_dir, code=code)


@pytest.mark.parametrize("source", ["def broken(:", "import no_such_module_anywhere", "1 / 0", "Net = 5"])
def test_code_that_does_not_run_is_refused(
    tmp_path: Path, network: tuple[str, Path], data_dir: Path, source: str
) -> None:
    (tmp_path / "broken.py").write_text(source)
    with pytest.raises(UserError, match=r"The code .* failed"):
        check_model(network[1], data_dir, code=f"{tmp_path / 'broken.py'}:Net")


def test_weights_of_another_class_are_refused(tmp_path: Path, network: tuple[str, Path], data_dir: Path) -> None:
    torch.save(NeuralNet((4,)).state_dict(), tmp_path / "other.pth")
    with pytest.raises(UserError, match="do not fit the class"):
        check_model(tmp_path / "other.pth", data_dir, code=f"{network[0]}:Plain")


def test_a_file_of_no_model_is_not_sent_to_the_doctor_again(tmp_path: Path, data_dir: Path) -> None:
    torch.save([1, 2], tmp_path / "other.pth")
    with pytest.raises(UserError, match="not a model that mnistlab saved") as caught:
        check_model(tmp_path / "other.pth", data_dir)
    assert caught.value.command_remedy == "Give a run folder, or a model.pth that mnistlab saved."


@pytest.mark.parametrize("content", [5, [1, 2], {"a": 1}])
def test_a_file_without_weights_is_refused(
    tmp_path: Path, network: tuple[str, Path], data_dir: Path, content: Any
) -> None:
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(UserError):
        check_model(tmp_path / "other.pth", data_dir, code=f"{network[0]}:Plain")
