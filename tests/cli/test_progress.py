from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mnistlab.cli.progress import TerminalDisplay
from mnistlab.networks.network import NeuralNet
from mnistlab.recipes.catalog import RECIPES
from mnistlab.runs.run import Run
from mnistlab.runs.store import create_run

ENVIRONMENT = {"device": "cpu", "device_title": "Abacus [12 beads]", "precision": "fp32", "threads": 2}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    recipe = RECIPES["two-conv"].override({"epochs": 2})
    return create_run(tmp_path / "a folder with [brackets]", recipe, "mnist", tmp_path, 5, ENVIRONMENT)


def recording(terminal: bool, width: int = 100) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, force_terminal=terminal, width=width, color_system=None, _environ={}), out


def row(epoch: int, val_accuracy: float | None = 0.9876) -> dict[str, Any]:
    return {"epoch": epoch, "step": 10 * epoch, "train_loss": 0.51234, "val_accuracy": val_accuracy,
            "images_per_second": 12345.6, "seconds": 7.25 * epoch}  # fmt: skip


def play(display: TerminalDisplay, run: Run, val_accuracy: float | None = 0.9876) -> None:
    display.start(run, 10, 20, 0)
    for epoch in (1, 2):
        display.step(10 * epoch - 5, 0.625, 54321.0)
        display.epoch(row(epoch, val_accuracy))
    display.stop()


@pytest.mark.parametrize("terminal", [True, False])
def test_what_begins_and_each_epoch_are_said(run: Run, terminal: bool) -> None:
    console, out = recording(terminal)
    play(TerminalDisplay(console), run)
    text = out.getvalue()

    assert "Training two-conv on mnist, seed 5: Abacus [12 beads], fp32" in text
    assert f"Run folder: {run.path}" in text  # whole, so that it can be copied
    assert "epoch   1/2  loss 0.5123  val 98.76 %    12,346 images/s     7.2 s" in text
    assert "epoch   2/2  loss 0.5123  val 98.76 %    12,346 images/s    14.5 s" in text


