from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.errors import rounded
from mnistlab.messages.sentences import counted, place


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [(0, "run", "0 runs"), (1, "run", "1 run"), (2, "run", "2 runs"), (10_000, "image", "10,000 images"),
     (1, "class", "1 class"), (10, "class", "10 classes")],
)  # fmt: skip
def test_one_has_no_plural(count: int, noun: str, text: str) -> None:
    assert counted(count, noun) == text


def test_the_current_folder_is_no_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    assert place(Path(".")) == place(Path("./")) == "the current folder"  # noqa: PTH201 - as it is typed
    assert place(Path("..")) == str(tmp_path.resolve())
    assert place(Path("a/b.c")) == str(Path("a/b.c"))


@given(st.floats(0, 1), st.integers(1, 6))
def test_rounding_never_makes_certain(probability: float, digits: int) -> None:
    shown = rounded(probability, digits)
    assert 0 <= shown < 1
    assert shown == round(probability, digits) or shown == float("0." + "9" * digits)


def test_what_is_almost_certain_is_said_to_be_almost_certain() -> None:
    assert [rounded(p, 4) for p in (0.5, 0.98764, 0.99984, 0.99996, 1.0)] == [0.5, 0.9876, 0.9998, 0.9999, 0.9999]
    assert [rounded(p, 2) for p in (0.994, 0.996, 1.0)] == [0.99, 0.99, 0.99]
