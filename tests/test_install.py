"""What works without an extra, and what the rest says: with packages hidden, and in environments made from the built wheel."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
import types
import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mnistlab
from mnistlab import UserError, combine, compare_runs, resume, train
from mnistlab.augmentation.glyphs import letters_bank
from mnistlab.cli.app import COMMANDS, main
from mnistlab.data.catalog import DATASETS
from mnistlab.data.mirrors import torchvision_download
from mnistlab.dependencies import EXTRAS, FONT_PACKAGES, StandIn, stand_in
from mnistlab.evaluation.calibration import fit_temperature
from mnistlab.evaluation.figures import blank_figure

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "examples" / "2026.png"
PACKAGES = sorted({package.replace("-", "_") for packages in EXTRAS.values() for package in packages})

RUN_COMMANDS = """
import contextlib, io, json, sys
commands, hidden = json.loads(sys.argv[1])
sys.modules.update(dict.fromkeys(hidden))  # Python finds no module whose entry is None
from mnistlab.cli.app import main
for command in commands:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(command)
        except SystemExit as ended:
            code = ended.code
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""
USE_NAMES = """
import json, pydoc, sys
sys.modules.update(dict.fromkeys(json.loads(sys.argv[1])))
import mnistlab
from mnistlab import *
from mnistlab import Reader, UserError, train
assert "Reader" in pydoc.render_doc(mnistlab)
said = {}
for name in mnistlab.__all__:
    value = getattr(mnistlab, name)
    if type(value).__name__ == "StandIn":
        try:
            value()
        except UserError as error:
            said[name] = str(error)
print(json.dumps([Reader().read(sys.argv[2]).text, said]))
"""

WITHOUT_EXTRAS = {
    "read": [["PICTURE"], ["PICTURE", "--json"]],
    "runs": [[], ["--json"]],
    "learn": [[], ["--json"]],
    "train": [[], ["no-such-recipe"], ["--resume", "latest"]],
    "sweep": [[], ["no-such-recipe"]],
    "ensemble": [["A", "B"]],
    "evaluate": [[], ["latest", "--by-writer"]],
    "data": [[], ["--dataset", "fashion", "--from", "nowhere"]],
    "doctor": [[], ["model.pth"]],
    "explain": [[], ["latest"]],
    "replay": [[], ["latest"]],
    "export": [[], ["model.pth", "--to", "safetensors"]],
    "serve": [["--port", "0"]],
    "site": [["public"]],
}
"""Each command's arguments; the first three commands need no extra."""
EXTRA_OF = {"export": "export", "serve": "serve", "site": "serve"}


def sentence(extra: str, *packages: str) -> str:
    return (
        f"Required but not installed: {', '.join(packages)}. In the clone of the repository, install what is missing:"
        f" uv sync --extra {extra} (or pip install '.[{extra}]')."
    )


def assert_says(said: str, extra: str) -> None:
    """The sentence, once, with nothing but packages of that extra."""
    found = re.search(r"not installed: (.+?)\. ", said)
    assert found is not None, said
    packages = found[1].split(", ")
    assert set(packages) <= set(EXTRAS[extra])
    assert said.removeprefix("error: ").rstrip("\n") == sentence(extra, *packages)


def assert_base_install_reads_and_says_the_rest(python: Path | str, folder: Path, hidden: list[str]) -> None:
    """All commands and public names in one process of that Python."""
    commands = [[name, *more] for name, all_more in WITHOUT_EXTRAS.items() for more in all_more]
    commands += [["runs", "compare", "A", "B"], ["runs", "--plot"]]
    commands += [["--help"], *([name, "--help"] for name in COMMANDS)]
    given = [[str(PICTURE) if word == "PICTURE" else word for word in command] for command in commands]
    done = run_python(python, RUN_COMMANDS, json.dumps([given, hidden]), cwd=folder)
    results = [json.loads(line) for line in done.splitlines()]
    for command, (code, out, err) in zip(commands, results, strict=True):
        needs_nothing = (
            command[0] in ("read", "learn") or command in (["runs"], ["runs", "--json"]) or "--help" in command
        )
        assert code == (0 if needs_nothing else 2), (command, out, err)
        assert bool(out) == needs_nothing, (command, out, err)
        if needs_nothing:
            assert err == ""
        else:
            assert_says(err, EXTRA_OF.get(command[0], "train"))
    assert results[0][1] == "2026\n"
    text, said = json.loads(run_python(python, USE_NAMES, json.dumps(hidden), str(PICTURE), cwd=folder))
    assert text == "2026"
    assert set(said) == {
        "Augmentation", "Ensemble", "MNISTDataLoader", "NeuralNet", "combine", "evaluate", "evaluate_run", "examine",
        "export_model", "load_model", "resume", "train",
    }  # fmt: skip
    for name, words in said.items():
        assert_says(words, "export" if name == "export_model" else "train")
    assert list(folder.iterdir()) == []


