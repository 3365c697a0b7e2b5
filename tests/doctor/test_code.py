"""The doctor on learners' own code: a broken program for each error that it knows, right programs, and code that misbehaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from mnistlab.cli.app import run_app
from mnistlab.doctor.apart import check_apart
from mnistlab.doctor.causes import Witness, cause_of
from mnistlab.doctor.check import Check
from mnistlab.doctor.code import check_code
from mnistlab.doctor.examination import check_output
from mnistlab.errors import UserError

PROGRAM = """
import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.25)
        self.last = nn.Linear(676, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv(x))), 2)
        x = self.drop(x.flatten(1))
        x = self.last(x)
        return x


def train(model, loader):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(3):
        model.train()
        for images, labels in loader:
            outputs = model(images)
            loss = F.cross_entropy(outputs, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum(int((model(x).argmax(1) == y).sum()) for x, y in loader)
"""

BROKEN: dict[str, tuple[str, list[tuple[str, str]], str]] = {
    "flatten into a linear layer of another size": (
        "flatten_misfit", [("x = self.drop(x.flatten(1))", "x = x.flatten(1)"), ("Linear(676", "Linear(784")],
        "nn.Linear(676, 10)"),
    "a linear layer after one of another size": (
        "linear_misfit", [("x = self.last(x)", "x = self.last(F.relu(nn.Linear(676, 50)(x)))")], "nn.Linear(50, 10)"),
    "no flatten": ("flatten_missing", [("x.flatten(1)", "x")], "x.flatten(1), which gives 676 values"),
    "flatten with the batch": ("batch_lost", [("x.flatten(1)", "x.flatten()")], "x.flatten(1)"),
    "view that mixes the batch": ("batch_lost", [("x.flatten(1)", "x.view(-1, 1183)")], "x.view(len(x), -1)"),
    "view of another size": ("view_misfit", [("x.flatten(1)", "x.view(-1, 1000)")], "nn.Linear(676, …)"),
    "a convolution for colours": ("three_channels", [("Conv2d(1, 4", "Conv2d(3, 4")], "nn.Conv2d(1, 4, …)"),
    "a convolution of other channels": (
        "channels_misfit", [("self.conv(x)", "nn.Conv2d(8, 4, 3, padding=1)(self.conv(x))")], "nn.Conv2d(4, 4, …)"),
    "a batch norm of other channels": ("norm_misfit", [("BatchNorm2d(4)", "BatchNorm2d(8)")], "nn.BatchNorm2d(4)"),
    "images of 64 bits": ("two_dtypes", [("self.conv(x)", "self.conv(x.double())")], "images.float()"),
    "a tensor on another device": ("two_devices", [("Linear(676, 10)", "Linear(676, 10, device='meta')")], ".to(device)"),
    "softmax over the batch": ("softmax_over_batch", [("return x", "return x.softmax(dim=0)")], "dim=1"),
    "log-softmax over the batch before nll_loss": (
        "softmax_over_batch", [("F.cross_entropy(outputs, labels)", "F.nll_loss(outputs.log_softmax(0), labels)")], "dim=1"),
    "softmax before cross-entropy": ("softmax_then_loss", [("return x", "return x.softmax(1)")], "logits"),
    "log-softmax before cross-entropy": ("log_softmax_then_loss", [("return x", "return F.log_softmax(x, 1)")], "nll_loss"),
    "nll_loss of logits": ("nll_of_logits", [("F.cross_entropy", "F.nll_loss")], "cross_entropy"),
    "no eval() before measuring": ("eval_forgotten", [("model.eval()", "pass")], "model.eval()"),
    "dropout that never ends": (
        "dropout_always", [("self.drop(x.flatten(1))", "F.dropout(x.flatten(1), 0.25)")], "training=self.training"),
    "no zero_grad": ("zero_grad_forgotten", [("optimizer.zero_grad()", "pass")], "zero_grad()"),
    "zero_grad after backward": (
        "gradients_wiped",
        [("            optimizer.zero_grad()\n", ""), ("optimizer.step()", "model.zero_grad(); optimizer.step()")],
        "before loss.backward()"),
    "no backward": ("backward_forgotten", [("loss.backward()", "pass")], "loss.backward()"),
    "no step": ("step_forgotten", [("optimizer.step()", "pass")], "optimizer.step()"),
    "an optimizer of another network": ("other_parameters", [("SGD(model.", "SGD(Net().")], "model.parameters()"),
    "one-hot labels": ("one_hot", [("(outputs, labels)", "(outputs, F.one_hot(labels, 10))")], "one_hot"),
    "labels from 1": ("labels_out_of_range", [("(outputs, labels)", "(outputs, labels + 1)")], "start at 0"),
    "labels as decimals": ("labels_dtype", [("(outputs, labels)", "(outputs, labels.float())")], "labels.long()"),
    "labels in a column": ("labels_in_a_column", [("(outputs, labels)", "(outputs, labels[:, None])")], "squeeze"),
    "argmax before the loss": ("loss_of_classes", [("(outputs, labels)", "(outputs.argmax(1), labels)")], "argmax"),
    "a loss without its gradients": ("loss_cut_off", [("model(images)", "model(images).detach()")], "detach"),
    "a loss added up": (
        "graph_used_twice",
        [("for epoch", "total = 0\n    for epoch"), ("loss.backward()", "total = total + loss; total.backward()")],
        "loss.item()"),
    "too few outputs": ("too_few_outputs", [("Linear(676, 10)", "Linear(676, 9)")], "one output per class"),
    "no return": ("return_forgotten", [("return x", "x")], "return"),
    "no super().__init__()": ("super_forgotten", [("super().__init__()", "pass")], "super().__init__()"),
    "layers in a list": (
        "layers_unregistered", [("self.last =", "self.more = [nn.Linear(10, 10)]\n        self.last =")], "nn.ModuleList"),
    "a file of a whole model": (
        "whole_model_file",
        [("def train", "torch.save(nn.Sequential(nn.Linear(2, 2)), FILE)\nnet = torch.load(FILE)\n\n\ndef train")], "state_dict"),
    "a GPU that is not there": (
        "no_such_device", [("loss.backward()", "raise RuntimeError('Found no NVIDIA driver')")], "is_available"),
}  # fmt: skip
"""The mistake; the key of the doctor's finding; the changes to the right program; what the remedy names."""

OTHER_NETWORKS = {
    "a perceptron": "return nn.Sequential(nn.Flatten(), nn.Linear(784, 20), nn.ReLU(), nn.Linear(20, 10))",
    "one linear layer": "return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))",
    "strides and an average": (
        "return nn.Sequential(nn.Conv2d(1, 8, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))"
    ),
    "groups": (
        "return nn.Sequential(nn.Conv2d(1, 4, 5, 2), nn.GroupNorm(2, 4), nn.GELU(), nn.Conv2d(4, 4, 3, groups=4), nn.Flatten(),"
        " nn.LazyLinear(10))"
    ),
    "two dropouts and an instance norm": (
        "return nn.Sequential(nn.Conv2d(1, 4, 5, 3), nn.InstanceNorm2d(4), nn.Dropout2d(.2), nn.Flatten(), nn.Dropout(),"
        " nn.LazyLinear(10))"
    ),
    "attention": (
        "return nn.Sequential(nn.Flatten(2), nn.TransformerEncoderLayer(784, 2, 8, batch_first=True), nn.Flatten(),"
        " nn.Linear(784, 10))"
    ),
    "a list of layers beside their names": (
        "net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10)); net.order = [net[0], net[1]]; return net"
    ),
}
OTHER_TRAININGS = {
    "as it is": [],
    "log-softmax and nll_loss": [("return x", "return F.log_softmax(x, 1)"), ("F.cross_entropy", "F.nll_loss")],
    "softmax and the loss of its logarithm": [
        ("return x", "return x.softmax(1)"), ("F.cross_entropy(outputs", "F.nll_loss(outputs.log()")],
    "one-hot labels as decimals": [("(outputs, labels)", "(outputs, F.one_hot(labels, 10).float())")],
    "squares": [("F.cross_entropy(outputs, labels)", "F.mse_loss(outputs, F.one_hot(labels, 10).float())")],
    "a loss for each class": [
        ("F.cross_entropy(outputs, labels)", "F.binary_cross_entropy_with_logits(outputs, F.one_hot(labels, 10).float())")],
    "zeroed afterwards": [
        ("            optimizer.zero_grad()\n", ""), ("optimizer.step()", "optimizer.step(); optimizer.zero_grad()")],
    "gradients of two batches added up": [
        ("            optimizer.zero_grad()\n", ""),
        ("for images, labels in loader", "for n, (images, labels) in enumerate(loader)"),
        ("optimizer.step()", "\n            if n % 2 == 1:\n                optimizer.step(); optimizer.zero_grad()")],
    "by hand": [
        ("optimizer.zero_grad()", "model.zero_grad()"),
        ("optimizer.step()", "[p.data.sub_(0.1 * p.grad) for p in model.parameters()]")],
    "two optimizers": [
        ("torch.optim.SGD(model.parameters(), lr=0.1)",
         "torch.optim.Adam(model.conv.parameters()); other = torch.optim.AdamW(model.last.parameters())"),
        ("optimizer.zero_grad()", "model.zero_grad()"), ("optimizer.step()", "optimizer.step(); other.step()")],
    "a closure": [
        ("SGD(model.parameters(), lr=0.1)", "LBFGS(model.parameters(), max_iter=2)"),
        ("optimizer.zero_grad()", "pass"), ("loss.backward()", "pass"),
        ("optimizer.step()", "optimizer.step(lambda: again(model, images, labels, optimizer))"),
        ("def train", "def again(model, images, labels, optimizer):\n    optimizer.zero_grad()\n"
         "    loss = F.cross_entropy(model(images), labels)\n    loss.backward()\n    return loss\n\n\ndef train")],
    "a schedule, clipped and smoothed": [
        ("(outputs, labels)", "(outputs, labels, label_smoothing=.1)"),
        ("optimizer.step()", "nn.utils.clip_grad_norm_(model.parameters(), 1.0); optimizer.step(); schedule.step()"),
        ("    for epoch", "    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)\n    for epoch")],
    "bfloat16": [("outputs = model(images)", "with torch.autocast('cpu', torch.bfloat16): outputs = model(images)")],
    "a frozen layer": [("    for epoch", "    model.conv.requires_grad_(False)\n    for epoch")],
    "measured in one go": [("range(3)", "range(1)"), ("train(model, loader)", "train(model, loader, verbose=False)")],
    "an average of the weights": [
        ("    for epoch", "    mean = torch.optim.swa_utils.AveragedModel(model)\n    for epoch"),
        ("optimizer.step()", "optimizer.step(); mean.update_parameters(model)")],
}  # fmt: skip


def write(folder: Path, changes: list[tuple[str, str]]) -> str:
    """The right program with those changes, each of which must find its place."""
    source = PROGRAM
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    file = folder / "network.py"
    file.write_text(source.replace("FILE", repr(str(folder / "whole.pth"))), encoding="utf-8")
    return str(file)


def problems(checks: list[Check]) -> list[Check]:
    return [check for check in checks if check.verdict != "ok"]


@pytest.mark.parametrize("mistake", BROKEN)
def test_each_error_is_named_by_its_cause_and_its_remedy(mistake: str, tmp_path: Path, data_dir: Path) -> None:
    key, changes, remedy = BROKEN[mistake]
    file = write(tmp_path, changes)
    (found, *more) = problems(check_code(f"{file}:Net", data_dir, train=f"{file}:train"))
    assert more == []
    assert found.seen.key == f"doctor.{key}"
    assert remedy in found.remedy
    assert found.verdict == ("warning" if key == "log_softmax_then_loss" else "problem")


def test_sixteen_errors_and_more_are_known() -> None:
    assert len({key for key, _, _ in BROKEN.values()}) >= 16


@pytest.mark.parametrize("training", OTHER_TRAININGS)
def test_a_right_training_raises_no_alarm(training: str, tmp_path: Path, data_dir: Path) -> None:
    file = write(tmp_path, OTHER_TRAININGS[training])
    assert problems(check_code(f"{file}:Net", data_dir, train=f"{file}:train")) == []


@pytest.mark.parametrize("network", OTHER_NETWORKS)
@pytest.mark.filterwarnings("ignore:Lazy modules", "ignore:enable_nested_tensor")
def test_a_right_network_raises_no_alarm(network: str, tmp_path: Path, data_dir: Path) -> None:
    file = write(tmp_path, [("def train", f"def make():\n    {OTHER_NETWORKS[network]}\n\n\ndef train")])
    assert problems(check_code(f"{file}:make", data_dir, train=f"{file}:train")) == []
    assert problems(check_code(f"{file}:make", data_dir)) == []


def test_the_network_and_its_training_may_stand_in_two_files(tmp_path: Path, data_dir: Path) -> None:
    write(tmp_path, [])
    (tmp_path / "training.py").write_text("from network import train\n", encoding="utf-8")
    checks = check_code(f"{tmp_path / 'network.py'}:Net", data_dir, train=f"{tmp_path / 'training.py'}:train")
    assert [check.name for check in checks] == ["network", "modes", "training"]
    assert checks[-1].detail == "2 steps of the optimizer, with newly computed gradients"


def test_a_training_without_an_optimizer_is_told(tmp_path: Path, data_dir: Path) -> None:
    file = write(tmp_path, OTHER_TRAININGS["by hand"])
    checks = check_code(f"{file}:Net", data_dir, train=f"{file}:train")
    assert checks[-1].detail == "the weights change, although no optimizer takes a step"


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ([("x = self.last(x)", "x = x @ torch.zeros(50, 10)")], "your flatten gives 676 values, but a layer takes 50"),
        ([("def train", "def make():\n    return nn.Sequential(nn.Flatten(), nn.Linear(50, 10))\n\n\ndef train")],
         "your flatten gives 784 values, but layer 1 takes 50"),
        ([("x = F.max", "x = x.squeeze(1)\n        x = F.max")], "conv takes a batch of maps"),
        ([("x.flatten(1)", "x.permute(0, 2, 3, 1).view(len(x), -1)")],
         "view, reshape or flatten cannot give 7 images of shape (13, 13, 4) the requested shape"),
    ],
)  # fmt: skip
def test_what_is_seen_names_the_layer_in_words(
    changes: list[tuple[str, str]], seen: str, tmp_path: Path, data_dir: Path
) -> None:
    file = write(tmp_path, changes)
    name = "make" if "def make" in changes[0][1] else "Net"
    (found,) = problems(check_code(f"{file}:{name}", data_dir))
    assert seen in found.detail


