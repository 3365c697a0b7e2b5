from __future__ import annotations

import errno
import fcntl
import re
from pathlib import Path
from unittest.mock import Mock

import pytest

from mnistlab.errors import UserError
from mnistlab.runs.run import Run
from mnistlab.runs.store import begin_run, create_run
from tests.support.run_folders import ENVIRONMENT, RECIPE, make_run


def test_a_lock_is_held_once_and_free_again_behind_it(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    with run.lock(), pytest.raises(UserError, match="being trained by another process"), run.lock():
        pass
    with run.lock():
        assert Run.open(run.path) == run


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
        remedy = re.escape(f"If it is no longer running, delete {run.path / '.lock-held'}.")
        with pytest.raises(UserError, match=f"being trained by another process.*{remedy}"), run.lock():
            pass
    assert sorted(path.name for path in run.path.iterdir()) == ["config.json", "environment.json"]
