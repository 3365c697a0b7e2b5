"""Answers as learners write them: in a file, in a notebook, right, wrong, of another type, or ending in an error."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mnistlab.errors import Interrupted, UserError
from mnistlab.learn.checking import check, judge
from mnistlab.learn.course import exercises, find_day
from mnistlab.learn.diary import read_diary
from mnistlab.learn.exercise import Exercise, Mistake
from mnistlab.learn.language import Text, find_language, typeset

RIGHT = """import torch

side = 12


def convolve(picture, kernel):
    k = len(kernel)
    height, width = picture.shape
    made = torch.zeros(height - k + 1, width - k + 1)
    for row in range(height - k + 1):
        for column in range(width - k + 1):
            made[row, column] = (picture[row : row + k, column : column + k] * kernel).sum()
    return made


def loss_of(logits, label):
    return float(logits.exp().sum().log() - logits[label])
"""


def kinds(answers: dict[str, Any], folder: Path) -> list[str]:
    return [verdict.kind for verdict in check("day3", answers, folder=folder, language="en").verdicts]


def test_a_learners_file_is_judged_and_what_is_solved_stands_in_the_diary_once(tmp_path: Path) -> None:
    (tmp_path / "day3_answers.py").write_text(RIGHT.replace("12", "11"), encoding="utf-8")
    report = check("day3", folder=tmp_path, language="fr")
    assert [verdict.kind for verdict in report.verdicts] == ["hint", "right", "right"]
    assert str(report).startswith("side: Vous avez compté 28 - 5 positions pour le noyau.")
    (tmp_path / "day3_answers.py").write_text(RIGHT, encoding="utf-8")
    for _ in range(2):
        assert repr(check("day3", folder=tmp_path, language="en")) == "side: Right.\nconvolve: Right.\nloss_of: Right."
    assert [entry.solved for entry in read_diary(tmp_path)] == [("convolve", "loss_of"), ("side",)]


def test_a_notebooks_names_are_judged(tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    exec(RIGHT, names)
    assert kinds(names, tmp_path) == ["right"] * 3
    assert kinds({}, tmp_path) == ["unanswered"] * 3


@pytest.mark.parametrize(
    ("source", "key", "says"),
    [
        ("side = = 3\n", "learn.answers_syntax", "line 1"),
        ("side = 12\nside / 0\n", "learn.answers_failed", r"Line 2 of .*: ZeroDivisionError: division by zero\."),
        ("import sys\nsys.exit('bye')\n", "learn.answers_failed", r"Line 2 of .*: SystemExit: bye\."),
        ("\0", "learn.answers_syntax", "line 1"),
        ("compile('\\n= 1', 'b.py', 'exec')", "learn.answers_syntax", r'line 2 of b\.py \("invalid syntax"\)\.'),
    ],
)
def test_a_file_that_does_not_run_is_named_with_its_line(source: str, key: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(source, encoding="utf-8")
    with pytest.raises(UserError, match=says) as caught:
        check("day3", file=tmp_path / "a.py", folder=tmp_path, language="en")
    assert caught.value.key == key
    assert not (tmp_path / "diary.json").exists()


def test_a_file_that_cannot_be_read_is_named_in_the_learners_language(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Le fichier .*day3_answers\.py n'existe pas\."):
        check("day3", folder=tmp_path, language="fr")
    (tmp_path / "day3_answers.py").write_bytes(b"\xff")
    with pytest.raises(UserError, match=r"^Impossible de lire .*\N{NO-BREAK SPACE}: le fichier n'est pas en UTF-8\."):
        check("day3", folder=tmp_path, language="fr")
    with pytest.raises(UserError, match=r"^Il n'y a pas de jour 'day0'\. Choisissez .*day3"):
        check("day0", {}, folder=tmp_path, language="fr")


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_ends_an_answer_that_runs_on_with_its_line(tmp_path: Path) -> None:
    endless = "    for _ in range(100_000): signal.raise_signal(signal.SIGINT)\n"
    for source, says in (
        (
            "import signal\nif True:\n" + endless,
            r"^Interrompu à la ligne 3 de .*a\.py\. Si cette ligne est dans une boucle sans fin",
        ),
        ("import signal\n\n\ndef convolve(picture, kernel):\n" + endless, r"^Interrompu dans convolve, à la ligne 5\."),
    ):
        (tmp_path / "a.py").write_text(f"{source}\nside = 12\n", encoding="utf-8")
        with pytest.raises(Interrupted, match=says) as caught:
            check("day3", file=tmp_path / "a.py", folder=tmp_path, language="fr")
        assert caught.value.exit_code == 130
    assert not (tmp_path / "diary.json").exists()


def test_answers_are_not_checked_without_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnistlab.dependencies.find_missing", list)
    with pytest.raises(UserError, match=r"^Il manque à l'installation\N{NO-BREAK SPACE}: torch\. Complétez l'inst"):
        check("day3", {}, folder=tmp_path, language="fr")


def fails(logits: Any, label: Any) -> Any:
    return {}["missing"]


def needs_two(logits: Any, label: Any) -> Any:
    raise ValueError("give two.")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (fails, r"^Line \d+ fails: KeyError: 'missing'\. Fix that line, and check again\.$"),
        (3, r"^Your answer is 3, not a function\. Begin with `def loss_of\(logits, label\):`"),
        (lambda: 1, r"fails: TypeError: .*takes 0 positional arguments"),
        (lambda logits, label: "2.3", r"^Your function should return a number, but it returns '2\.3'\."),
        (lambda logits, label: logits,
         r"^Your function should return a number, but it returns an array or list of shape \(10,\)\."),
        (needs_two, r"^Line \d+ fails: ValueError: give two\. Fix that line"),
        (lambda logits, label: True, r"^Your function should return a number, but it returns True\."),
        (torch.relu_, r"fails: TypeError"),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_judged_is_told_why(answer: Any, says: str) -> None:
    verdict = judge(exercises(find_day("day3"))[2], answer, "en")
    assert verdict.kind == "unusable"
    assert re.search(says, verdict.text), verdict.text


SUM = Exercise(
    "total", Text("a", "b"), np.cumsum, (
        Mistake(lambda xs: xs, Text("not added", "pas ajouté")), Mistake(lambda xs: np.cumsum(xs)[:-1], Text("short", "court")),
    ),
    Text("think", "pensez"), parameters="xs", cases=lambda: [([1, 2, 3],), ([2.0, 5.0],)],
)  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (lambda xs: [sum(xs[: i + 1]) for i in range(len(xs))], "right", "Right."),
        (lambda xs: torch.tensor(xs).cumsum(0), "right", "Right."),
        (lambda xs: tuple(float(x) for x in np.cumsum(xs)), "right", "Right."),
        (lambda xs: [xs.append(0) or 1, *np.cumsum(xs[:-1])[1:]], "wrong", "think"),
        (list, "hint", "not added"),
        (lambda xs: [sum(xs[: i + 1]) for i in range(len(xs) - 1)], "hint", "short"),
        (lambda xs: [[1, 2], [3]], "unusable", None),
        (lambda xs: np.zeros((3, 3)), "unusable", None),
        (lambda xs: np.cumsum(xs) * 1.01, "wrong", "think"),
        (lambda xs: np.full(len(xs), np.nan), "wrong", "think"),
        (lambda xs: None, "unanswered", "Not answered yet: the function returns nothing."),
        (lambda xs: xs if len(xs) > 2 else None, "unanswered",
         "Not answered yet: for some arguments, the function returns nothing."),
    ],
)  # fmt: skip
def test_lists_arrays_and_tensors_are_the_same_and_a_shape_can_be_a_misunderstanding(
    answer: Any, kind: str, text: str | None
) -> None:
    verdict = judge(SUM, answer, "en")
    assert verdict.kind == kind
    assert text in (None, verdict.text)


def test_a_yes_or_no_a_text_and_a_number_are_told_apart() -> None:
    def asked(right: Any, answer: Any) -> str:
        return judge(Exercise("x", Text("a", "b"), lambda: right, (), Text("c", "d")), answer, "en").kind

    assert [asked(True, answer) for answer in (True, np.True_, torch.tensor(True), False, 1, "True")] == [
        "right", "right", "right", "wrong", "unusable", "unusable",
    ]  # fmt: skip
    assert [asked("val", answer) for answer in ("val", " VAL ", "test", 1)] == ["right", "right", "wrong", "unusable"]
    assert [asked(12, answer) for answer in (12, 12.0, torch.tensor(12), 11, "12", [12])] == [
        "right", "right", "right", "wrong", "unusable", "unusable",
    ]  # fmt: skip
    number = judge(Exercise("x", Text("a", "b"), lambda: "val", (), Text("c", "d")), torch.tensor(0.3), "en")
    assert number.text.startswith("Your answer should be text in quotes, but it is 0.3.")


@pytest.mark.parametrize(
    ("environment", "language"),
    [({"LANG": "fr_CA.UTF-8"}, "fr"), ({"LANG": "de_DE"}, "en"), ({"LC_ALL": "C", "LANG": "fr_FR"}, "en"),
     ({"LC_MESSAGES": "fr_FR@euro", "LANG": "en_US"}, "fr")],
)  # fmt: skip
def test_the_language_is_the_locales(
    environment: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MNISTLAB_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert find_language() == language
    with pytest.raises(
        UserError, match={"en": "no course in the language 'it'", "fr": "dans la langue 'it'"}[language]
    ):
        find_language("it")


def test_french_has_its_spaces_outside_of_code() -> None:
    text = "Ainsi\n: « oui » ; 12 % des 60 000 images !\n\n```python\na = 1 ; b\n```\net `x : y` ?"
    assert typeset(text, "en") == text
    assert typeset(text, "fr").replace("\N{NO-BREAK SPACE}", "~") == (
        "Ainsi~: «~oui~»~; 12~% des 60~000~images~!\n\n```python\na = 1 ; b\n```\net `x : y`~?"
    )
