from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import torch
from PIL import Image

import mnistlab
from mnistlab.devices import device_title
from mnistlab.evaluation.evaluate import evaluate_run
from mnistlab.runs.store import find_run
from mnistlab.training.environment import PACKAGES, commit, describe_environment, version

CPU = torch.device("cpu")


def test_the_environment_is_complete_and_plain() -> None:
    environment = describe_environment(CPU, "fp32")

    assert set(environment) == {
        "python", "platform", "packages", "device", "device_title", "threads", "precision", "commit",
    }  # fmt: skip
    assert json.loads(json.dumps(environment)) == environment
    assert environment["python"] == platform.python_version()
    assert (environment["device"], environment["precision"]) == ("cpu", "fp32")
    assert environment["device_title"] == device_title(CPU)
    assert environment["threads"] == torch.get_num_threads()


def test_the_versions_are_those_installed() -> None:
    packages = describe_environment(CPU, "bf16")["packages"]

    assert set(packages) == set(PACKAGES)
    assert packages["torch"] == metadata.version("torch")
    assert packages["mnistlab"] == metadata.version("mnistlab")


def test_a_package_that_is_not_installed_has_no_version() -> None:
    assert version("no-such-package-anywhere") is None


def test_the_commit_is_that_of_this_checkout_or_none() -> None:
    found = commit()
    assert found is None or re.fullmatch(r"[0-9a-f]{12,}(-dirty)?", found)


@pytest.mark.parametrize("path", ["", "/nonexistent"])
def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("PATH", path)
    commit.cache_clear()
    assert commit() is None
    commit.cache_clear()


CODE = """
import sys, warnings
warnings.filterwarnings("error", category=EncodingWarning, module="mnistlab")  # what is read or written names its encoding
import mnistlab.cli.app
assert mnistlab.__file__.startswith(sys.argv[1]), mnistlab.__file__
assert sys.getfilesystemencoding() == "ascii" == sys.stdout.encoding
train = f"train quick --steps 2 --batch-size 16 --dataset {sys.argv[2]}"
for command in (train, "evaluate", "runs", f"read {sys.argv[3]}", f"read {sys.argv[3]} --json", "runs --json", "export"):
    try:
        mnistlab.cli.app.main(command.split())
    except SystemExit as end:
        assert end.code == (command == "export"), (command, end.code)
"""


def test_a_clone_at_a_place_that_the_locale_cannot_spell_does_all_its_work(pictures: Path, tmp_path: Path) -> None:
    """Also with a matplotlib backend that is not installed, as in a notebook."""
    clone = tmp_path / "Łukasz"
    source = Path(mnistlab.__file__).parent
    shutil.copytree(source, clone / "src" / "mnistlab", ignore=shutil.ignore_patterns("bundled", "__pycache__"))
    (clone / "src" / "mnistlab" / "bundled").symlink_to(source / "bundled")
    git = ["git", "-C", str(clone), "-c", "user.name=x", "-c", "user.email=x"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *command], check=True)
    shutil.copytree(pictures, clone / "źródło")
    with Image.open(next((pictures / "2").iterdir())) as image:
        image.resize((112, 112)).save(clone / "Łódź.png")

    environment = {
        **os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(clone / "src"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }  # fmt: skip
    environment.pop("PYTHONIOENCODING", None)
    done = subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", "-c", CODE, str(clone), "źródło", "Łódź.png"],
        cwd=clone, env=environment, capture_output=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr.decode()
    assert b"Test accuracy" in done.stdout
    assert json.loads(done.stdout.splitlines()[-2])[0]["file"] == "Łódź.png"
    assert json.loads(done.stdout.splitlines()[-1])["runs"][0]["dataset"] == str((clone / "źródło").resolve())
    assert b"encoding, ascii, cannot represent this name. Set PYTHONUTF8=1" in done.stderr.splitlines()[-1]
    run = find_run("latest", clone / "runs")
    assert run.dataset == str((clone / "źródło").resolve())  # though this process spells it in another way
    assert evaluate_run(run).total == run.test["total"]
    head = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, check=True).stdout.decode()
    assert run.environment["commit"] == head.strip()
    assert {path.name for path in run.path.glob("*.png")} == {"training.png", "confusion.png", "mistakes.png"}