def test_a_network_is_not_blamed_for_what_another_mistake_does(tmp_path: Path, data_dir: Path) -> None:
    file = write(tmp_path, [("return x", "return x / 0")])
    (found,) = problems(check_code(f"{file}:Net", data_dir))
    assert (found.seen.key, found.remedy[:28]) == ("doctor.output_not_finite", "Look in the network for a di")
    alone = [("nn.Dropout(0.25)", "nn.BatchNorm1d(676)"), ("outputs = model(images)", "outputs = model(images[:1])")]
    file = write(tmp_path, alone)
    with pytest.raises(UserError, match="Expected more than 1 value per channel"):
        check_code(f"{file}:Net", data_dir, train=f"{file}:train")
    file = write(tmp_path, [("x = F.max", "x = nn.Conv1d(1, 1, 3)(x)\n        x = F.max")])
    with pytest.raises(UserError, match="cannot take a batch of shape"):
        check_code(f"{file}:Net", data_dir)
    (few,) = check_output(torch.zeros(2, 5), torch.tensor([0, 1]), 10)
    assert few.detail == "5 values per image for 10 classes"


def test_what_stands_in_one_file_is_run_once(
    tmp_path: Path, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, [("def train", "print('run')\n\n\ndef train")])
    check_code(f"{file}:Net", data_dir, train=f"{file}:train")
    assert capsys.readouterr().out == "run\n"


