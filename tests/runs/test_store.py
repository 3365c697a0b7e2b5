from __future__ import annotations

import datetime
import errno
import fcntl
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from mnistlab.errors import StorageFailure, UserError
from mnistlab.runs.run import Run
from mnistlab.runs.store import begin_run, create_run, delete_run, find_model, find_run, list_runs
from tests.support.run_folders import ENVIRONMENT, RECIPE, change_config, make_run, write_test

# making


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


def test_latest_leaves_damaged_runs_out(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    (tmp_path / "99991231-235959-broken").mkdir()

    assert find_run("latest", tmp_path) == run


def test_latest_of_an_empty_folder_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"mnistlab.train"):
        find_run("latest", tmp_path)


def test_latest_of_damaged_runs_alone_says_what_is_wrong_with_one(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    (run.path / "config.json").write_text("{}")
    with pytest.raises(UserError, match=r"config\.json is damaged"):
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


# what goes and what stays


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


@pytest.mark.parametrize(("number", "kind"), [(errno.EACCES, UserError), (errno.EIO, StorageFailure)])
def test_a_run_that_cannot_be_deleted_is_named(
    number: int, kind: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path)
    monkeypatch.setattr("shutil.rmtree", Mock(side_effect=OSError(number, "broken")))
    with pytest.raises(kind, match=f"^{run.path} cannot be deleted: broken\\."):
        delete_run(run)


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


# imports


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
