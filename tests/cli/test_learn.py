"""`mnistlab learn` as a learner types it, in both languages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mnistlab.cli.app import run_app
from mnistlab.learn.course import days
from tests.learn.test_checking import RIGHT


@pytest.fixture(autouse=True)
def in_english_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MNISTLAB_LANG")
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")


def said(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    out, err = capsys.readouterr()
    return out.replace("\N{NO-BREAK SPACE}", " "), err.replace("\N{NO-BREAK SPACE}", " ")


def test_a_learner_follows_a_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["learn", "--lang", "fr"]) == 0
    out, _ = said(capsys)
    assert "day3       Le premier classifieur convolutif\n" in out
    assert f"Pour continuer : mnistlab learn {days()[0].name}" in out
    assert "journal" not in out

    assert run_app(["learn", "day3", "--lang", "fr"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["day3.ipynb", "day3.py", "day3_answers.py"]
    assert json.loads((tmp_path / "day3.ipynb").read_text(encoding="utf-8"))["cells"][0]["source"][0].startswith(
        "# Jour 3"
    )
    assert run_app(["learn", "check", "day3", "--lang=fr"]) == 0
    assert said(capsys)[0].count("Pas encore de réponse") == 3

    (tmp_path / "day3_answers.py").write_text(RIGHT, encoding="utf-8")
    assert run_app(["learn", "check", "day3", "--lang", "fr"]) == 0
    assert "Tous les exercices du jour sont résolus." in said(capsys)[0]
    assert run_app(["learn", "note", "C'est une somme.", "--day", "day3"]) == 0
    assert run_app(["learn", "--json"]) == 0
    told = json.loads(said(capsys)[0].splitlines()[-1])
    (row,) = [row for row in told["days"] if row["day"] == "day3"]
    assert (row["solved"], row["exercises"], row["title"]) == (3, 3, "The first convolutional classifier")
    assert [entry["note"] for entry in told["diary"]] == ["", "C'est une somme."]
    assert run_app(["learn"]) == 0
    out = said(capsys)[0]
    assert "day3  3/3  The first" in out
    assert "day3  C'est une somme.\n" in out


def test_proposed_commands_speak_the_same_language_and_find_the_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_app(["learn", "day1", "--out", "my course"]) == 0
    answers = Path("my course", "day1_answers.py")
    assert said(capsys)[0].endswith(f"When you have answered: mnistlab learn check day1 --file '{answers}'\n")
    assert "`mnistlab learn check day1`" in Path("my course", "day1.py").read_text(encoding="utf-8")
    monkeypatch.setenv("MNISTLAB_LANG", "fr")
    assert run_app(["learn", "day1", "--lang", "en"]) == 0
    assert said(capsys)[0].endswith("When you have answered: mnistlab learn check day1 --lang en\n")
    assert "`mnistlab learn check day1 --lang en`" in Path("day1.py").read_text(encoding="utf-8")
    assert run_app(["learn"]) == 0
    assert "Pour continuer : mnistlab learn day1 --lang fr" in said(capsys)[0]


def test_work_that_is_there_is_never_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "day3_answers.py").write_text("side = 12\n", encoding="utf-8")
    assert run_app(["learn", "day3", "--out", "course", "--json"]) == 0
    told = json.loads(said(capsys)[0])
    assert told["kept"] == [str(Path("course/day3_answers.py"))]
    assert len(told["written"]) == 2
    assert (tmp_path / "course" / "day3_answers.py").read_text(encoding="utf-8") == "side = 12\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["day8"], "error: There is no day 'day8'. Choose "),
        (["day8", "--lang", "fr"], "erreur : Il n'y a pas de jour 'day8'. Choisissez "),
        (["--lang", "fr", "day8"], "erreur : Il n'y a pas de jour 'day8'. Choisissez "),
        (["check", "day8", "--lang", "fr"], "erreur : Il n'y a pas de jour 'day8'. Choisissez "),
        (
            ["check", "day3", "--lang", "fr"],
            "erreur : Le fichier day3_answers.py n'existe pas. Indiquez le fichier de vos réponses avec --file FICHIER.py, ou"
            " créez-en un : mnistlab learn day3 --lang fr",
        ),
        (
            ["check", "day3"],
            "error: There is no file day3_answers.py. Use --file FILE.py to name the file with your answers, or make a new one:"
            " mnistlab learn day3",
        ),
        (["chek"], "error: There is no day 'chek'. Choose day1, day2, day3, day4, day5, day6, day7, check or note."),
        (["check"], "error: Missing argument DAY. See: "),
        (["check", "--lang", "fr"], "erreur : Il manque l'argument DAY. Voir : "),
        (["note", "--lang=fr"], "erreur : Il manque l'argument TEXT. Voir : "),
        (["check", "day3", "day4", "--lang", "fr"], "erreur : Il y a des arguments en trop : day4. Voir : "),
        (["--nope", "--lang", "fr"], "erreur : L'option --nope n'existe pas. Voir : "),
        (["--lang", "fr", "day3", "--nope"], "erreur : L'option --nope n'existe pas. Voir : "),
        (["day3", "--lang", "fr", "--out"], "erreur : L'option --out demande une valeur. Voir : "),
        (["day3", "--lang", "fr", "--json=1"], "erreur : L'option --json ne prend pas de valeur. Voir : "),
        (["--lang=fr", "note", "x", "--day"], "erreur : L'option --day demande une valeur. Voir : "),
        (["--lang", "it"], "error: There is no course in the language 'it'. Choose 'en' or 'fr'."),
        (["day3", "--lang", "it"], "error: There is no course in the language 'it'. Choose 'en' or 'fr'."),
        (["note", " ", "--lang", "fr"], "erreur : La note est vide."),
        (["note", "x", "--day", "day8"], "error: There is no day 'day8'."),
        (["day3", "--out", "a-file", "--lang", "fr"], "erreur : a-file est un fichier, pas un dossier."),
        (["check", "day3", "--file", "."], "error: . cannot be read: it is a folder."),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence_in_the_learners_language(
    arguments: list[str], error: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a-file").write_text("")
    assert run_app(["learn", *arguments]) == 2
    out, err = said(capsys)
    assert (out, err.count("\n"), err[: len(error)]) == ("", 1, error)
    assert [path.name for path in tmp_path.iterdir()] == ["a-file"]


def test_click_speaks_to_no_learner_in_english(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    commands = [[], ["check"], ["note"], *([day.name] for day in days())]
    for command in commands:
        for wrong in (["--nope"], ["-x"], ["--json=1"], ["--lang"], ["a", "b", "c"], ["--file"]):
            assert run_app(["learn", *command, *wrong]) == 2
            out, err = said(capsys)
            assert (out, err.count("\n")) == ("", 1)
            assert re.match(
                r"erreur : (L'option -|Il manque l'argument |Il y a des arguments en trop : |Il n'y a pas de jour )",
                err,
            )
            assert re.search(r" Voir : .* --help$| Choisissez ", err)


def test_a_diary_that_cannot_be_used_is_named_in_the_learners_language(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "diary.json").mkdir()
    for command in ([], ["note", "x"]):
        assert run_app(["learn", *command, "--lang", "fr"]) == 2
        assert said(capsys)[1].startswith("erreur : Impossible de lire diary.json : c'est un dossier.")
    (tmp_path / "diary.json").rmdir()
    (tmp_path / "diary.json").write_text("{", encoding="utf-8")
    assert run_app(["learn", "--lang", "fr"]) == 0
    assert said(capsys)[1].startswith("Attention : diary.json est endommagé.")


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_ends_an_answer_that_runs_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "day3_answers.py").write_text(
        "import signal\nfor _ in range(100_000): signal.raise_signal(signal.SIGINT)\n", encoding="utf-8"
    )
    assert run_app(["learn", "check", "day3", "--lang", "fr"]) == 130
    out, err = said(capsys)
    assert out == ""
    assert err == (
        "erreur : Interrompu à la ligne 2 de day3_answers.py. Si cette ligne est dans une boucle sans fin,"
        " corrigez la boucle, puis vérifiez de nouveau.\n"
    )


def test_the_exit_code_tells_an_answer_that_cannot_be_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "day3_answers.py").write_text("print('mine')\nside = '12'\n", encoding="utf-8")
    assert run_app(["learn", "check", "day3", "--json"]) == 2
    out, err = said(capsys)
    assert err == "mine\n"
    first, *_ = json.loads(out)["verdicts"]
    assert (first["kind"], first["text"]) == (
        "unusable", "Your answer should be a whole number, but it is '12'. Change what comes after the equals sign.",
    )  # fmt: skip