def test_a_shape_that_a_saved_network_cannot_take_names_the_layer_too(tmp_path: Path, data_dir: Path) -> None:
    from mnistlab.doctor.model import check_model

    write(tmp_path, [("self.drop(x.flatten(1))", "x.flatten(1)"), ("Linear(676", "Linear(784")])
    layers = {"conv": torch.nn.Conv2d(1, 4, 3), "norm": torch.nn.BatchNorm2d(4), "last": torch.nn.Linear(784, 10)}
    torch.save(torch.nn.ModuleDict(layers).state_dict(), tmp_path / "weights.pth")
    with pytest.raises(UserError, match=r"your flatten gives 676 values, but last takes 784.*nn\.Linear\(676, 10\)"):
        check_model(tmp_path / "weights.pth", data_dir, code=f"{tmp_path / 'network.py'}:Net")


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! (when checking",
         "cuda:0", "cpu"),
        ("Expected all tensors to be on the same device, but found at least two devices, mps:0 and cpu!", "mps:0", "cpu"),
        ("Tensor on device cpu is not on the expected device meta!", "cpu", "meta"),
    ],
)  # fmt: skip
def test_two_devices_are_told_by_what_torch_says_too(text: str, first: str, second: str) -> None:
    cause = cause_of(RuntimeError(text))
    assert cause is not None
    assert (cause.key, cause.values) == ("doctor.two_devices", {"first": first, "second": second})


