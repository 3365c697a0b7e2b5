from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.errors import UserError
from mnistlab.runs.run import Run
from tests.support.run_folders import ENVIRONMENT, RECIPE, change_config, make_run, metrics_row, write_test


def test_open_gives_back_what_was_created(tmp_path: Path) -> None:
    run = make_run(tmp_path, dataset="fashion", seed=2**32 - 1)

    assert Run.open(run.path) == run
    assert Run.open(run.path).environment == ENVIRONMENT


@pytest.mark.parametrize(
    "text", ["[]", "{", "null", "{}", '{"device": "cpu", "device_title": "x", "precision": "fp32", "threads": 0}']
)
def test_a_damaged_environment_is_refused(tmp_path: Path, text: str) -> None:
    run = make_run(tmp_path)
    (run.path / "environment.json").write_text(text)

    with pytest.raises(UserError, match=r"environment\.json") as caught:
        _ = run.environment
    assert "None" not in str(caught.value)


# where the data is


def test_the_data_folder_of_another_machine_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    run = make_run(tmp_path / "runs")
    for data_dir in (r"C:\Users\Łukasz\data", "/no/such/data", "a/b", "\0"):
        change_config(run.path, data_dir=data_dir)
        caplog.clear()

        assert Run.open(run.path).find_data() == Path("data")
        assert len(caplog.records) == 1
        assert f"{data_dir}, is not on this computer: the folder named data is used instead" in caplog.text
        assert "name another folder with --data-dir" in caplog.records[0].msg.for_command_line()
        assert Run.open(run.path).find_data("mine") == Path("mine")
        assert len(caplog.records) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_the_data_folder_is_where_it_was(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = make_run(tmp_path / "runs")
    (tmp_path / "data").mkdir()
    change_config(run.path, data_dir=str(tmp_path / "data"))

    assert Run.open(run.path).find_data() == tmp_path / "data"
    change_config(run.path, data_dir="/no/such/data", dataset=str(tmp_path))  # pictures are found without it
    assert Run.open(run.path).find_data() == Path("data")
    assert caplog.records == []


# metrics and test


def test_metrics_come_back_row_by_row(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    rows = [metrics_row(1), metrics_row(2)]
    for row in rows:
        run.append_metrics(row)

    assert run.metrics == rows
    assert len((run.path / "metrics.jsonl").read_text().splitlines()) == 2


def test_there_are_no_metrics_before_the_first_epoch(tmp_path: Path) -> None:
    assert make_run(tmp_path).metrics == []


@given(cut=st.integers(1, 60))
@settings(max_examples=30)
def test_a_line_cut_short_by_a_crash_is_left_out(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    run = make_run(tmp_path_factory.mktemp("runs"))
    run.append_metrics(metrics_row(1))
    whole = (run.path / "metrics.jsonl").read_text()
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write(whole[: min(cut, len(whole) - 2)])

    assert run.metrics == [metrics_row(1)]


def test_metrics_written_anew_replace_the_old_and_a_broken_last_line(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    for epoch in (1, 2, 3):
        run.append_metrics(metrics_row(epoch))
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 4, "st')

    run.write_metrics([metrics_row(1)])
    run.append_metrics(metrics_row(2))

    assert run.metrics == [metrics_row(1), metrics_row(2)]


def test_a_run_that_was_not_tested_has_no_test(tmp_path: Path) -> None:
    assert make_run(tmp_path).test is None


def test_the_test_comes_back(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    write_test(run, [3, 5])

    assert run.test == {"correct": 98, "total": 100, "mistakes": [{"index": 3}, {"index": 5}]}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"correct": 1, "total": 2}'])
def test_a_damaged_test_is_refused_with_the_command_that_mends_it(tmp_path: Path, text: str) -> None:
    run = make_run(tmp_path)
    (run.path / "test.json").write_text(text)

    with pytest.raises(UserError, match=r"test\.json.*mnistlab.evaluate_run"):
        _ = run.test


def test_the_summary_of_a_finished_run(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    for epoch in (1, 2, 3):
        run.append_metrics(metrics_row(epoch))
    write_test(run, [1, 2])

    assert run.summary() == {
        "run": str(run.path),
        "created": run.created.isoformat(),
        "kind": "single",
        "recipe": "two-conv",
        "recipe_changed": ["widths", "epochs"],
        "dataset": "mnist",
        "seed": 7,
        "epochs": [3, 3],
        "validation": "val",
        "val_accuracy": 0.93,
        "test_accuracy": 0.98,
        "seconds": 3.0,
    }


def test_the_summary_of_a_run_that_has_just_begun(tmp_path: Path) -> None:
    summary = make_run(tmp_path).summary()

    assert summary["epochs"] == [0, 3]
    assert summary["val_accuracy"] is summary["test_accuracy"] is summary["seconds"] is None
    json.dumps(summary, allow_nan=False)


def test_a_run_tells_how_it_is_to_be_finished(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    assert (run.is_finished, run.is_being_trained) == (False, False)
    assert run.how_to_finish == "remedies.finish_run"
    with run.lock():
        assert run.is_being_trained
        assert run.how_to_finish == "remedies.wait_for_training"
    assert not run.is_being_trained
    for epoch in range(1, RECIPE.epochs + 1):
        run.append_metrics(metrics_row(epoch))
    assert run.is_finished


# the run as a whole


def test_a_run_folder_can_be_moved(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    moved = Path(shutil.move(run.path, tmp_path / "elsewhere"))

    assert dataclasses.replace(Run.open(moved), path=run.path) == run
