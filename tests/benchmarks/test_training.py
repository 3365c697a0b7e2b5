"""benchmarks/training: raw lines that round-trip, and measurements that continue after a stop."""

from __future__ import annotations

import itertools
import json
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader, Subset

from benchmarks import records
from benchmarks.training import (
    accuracy,
    canonical,
    corruptions,
    own_corruptions,
    processes,
    step,
    time_to_accuracy,
)
from mnistlab.augmentation.corruptions import CORRUPTIONS
from mnistlab.data.dataset import open_dataset
from mnistlab.data.loader import MNISTDataLoader
from mnistlab.data.splits import Split
from mnistlab.errors import Interrupted
from mnistlab.evaluation import corrupted
from mnistlab.recipes.catalog import RECIPES
from mnistlab.runs.run import Run
from mnistlab.runs.store import list_runs
from mnistlab.training.display import Silent
from mnistlab.training.experiment import train
from tests.support.few import few_of_mnist

TINY = RECIPES["quick"].override(
    widths=(4,), kernel_size=(3,), padding=("same",), pooling=("stride",), hidden=0, epochs=2, steps=40, batch_size=100,
    precision="fp32",
)  # fmt: skip


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder instead of docs/results."""
    monkeypatch.setattr(records, "RESULTS", tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def tiny_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A `quick` that takes a moment."""
    monkeypatch.setitem(RECIPES, "quick", TINY)


def call(command: Any, *arguments: object) -> Any:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_raw_lines_come_back_as_they_were_written(results: Path) -> None:
    assert records.read("race") == []
    rows = [{"seconds": [0.1, 2.5], "name": "é", "none": None}, {"seconds": [], "nested": {"a": {"b": 1}}}]
    for row in rows:
        records.append("race", row)

    back = records.read("race")
    assert [{key: line[key] for key in row} for line, row in zip(back, rows, strict=True)] == rows
    assert all(line.keys() >= {"machine", "python", "date", "commit"} for line in back)


def test_no_seeds_are_refused_in_a_sentence() -> None:
    for command, arguments in ((accuracy.main, ["two-conv"]), (time_to_accuracy.main, [])):
        result = call(command, *arguments, "--seeds", 0)
        assert result.exit_code == 2
        assert "Invalid value for '--seeds': 0 is not in the range x>=1." in result.output


class StopAfterOne(Silent):
    def epoch(self, row: dict[str, Any]) -> None:
        if row["epoch"] == 1:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("no_drawing")
