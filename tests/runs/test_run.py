from __future__ import annotations

import dataclasses
import datetime
import errno
import fcntl
import json
import math
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.errors import StorageFailure, UserError
from mnistlab.evaluation.comparison import compare_runs
from mnistlab.recipes.catalog import RECIPES
from mnistlab.recipes.recipe import Recipe
from mnistlab.runs.run import Run
from mnistlab.runs.store import begin_run, create_run, delete_run, find_model, find_run, list_runs

RECIPE = RECIPES["two-conv"].override(epochs=3, widths=(4, 8))
ENVIRONMENT = {"device": "cpu", "device_title": "Abacus", "precision": "fp32", "threads": 2}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def make_run(runs_dir: Path, recipe: Recipe = RECIPE, dataset: str = "mnist", seed: int = 7) -> Run:
    return create_run(runs_dir, recipe, dataset, Path("/somewhere/data"), seed, ENVIRONMENT)


def metrics_row(epoch: int) -> dict[str, Any]:
    accuracy = 0.9 + epoch / 100
    losses = {"train_loss": 1 / epoch, "val_loss": 1 / epoch}
    return {"epoch": epoch, "step": 10 * epoch, **losses, "val_accuracy": accuracy, "seconds": float(epoch)}


def write_test(run: Run, wrong: list[int], total: int = 100) -> None:
    mistakes = [{"index": index} for index in wrong]
    run.write_test({"correct": total - len(wrong), "total": total, "mistakes": mistakes})


def exact_mcnemar(first: int, second: int) -> float:
    """Two-sided exact binomial p-value by its definition."""
    total = first + second
    tail = sum(math.comb(total, k) for k in range(min(first, second) + 1)) / 2**total
    return min(1.0, 2 * tail)


# making and opening


def test_a_new_run_holds_config_and_environment_and_nothing_else_is_left(tmp_path: Path) -> None:
    run = make_run(tmp_path / "deep" / "runs")

    assert sorted(p.name for p in run.path.iterdir()) == ["config.json", "environment.json"]
    assert [p.name for p in run.path.parent.iterdir()] == [run.path.name]
    assert json.loads((run.path / "environment.json").read_text()) == ENVIRONMENT


def test_the_folder_is_named_by_time_recipe_and_seed(tmp_path: Path) -> None:
    before = datetime.datetime.now().astimezone().replace(microsecond=0)
    run = make_run(tmp_path, seed=41)

    assert run.path.name == f"{run.created:%Y%m%d-%H%M%S}-two-conv-seed41"
    assert before <= run.created <= datetime.datetime.now().astimezone()


def test_open_gives_back_what_was_created(tmp_path: Path) -> None:
    run = make_run(tmp_path, dataset="fashion", seed=2**32 - 1)

    assert Run.open(run.path) == run
    assert Run.open(run.path).environment == ENVIRONMENT


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_survives_config_json(tmp_path: Path, name: str) -> None:
    assert Run.open(make_run(tmp_path, RECIPES[name]).path).recipe == RECIPES[name]


def test_runs_of_the_same_second_get_names_of_their_own(tmp_path: Path) -> None:
    runs = [make_run(tmp_path) for _ in range(2)]
    while runs[-1].created != runs[-2].created:  # the clock ticked between the two
        runs.append(make_run(tmp_path))

    assert runs[-1].path.name.startswith(f"{runs[-2].path.name.removesuffix('-2')}-")
    assert len({run.path for run in runs}) == len(runs)


def test_runs_made_at_once_by_many_threads_do_not_collide(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda seed: make_run(tmp_path, seed=0), range(24)))

    assert len({run.path for run in runs}) == 24
    assert sorted(tmp_path.iterdir()) == sorted(run.path for run in runs)
    assert all(Run.open(run.path) == run for run in runs)


def test_a_runs_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(UserError, match="is a file, not a folder"):
        make_run(tmp_path / "file" / "runs")
    assert (tmp_path / "file").read_text() == "not a folder"


def test_a_folder_without_config_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"not a run folder: it has no config\.json"):
        Run.open(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '"text"', "\x00\x01", '{"version": 1}'])
