from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.scans import make_scans


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the command is run, with scans/: 2026, 20, nothing at all, 26, and some text."""
    folder = tmp_path / "here"
    make_scans(folder / "scans")
    monkeypatch.chdir(folder)
    return folder
