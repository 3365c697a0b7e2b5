from __future__ import annotations

import errno
import json
import logging
import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from PIL import Image

from mnistlab.cli.app import COMMANDS, app, run_app
from mnistlab.cli.output import StandardErrorHandler
from mnistlab.data.catalog import DATASETS
from mnistlab.data.dataset import open_dataset
from mnistlab.evaluation.models import load_model
from mnistlab.recipes.catalog import RECIPES
from mnistlab.runs.run import Run
from mnistlab.runs.store import create_run, list_runs
from tests.support.comparing import assert_one_line

COMMAND = str(Path(sys.executable).parent / "mnistlab")
FAST = ["two-conv", "--epochs=1", "--batch-size=16", "--widths=4", "--kernel-size=3", "--hidden=0", "--precision=fp32"]
HELP = [
    [],
    ["train"],
    ["ensemble"],
    ["evaluate"],
    ["sweep"],
    ["data"],
    ["read"],
    ["serve"],
    ["site"],
    ["export"],
    ["runs"],
    ["runs", "compare"],
    ["runs", "delete"],
    ["doctor"],
    ["explain"],
    ["replay"],
    ["learn"],
    ["learn", "day3"],
    ["learn", "check"],
    ["learn", "note"],
]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a command makes in the current folder, it makes there."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture(scope="module")
def pictures(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 pictures each of two digits."""
    folder = tmp_path_factory.mktemp("pictures") / "digits"
    images, labels = open_dataset("mnist", data_dir).read("train")
    for digit in (0, 1):
        (folder / str(digit)).mkdir(parents=True)
        for index in np.flatnonzero(labels == digit)[:30]:
            Image.fromarray(images[index]).save(folder / str(digit) / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def trained(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with two finished runs; tests work on copies of it."""
    runs = tmp_path_factory.mktemp("runs")
    for seed in ("0", "1"):
        assert run_app(["train", "--dataset", str(pictures), "--runs", str(runs), "--seed", seed, *FAST]) == 0
    return runs


@pytest.fixture
def runs(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "runs"))


def latest(runs: Path) -> Path:
    return max(run.path for run in list_runs(runs) if isinstance(run, Run))