def test_a_damaged_config_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)

    with pytest.raises(UserError, match=r"config\.json"):
        Run.open(tmp_path)


def test_a_config_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b'{"version": "\xff\xfe"}')

    with pytest.raises(UserError, match=r"config\.json cannot be read"):
        Run.open(tmp_path)


def test_a_config_of_another_version_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    change_config(run.path, version=4)

    with pytest.raises(UserError, match="another mnistlab"):
        Run.open(run.path)


def change_config(folder: Path, **values: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("created", "2026-13-01T00:00:00+00:00", "created is '2026-13-01T00:00:00+00:00'."),
        ("created", 5, "created is 5."),
        ("seed", "one", "seed is 'one'."),
        ("members", 3, "members is 3."),
        ("recipe", [], "recipe is []."),
    ],
)
def test_a_damaged_field_of_config_is_named_with_its_value(tmp_path: Path, field: str, value: Any, words: str) -> None:
    run = make_run(tmp_path)
    change_config(run.path, **{field: value})
    with pytest.raises(UserError) as caught:
        Run.open(run.path)
    assert caught.value.message == f"{run.path / 'config.json'} is damaged: {words}"


@pytest.mark.parametrize("field", ["version", "kind", "recipe", "dataset", "data_dir", "seed", "created"])
def test_a_field_that_config_lacks_is_named(tmp_path: Path, field: str) -> None:
    run = make_run(tmp_path)
    config = json.loads((run.path / "config.json").read_text())
    del config[field]
    (run.path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError) as caught:
        Run.open(run.path)
    assert caught.value.message == f"{run.path / 'config.json'} is damaged: {field} is missing."


