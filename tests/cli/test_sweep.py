"""`mnistlab sweep`: what it takes, what it refuses, and what it shows."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from mnistlab import dependencies
from mnistlab.cli import sweep_table
from mnistlab.cli.app import run_app
from mnistlab.cli.output import side_by_side
from mnistlab.cli.sweep_table import SweepTable
from mnistlab.errors import Failure
from mnistlab.recipes.grid import grid
from mnistlab.recipes.recipe import Recipe
from mnistlab.runs.run import Run
from mnistlab.runs.store import list_runs
from mnistlab.training.sweep import Trial
from tests.support.comparing import assert_one_line
from tests.training.small import RECIPE

pytestmark = pytest.mark.usefixtures("no_drawing")

TINY = [
    "--set",
    "epochs=2",
    "--set",
    "kernel_size=3",
    "--set",
    "batch_size=16",
    "--set",
    "widths=4",
    "--set",
    "hidden=0",
    "--set",
    "precision=fp32",
]
COLUMNS = ("setting", "seeds", "val", "%", "95", "%", "interval", "behind", "95", "%", "interval", "p")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sweep(*arguments: str) -> int:
    return run_app(["sweep", *arguments])


def test_it_trains_compares_and_draws(here: Path, pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["two-conv", "--dataset", str(pictures), "--seeds", "2", "--set", "learning-rate=0.01,0.1", *TINY]
    assert sweep(*given) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].split() == list(COLUMNS)
    assert {line.partition("  ")[0].split()[1] for line in lines[1:3]} == {"learning_rate=0.01", "learning_rate=0.1"}
    assert lines[-3].endswith("p: from a permutation test by image.")
    assert lines[-2] == f"Best on validation: {lines[1].partition('  ')[0]}"
    assert lines[-1] == "Picture: runs/sweep.png"
    with Image.open(here / "runs" / "sweep.png") as picture:
        assert picture.width > 500
    trials = [line for line in err.splitlines() if ", seed " in line]
    assert [line.rpartition("  ")[2].partition(" done")[0] for line in trials] == [f"{n} of 4" for n in range(1, 5)]
    runs = [run for run in list_runs(here / "runs") if isinstance(run, Run)]
    assert [run.test for run in runs] == [None] * 4

    assert sweep(*given, "--test", "--json", "--plot", "own.png") == 0
    told = json.loads(capsys.readouterr().out)
    assert [setting["recipe"]["name"] for setting in told["settings"]] == ["two-conv"] * 2
    assert all(len(setting["test"]["values"]) == 2 for setting in told["settings"])
    assert told["settings"][0]["behind_best"] is None
    assert 0 < told["settings"][1]["behind_best"]["p_value"] <= 1
    assert {trial["run"] for trial in told["trials"]} == {str(run.path.relative_to(here)) for run in runs}
    assert (here / "own.png").exists()


def test_a_training_that_fails_is_named_and_the_others_are_compared(
    here: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rates = ["--set", "learning_rate=0.01,100", "--set", "batch_norm=off"]
    assert sweep("two-conv", "--dataset", str(pictures), "--seeds", "1", *rates, *TINY) == 1
    out, err = capsys.readouterr()
    assert "learning_rate=0.01 " in out
    *_, failed, error = err.splitlines()
    assert failed.startswith("two-conv learning_rate=100, seed 0: ")
    assert error == (
        "error: 1 of 2 training runs failed, for the reason above. Run the same command again to retry what failed."
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nope"], ["Unknown recipe 'nope'"]),
        (["finder"], ["finder", "does not train a classifier"]),
        (["default", "default"], ["Two of the settings describe the same training runs: default."]),
        (["--set", "dropout"], ["--set 'dropout'", "--set learning_rate=0.05,0.1"]),
        (["--set", "=1"], ["--set '=1' does not name a field"]),
        (["--set", "colour=1"], ["The recipe has no field colour."]),
        (["--set", "dropout=0.1,a"], ["--set: 'a' is not a number. See: "]),
        (["--set", "dropout="], ["--set: '' is not a number. See: "]),
        (["--set", "widths=8+a"], ["--set: '8+a' is not a list of whole numbers such as 24+48"]),
        (["--set", "deskew=maybe"], ["--set: 'maybe' is not 'on' or 'off'"]),
        (["--set", "dropout=0.1", "--set", "dropout=0.2"], ["given twice: dropout"]),
        (["--set", "dropout=3"], ["dropout must be between 0 and 0.99"]),
        (["--seeds", "0"], ["--seeds", "0"]),
        (["--seeds", "a"], ["--seeds", "'a' is not a whole number"]),
        (["--first-seed", str(2**32 - 1)], ["would be 4294967299", "smaller --first-seed"]),
        (["best"], ["best", "no images for validation", "--test"]),
        (["best", "default", "--test"], ["different images for validation"]),
        (["--plot", "sweep.jpg"], ["sweep.jpg", ".png"]),
        (["--cores", "0"], ["--cores"]),
        (["--engine", "dask"], ["--engine", "'dask'"]),
        (["--address", "10.0.0.1:6379"], ["--address would have no effect without --engine ray"]),
        (["--gpus", "1", "--address", "auto"], ["--address, --gpus would have no effect"]),
        (["--engine", "ray", "--gpus", "a"], ["--gpus", "'a' is not a number"]),
    ],
    ids=lambda value: " ".join(value)[:40],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    arguments: list[str], words: list[str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(*arguments) == 2
    assert_one_line(capsys, *words)
    assert list(here.iterdir()) == []


def test_switches_and_lists_are_values_too(
    here: Path, pictures: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Recipe] = []

    def noted(plan: object, follower: object, engine: object) -> dict[str, object]:
        seen.extend(setting.recipe for setting in plan.settings)  # type: ignore[attr-defined]
        return {}

    monkeypatch.setattr("mnistlab.training.sweep.sweep", noted)
    assert sweep("two-conv", "--set", "widths=8+16, 4", "--set", "deskew=on,OFF", "--set", "optimizer=sgd,adamw") == 0
    assert [(r.network.widths, r.network.deskew, r.optimisation.optimizer) for r in seen] == [
        (widths, deskew, optimizer)
        for widths in ((8, 16), (4,)) for deskew in (True, False) for optimizer in ("sgd", "adamw")
    ]  # fmt: skip


def test_without_ray_the_engine_says_what_to_install(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependencies, "find_missing", lambda packages: [name for name in packages if name == "ray"])
    assert sweep("--engine", "ray") == 2
    assert_one_line(capsys, "not installed: ray", "uv sync --extra scale")
    assert list(here.iterdir()) == []


def test_nothing_of_ray_is_imported_otherwise(here: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("ray", "mnistlab.training.ray_engine", "mnistlab.training.cluster"):
        monkeypatch.setitem(sys.modules, module, None)  # importing it is an error
    assert sweep("two-conv", "--dataset", str(pictures), "--seeds", "1", *TINY) == 0


@pytest.fixture
def trials() -> list[Trial]:
    return [Trial(setting, n) for n in range(2) for setting in grid([RECIPE], {"learning_rate": [0.05, 0.1]})]


def test_the_live_table_says_what_is_done_running_best_and_left(
    trials: list[Trial], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([0.0, *[30.0] * 100])
    monkeypatch.setattr(sweep_table.time, "monotonic", lambda: next(now))
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    table = SweepTable(console, trials)

    def shown() -> list[str]:
        with console.capture() as captured:
            console.print(table.render())
        return [line.rstrip() for line in captured.get().splitlines()]

    assert shown()[0] == "0 of 4 done"  # the time is not known yet
    table.begin(trials[0])
    for trial, correct in ((trials[0], 90), (trials[1], 95)):
        run = Run.open(finished_run(tmp_path / trial.setting.title, trial))
        run.write_validation({"correct": correct, "total": 100, "mistakes": []})
        table.end(trial, run)  # the second existed before
    display = table.begin(trials[2])
    display.start(run, 4, 8, 0)
    display.step(4, 1.0, 1.0)
    assert shown() == [
        "2 of 4 done, about 0:00:30 left",  # one and a half in 30 s, one and a half to do
        "setting                      done  running       best val %  mean val %",
        "two-conv learning_rate=0.05   1/2  seed 1: 50 %       90.00       90.00",
        "two-conv learning_rate=0.1    1/2                     95.00       95.00",
    ]
    table.end(trials[2], Failure("cli.out_of_memory"))
    table.begin(trials[3])
    assert shown()[0].startswith("2 of 4 done, 1 failed, ")
    monkeypatch.setattr(table, "seconds_left", lambda: 90_061)
    assert shown()[0] == "2 of 4 done, 1 failed, about 25:01:01 left"


def test_a_run_without_validation_is_said_to_be_done(trials: list[Trial], tmp_path: Path) -> None:
    file, run = io.StringIO(), Run.open(finished_run(tmp_path / "run", trials[0]))
    SweepTable(Console(file=file, width=100), trials).end(trials[0], run)
    assert file.getvalue().startswith("two-conv learning_rate=0.05, seed 0: done  1 of 4 done")


def test_a_comparison_shows_a_dash_for_unknown_seconds(trials: list[Trial], tmp_path: Path) -> None:
    run = Run.open(finished_run(tmp_path / "run", trials[0]))
    assert ("seconds", ("-", "-")) in side_by_side(run, run)


def finished_run(folder: Path, trial: Trial) -> Path:
    folder.mkdir()
    config = {
        "version": 3, "kind": "single", "created": "2026-11-26T10:00:00+00:00", "dataset": "mnist", "data_dir": "data",
        "seed": trial.seed, "recipe": trial.setting.recipe.to_groups(),
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def test_french(
    here: Path, pictures: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNISTLAB_LANG", "fr")
    given = ["--dataset", str(pictures), "--seeds", "1", "--set", "learning_rate=0.01,0.1", *TINY]
    assert sweep("two-conv", *given) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].startswith("réglage")
    assert "Meilleur réglage en validation\N{NO-BREAK SPACE}: two-conv" in out
    assert "1\N{NO-BREAK SPACE}terminé sur 2" in err
