from __future__ import annotations

from pathlib import Path

import pytest

from mnistlab.messages.sentences import counted, place, sentence


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
    assert place(Path(), "fr") == "le dossier courant"
    assert place(Path("..")) == str(tmp_path.resolve())
    assert place(Path("a/b.c")) == str(Path("a/b.c"))
    said = [sentence("data.too_few_classes", "message", {"train": path, "count": 1}) for path in (".", "a")]
    assert [text.partition(" has")[0] for text in said] == ["The current folder", "a"]