def test_seeds_that_are_there_are_skipped_and_one_that_was_stopped_goes_on(
    results: Path, tiny_quick: None, data_dir: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    with pytest.raises(Interrupted):
        train(TINY, seed=0, data_dir=data_dir, runs_dir=runs, display=StopAfterOne())
    options = ("quick", "--seeds", 1, "--runs", runs, "--data-dir", data_dir)
    first = call(accuracy.main, *options)
    again = call(accuracy.main, *options)

    assert (first.exit_code, again.exit_code) == (0, 0), first.output
    assert [run.test is not None for run in list_runs(runs) if isinstance(run, Run)] == [True]
    (row,) = records.read("accuracy")
    assert (row["seed"], row["test_total"]) == (0, 10_000)
    accuracy_told = f"{100 * row['test_correct'] / row['test_total']:.2f}"
    assert f"quick: test {accuracy_told} % (n = 1 seeds)" in again.output

    (records.RESULTS / "accuracy.jsonl").unlink()  # a run that ended before its line was written is not trained again
    assert call(accuracy.main, *options).exit_code == 0
    assert records.read("accuracy") == [row]
    assert len(list(list_runs(runs))) == 1


@pytest.mark.usefixtures("no_drawing")
def test_each_run_is_measured_on_corrupted_images_once(
    results: Path, tiny_quick: None, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (corrupted, corruptions):
        monkeypatch.setattr(module, "CORRUPTIONS", {"brightness": CORRUPTIONS["brightness"]})
    options = ("quick", "--runs", tmp_path, "--data-dir", data_dir)
    nothing = call(corruptions.main, *options)
    assert nothing.exit_code == 2
    assert "holds no finished run of quick as it is now. Train one." in nothing.output

    run, evaluation = train(TINY, seed=4, data_dir=data_dir, runs_dir=tmp_path)
    first, again = call(corruptions.main, *options), call(corruptions.main, *options)
    assert (first.exit_code, again.exit_code) == (0, 0), first.output
    assert first.output == again.output
    (row,) = records.read("corruptions")
    assert (row["row"], row["seed"], row["run"], row["total"]) == ("quick", 4, run.path.name, 10_000)
    assert row["correct"]["none"] == evaluation.correct
    assert 0 < row["correct"]["brightness"] < 10_000
    assert f"brightness {100 * (1 - row['correct']['brightness'] / 10_000):.1f}" in first.output


@pytest.mark.usefixtures("no_drawing")
def test_each_training_by_one_and_by_several_processes_is_a_line(
    results: Path, tiny_quick: None, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = []

    def run(command: list[str], **_: Any) -> SimpleNamespace:
        called.append(command)
        trained, _ = train(TINY, seed=0, data_dir=data_dir, runs_dir=tmp_path)
        return SimpleNamespace(stdout=json.dumps({"run": str(trained.path)}))

    monkeypatch.setattr(processes.subprocess, "run", run)
    options = ("quick", "--seeds", 1, "--processes", 3, "--threads", 2)
    first, again = call(processes.main, *options), call(processes.main, *options)

    assert (first.exit_code, again.exit_code) == (0, 0), first.output
    assert first.output == again.output
    rows = records.read("processes")
    assert [(row["seed"], row["processes"], row["test_total"]) for row in rows] == [(0, 1, 10_000), (0, 3, 10_000)]
    alone, several = (" ".join(command) for command in called)
    assert alone.startswith("env OMP_NUM_THREADS=2")
    assert "torch.distributed.run" not in alone
    assert "-m torch.distributed.run --nproc-per-node 3 -m mnistlab train quick --seed 0 --json" in several


@pytest.mark.parametrize("name", own_corruptions.OWN)
def test_our_own_corruptions_are_none_of_the_fifteen_and_the_same_each_time(name: str, data_dir: Path) -> None:
    images = open_dataset("mnist", data_dir).read("train")[0][:16]
    changed = own_corruptions.changed(images, name)
    assert name not in CORRUPTIONS
    assert changed.shape == (16, 1, 28, 28)
    assert 0 <= changed.min() < changed.max() <= 255
    assert torch.equal(changed, own_corruptions.changed(images, name))
    assert not torch.equal(changed, torch.tensor(images).unsqueeze(1).float())


def few_images(split: Split, *, data_dir: Path, **options: Any) -> MNISTDataLoader:
    return MNISTDataLoader(split, dataset=few_of_mnist(data_dir), **options)


@pytest.mark.usefixtures("no_drawing")
def test_the_race_goes_on_where_it_was_stopped(
    results: Path, tiny_quick: None, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_epoch = canonical.Canonical.batches
    monkeypatch.setattr(canonical.Canonical, "batches", lambda self: whole_epoch(self, 2))
    monkeypatch.setattr(time_to_accuracy, "MOST_EPOCHS", 1)
    monkeypatch.setattr(time_to_accuracy, "MNISTDataLoader", few_images)  # the canonical network is slow
    run_quick = time_to_accuracy.train_quick

    def stopped(seed: int, *rest: Any) -> dict[str, Any]:
        if seed == 1:
            raise KeyboardInterrupt
        return run_quick(seed, *rest)

    options = ("--seeds", 2, "--runs", tmp_path / "runs", "--data-dir", data_dir, "--record", "--json")
    with monkeypatch.context() as patched:
        patched.setattr(time_to_accuracy, "train_quick", stopped)
        assert call(time_to_accuracy.main, *options).exit_code != 0
    assert records.read("time_to_accuracy") == []
    told = call(time_to_accuracy.main, *options)

    assert told.exit_code == 0, told.output
    assert "Going on after 1 epochs and 1 seeds." in told.stderr
    (row,) = records.read("time_to_accuracy")
    assert row["sittings"] == 2
    assert [quick["seed"] for quick in row["quick"]] == [0, 1]
    assert len(row["canonical_epochs"]) == 1
    facts = json.loads(told.stdout)
    assert facts["quick_seeds"] == 2
    assert facts["canonical_seconds"] is None  # two batches do not reach 99 %
    assert "not reached" in time_to_accuracy.table(facts)


def test_the_fast_race_wants_a_full_one_first(results: Path, data_dir: Path, tmp_path: Path) -> None:
    told = call(time_to_accuracy.main, "--fast", "--runs", tmp_path, "--data-dir", data_dir)

    assert told.exit_code == 2
    assert "Run it once without --fast." in told.output


def test_the_canonical_network_is_the_authors() -> None:
    assert sum(p.numel() for p in canonical.Net().parameters()) == 1_199_882


def test_the_canonical_example_resumed_after_an_epoch_is_the_one_never_stopped(data_dir: Path) -> None:
    def begin() -> canonical.Canonical:
        made = canonical.Canonical(data_dir)
        made.loader = DataLoader(Subset(made.loader.dataset, range(128)), batch_size=canonical.BATCH_SIZE)
        return made

    def train_epoch(example: canonical.Canonical) -> None:
        assert len(list(example.batches())) == 2

    straight, first, resumed = begin(), begin(), begin()
    train_epoch(straight)
    torch.manual_seed(9)  # what runs between two epochs draws too
    train_epoch(straight)
    train_epoch(first)
    resumed.load_state_dict(first.state_dict())
    torch.manual_seed(10)
    train_epoch(resumed)

    expected = straight.model.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in resumed.model.state_dict().items())


class Products(TorchDispatchMode):
    """Notes the dtype of each product of two square matrices of `side`."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side, self.dtypes = side, set[torch.dtype]()

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        made = function(*arguments, **(named or {}))
        if function is torch.ops.aten.mm.default and arguments[0].shape == arguments[1].shape == (self.side, self.side):
            self.dtypes.add(made.dtype)
        return made


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_a_step_is_measured_in_all_its_parts_against_the_peak_of_its_precision(
    precision: str, dtype: torch.dtype, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = TINY.override(precision=precision, batch_size=8, steps=40, shift=1.0)
    ticks = itertools.count()
    clock = SimpleNamespace(perf_counter=lambda: float(next(ticks)))  # a second passes between two readings
    monkeypatch.setattr(step, "time", clock)
    monkeypatch.setattr(step, "SIDE", 96)
    with Products(96) as products:
        row = step.measure(recipe, data_dir, 40)

    assert products.dtypes == {dtype}
    assert row["precision"] == precision
    assert row["milliseconds"] == {**dict.fromkeys(step.PARTS, 1000), "step": 4000, "augmentation": 1000}
    assert row["augmentation_share"] == 0.25
    convolution, linear = 14 * 14 * 4 * 9, 14 * 14 * 4 * 10
    done = 2 * 8 * (2 * convolution + 3 * linear)
    assert row["fraction_of_peak"] == round(done / 4 / (2 * 96**3), 4)
    assert row["training_seconds"] == 4 * 40


def test_the_steps_of_an_ensemble_are_not_measured() -> None:
    result = CliRunner().invoke(step.main, ["ensemble"])
    assert result.exit_code == 2
    assert "No recipe of one network is called 'ensemble': choose from default, quick, best," in result.output
