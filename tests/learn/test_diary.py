"""The diary: what is written is read again, and nothing that a learner wrote is ever lost."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.errors import UserError
from mnistlab.learn.diary import Entry, best_accuracy, draw_accuracies, read_diary, solved, write_down


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write_down(day="day3", solved=["side"], folder=tmp_path)
    write_down(day="day3", accuracy=0.9871, folder=tmp_path)
    write_down(note="Une convolution,\n  c'est une somme.", folder=tmp_path)
    today = datetime.datetime.now().astimezone().date().isoformat()
    entries = read_diary(tmp_path)
    assert entries == [
        Entry(today, "day3", ("side",)), Entry(today, "day3", accuracy=0.9871),
        Entry(today, note="Une convolution, c'est une somme."),
    ]  # fmt: skip
    assert (solved(entries, "day3"), solved(entries, "day1"), best_accuracy(entries, "day3")) == (
        {"side"},
        set(),
        0.9871,
    )
    assert [path.name for path in tmp_path.iterdir()] == ["diary.json"]


@pytest.mark.parametrize("accuracy", [np.float32(0.5), torch.tensor(0.5), 0.5, 1, 0])
def test_an_accuracy_may_be_a_number_of_any_library(accuracy: float, tmp_path: Path) -> None:
    write_down(day="day3", accuracy=accuracy, folder=tmp_path)
    assert read_diary(tmp_path)[0].accuracy == float(accuracy)


def test_what_cannot_be_written_down_is_named_in_the_learners_language(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^Accuracy 98\.7 is out of range\. Choose a number from 0 to 1\.$"):
        write_down(accuracy=98.7, folder=tmp_path, language="en")
    with pytest.raises(UserError, match=r"^L'exactitude nan est hors limites\. Choisissez une valeur de 0 à 1\.$"):
        write_down(accuracy=float("nan"), folder=tmp_path, language="fr")
    with pytest.raises(UserError, match="Il n'y a pas de jour 'day9'"):
        write_down(day="day9", folder=tmp_path, language="fr")
    (tmp_path / "a").write_text("")
    with pytest.raises(UserError, match="est un fichier, pas un dossier"):
        write_down(note="x", folder=tmp_path / "a" / "b", language="fr")
    assert not (tmp_path / "diary.json").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"\xff\xfe", b"[]", b"3", b'{"entries": 3}', b'{"entries": [3]}', b'{"entries": [{}]}', b"[" * 10_000,
        b'{"entries": [{"date": "yesterday"}]}', b'{"entries": [{"date": "2026-11-26", "accuracy": 98}]}',
        b'{"entries": [{"date": "2026-11-26", "solved": [1]}]}', b'{"entries": [{"date": "2026-11-26", "accuracy": "x"}]}',
        b'{"entries": [{"date": "2026-11-26", "mood": "good"}]}', b'{"entries": [{"date": 20261126}]}',
    ],
)  # fmt: skip
def test_a_damaged_diary_is_kept_and_a_new_one_begun(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    diary, kept = tmp_path / "diary.json", tmp_path / "diary.json.damaged"
    diary.write_bytes(content)
    write_down(note="x", folder=tmp_path, language="fr")
    said = capsys.readouterr().err.replace("\N{NO-BREAK SPACE}", " ")
    new = "la prochaine entrée commencera un nouveau journal"
    assert said == f"Attention : {diary} est endommagé. Il a été conservé sous le nom {kept} ; {new}.\n"
    assert kept.read_bytes() == content
    assert [entry.note for entry in read_diary(tmp_path)] == ["x"]
    diary.write_bytes(content)
    assert read_diary(tmp_path, language="en") == []
    assert (tmp_path / "diary.json.damaged1").read_bytes() == kept.read_bytes() == content
    assert capsys.readouterr().err.startswith("Warning: ")


def test_a_diary_that_is_a_folder_is_named_and_stays(tmp_path: Path) -> None:
    (tmp_path / "diary.json").mkdir()
    with pytest.raises(UserError, match=r"diary\.json cannot be read: it is a folder"):
        write_down(note="x", folder=tmp_path, language="en")


@settings(max_examples=30)
@given(st.text(), st.floats(0, 1), st.lists(st.text(min_size=1)))
def test_every_line_is_read_as_it_was_written(note: str, accuracy: float, names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_down(note=note, accuracy=accuracy, solved=names, folder=folder)
        (entry,) = read_diary(folder)
    assert (entry.note, entry.accuracy, entry.solved) == (" ".join(note.split()), accuracy, tuple(names))


def test_accuracies_are_drawn_as_far_apart_as_their_errors() -> None:
    entries = [Entry("2026-11-26", "day3", accuracy=each) for each in (0.0, 0.9, 0.99, 0.999, 1.0)]
    axis, *rows = draw_accuracies([*entries, Entry("2026-11-26", note="x")], "fr", block="#")
    bars = [row.count("#") for row in rows]
    assert bars == [0, 10, 20, 30, 34]
    ends = [row.rindex("#") + 1 for row in rows[1:]]
    assert [axis.index(each) for each in ("90", "99 ", "99,9")] == ends[:3]
    assert rows[1].replace("\N{NO-BREAK SPACE}", " ").startswith("  2026-11-26  day3   90,00 % #")
    assert draw_accuracies([Entry("2026-11-26", note="x")], "en") == []
