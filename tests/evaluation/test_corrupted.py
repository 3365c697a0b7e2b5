"""A run measured on corrupted test images."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from mnistlab.augmentation.corruptions import CORRUPTIONS
from mnistlab.cli.app import run_app
from mnistlab.evaluation import corrupted
from mnistlab.runs.run import Run

pytestmark = pytest.mark.usefixtures("no_drawing")


@pytest.fixture
def run(mnist_run: Run, tmp_path: Path) -> Run:
    return Run.open(shutil.copytree(mnist_run.path, tmp_path / "runs" / mnist_run.path.name))


@pytest.fixture(autouse=True)
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two corruptions of the fifteen are enough to see that each is measured."""
    chosen = {name: CORRUPTIONS[name] for name in ("brightness", "translate")}
    monkeypatch.setattr(corrupted, "CORRUPTIONS", chosen)


def test_the_command_tells_and_draws(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["evaluate", str(run.path), "--corruptions", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    found = content["corruptions"]
    assert list(found["by_name"]) == ["brightness", "translate"]
    accuracies = [score["accuracy"] for score in found["by_name"].values()]
    assert all(0.05 < accuracy < content["score"]["accuracy"] for accuracy in accuracies)
    assert all(score["total"] == 10_000 for score in found["by_name"].values())
    assert found["mean_error"] == pytest.approx(1 - sum(accuracies) / 2)
    assert found["picture"] == str(run.path / "corruptions.png")
    with Image.open(found["picture"]) as image:
        assert image.width > 800

    assert run_app(["evaluate", str(run.path), "--corruptions"]) == 0
    out = capsys.readouterr().out
    assert f"translate        {100 * (1 - accuracies[1]):>8.2f}\n" in out
    assert f"mean             {100 * found['mean_error']:>8.2f}\n" in out


def test_validation_images_are_not_corrupted(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["evaluate", str(run.path), "--corruptions", "--split", "val"]) == 2
    assert "error: --corruptions uses the test images" in capsys.readouterr().err
