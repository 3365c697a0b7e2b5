"""From the data to a correctly read digit, through the command itself, on the real MNIST."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mnistlab.cli.app import run_app
from mnistlab.runs.run import Run

SMALL = [
    "--epochs=1", "--batch-size=250", "--widths=8", "--kernel-size=3", "--hidden=0", "--dropout=0", "--rotate=0",
    "--scale=0", "--shift=0", "--shear=0", "--label-smoothing=0", "--learning-rate=0.4", "--precision=fp32",
]  # fmt: skip


@pytest.fixture(scope="module")
def done(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """A training by the command, with every import it made on standard error; and its runs folder."""
    runs = tmp_path_factory.mktemp("runs")
    command = [sys.executable, "-X", "importtime", "-m", "mnistlab", "train", "two-conv", "--json", *SMALL]
    process = subprocess.run(
        [*command, "--data-dir", str(data_dir), "--runs", str(runs)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return process, runs


@pytest.fixture
def content(done: tuple[subprocess.CompletedProcess[str], Path]) -> dict[str, Any]:
    loaded = json.loads(done[0].stdout)
    assert isinstance(loaded, dict)
    return loaded


def test_a_small_network_reads_97_of_100_digits_after_one_epoch(
    done: tuple[subprocess.CompletedProcess[str], Path], content: dict[str, Any]
) -> None:
    assert done[0].returncode == 0
    assert content["test"]["total"] == 10_000
    assert content["test"]["correct"] >= 9_700
    assert content["test"]["accuracy"] == content["test"]["correct"] / 10_000
    low, high = content["test"]["interval"]
    assert low < content["test"]["accuracy"] < high
    assert high - low < 0.008
    assert content["val_accuracy"] > 0.96
    assert content["seconds"] > 0


def test_standard_output_is_one_json_object(
    done: tuple[subprocess.CompletedProcess[str], Path], content: dict[str, Any]
) -> None:
    assert len(done[0].stdout.splitlines()) == 1
    assert set(content) == {"run", "recipe", "dataset", "seed", "parameters", "seconds", "val_accuracy", "test"}
    assert (content["recipe"], content["dataset"], content["seed"]) == ("two-conv", "mnist", 0)
    assert "Traceback" not in done[0].stderr


def test_training_imports_no_torchvision_and_no_compiler(done: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    imported = {
        line.rpartition("|")[2].strip() for line in done[0].stderr.splitlines() if line.startswith("import time")
    }

    assert {
        "torch.nn",
        "mnistlab.training.loop",
        "mnistlab.training.experiment",
    } <= imported  # torch itself comes by a thread
    assert "torch._dynamo" not in imported
    assert not {name for name in imported if name.partition(".")[0] in ("torchvision", "tensorboard", "tensorflow")}


@pytest.mark.usefixtures("no_drawing")
def test_what_the_run_holds_is_what_was_said(
    done: tuple[subprocess.CompletedProcess[str], Path], content: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run.open(Path(content["run"]))
    assert run.path.parent == done[1]
    assert run.test is not None
    assert run.test["correct"] == content["test"]["correct"]
    assert len(run.test["mistakes"]) == 10_000 - run.test["correct"]

    assert run_app(["evaluate", "latest", "--runs", str(done[1]), "--json"]) == 0  # its data is found again by itself
    assert json.loads(capsys.readouterr().out)["test"] == content["test"]


def test_the_doctor_finds_nothing_wrong_with_it(
    content: dict[str, Any], data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_app(["doctor", content["run"], "--data-dir", str(data_dir)]) == 0
    assert "No problem found." in capsys.readouterr().out