@given(cut=st.integers(0, 400))
@settings(max_examples=40)
def test_a_config_cut_short_anywhere_is_refused(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    run = make_run(tmp_path_factory.mktemp("runs"))
    text = (run.path / "config.json").read_text()
    (run.path / "config.json").write_text(text[: cut % (len(text) - 2)])

    with pytest.raises(UserError, match=r"config\.json"):
        Run.open(run.path)


@given(key=st.sampled_from(["created", "seed", "version", "dataset"]), value=json_values)
@settings(max_examples=60)
def test_a_wrong_value_in_config_is_an_error_or_readable(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: Any
) -> None:
    run = make_run(tmp_path_factory.mktemp("runs"))
    change_config(run.path, **{key: value})

    try:
        opened = Run.open(run.path)
    except UserError as error:
        assert str(run.path) in str(error)  # either outcome is right, a traceback is not
    else:
        split = "train-random" if (key, value) in (("version", 1), ("version", 2)) else "train"
        assert opened.recipe == RECIPE.override(split=split)


@pytest.mark.parametrize("field", ["widths", "epochs", "learning_rate", "nonsense", "precision", "batch_norm"])
def test_a_recipe_out_of_range_in_config_is_refused(tmp_path: Path, field: str) -> None:
    run = make_run(tmp_path)
    change_config(run.path, recipe={**RECIPE.to_dict(), field: -1})

    with pytest.raises(UserError, match=field.replace("_", "[-_]")):
        Run.open(run.path)


@pytest.mark.parametrize("recipe", [[], 5, None, True])
def test_a_recipe_that_is_no_object_is_refused(tmp_path: Path, recipe: Any) -> None:
    run = make_run(tmp_path)
    change_config(run.path, recipe=recipe)

    with pytest.raises(UserError, match=r"config\.json"):
        Run.open(run.path)


def test_an_infinite_seed_in_config_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    change_config(run.path, seed=math.inf)

    with pytest.raises(UserError, match=r"config\.json"):
        Run.open(run.path)


def test_a_config_nested_too_deep_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[" * 100_000)

    with pytest.raises(UserError, match=r"config\.json"):
        Run.open(tmp_path)


@pytest.mark.parametrize(
    "text", ["[]", "{", "null", "{}", '{"device": "cpu", "device_title": "x", "precision": "fp32", "threads": 0}']
)
def test_a_damaged_environment_is_refused(tmp_path: Path, text: str) -> None:
    run = make_run(tmp_path)
    (run.path / "environment.json").write_text(text)

    with pytest.raises(UserError, match=r"environment\.json"):
        _ = run.environment


# finding and listing


def test_a_run_is_found_by_path_by_name_and_as_latest(tmp_path: Path) -> None:
    run = make_run(tmp_path)

    assert find_run(str(run.path), Path("elsewhere")) == run
    assert find_run(run.path.name, tmp_path) == run
    assert find_run("latest", tmp_path) == run


def test_a_run_is_found_by_text_or_path_and_a_run_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path / "runs")
    for name in ("latest", run.path.name, Path(run.path.name), run.path, str(run.path), run):
        for folder in (tmp_path / "runs", str(tmp_path / "runs")):
            assert find_run(name, folder) == run
    assert Run.open(str(run.path)) == run
    assert list(list_runs(str(tmp_path / "runs"))) == [run]
    monkeypatch.chdir(tmp_path)
    assert [found.path for found in list_runs() if isinstance(found, Run)] == [Path("runs", run.path.name)]
    assert find_run("latest").path == Path("runs", run.path.name)


@pytest.mark.parametrize("name", [None, 5, 1.5, ["latest"]])
def test_what_names_no_run_is_refused(name: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="names no run"):
        find_run(name, tmp_path)


def test_a_runs_folder_that_is_no_path_is_refused() -> None:
    for find in (lambda: find_run("latest", None), lambda: [*list_runs(None)]):  # type: ignore[arg-type]
        with pytest.raises(UserError, match=r"^runs_dir None is not a path\."):
            find()


def test_a_models_file_is_its_own_and_a_run_has_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("latest").touch()  # which hides no run
    run = make_run(tmp_path / "runs")
    (tmp_path / "weights.bin").touch()
    for source in (run, "latest", run.path.name, str(run.path), run.path / "model.pth", f"{run.path}/model.pth"):
        assert find_model(source, str(tmp_path / "runs")) == run.path / "model.pth"
    assert find_model(str(tmp_path / "weights.bin")) == tmp_path / "weights.bin"
    assert find_model("none.pt") == Path("none.pt")  # whoever reads it says that it is missing
    with pytest.raises(UserError, match="There is no run 'none'"):
        find_model("none", tmp_path)


def test_latest_goes_by_the_time_of_creation(tmp_path: Path) -> None:
    first, second = make_run(tmp_path), make_run(tmp_path)
    change_config(first.path, created="2099-01-01T00:00:00+00:00")
    change_config(second.path, created="2098-01-01T00:00:00+00:00")

    assert find_run("latest", tmp_path).path == first.path


@pytest.mark.parametrize(
    ("times", "latest"),
    [
        (["2026-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00"], 0),  # not by a clock that was wrong
        (["2026-01-01T12:00:00+02:00", "2026-01-01T11:00:00+00:00"], 1),  # by instants, not as text
        (["2026-01-01T12:00:00-11:00", "2026-01-01T13:00:00+11:00"], 0),
        (["2026-01-01T12:00:00", "2026-01-09T12:00:00+00:00"], 1),  # one without a zone
        (["2026-01-09T12:00:00", "2026-01-01T12:00:00"], 0),
        (["2999-01-02T00:00:00+00:00", "2999-01-01T00:00:00+00:00"], 0),  # there are no others
    ],
)
def test_latest_goes_by_instants_and_leaves_the_future_out(tmp_path: Path, times: list[str], latest: int) -> None:
    runs = [make_run(tmp_path) for _ in times]
    for run, created in zip(runs, times, strict=True):
        change_config(run.path, created=created)

    assert find_run("latest", tmp_path).path == runs[latest].path


def test_runs_are_listed_by_instants(tmp_path: Path) -> None:
    times = ["2026-03-01T09:00:00+09:00", "2026-03-01T02:00:00+00:00", "2026-02-28T20:00:00-05:00"]
    runs = [make_run(tmp_path) for _ in times]
    for run, created in zip(runs, times, strict=True):
        change_config(run.path, created=created)

    assert [run.path for run in list_runs(tmp_path) if isinstance(run, Run)] == [
        runs[0].path, runs[2].path, runs[1].path,
    ]  # fmt: skip


def test_a_time_without_a_zone_is_local(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    change_config(run.path, created="2026-06-01T12:00:00")

    assert Run.open(run.path).created == datetime.datetime(2026, 6, 1, 12).astimezone()
    assert Run.open(run.path).created.tzinfo is not None


def test_latest_leaves_damaged_runs_out(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    (tmp_path / "99991231-235959-broken").mkdir()

    assert find_run("latest", tmp_path) == run


def test_latest_of_an_empty_folder_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"mnistlab.train"):
        find_run("latest", tmp_path)


@pytest.mark.parametrize("name", ["nothing", "", "a/b/c", "../nowhere", "\udcff"])
def test_an_unknown_run_is_named_in_the_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="There is no run") as caught:
        find_run(name, tmp_path)
    assert repr(name) in str(caught.value)


def test_listing_gives_damaged_runs_as_errors_and_passes_over_the_rest(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    (tmp_path / "zzz-damaged").mkdir()
    (tmp_path / "zzz-damaged" / "metrics.jsonl").write_text("")
    (tmp_path / "no-run-at-all").mkdir()
    (tmp_path / ".hidden.tmp").mkdir()
    (tmp_path / "a-file.txt").write_text("")

    good, bad = list_runs(tmp_path)

    assert good == run
    assert isinstance(bad, UserError)
    assert "zzz-damaged" in str(bad)


def test_listing_a_folder_that_is_not_there_gives_nothing(tmp_path: Path) -> None:
    assert list(list_runs(tmp_path / "none")) == []


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
        assert f"{data_dir}, is not here: using the folder data" in caplog.text
        assert "name another with --data-dir" in caplog.records[0].msg.for_command_line()
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


# locks and deletion


def test_a_lock_is_held_once_and_free_again_behind_it(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    with run.lock(), pytest.raises(UserError, match="being trained by another process"), run.lock():
        pass
    with run.lock():
        assert Run.open(run.path) == run


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


def test_a_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    with pytest.raises(ZeroDivisionError), run.lock():
        _ = 1 / 0
    with run.lock():
        assert run.path.exists()


def test_where_files_cannot_be_locked_a_marker_keeps_two_trainings_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", Mock(side_effect=OSError(errno.ENOLCK, "no locks")))
    with begin_run(create_run(tmp_path, RECIPE, "mnist", tmp_path, 7, ENVIRONMENT)) as run:
        remedy = re.escape(f"If there is none, delete {run.path / '.lock-held'}.")
        with pytest.raises(UserError, match=f"being trained by another process.*{remedy}"), run.lock():
            pass
    assert sorted(path.name for path in run.path.iterdir()) == ["config.json", "environment.json"]


def test_a_run_that_cannot_be_locked_is_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", Mock(side_effect=OSError(errno.EIO, "broken disk")))
    with (
        pytest.raises(StorageFailure, match=r"Cannot write .*\.lock: "),
        begin_run(create_run(tmp_path, RECIPE, "mnist", tmp_path, 7, ENVIRONMENT)),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_deleting_leaves_nothing(tmp_path: Path) -> None:
    run, other = make_run(tmp_path), make_run(tmp_path)
    write_test(run, [])
    delete_run(run)

    assert list(tmp_path.iterdir()) == [other.path]
    with pytest.raises(UserError, match="There is no run"):
        find_run(run.path.name, tmp_path)


def test_a_run_that_another_process_trains_is_not_deleted(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    hold = "import sys; from mnistlab.runs.run import Run; from pathlib import Path\n"
    hold += "with Run.open(Path(sys.argv[1])).lock(): print('held', flush=True), sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(run.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(UserError, match="being trained by another process"):
            delete_run(run)
        with pytest.raises(UserError, match="being trained by another process"), run.lock():
            pass
        assert Run.open(run.path) == run
        process.communicate(b"")

    delete_run(run)  # its process has ended
    assert not run.path.exists()


# comparing


def test_runs_are_compared_by_mcnemars_exact_test(tmp_path: Path) -> None:
    first, second = make_run(tmp_path), make_run(tmp_path)
    write_test(first, [0, 50, 51])
    write_test(second, [50, 51, *range(80, 88)])

    comparison = compare_runs(first, second)

    assert (comparison.only_first_wrong, comparison.only_second_wrong, comparison.both_wrong) == (1, 8, 2)
    assert comparison.p_value == pytest.approx(2 * (1 + 9) / 2**9)  # by hand: 0.0390625


@given(wrong=st.tuples(st.sets(st.integers(0, 99), max_size=40), st.sets(st.integers(0, 99), max_size=40)))
@settings(max_examples=40)
def test_the_p_value_is_the_two_sided_binomial_and_symmetric(
    tmp_path_factory: pytest.TempPathFactory, wrong: tuple[set[int], set[int]]
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    first, second = make_run(folder), make_run(folder)
    write_test(first, sorted(wrong[0]))
    write_test(second, sorted(wrong[1]))

    there, back = compare_runs(first, second), compare_runs(second, first)

    expected = exact_mcnemar(len(wrong[0] - wrong[1]), len(wrong[1] - wrong[0]))
    assert there.p_value == pytest.approx(expected) == back.p_value
    assert (there.only_first_wrong, there.only_second_wrong) == (back.only_second_wrong, back.only_first_wrong)
    assert there.both_wrong == back.both_wrong == len(wrong[0] & wrong[1])


def test_runs_are_compared_by_name(tmp_path: Path) -> None:
    first, second = make_run(tmp_path), make_run(tmp_path)
    write_test(first, [1, 2])
    write_test(second, [2])
    for pair in ((first.path.name, second), (str(first.path), "latest"), (first, Path(second.path.name))):
        assert compare_runs(*pair, runs_dir=str(tmp_path)) == compare_runs(first, second)


def test_a_run_compared_with_itself_does_not_differ(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    write_test(run, [1, 2, 3])

    comparison = compare_runs(run, run)

    assert dataclasses.astuple(comparison) == (0, 0, 3, 1.0, None)


def test_runs_on_other_datasets_are_not_compared(tmp_path: Path) -> None:
    first, second = make_run(tmp_path), make_run(tmp_path, dataset="fashion")
    for run in (first, second):
        write_test(run, [1])

    with pytest.raises(UserError, match=r"of mnist.*of fashion"):
        compare_runs(first, second)


def test_runs_with_test_splits_of_other_sizes_are_not_compared(tmp_path: Path) -> None:
    first, second = make_run(tmp_path), make_run(tmp_path)
    write_test(first, [1], total=100)
    write_test(second, [1], total=101)

    with pytest.raises(UserError, match="same dataset"):
        compare_runs(first, second)


def test_a_run_that_was_not_tested_is_not_compared(tmp_path: Path) -> None:
    first, second = make_run(tmp_path), make_run(tmp_path)
    write_test(first, [1])

    with pytest.raises(UserError, match=r"Finish it with mnistlab.resume"):
        compare_runs(first, second)
    for epoch in range(1, RECIPE.epochs + 1):
        second.append_metrics(metrics_row(epoch))
    with pytest.raises(UserError, match=r"Make it with mnistlab.evaluate_run"):
        compare_runs(first, second)


def test_a_run_folder_can_be_moved(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    moved = Path(shutil.move(run.path, tmp_path / "elsewhere"))

    assert dataclasses.replace(Run.open(moved), path=run.path) == run


def test_listing_and_comparing_import_no_torch(tmp_path: Path) -> None:
    first, second = make_run(tmp_path), make_run(tmp_path)
    for run in (first, second):
        write_test(run, [1])
    code = "import sys; from pathlib import Path; from mnistlab.evaluation.comparison import *\n"
    code += "from mnistlab.runs.store import *\n"
    code += "runs = list(list_runs(Path(sys.argv[1]))); compare_runs(*runs); [run.summary() for run in runs]\n"
    code += "print([name for name in ('torch', 'torchvision', 'matplotlib') if name in sys.modules])"
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout == "[]\n"