def test_all_of_it_is_said_in_french(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNISTLAB_LANG", "fr")
    console, out = recording(terminal=True)
    display = TerminalDisplay(console)
    display.network(NeuralNet(widths=(4, 8), hidden=0).describe())
    play(display, run)
    text = re.sub("[\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]", " ", out.getvalue())

    assert re.search(r"  conv1 +4x28x28 +\d+  cherche des traits et des formes\n", text)
    assert re.search(r"\n\d \d{3} paramètres, \d+ \d{3} multiplications-additions par image\n", text)
    assert "Entraînement de la recette two-conv sur mnist, graine 5 : Abacus [12 beads], fp32" in text
    assert f"Dossier d'entraînement : {run.path}" in text
    assert "époque   1/2  perte 0,5123  val 98,76 %    12 346 images/s     7,2 s" in text
    assert re.search(r"époque 2/2 \S+ 20/20 perte 0,625 val 98,76 % 54 321 images/s durée 0:00:0", text)


def test_without_a_terminal_there_are_lines_only(run: Run) -> None:
    console, out = recording(terminal=False)
    play(TerminalDisplay(console), run)

    assert len(out.getvalue().splitlines()) == 4
    assert "\x1b" not in out.getvalue()
    assert "\r" not in out.getvalue()


def test_on_a_terminal_there_is_a_bar_with_loss_and_speed(run: Run) -> None:
    console, out = recording(terminal=True)
    display = TerminalDisplay(console)
    display.start(run, 10, 20, 0)
    display.step(5, 0.625, 54321.0)
    assert display.bar is not None
    display.bar.refresh()
    text = out.getvalue()
    display.stop()

    assert "epoch 1/2" in text
    assert " 5/20" in text
    assert "loss 0.625" in text
    assert "54,321 images/s" in text


def test_the_bar_is_taken_away_and_the_cursor_comes_back(run: Run) -> None:
    console, out = recording(terminal=True)
    display = TerminalDisplay(console)
    play(display, run)

    assert display.bar is None
    assert out.getvalue().rfind("\x1b[?25h") > out.getvalue().rfind("\x1b[?25l") >= 0
    display.stop()  # a second time does no harm


def test_the_bar_counts_epochs_from_one_and_never_past_the_last(run: Run) -> None:
    display = TerminalDisplay(recording(terminal=False)[0])
    display.start(run, 10, 20, 0)

    assert [display.fields(done, None, 0)["epoch"] for done in (0, 9, 10, 19, 20)] == [1, 1, 2, 2, 2]


def test_without_validation_nothing_is_said_of_it(run: Run) -> None:
    console, out = recording(terminal=False)
    play(TerminalDisplay(console), run, val_accuracy=None)

    assert "epoch   2/2  loss 0.5123    12,346 images/s    14.5 s" in out.getvalue()
    assert "val " not in out.getvalue()


def test_a_resumed_run_says_where_it_goes_on(run: Run) -> None:
    console, out = recording(terminal=True)
    display = TerminalDisplay(console)
    display.start(run, 1000, 2000, 1500)
    display.stop()

    assert "Resuming at step 1,500 of 2,000" in out.getvalue()


def test_a_finished_run_gets_no_bar(run: Run) -> None:
    display = TerminalDisplay(recording(terminal=True)[0])
    display.start(run, 10, 20, 20)

    assert display.bar is None


def test_the_network_is_told_layer_by_layer() -> None:
    console, out = recording(terminal=False)
    model = NeuralNet((4,), hidden=6)
    TerminalDisplay(console).network(model.describe())
    lines = out.getvalue().splitlines()

    assert len(lines) == len(model.describe()) + 1
    assert lines[0].split()[:3] == ["conv1", "4x28x28", "36"]
    assert lines[-1].startswith(f"{model.parameters_count:,} parameters")


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (30, ["epoch"]),
        (40, ["epoch", "left"]),
        (50, ["epoch", "left", "loss"]),
        (60, ["epoch", "left", "loss", "val"]),
        (80, ["epoch", "left", "loss", "val", "steps"]),
        (90, ["epoch", "left", "loss", "val", "steps", "speed"]),
        (100, ["epoch", "left", "loss", "val", "steps", "speed", "time"]),
        (120, ["epoch", "left", "loss", "val", "steps", "speed", "time"]),
    ],
)
def test_the_bar_shows_whole_what_the_terminal_has_room_for(run: Run, width: int, shown: list[str]) -> None:
    console, out = recording(terminal=True, width=width)
    display = TerminalDisplay(console)
    display.start(run, 429, 3003, 0)
    display.epoch(row(1))
    display.step(430, 0.625, 54321.0)
    out.seek(0)
    out.truncate()
    assert display.bar is not None
    display.bar.refresh()
    line = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", out.getvalue())
    display.stop()

    patterns = {
        "epoch": "epoch 2/7 ", "left": r"left (-:--:--|\d:\d\d:\d\d)", "loss": "loss 0.625 ", "val": "val 98.76 % ",
        "steps": " 430/3003 ", "speed": "54,321 images/s ", "time": r"time \d:\d\d:\d\d ",
    }  # fmt: skip
    assert [name for name, pattern in patterns.items() if re.search(pattern, line)] == shown
    bar = re.search("2/7 ([━╸╺ ]+)", line)
    assert bar is not None
    assert len(bar[1].ljust(width - line.index(bar[1]))) >= 8
    assert "…" not in line
    assert "\n" not in line
    assert len(line) == width


def test_the_bar_follows_the_width_of_the_terminal(run: Run) -> None:
    console, _ = recording(terminal=True, width=120)
    display = TerminalDisplay(console)
    display.start(run, 429, 3003, 0)
    assert display.bar is not None
    wide = len(display.bar.columns)
    console.width = 60
    display.step(430, 0.625, 54321.0)
    assert len(display.bar.columns) < wide
    display.stop()


@pytest.mark.parametrize("width", [20, 40, 200])
def test_a_narrow_or_wide_terminal_is_no_trouble(run: Run, width: int) -> None:
    console, out = recording(terminal=True, width=width)
    play(TerminalDisplay(console), run)

    assert "0.5123" in out.getvalue()


@pytest.mark.parametrize(
    ("seconds_a_step", "said"),
    [
        (0.01, None),
        (0.05, "This takes about 45 s.\n"),
        (1.0, "This takes about 17 min.\n"),
        (7.2, "This takes about 2 h.\n"),
        (8.0, "This takes about 2 h 13 min.\n"),
    ],
)
def test_how_long_a_training_takes_is_said_once_it_has_settled(
    run: Run, monkeypatch: pytest.MonkeyPatch, seconds_a_step: float, said: str | None
) -> None:
    console, out = recording(terminal=False)
    display = TerminalDisplay(console)
    display.start(run, 500, 1000, 0)
    now = 100.0
    for done in range(1, 200):
        now += 5 if done == 1 else seconds_a_step  # the first step is slow
        monkeypatch.setattr("mnistlab.cli.progress.time.perf_counter", lambda now=now: now)
        display.step(done, 0.6, 100.0)
    assert re.findall(r"This takes.*\n", out.getvalue()) == ([said] if said else [])