@pytest.mark.parametrize("layer", [nn.ConvTranspose2d(3, 8, 2), nn.Conv1d(28, 8, 2)])
def test_other_convolutions_are_not_taken_for_conv2d(layer: nn.Module) -> None:
    with Witness(layer, 4) as witness, pytest.raises(RuntimeError) as caught:
        layer(torch.zeros(4, 1, 28, 28))
    assert cause_of(caught.value, witness) is None


def test_an_unknown_error_names_its_line(tmp_path: Path, data_dir: Path) -> None:
    file = write(tmp_path, [("x = self.last(x)", "x = self.lost(x)")])
    with pytest.raises(UserError, match=r"cannot take a batch .*\(network\.py:18: AttributeError: .*lost"):
        check_code(f"{file}:Net", data_dir)
    file = write(tmp_path, [("loss.backward()", "los.backward()")])
    with pytest.raises(UserError, match=r"failed \(network\.py:30: NameError: .*los"):
        check_code(f"{file}:Net", data_dir, train=f"{file}:train")


@pytest.mark.parametrize("name", ["nothing", "F", "few"])
def test_a_training_that_cannot_be_called_is_refused(name: str, tmp_path: Path, data_dir: Path) -> None:
    file = write(tmp_path, [("def train", "def few(model):\n    pass\n\n\ndef train")])
    with pytest.raises(UserError, match=r"FUNCTION\(model, loader\)"):
        check_code(f"{file}:Net", data_dir, train=f"{file}:{name}")