def run_python(python: Path | str, code: str, *arguments: str, cwd: Path) -> str:
    command = [str(python), "-c", code, *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_commands_are_tried_without_extras() -> None:
    assert set(WITHOUT_EXTRAS) == set(COMMANDS)


def test_without_any_extra_pictures_are_read_and_all_else_says_what_to_install(tmp_path: Path) -> None:
    assert_base_install_reads_and_says_the_rest(sys.executable, tmp_path, hidden=PACKAGES)


def test_the_extras_bring_what_is_asked_for() -> None:
    """Everything that is not optional (uvloop is) and the fonts; and a command that needs an extra needs nothing from another."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]

    def brought(extra: str) -> set[str]:
        found = set()
        for requirement in optional[extra]:
            if inner := re.match(r"mnistlab\[(.+)\]", requirement):
                found |= {package for name in inner[1].split(",") for package in brought(name)}
            else:
                found.add(re.split(r"[>\[; ]", requirement)[0])
        return found

    asked_for_alone = {"uvloop", *FONT_PACKAGES}
    assert {extra: brought(extra) - asked_for_alone for extra in EXTRAS} == {e: set(p) for e, p in EXTRAS.items()}
    assert set(FONT_PACKAGES) < brought("train")
    assert set(optional) == {*EXTRAS, "all"}
    assert brought("all") | brought("scale") == set().union(*map(brought, EXTRAS))
    assert "ray" not in brought("all")  # one computer needs none
    base = {re.split("[>;]", requirement)[0] for requirement in project["dependencies"]}
    assert not base & brought("all")


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Hides a package that this process has perhaps imported already."""

    def hide(package: str) -> None:
        for name in [name for name in sys.modules if name.startswith(f"{package}.")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, package, None)

    return hide


@pytest.mark.parametrize(
    ("package", "extra", "command"),
    [
        ("matplotlib", "train", "train quick"),
        ("matplotlib", "train", "ensemble A B"),
        ("matplotlib", "train", "evaluate"),
        ("matplotlib", "train", "data"),
        ("matplotlib", "train", "runs --plot"),
        ("scipy", "train", "runs compare A B"),
        ("scipy", "train", "doctor model.pth"),
        ("scipy", "export", "export model.pth"),
        ("torchvision", "train", "train quick"),
        ("onnx", "serve", "serve --port 0"),
        ("onnx", "serve", "site public"),
        ("pyarrow", "parquet", f"read {PICTURE} --to digits.parquet"),
    ],
)
def test_a_package_that_is_missing_is_named_before_anything_is_done(
    package: str, extra: str, command: str, without: Callable[[str], None], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    without(package)
    with pytest.raises(SystemExit) as ended:
        main(command.split())
    assert ended.value.code == 2
    assert capsys.readouterr() == ("", f"error: {sentence(extra, package)}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["doctor"], ["runs"], ["read", str(PICTURE)]])
def test_what_draws_nothing_does_without_matplotlib(
    command: list[str], without: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    without("matplotlib")
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 0


@pytest.mark.parametrize(
    ("package", "use"),
    [
        ("matplotlib", lambda: train("quick", runs_dir="runs")),
        ("matplotlib", lambda: resume("latest", runs_dir="runs")),
        ("matplotlib", lambda: combine(["A", "B"], runs_dir="runs")),
        ("matplotlib", lambda: blank_figure(4, 3)),
        ("matplotlib", letters_bank.__wrapped__),
        ("scipy", lambda: compare_runs("A", "B")),
        ("scipy", lambda: fit_temperature(torch.zeros(2, 10), np.array([0, 1]))),
        ("torchvision", lambda: torchvision_download(DATASETS["kmnist"], Path("data"))),
    ],
)
def test_functions_name_the_package_that_is_missing(
    package: str,
    use: Callable[[], Any],
    without: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    without(package)
    with pytest.raises(UserError) as caught:
        use()
    assert str(caught.value) == sentence("train", package)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_cannot_be_used_says_so_however_it_is_used(without: Callable[[str], None]) -> None:
    without("scipy")
    network: Any = stand_in("networks", ModuleNotFoundError(name="scipy.optimize"))
    assert isinstance(network, StandIn)
    uses: list[Callable[[], Any]] = [
        lambda: network(widths=(32, 64)),
        lambda: network.from_architecture,
        lambda: types.new_class("Mine", (network,)),
        lambda: isinstance(3, network),
    ]
    for use in uses:
        with pytest.raises(UserError) as caught:
            use()
        assert str(caught.value) == sentence("train", "scipy")
    assert not hasattr(network, "_repr_html_")


def test_a_module_that_no_extra_brings_is_missed_as_python_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(mnistlab.HOME, "train", "no_such_room")
    with pytest.raises(ModuleNotFoundError, match=r"mnistlab\.no_such_room"):
        mnistlab.train  # noqa: B018


def uv(*arguments: str | Path, tool: str = "uv") -> str:
    """The output of uv, which must succeed."""
    program = shutil.which(tool)
    assert program is not None, "the tests of the install need uv: pip install uv"
    done = subprocess.run([program, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The wheel, made from the sdist, and the sdist."""
    folder = tmp_path_factory.mktemp("built")
    uv("build", "--out-dir", folder)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return [wheel, sdist]


def environment(folder: Path, requirement: str) -> Path:
    """The Python of a fresh environment with that installed."""
    uv("venv", "--python", sys.executable, folder)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    uv("pip", "install", "--python", python, requirement)
    return python


@pytest.mark.slow
def test_wheel_and_sdist_pass_the_checkers(built: list[Path]) -> None:
    uv("twine", "check", "--strict", *built, tool="uvx")
    uv("check-wheel-contents", built[0], tool="uvx")


@pytest.mark.slow
def test_the_wheel_says_what_it_holds_that_was_not_written_here(built: list[Path]) -> None:
    with zipfile.ZipFile(built[0]) as wheel:
        (name,) = (name for name in wheel.namelist() if "/sboms/" in name)
        bill = json.loads(wheel.read(name))
        told = {
            file["name"]: file["hashes"][0]["content"] for part in bill["components"] for file in part["components"]
        }
        held = {name for name in wheel.namelist() if name.endswith((".xz", ".npz", ".onnx"))}
        assert set(told) == held
        assert all(hashlib.sha256(wheel.read(name)).hexdigest() == digest for name, digest in told.items())
    assert bill["metadata"]["component"]["version"] == metadata.version("mnistlab")


@pytest.mark.slow
@pytest.mark.parametrize("kind", [0, 1], ids=["wheel", "sdist"])
def test_the_base_install_reads_and_says_the_rest(built: list[Path], kind: int, tmp_path: Path) -> None:
    python = environment(tmp_path / "environment", str(built[kind]))
    (tmp_path / "empty").mkdir()
    assert_base_install_reads_and_says_the_rest(python, tmp_path / "empty", hidden=[])
    done = subprocess.run(
        [python.with_name("mnistlab"), "read", PICTURE], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "2026\n", "")


@pytest.mark.slow
def test_an_environment_without_matplotlib_says_so_and_a_script_is_typed(built: list[Path], tmp_path: Path) -> None:
    python = environment(tmp_path / "environment", f"{built[0]}[train]")
    uv("pip", "uninstall", "--python", python, "matplotlib")
    (tmp_path / "empty").mkdir()
    draws = [["train", "quick"], ["ensemble", "A", "B"], ["evaluate"], ["data"], ["runs", "--plot"]]
    draws_nothing = [["read", str(PICTURE)], ["runs"], ["doctor"]]
    done = run_python(python, RUN_COMMANDS, json.dumps([draws + draws_nothing, []]), cwd=tmp_path / "empty")
    results = [json.loads(line) for line in done.splitlines()]
    assert results[: len(draws)] == [[2, "", f"error: {sentence('train', 'matplotlib')}\n"]] * len(draws)
    assert [code for code, *_ in results[len(draws) :]] == [0, 0, 0]

    example = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    (tmp_path / "readme.py").write_text(example[1], encoding="utf-8")
    shutil.copy(ROOT / "tests" / "support" / "typed_script.py", tmp_path)
    mypy = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--python-executable",
        str(python),
        "readme.py",
        "typed_script.py",
    ]
    checked = subprocess.run(mypy, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.stdout == "Success: no issues found in 2 source files\n", checked.stdout