def output(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one JSON object on standard output."""
    out = capsys.readouterr().out
    content = json.loads(out)
    assert isinstance(content, dict)
    assert len(out.splitlines()) == 1
    return content


def assert_refused(arguments: list[str], capsys: pytest.CaptureFixture[str], *words: str) -> None:
    """Exit code 2, one line that names what is wrong, nothing on standard output, nothing made."""
    assert run_app(arguments) == 2
    assert_one_line(capsys, *words)
    assert not any(Path().iterdir())


# help


@pytest.mark.parametrize("command", HELP, ids=" ".join)
def test_every_command_helps_with_examples(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app([*command, "--help"]) == 0
    out = capsys.readouterr().out

    assert "Examples:\n" in out
    assert f"mnistlab {' '.join(command)}".strip() in out
    assert max(map(len, out.splitlines())) <= 120


def test_without_a_command_there_is_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app([]) == 0
    alone = capsys.readouterr()
    assert run_app(["--help"]) == 0
    assert alone == capsys.readouterr()
    assert "Commands:\n" in alone.out


@pytest.mark.parametrize(("command", "count"), [([], len(COMMANDS)), (["runs"], 2)], ids=["mnistlab", "runs"])
def test_no_command_s_short_help_is_cut_off_at_80_columns(
    command: list[str], count: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run_app([*command, "--help"]) == 0
    listing = capsys.readouterr().out.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert len(listing) == count
    assert all(len(line) <= 80 and line.endswith(".") and not line.endswith("...") for line in listing)


@pytest.mark.parametrize("columns", ["80", "100", "120"])
@pytest.mark.parametrize("name", COMMANDS)
def test_no_line_of_the_help_ends_inside_a_word(
    name: str, columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert run_app([name, "--help"]) == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.endswith("-")] == []
    assert "\N{NON-BREAKING HYPHEN}" not in out  # so that it can be copied


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_what_the_list_of_commands_says(name: str) -> None:
    command = app.get_command(click.Context(app), name)
    assert command is not None
    assert (command.name, command.short_help) == (name, None)  # its line is only in COMMANDS


def test_commands_are_imported_when_they_are_asked_for() -> None:
    code = "import sys; from mnistlab.cli.app import COMMANDS, run_app\n"
    code += "seen = lambda: [name for name, (module, _) in COMMANDS.items() if module in sys.modules]\n"
    code += "run_app(['--help']); print(seen()); print(['mnistlab.recipes.catalog' in sys.modules])\n"
    code += "run_app(['runs', '--help']); print(seen())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [line for line in done.stdout.splitlines() if line.startswith("[")] == ["[]", "[False]", "['runs']"]


def test_help_and_document_name_the_datasets_of_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["data", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f" {', '.join(DATASETS)}, or a folder " in shown
    commands = Path(__file__).parents[2].joinpath("docs", "COMMANDS.md").read_text(encoding="utf-8")
    listed = commands.partition("`--dataset` takes ")[2].partition("or a folder")[0]
    assert re.findall("`(.+?)`", listed) == list(DATASETS)


def test_training_help_fits_and_shows_values_and_choices_under_headings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run_app(["train", "--help"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    headings = re.findall(r"^(\w.*):$", out, re.MULTILINE)
    assert headings == [
        "Options", "Network", "Preparation of the images", "Data", "Augmentation", "Optimisation", "Arithmetic", "Ensemble",
    ]  # fmt: skip
    words = " ".join(out.split())
    for text in (
        "[default: 8; between 1 and 100,000]", "[default: stride,max,max; max, stride or none]", "same or valid]",
        "between 1e-9 and 100]",
        "[default: flatten; flatten or average]", "[default: sgd; sgd or adamw]", "[default: auto; auto, fp32 or bf16]",
        "[default: train; train, train-random or train+val]", "[default: mnist]",
        "Batch norm after each convolution, and after the hidden layer. [default: on]",
        "[default: 0.0005; between 0 and 10]", "The defaults are those of the recipe default;",
    ):  # fmt: skip
        assert text in words
    assert (
        out.index("Augmentation:") < out.index("--rotate") < out.index("Optimisation:") < out.index("--epochs INTEGER")
    )


@pytest.mark.parametrize("name", RECIPES)
def test_training_help_shows_the_values_of_the_recipe_that_is_named(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_app(["train", name, "--help"]) == 0
    words, recipe = " ".join(capsys.readouterr().out.split()), RECIPES[name]
    assert f"The defaults are those of the recipe {name};" in words
    for value in (
        f"{','.join(map(str, recipe.network.widths))}; between 1 and 65,536", f"{recipe.optimisation.epochs}; between 1",
        f"{recipe.network.dropout:g}; between 0 and 0.99", f"{recipe.data.split}; train, train-random or train+val",
    ):  # fmt: skip
        assert f"[default: {value}" in words


def test_every_command_of_the_program_is_listed_above() -> None:
    assert {"train", "ensemble", "evaluate", "data", "runs", "doctor"} <= set(COMMANDS)
    assert set(COMMANDS) == {command[0] for command in HELP if command}


def test_training_help_has_every_recipe_and_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    run_app(["train", "--help"])
    out = capsys.readouterr().out

    assert all(f"  {name} " in out for name in RECIPES)
    for field in RECIPES["two-conv"].to_dict():
        assert field in ("name", "summary") or f"--{field.replace('_', '-')}" in out


def test_help_and_listing_import_no_torch(tmp_path: Path) -> None:
    create_run(tmp_path, RECIPES["two-conv"], "mnist", tmp_path, 0, {})
    code = "import sys; from mnistlab.cli.app import run_app\n"
    code += "assert run_app(['train', '--help']) == 0 == run_app(['runs', '--runs', sys.argv[1]])\n"
    code += "print([name for name in ('torch', 'torchvision', 'matplotlib', 'scipy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


# the installed command, as a process


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


def test_the_command_tells_its_version_and_help() -> None:
    assert process("--version").stdout.startswith("mnistlab ")
    done = process("-h")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Exit codes: 0 done, 1 failed, 2 wrong input, 130 interrupted." in done.stdout


def test_the_command_exits_with_2_and_one_line() -> None:
    done = process("train", "four-conv")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


def test_python_dash_m_is_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mnistlab", "runs", "--json"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert json.loads(done.stdout) == {"runs": []}


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_console_that_knows_few_letters_is_no_trouble(tmp_path: Path, encoding: str) -> None:
    runs = tmp_path / "Läufe – 数字"
    create_run(runs, RECIPES["two-conv"], "/Bilder/Ziffern-数字", tmp_path, 0, {})
    for arguments, code in ((["runs", "--runs", str(runs)], 0), (["evaluate", "数字"], 2), (["train", "--help"], 0)):
        done = subprocess.run(
            [COMMAND, *arguments], capture_output=True, check=False, env={**os.environ, "PYTHONIOENCODING": encoding}
        )
        assert done.returncode == code
        assert b"Traceback" not in done.stderr


# as in `mnistlab runs | head -1`
def test_a_reader_that_goes_away_is_no_trouble(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for seed in range(3):
        create_run(runs, RECIPES["two-conv"], "mnist", tmp_path, seed, {})
    with subprocess.Popen(
        [COMMAND, "runs", "--runs", str(runs)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as listing:
        assert listing.stdout is not None
        assert listing.stderr is not None
        listing.stdout.close()
        errors = listing.stderr.read()
    assert errors == b""


# what is refused


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("nonsense", ["There is no command 'nonsense'. See: "]),
        ("train --nonsense", ["There is no option --nonsense", "train --help"]),
        ("train --sed 1", ["There is no option --sed. Did you mean --seed"]),
        ("train --seed", ["Option --seed needs a value. See: ", "train --help"]),
        ("sweep --test=3", ["Option --test takes no value. See: ", "sweep --help"]),
        ("runs compare a b c", ["Too many arguments: c. See: ", "runs compare --help"]),
        ("ensemble", ["Missing argument RUN. See: ", "ensemble --help"]),
        ("evaluate --split x", ["--split: 'x' is not one of val, test. See: ", "evaluate --help"]),
        (f"evaluate --runs {Path(__file__).as_posix()}", ["--runs: ", " is a file, not a folder. See: "]),
        ("sweep --cores orange", ["--cores: 'orange' is not a whole number. See: "]),
        ("sweep --seeds 2000", ["--seeds: 2000 is not in the range 1 to 1000. See: "]),
        ("train one two", ["Too many arguments: two. See: "]),
        ("train four-conv", ["four-conv", ", ".join(RECIPES)]),
        ("train two-conv --dataset imagenet", ["imagenet"]),
        ("train two-conv --device abacus", ["abacus"]),
        ("train two-conv --device cuda:99", ["cuda:99"]),
        ("train two-conv --track paper", ["paper", "tensorboard"]),
        ("train two-conv --seed -1", ["-1"]),
        ("train --seed one", ["one"]),
        ("train --seed 1.0", ["'1.0' is not a whole number."]),
        ("train --seed True", ["'True' is not a whole number."]),
        (f"train --seed {2**70}", [f"Seed {2**70} is out of range. Choose a whole number from 0 to 4,294,967,295."]),
        ("train two-conv --batch-size 0", ["--batch-size must be at least 1; it is 0."]),
        ("train two-conv --batch-size 1000000 --dataset PICTURES", ["1000000", "Choose a whole number from 1 to"]),
        ("train two-conv --learning-rate nan", ["--learning-rate must be between 1e-9 and 100; it is nan."]),
        ("train two-conv --learning-rate inf", ["; it is inf."]),
        ("train --learning-rate fast", ["fast", "number"]),
        ("train --widths a,b", ["a,b", "24,48"]),
        ("train --widths 4,,4", ["4,,4"]),
        ("train two-conv --widths 0", ["widths"]),
        ("train two-conv --widths 4,4,4,4,4,4 --dataset PICTURES", ["leaves no pixel"]),
        ("train two-conv --kernel-size 4 --padding same --dataset PICTURES", ["A kernel of size 4"]),
        ("train --epochs 1.5", ["1.5"]),
        ("train two-conv --epochs 0", ["--epochs must be between 1 and 100,000; it is 0."]),
        ("train two-conv --padding round", ["padding", "round"]),
        ("train two-conv --padding same,round", ["a list of values, each same or valid; it is same,round."]),
        ("train two-conv --padding 3", ["; it is 3."]),
        ("train two-conv --padding ,", ["; it is ,."]),
        ("train two-conv --pooling half", ["pooling must be a list of values, each max, stride or none; it is half."]),
        ("train two-conv --head mean", ["head must be flatten or average; it is 'mean'."]),
        ("train two-conv --depth 1,0", ["depth must be a list of whole numbers between 1 and 64; it is 1,0."]),
        ("train two-conv --depth one", ["one", "whole numbers"]),
        ("train two-conv --kernel-size 3,", ["'3,'", "whole numbers"]),
        ("train two-conv --widths 4,5 --depth 1,2,2 --dataset PICTURES", ["depth has 3 values for 2 blocks."]),
        ("train two-conv --padding same,same,same --dataset PICTURES", ["padding has 3 values for 2 blocks."]),
        (
            "train two-conv --most-parameters 5000 --dataset PICTURES",
            ["The network has ", " but the recipe two-conv allows at most 5,000"],
        ),
        ("train two-conv --most-parameters -1", ["--most-parameters must be at least 0; it is -1."]),
        ("train two-conv --members 0", ["members must be between 1 and 1,000; it is 0."]),
        ("train two-conv --steps -1", ["steps must be at least 0; it is -1."]),
        ("train two-conv --config none.toml", ["none.toml"]),
        ("train none.toml", ["none.toml"]),
        ("train --resume nothing", ["nothing", "mnistlab runs"]),
        ("train --resume latest", ["no run"]),
        ("train --resume latest --seed 1 --epochs 3", ["--epochs, --seed would change it"]),
        ("train two-conv --resume latest", ["RECIPE would change it", "--resume"]),
        ("train --resume latest --dataset mnist", ["--dataset would"]),
        ("train --resume latest --no-batch-norm", ["--batch-norm would"]),
        ("ensemble", ["RUN"]),
        ("ensemble nothing nowhere", ["nothing"]),
        ("evaluate", ["no run"]),
        ("evaluate nothing", ["nothing"]),
        ("evaluate nothing --split train", ["train", "val"]),
        ("data --dataset imagenet", ["imagenet"]),
        ("data --dataset PICTURES --batch-size 0", ["Batch size 0"]),
        ("data --from nowhere", ["nowhere"]),
        ("runs compare a", ["RUN-B"]),
        ("runs compare a b", ["'a'"]),
        ("runs delete", ["Missing argument RUN. See: "]),
        ("runs delete nothing --yes", ["nothing"]),
        ("train --dataset PICTURES --download", ["is a folder of pictures. Leave out --download."]),
        ("data --dataset PICTURES --from raw", ["--from imports", "is a folder of pictures. Leave out --from."]),
        ("train --resume latest --download", ["--download would change it"]),
        ("data --dataset PICTURES --download", ["nothing to download"]),
        ("evaluate --runs .", ["There is no run in the current folder."]),
        ("doctor nothing", ["nothing"]),
        ("doctor --device abacus", ["abacus"]),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing_behind(
    arguments: str, words: list[str], pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(arguments.replace("PICTURES", str(pictures)).split(), capsys, *words)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("epochs = ", "not TOML"),
        ("[", "not TOML"),
        ("\x00", "not TOML"),
        ("epoch = 4", "epoch"),
        ("epochs = 'four'", "epochs"),
        ("epochs = 4.5", "epochs"),
        ("batch_norm = 1", "batch-norm"),
        ("widths = 0", "widths"),
        ("widths = 5.5", "widths"),
        ("padding = ['same', 'round']", "padding"),
        ("widths = ['a']", "widths"),
        ("learning_rate = nan", "learning-rate"),
        ("[recipe]\nepochs = 4", "recipe"),
    ],
)
def test_a_wrong_recipe_file_is_one_line(
    text: str, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "my.toml").write_text(text)
    assert_refused(["train", "two-conv", "--config", str(tmp_path / "my.toml")], capsys, word)


def test_widths_beside_a_recipe_file_fit_what_it_gives_per_block(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "my.toml").write_text("widths = [2, 3, 4]\ndepth = [1, 1, 2]\nkernel-size = 3\npadding = 'same'\n")
    command = ["train", str(tmp_path / "my.toml"), "--steps=1", "--batch-size=16", "--dataset", str(pictures)]
    for widths, depth in (("4", (1,)), ("4,5,6,7", (1, 1, 2, 2))):
        assert run_app([*command, "--widths", widths]) == 0
        run = Run.open(latest(Path("runs")))
        assert (",".join(map(str, run.recipe.widths)), run.recipe.depth) == (widths, depth)
    shutil.rmtree("runs")
    capsys.readouterr()
    assert_refused([*command, "--widths=4,5", "--depth=1,2,2"], capsys, "depth has 3 values for 2 blocks")


def test_a_recipe_file_that_is_not_utf8_or_a_folder_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "my.toml").write_bytes(b"name = '\xff'")
    assert_refused(["train", "two-conv", "--config", str(tmp_path / "my.toml")], capsys, "my.toml")
    assert_refused(["train", "two-conv", "--config", str(tmp_path)], capsys, str(tmp_path))


@pytest.mark.parametrize(
    "command",
    [
        "train quick --steps 1 --data-dir loop1", "train quick --steps 1 --runs loop1", "data --data-dir loop1/inside",
        "runs --plot loop1/runs.png", "runs --runs loop1", "runs --runs loop1/inside --json", "runs compare a b --runs loop1",
        "runs delete a --runs loop1", "evaluate latest --runs loop1", "evaluate loop1", "export a --runs loop1",
        "ensemble a b --runs loop1", "doctor latest --runs loop1", "data --dataset loop1", "data --from loop1",
        "data --out loop1", "data --out loop1/a.png", "train --resume latest --runs loop1", "read a.png --model loop1",
    ],
)  # fmt: skip
def test_what_is_a_link_in_a_circle_is_one_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("loop1").symlink_to("loop2")
    Path("loop2").symlink_to("loop1")
    assert run_app(command.split()) == 2
    sentence = "error: loop1 is a link that leads back to itself. Remove the link, or choose another path.\n"
    assert capsys.readouterr().err == sentence
    assert {path.name: str(path.readlink()) for path in Path().iterdir()} == {"loop1": "loop2", "loop2": "loop1"}


@pytest.mark.parametrize(
    "command",
    [
        "runs --runs link", "runs compare a b --runs link", "runs delete a --runs link", "evaluate latest --runs link",
        "evaluate link", "data --dataset link", "data --from link", "train quick --runs link", "read a.png --model link",
    ],
)  # fmt: skip
def test_a_link_to_a_folder_that_is_not_there_is_one_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("link").symlink_to("gone")
    assert run_app(command.split()) == 2
    sentence = (
        "error: link is a link to gone, which does not exist. Create what the link points to, or choose another path.\n"
    )
    assert capsys.readouterr().err == sentence


def test_the_doctor_names_a_data_folder_that_is_a_link_in_a_circle(capsys: pytest.CaptureFixture[str]) -> None:
    Path("loop1").symlink_to("loop2")
    Path("loop2").symlink_to("loop1")
    assert run_app(["doctor", "--data-dir", "loop1", "--runs", "loop2"]) == 1
    shown = capsys.readouterr().out
    assert "problem  data folder  loop1 is a link that leads back to itself." in shown
    assert "problem  runs folder  loop2 is a link that leads back to itself." in shown


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")], ids=["Python", "torch"]
)
def test_too_little_memory_is_one_line_with_a_remedy(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(app, "invoke", fail)
    assert run_app(["train"]) == 1
    assert_one_line(capsys, "error: Out of memory. Close other programs, or use less memory: ")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "error: No space left on device. Check the disk"),
        (OSError(errno.EIO, "Input/output error", "a.png"), "error: a.png: Input/output error. Check the file"),
        (OSError("cannot write"), "error: cannot write. Check the disk"),
    ],
)
def test_an_error_of_the_system_has_no_number(
    error: OSError, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(app, "invoke", fail)
    assert run_app(["runs"]) == 1
    assert_one_line(capsys, words)


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "code"])
@pytest.mark.parametrize("command", ["evaluate", "doctor", "doctor-file"])
def test_a_damaged_model_is_one_line_and_runs_no_code(
    damage: str, command: str, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = latest(runs)
    model, trap = run / "model.pth", tmp_path / "was-run"
    content = {"empty": b"", "cut": model.read_bytes()[:5000], "code": pickle.dumps(Trap(trap), 2), "missing": None}[
        damage
    ]
    model.unlink()
    if content is not None:
        model.write_bytes(content)
    test = (run / "test.json").read_bytes()

    target = str(model) if command == "doctor-file" else str(run)
    assert_refused([command.partition("-")[0], target], capsys, str(run))
    assert not trap.exists()
    assert (run / "test.json").read_bytes() == test


# what works


def test_training_prints_one_json_object(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", "--dataset", str(pictures), "--seed", "5", "--json", *FAST]
    assert run_app(arguments) == 0
    content = output(capsys)

    assert set(content) == {"run", "recipe", "dataset", "seed", "parameters", "seconds", "val_accuracy", "test"}
    assert set(content["test"]) == {"correct", "total", "accuracy", "interval", "interval_by_writer", "corrected"}
    assert (content["recipe"], content["dataset"], content["seed"]) == ("two-conv", str(pictures), 5)
    assert content["test"]["total"] == len(open_dataset(str(pictures)).read("test")[1])
    assert 0 < content["parameters"] < 10_000
    assert Path(content["run"]).parent == Path("runs")
    assert Run.open(Path(content["run"])).recipe.epochs == 1


def test_options_win_over_the_recipe_file_and_that_over_the_recipe(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "my.toml").write_text(
        'name = "mine"\nepochs = 2\nlearning-rate = 0.03\nwidths = [3, 5]\nhidden = 0\ndepth = 1\nkernel-size = [3, 3]\n'
        'padding = "same"\n'
    )
    command = ["train", str(tmp_path / "my.toml"), "--epochs", "1", "--batch-size", "16", "--dataset", str(pictures)]
    assert run_app([*command, "--json"]) == 0

    run = Run.open(Path(output(capsys)["run"]))
    assert (run.recipe.name, run.recipe.epochs, run.recipe.learning_rate) == ("mine", 1, 0.03)
    assert (run.recipe.widths, run.recipe.rotate) == ((3, 5), RECIPES["default"].rotate)
    assert run.path.name.endswith("-mine-seed0")


def test_options_of_blocks_take_a_value_for_each_or_one_for_all(
    pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = "--widths 3,4,5 --depth 1,2,2 --padding valid,same,same --pooling max,stride,none --kernel-size 3"
    command = ["train", *FAST, *options.split(), "--head", "average", "--separable", "--steps", "2"]
    assert run_app([*command, "--dataset", str(pictures), "--json"]) == 0
    content = output(capsys)

    run = Run.open(Path(content["run"]))
    assert (run.recipe.widths, run.recipe.depth, run.recipe.kernel_size) == ((3, 4, 5), (1, 2, 2), (3,))
    assert (run.recipe.padding, run.recipe.pooling) == (("valid", "same", "same"), ("max", "stride", "none"))
    assert (run.recipe.head, run.recipe.separable, run.recipe.steps) == ("average", True, 2)
    assert [row["step"] for row in run.metrics] == [2]


@pytest.mark.usefixtures("no_drawing")
def test_several_members_are_trained_and_told_as_one(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "--dataset", str(pictures), "--members", "2", "--seed", "5", "--steps", "1", "--json", *FAST]
    assert run_app(command) == 0
    out, err = capsys.readouterr()
    content = json.loads(out)

    run = Run.open(Path(content["run"]))
    members = [member for member in list_runs(run.path / "members") if isinstance(member, Run)]
    assert sorted(member.seed for member in members) == [5, 6]
    assert all(str(member.path) in err for member in members)
    assert (content["recipe"], content["seed"]) == ("two-conv", 5)
    (size,) = {load_model(member.model_path).model.parameters_count for member in members}
    assert content["parameters"] == 2 * size
    assert content["seconds"] == pytest.approx(sum(member.metrics[-1]["seconds"] for member in members))
    assert content["test"]["correct"] == (run.test or {})["correct"]


@pytest.mark.usefixtures("no_drawing")
def test_finished_runs_become_an_ensemble(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = sorted(path for path in runs.iterdir())
    assert run_app(["ensemble", first.name, str(second), "--runs", str(runs), "--json"]) == 0
    content = output(capsys)
    assert set(content) == {"run", "members", "test"}
    assert content["members"] == [str(first), str(second)]
    assert Path(content["run"]).parent == runs
    ensemble = Run.open(Path(content["run"]))
    assert set(content["test"]) == {"correct", "total", "accuracy", "interval", "interval_by_writer", "corrected"}
    assert content["test"]["correct"] == (ensemble.test or {})["correct"]
    assert ensemble.members == (str(first), str(second))

    assert run_app(["ensemble", first.name, second.name, "--runs", str(runs)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Test accuracy ")
    assert "An ensemble of 2 runs: " in out

    for arguments in (["evaluate", str(ensemble.path)], ["evaluate", str(ensemble.path), "--split", "val"]):
        assert run_app([*arguments, "--json"]) == 0
        assert output(capsys)["run"] == str(ensemble.path)
    assert run_app(["runs", "--runs", str(runs), "--json"]) == 0
    listed = {row["run"]: row for row in output(capsys)["runs"]}
    assert listed[str(ensemble.path)]["test_accuracy"] == content["test"]["accuracy"]
    assert run_app(["runs", "compare", ensemble.path.name, first.name, "--runs", str(runs)]) == 0


@pytest.mark.parametrize(("count", "words"), [(1, "at least 2 runs, not 1"), (3, "is given twice")])
def test_runs_that_make_no_ensemble_are_one_line(
    count: int, words: str, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = sorted(path.name for path in runs.iterdir())
    assert_refused(["ensemble", *[*names, names[0]][-count:], "--runs", str(runs)], capsys, words)
    assert sorted(path.name for path in runs.iterdir()) == names


def test_training_as_text_says_what_came_of_it(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["train", "--resume", "latest", "--runs", str(runs)]) == 0
    out, err = capsys.readouterr()

    assert out.startswith("Test accuracy ")
    assert "95 % interval" in out
    assert str(latest(runs)) in out
    assert "Resuming at step" in err


def test_evaluating_as_json(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = latest(runs)
    (run / "test.json").unlink()
    (run / "mistakes.png").unlink()
    assert run_app(["evaluate", "--runs", str(runs), "--json"]) == 0
    content = output(capsys)

    assert set(content) == {"run", "split", "score", "test"}
    assert content["score"] == content["test"]
    assert (content["run"], content["split"]) == (str(run), "test")
    assert content["test"]["accuracy"] == content["test"]["correct"] / content["test"]["total"]
    assert json.loads((run / "test.json").read_text())["correct"] == content["test"]["correct"]
    assert (run / "mistakes.png").exists()


def test_evaluating_the_validation_split_leaves_the_test_alone(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = {path: path.read_bytes() for path in latest(runs).iterdir()}
    assert run_app(["evaluate", latest(runs).name, "--runs", str(runs), "--split", "val"]) == 0

    assert capsys.readouterr().out.startswith("Validation accuracy ")
    assert run_app(["evaluate", latest(runs).name, "--runs", str(runs), "--split", "val", "--json"]) == 0
    content = output(capsys)
    held_back = len(open_dataset(Run.open(latest(runs)).dataset).read("train")[1]) // 12
    assert (content["split"], content["score"]["total"]) == ("val", held_back)
    assert {path: path.read_bytes() for path in latest(runs).iterdir()} == kept


def test_evaluating_as_text_has_a_row_a_class(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["evaluate", str(latest(runs))]) == 0
    lines = capsys.readouterr().out.splitlines()

    assert lines[1].startswith("mean loss ")
    start = next(number for number, line in enumerate(lines) if line.startswith("class "))
    assert [line.split()[0] for line in lines[start + 1 : start + 3]] == ["0", "1"]


def test_data_as_json_and_as_text(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnistlab.evaluation.gallery.ROWS", 1)  # what a whole gallery looks like is for its own tests
    command = ["data", "--dataset", str(pictures), "--batch-size", "8", "--out", str(tmp_path / "gallery.png")]
    assert run_app([*command, "--json"]) == 0
    facts = output(capsys)
    assert facts["images"]["shape"] == [8, 1, 28, 28]
    labels = open_dataset(str(pictures)).read("train")[1]
    assert sum(facts["counts"]) == len(labels) - len(labels) // 12
    assert run_app(command) == 0
    told = f"Pictures in digits, split train: {sum(facts['counts'])} images in 2 classes"
    assert told in capsys.readouterr().out
    monkeypatch.setenv("MNISTLAB_LANG", "fr")
    assert run_app(command) == 0
    assert "Images du dossier digits, partie train" in capsys.readouterr().out
    assert (tmp_path / "gallery.png").exists()


def test_runs_as_json_and_as_text(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (runs / "broken").mkdir()
    (runs / "broken" / "model.pth").write_bytes(b"")
    (runs / "no-run-at-all").mkdir()
    assert run_app(["runs", "--runs", str(runs), "--json"]) == 0
    out, err = capsys.readouterr()
    listed = json.loads(out)["runs"]
    assert [set(row) for row in listed] == [
        {
            "run", "created", "kind", "recipe", "recipe_changed", "dataset", "seed", "epochs", "validation", "val_accuracy",
            "test_accuracy", "seconds",
        }
    ] * 2  # fmt: skip
    assert sorted(row["seed"] for row in listed) == [0, 1]
    assert err.startswith("warning: ")
    assert "broken" in err

    assert run_app(["runs", "--runs", str(runs)]) == 0
    out = capsys.readouterr().out
    assert all(Path(row["run"]).name in out for row in listed)


def test_a_run_of_a_changed_recipe_is_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed = RECIPES["default"].override({"steps": 5, "rotate": 0.0})
    for recipe in (changed, RECIPES["default"], changed.override({"name": "mine"})):
        create_run(tmp_path, recipe, "mnist", tmp_path, 0, {})
    assert run_app(["runs", "--runs", str(tmp_path), "--json"]) == 0
    rows = {row["run"]: row for row in output(capsys)["runs"]}
    fields = [row["recipe_changed"] for row in rows.values()]
    assert sorted(fields) == [[], [], ["rotate", "steps"]]

    assert run_app(["runs", "--runs", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.split()[1] for line in lines if line.startswith("  ") and "recipe " not in line) == [
        "default", "default*", "mine",
    ]  # fmt: skip
    assert lines[-1] == "* this recipe differs from mnistlab's own recipe of the same name"
    shutil.rmtree(next(path for path, row in rows.items() if row["recipe_changed"]))
    assert run_app(["runs", "--runs", str(tmp_path)]) == 0
    assert "*" not in capsys.readouterr().out


def test_runs_are_drawn_over_the_days(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    create_run(runs, RECIPES["two-conv"], "mnist", tmp_path, 0, {})
    assert run_app(["runs", "--runs", str(runs), "--plot"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == f"Progress: {runs / 'progress.png'}"
    assert err == "Not drawn: 1 run (not tested yet, dated in the future, or of a network that is not a classifier).\n"
    named = tmp_path / "new" / "mine.png"
    assert run_app(["runs", "--runs", str(runs), "--plot", str(named), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["plot"], len(content["runs"])) == (str(named), 3)
    for path in (named, runs / "progress.png"):
        with Image.open(path) as picture:
            assert picture.format == "PNG"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--plot"], ["There is no run to draw in runs: only tested classifiers", "Make a run: mnistlab train"]),
        (["--plot", "--runs", "my runs"], ["no run to draw in my runs", "Make a run: mnistlab train --runs 'my runs'"]),
        (["--plot", "progress.svg"], ["progress.svg is not a file name with the ending .png.", "progress.png"]),
        (["--plot", "."], ["'.' is a folder, not a file.", "progress.png"]),
        (
            ["--plot", "x.png", "compare", "a", "b"],
            ["--plot draws a chart of the listed runs, so it cannot be combined with compare."],
        ),
        (
            ["--plot", "compare", "a", "b"],
            ["--plot draws a chart of the listed runs, so it cannot be combined with compare."],
        ),
        (["--plot", "delete", "a"], ["--plot draws a chart of the listed runs, so it cannot be combined with delete."]),
    ],
)
def test_what_cannot_be_drawn_is_one_line(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(["runs", *arguments], capsys, *words)


def test_an_empty_runs_folder_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["runs"]) == 0
    assert "mnistlab train" in capsys.readouterr().out


def test_comparing_runs(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = sorted(path.name for path in runs.iterdir())
    assert run_app(["runs", "compare", *names, "--runs", str(runs), "--json"]) == 0
    content = output(capsys)
    assert set(content) == {
        "runs",
        "only_first_wrong",
        "only_second_wrong",
        "both_wrong",
        "p_value",
        "p_value_by_writer",
    }
    assert [Path(row["run"]).name for row in content["runs"]] == names

    assert run_app(["runs", "--runs", str(runs), "compare", *names]) == 0  # the option may come before the command too
    assert "McNemar's exact test: p = " in capsys.readouterr().out


def test_deleting_needs_a_yes_where_nobody_can_be_asked(runs: Path) -> None:
    run = latest(runs)
    done = subprocess.run(
        [COMMAND, "runs", "delete", run.name, "--runs", str(runs)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert run.exists()


def test_deleting_with_yes_really_deletes(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = latest(runs)
    assert run_app(["runs", "delete", run.name, "--yes", "--runs", str(runs), "--json"]) == 0
    assert output(capsys) == {"deleted": [str(run)]}
    assert not run.exists()
    assert len(list(runs.iterdir())) == 1


def test_deleting_an_unknown_run_among_known_ones_deletes_none(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = latest(runs)
    assert run_app(["runs", "delete", run.name, "nothing", "--yes", "--runs", str(runs)]) == 2
    assert run.exists()


def test_a_run_named_twice_is_deleted_once(runs: Path) -> None:
    run = latest(runs)
    assert run_app(["runs", "delete", run.name, str(run), "--yes", "--runs", str(runs)]) == 0
    assert not run.exists()


# what breaks around a command


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_output_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [COMMAND, "runs", "--runs", str(tmp_path)], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: ")
    assert b"Traceback" not in done.stderr


def test_a_reader_that_leaves_early_gets_no_complaint(tmp_path: Path) -> None:
    with subprocess.Popen(
        [COMMAND, "train", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""  # click ends with exit code 1 then


@pytest.mark.parametrize(
    "arguments",
    [["evaluate", "x" * 5000], ["train", "--dataset", "x" * 5000], ["train", "x" * 5000], ["evaluate", "a\0b"]],
    ids=["run", "dataset", "recipe", "null byte"],
)
def test_a_name_that_no_file_system_takes_is_one_short_sentence(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_app(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert len(err) < 500


@pytest.mark.parametrize(
    ("target", "options", "words"),
    [
        (None, "--dataset nosuch", "--dataset would have no effect without --code."),
        ("model.pth", "--device cuda", "--device cuda would have no effect: runs, saved models and networks in code "),
        ("latest", "--device nosuch", "--device nosuch would have no effect: runs, saved models and networks in code "),
        ("latest", "--code network.py:Net", "--code would have no effect: "),
        ("latest", "--dataset nosuch --code x.py:X", "--code, --dataset would have no effect: "),
    ],
)
def test_an_option_that_doctor_would_not_heed_is_refused(
    runs: Path, target: str | None, options: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["doctor", *([target] if target else []), *options.split(), "--runs", str(runs)]
    assert_refused(arguments, capsys, words, "Leave ")


@pytest.mark.parametrize("device", ["auto", "cpu", "cpu:0"])
def test_doctor_takes_the_device_that_it_checks_a_run_on(
    runs: Path, device: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_app(["doctor", "latest", "--device", device, "--runs", str(runs)]) < 2
    assert "confidence" in capsys.readouterr().out


def test_a_link_to_a_run_is_not_deleted(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    link = runs / "link"
    link.symlink_to(latest(runs))
    assert run_app(["runs", "--runs", str(runs), "delete", "link", "--yes"]) == 2
    assert "is a link" in capsys.readouterr().err
    assert link.is_symlink()
    assert link.resolve().is_dir()


def test_a_run_is_found_from_inside_its_folder(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = latest(runs)
    monkeypatch.chdir(folder)
    assert run_app(["evaluate", ".", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run"] == str(folder)


def test_an_error_that_was_not_expected_is_shown_with_where_it_came_from(capsys: pytest.CaptureFixture[str]) -> None:
    """The log is all that there is for fixing a server's own errors."""
    handler = StandardErrorHandler()
    try:
        raise RuntimeError("not expected")
    except RuntimeError:
        handler.handle(logging.LogRecord("mnistlab", logging.ERROR, "", 1, "%s broke", ("it",), sys.exc_info()))
    err = capsys.readouterr().err
    assert err.startswith("warning: it broke\nTraceback")
    assert err.endswith("RuntimeError: not expected\n")


def test_the_deletion_of_one_run_is_not_of_runs(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = sorted(path.name for path in runs.iterdir())
    for names, words in (([first], "the deletion of 1 run:"), ([first, second], "the deletion of 2 runs:")):
        assert run_app(["runs", "delete", *names, "--runs", str(runs)]) == 2
        assert words in capsys.readouterr().err
    assert len(list(runs.iterdir())) == 2