def test_a_misspelt_name_is_told(tmp_path: Path, data_dir: Path) -> None:
    file = write(tmp_path, [])
    with pytest.raises(UserError, match=r"network\.py defines nothing called 'Nett'\. Give code="):
        check_code(f"{file}:Nett", data_dir)
    with pytest.raises(UserError, match=r"network\.py defines nothing called 'trian'\. Give train="):
        check_code(f"{file}:Net", data_dir, train=f"{file}:trian")


# in a process of its own


def test_what_the_code_prints_spoils_no_json(tmp_path: Path, data_dir: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, [("def train", "print('{')\n\n\ndef train"), ("optimizer.zero_grad()", "print(loss)")])
    arguments = ["doctor", "--code", f"{file}:Net", "--train", f"{file}:train", "--data-dir", str(data_dir)]
    assert run_app([*arguments, "--limit", "3600", "--json"]) == 1
    out, err = capfd.readouterr()
    assert [check["name"] for check in json.loads(out)["checks"]] == ["network", "modes", "training", "prints"]
    assert "{\ntensor(" in err


def test_code_that_loops_for_ever_is_ended(tmp_path: Path, data_dir: Path) -> None:
    """Whatever this machine's speed: it never ends by itself. The process that it starts, which holds its output, ends too."""
    loop = "import subprocess\nsubprocess.Popen(['sleep', '100000'])\nwhile True:\n    print('x' * 9999)\n"
    (tmp_path / "loop.py").write_text(loop, encoding="utf-8")
    with pytest.raises(
        UserError, match=r"did not finish within 1 s\. Look for an endless loop, .* below `if __name__"
    ) as caught:
        check_apart(f"{tmp_path / 'loop.py'}:Net", data_dir, limit=1)
    assert "--limit" in caught.value.command_remedy


def test_code_that_ends_its_process_is_refused(tmp_path: Path, data_dir: Path) -> None:
    (tmp_path / "ends.py").write_text("import os\nos._exit(3)\n", encoding="utf-8")
    file = tmp_path / "ends.py"
    with pytest.raises(UserError, match=r"ends\.py:Net, .*ends\.py:train\) ended the process .*exit code 3"):
        check_apart(f"{file}:Net", data_dir, train=f"{file}:train", limit=3600)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--train", "a.py:train"], "--code FILE.py:CLASS"),
        (["model.pth", "--code", "a.py:Net", "--train", "a.py:train"], "--train starts from an untrained network"),
        (["--code", "a.py:Net", "--limit", "0"], "--limit 0 is out of range"),
        (["--code", "a.py:Net", "--limit", "nan"], "--limit nan is out of range"),
        (["--code", "a.py:Net"], "no Python file 'a.py'"),
        (["--code", "network.py:Net", "--train", "a.py:train"], "no Python file 'a.py'"),
        (["--code", "network.py:Net", "--dataset", "nosuch"], "nosuch"),
        (["--limit", "5"], "--limit would have no effect without --code"),
        (["model.pth", "--dataset", "nosuch", "--limit", "5"], "--dataset, --limit would have no effect without --co"),
    ],
)
def test_what_does_not_fit_is_refused(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, [])
    assert run_app(["doctor", *arguments]) == 2
    assert words in capsys.readouterr().err
