"""The command line in French."""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from mnistlab.cli.app import COMMANDS, app, run_app
from mnistlab.cli.help import TABLES
from mnistlab.cli.output import StandardErrorHandler, print_checks
from mnistlab.cli.runs import print_by_day
from mnistlab.cli.training_options import SECTIONS
from mnistlab.cli.words import ask
from mnistlab.doctor.examination import Check
from mnistlab.learn.course import days
from mnistlab.messages.sentences import Clause, french_texts, messages
from mnistlab.recipes.catalog import PAPER_RECIPES
from mnistlab.recipes.settings import explanations

COMMAND = str(Path(sys.executable).parent / "mnistlab")


@pytest.fixture(autouse=True)
def in_french_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MNISTLAB_LANG", "fr")


def said(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """Standard output and standard error, with ordinary spaces and the name of the command as users have it."""
    out, err = (re.sub("[\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]", " ", text) for text in capsys.readouterr())
    return out, re.sub(r"Voir : (python -m )?\S+ ", "Voir : mnistlab ", err)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["read", "no.png"], "Le fichier no.png n'existe pas. Vérifiez le chemin."),
        (["read", "a-file"], "a-file est vide (0 octet). Refaites l'enregistrement, la copie ou l'envoi."),
        (["read", "."], "Il n'y a aucune image dans le dossier courant. Le nom d'une image doit se terminer par "),
        (["read"], "Il manque l'argument IMAGES. Voir : mnistlab read --help"),
        (["read", "x", "--threshold", "0,5"], "--threshold : '0,5' n'est pas un nombre (qui s'écrit avec un point, "),
        (["read", "x", "--threshold", "1.5"], "Le seuil 1.5 n'est pas une probabilité. Choisissez une valeur de 0 à 1"),
        (["read", "x", "--jobs", "0"], "Le nombre de processus 0 est hors limites. Choisissez une valeur de 1 à "),
        (["read", "x", "--jobs"], "L'option --jobs demande une valeur. Voir : mnistlab "),
        (["read", "x", "--resume=1"], "L'option --resume ne prend pas de valeur. Voir : mnistlab "),
        (["read", "x", "--jbos", "2"], "L'option --jbos n'existe pas. Vouliez-vous dire --jobs, "),
        (["read", "x", "--qqqq"], "L'option --qqqq n'existe pas. Voir : mnistlab read --help"),
        (["raed"], "La commande 'raed' n'existe pas."),
        (["qqqq"], "La commande 'qqqq' n'existe pas. Voir : mnistlab --help"),
        (["train", "quick", "--epochs", "0"], "Recette 'quick' : --epochs doit être entre 1 et 100 000 ; valeur donnée : 0. "),
        (["train", "quick", "--dropout", "2"], "Recette 'quick' : --dropout doit être entre 0 et 0,99 ; valeur donnée : 2. "),
        (["train", "quick", "--epochs", "x"], "--epochs : 'x' n'est pas un nombre entier. Voir : mnistlab "),
        (["train", "--widths", "a"], "--widths : 'a' n'est pas une liste de nombres entiers comme 24,48. Voir : "),
        (["train", "quick", "--resume", "x"],
         "--resume continue l'entraînement tel qu'il a été commencé, et n'admet donc pas RECETTE."),
        (["explain", "x.png", "--example", "3"], "Avec IMAGE, mnistlab ignorerait --example."),
        (["sweep", "--set", "widths=8+a"], "--set : '8+a' n'est pas une liste de nombres entiers comme 24+48."),
        (["train", "finder", "--epochs", "2"], "La recette finder n'a pas l'option --epochs. Voyez les options de cette "),
        (["evaluate", "--split", "x"], "--split : 'x' n'est pas l'une des valeurs val, test. Voir : mnistlab "),
        (["evaluate", "no"], "L'entraînement 'no' n'existe ni comme dossier ni dans runs. Listez les entraînements : "),
        (["evaluate", "--runs", "a-file"], "--runs : 'a-file' est un fichier, pas un dossier. Voir : mnistlab "),
        (["data", "--out", "."], "--out : '.' est un dossier, pas un fichier. Voir : mnistlab data --help"),
        (["data", "--dataset", "qqq"], "Le jeu de données 'qqq' est inconnu. Choisissez parmi mnist, fashion, "),
        (["serve", "--port", "70000"], "--port : 70000 n'est pas compris entre 0 et 65535. Voir : mnistlab serve --help"),
        (["sweep", "default", "--cores", "0"], "--cores : 0 est inférieur à 1. Voir : mnistlab sweep --help"),
        (["serve", "--allow-host", "https://a"], "--allow-host : 'https://a' n'est pas le nom d'un ordinateur."),
        (["runs", "compare", "a"], "Il manque l'argument ENTRAÎNEMENT-B. Voir : mnistlab runs compare --help"),
        (["ensemble", "--data-dir"], "L'option --data-dir demande une valeur. Voir : mnistlab ensemble --help"),
        (["runs", "delete"], "Il manque l'argument ENTRAÎNEMENT. Voir : mnistlab runs delete --help"),
        (["sweep", "default", "--cores", "orange"], "--cores : 'orange' n'est pas un nombre entier. Voir : mnistlab "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_bad_input_gets_one_sentence(
    arguments: list[str], error: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a-file").write_text("")
    assert run_app(arguments) == 2
    out, err = said(capsys)
    assert (out, err.count("\n"), err.removeprefix("erreur : ")[: len(error)]) == ("", 1, error)
    assert [path.name for path in tmp_path.iterdir()] == ["a-file"]


def test_another_language_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MNISTLAB_LANG", "de_DE.UTF-8")
    assert run_app(["runs"]) == 2
    assert said(capsys) == (
        "",
        "error: MNISTLAB_LANG is 'de_DE.UTF-8', which is not a language that mnistlab speaks. "
        "Choose 'en' or 'fr', or leave MNISTLAB_LANG unset.\n",
    )


def test_what_is_read_is_told_in_french_and_json_and_files_stay_english(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scans").mkdir()
    Image.fromarray(np.full((60, 60), 255, np.uint8)).save(tmp_path / "scans" / "blank.png")
    assert run_app(["read", "scans/blank.png"]) == 0
    assert said(capsys) == ("", "scans/blank.png : aucun chiffre trouvé\n")
    (tmp_path / "scans" / "empty.png").write_bytes(b"")
    english = "scans/empty.png is empty (0 bytes). Save, copy or send it again."
    french = "erreur : scans/empty.png est vide (0 octet). Refaites l'enregistrement, la copie ou l'envoi.\n"
    assert run_app(["read", "scans", "--json"]) == 2
    out, err = said(capsys)
    assert ([one["error"] for one in json.loads(out)[1:]], err) == ([english], french)
    assert run_app(["read", "scans", "--to", "out.csv"]) == 2
    assert said(capsys) == ("out.csv : 2 images, 0 chiffre ; 1 image illisible\n", french)
    assert english in (tmp_path / "out.csv").read_text()
    assert run_app(["read", "scans", "--to", "out.csv"]) == 2
    assert said(capsys)[1].startswith("erreur : out.csv a déjà été commencé : out.csv.state ")


def test_warnings_of_the_log_are_in_french(capsys: pytest.CaptureFixture[str]) -> None:
    handler = StandardErrorHandler()
    for level in (logging.INFO, logging.WARNING):
        clause = Clause("runs.data_missing", run="a", data_dir="b", field="data_dir")
        handler.emit(logging.LogRecord("mnistlab", level, "", 1, clause, None, None))
    first, second = said(capsys)[1].splitlines()
    assert first.startswith("b, où se trouvaient les données de l'entraînement a, n'est pas sur cet ordinateur : ")
    assert "--data-dir" in first
    assert second == f"attention : {first}"


def test_the_doctor_speaks_french_and_its_json_english(capsys: pytest.CaptureFixture[str]) -> None:
    seen = Clause("doctor.threads", threads=8, cores=1)
    check = Check(Clause("names.cpu_threads"), "warning", seen)
    other = Check(Clause("names.output"), "problem", Clause("doctor.output_not_finite"))
    print_checks([check, other])
    assert said(capsys)[0].splitlines() == [
        "alerte   threads      8 threads sur 1 cœur",
        "                      -> Supprimez la variable OMP_NUM_THREADS.",
        "problème sortie       valeurs NaN ou infinies",
        "                      -> Refaites l'entraînement avec un taux d'apprentissage plus petit.",
        "",
        "1 problème trouvé.",
    ]
    print_checks([])
    assert said(capsys)[0] == "\nAucun problème trouvé.\n"
    assert check.to_dict() == {
        "name": "threads", "verdict": "warning", "detail": "8 threads on 1 core", "remedy": "Unset OMP_NUM_THREADS.",
    }  # fmt: skip


def test_runs_are_listed_in_french(capsys: pytest.CaptureFixture[str]) -> None:
    row = {
        "created": "2026-11-26T06:19:00+00:00", "recipe": "two-conv", "recipe_changed": True, "dataset": "mnist",
        "kind": "single", "epochs": (1, 1), "seed": 1, "val_accuracy": 0.8129, "test_accuracy": 0.7951,
        "seconds": 1015.3, "run": "runs/run-a",
    }  # fmt: skip
    print_by_day([row, {**row, "seconds": None, "test_accuracy": None}])
    assert said(capsys)[0].splitlines() == [
        "2026-11-26",
        "  heure  recette       données         graine    val %   test %  secondes  entraînement",
        "  06:19  two-conv*     mnist                1    81,29    79,51    1015,3  run-a",
        "  06:19  two-conv*     mnist                1    81,29      1/1         -  run-a",
        "* cette recette diffère de celle qui a le même nom dans mnistlab",
    ]


@pytest.mark.parametrize(
    ("language", "answer", "is_yes"),
    [("fr", "o", True), ("fr", "OUI", True), ("fr", "y", True), ("fr", "n", False), ("fr", "", False), ("en", "y", True),
     ("en", "n", False), ("en", "", False)],
)  # fmt: skip
def test_only_yes_is_yes(
    language: str, answer: str, is_yes: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MNISTLAB_LANG", language)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{answer}\n"))
    with contextlib.nullcontext() if is_yes else pytest.raises(click.Abort):
        ask("cli.confirm_deletion", runs=["a", "b"])
    out, err = said(capsys)
    assert (out, err) == ("", {"fr": "Supprimer a, b ? [o/N] : ", "en": "Delete a, b? [y/N]: "}[language])


@pytest.mark.parametrize(
    ("encoding", "words"),
    [("utf-8", "doit être entre 1 et 100\N{NARROW NO-BREAK SPACE}000\N{NO-BREAK SPACE}; valeur donnée\N{NO-BREAK SPACE}: 0."),
     ("latin-1", "doit être entre 1 et 100 000\N{NO-BREAK SPACE}; valeur donnée\N{NO-BREAK SPACE}: 0."),
     ("cp437", "doit être entre 1 et 100 000\N{NO-BREAK SPACE}; valeur donnée\N{NO-BREAK SPACE}: 0."),
     ("cp1253", "doit etre entre 1 et 100 000\N{NO-BREAK SPACE}; valeur donnee\N{NO-BREAK SPACE}: 0."),
     ("cp866", "doit etre entre 1 et 100 000\N{NO-BREAK SPACE}; valeur donnee\N{NO-BREAK SPACE}: 0.")],
)  # fmt: skip
def test_a_console_that_knows_few_letters_gets_those_without_accents(encoding: str, words: str) -> None:
    arguments = ["train", "quick", "--epochs", "0"]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([COMMAND, *arguments], capture_output=True, check=False, env=environment)
    assert done.returncode == 2
    assert words in done.stderr.decode(encoding)


# the help


def commands(group: click.Group = app, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Each command with the words that call it."""
    yield path, group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


@functools.cache
def every_command() -> list[tuple[tuple[str, ...], click.Command]]:
    """All of them, in English."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MNISTLAB_LANG", "en")
        return list(commands())


def texts_of(command: click.Command) -> Iterator[str]:
    """The English texts of a command's help: paragraphs, option texts, and the defaults that options state themselves."""
    for paragraph in f"{inspect.cleandoc(command.help or '')}\n\n{inspect.cleandoc(command.epilog or '')}".split(
        "\n\n"
    ):
        yield "Examples:" if paragraph.startswith("\b") else " ".join(paragraph.split())
    yield command.short_help or ""
    for param in command.get_params(click.Context(command)):
        if isinstance(param, click.Option):
            said, _, extra = (param.help or "").partition("  [")
            yield said
            yield f"[{extra}" if extra and not re.fullmatch(r"default: [\w.-]+\]", extra) else ""


@pytest.mark.parametrize(
    ("path", "command"), every_command(), ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_each_command_and_option_has_its_french_help(path: tuple[str, ...], command: click.Command) -> None:
    own = {f"{day.title.en}. {day.summary.en}" for day in days()} | {
        day.title.en for day in days()
    }  # which are said in both
    assert [text for text in texts_of(command) if text and text not in french_texts(*TABLES) and text not in own] == []


def test_each_field_of_a_recipe_each_heading_and_each_placeholder_has_its_french() -> None:
    texts = [*explanations().values(), *SECTIONS.values()]
    texts += [text for recipe in PAPER_RECIPES.values() for text in explanations(type(recipe)).values()]
    texts += [line for _, line in COMMANDS.values()]
    assert len(texts) > 50
    assert [text for text in texts if text not in french_texts(*TABLES)] == []
    placeholders = {
        word
        for _, command in every_command()
        for param in command.params
        if not (isinstance(param, click.Option) and param.is_flag)
        for word in re.findall(r"[A-Z]{2,}", param.make_metavar(click.Context(command)))
    }
    known = messages("fr_texts")["metavars"]
    assert sorted(placeholders - set(known)) == []


def test_no_french_text_is_left_of_an_english_one_that_is_gone() -> None:
    said = {text for _, command in every_command() for text in texts_of(command)}
    said |= {*explanations().values(), *SECTIONS.values()}
    said |= {text for recipe in PAPER_RECIPES.values() for text in explanations(type(recipe)).values()}
    said |= {line for _, line in COMMANDS.values()} | {"Usage:", "Options", "Commands", "default:"}
    tables = messages("fr_texts")
    assert sorted(set(tables["help"]) | set(tables["fields"])) == sorted(
        said & (set(tables["help"]) | set(tables["fields"]))
    )


@pytest.mark.parametrize("path", [path for path, _ in every_command()], ids=" ".join)
def test_the_help_is_french(
    path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run_app([*path, "--help"]) == 0
    out, err = said(capsys)
    assert err == ""
    assert out.startswith("Utilisation : ")
    assert "\nOptions :\n" in out
    assert "Affiche cette aide." in out
    prose = re.sub(r"\n  Exemples :\n.*", "", out, flags=re.DOTALL)
    assert max(map(len, prose.splitlines())) <= 80
    assert re.findall(r"\b(the|of|and|with|for|which|default:|is|are|to)\b", re.sub(r"--\w[\w-]*", "", prose)) == []
    assert re.findall(r"[^ ][:;?!%](?= |$)|65,536", prose) == []


def test_a_recipe_is_shown_with_its_values(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["train", "finder", "--help"]) == 0
    out = " ".join(said(capsys)[0].split())
    assert (
        "Les valeurs par défaut sont celles de la recette finder ; pour celles d'une autre recette, voir "
        "`mnistlab train RECETTE --help`. Réseau :" in out
    )
    assert "--height ENTIER Hauteur d'une scène en pixels, multiple de 4. [par défaut : 96 ; entre 48 et 2 048]" in out
    assert "--momentum NOMBRE Premier bêta d'AdamW. [par défaut : 0.9 ; entre 0 et 0.9999]" in out
    assert "default 4 convolutions, 8 époques : le meilleur résultat en une minute 99," in out
    assert run_app(["train", "--help"]) == 0
    out = " ".join(said(capsys)[0].split())
    assert "--pooling LISTE Comment chaque bloc réduit l'image de moitié : max-pooling, " in out
    assert "[par défaut : stride,max,max ; max, stride ou none]" in out


def test_a_day_is_introduced_in_french(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["learn", "day3", "--help"]) == 0
    out = " ".join(said(capsys)[0].split())
    assert f"{days()[2].title.fr}. " in out
    assert "[par défaut : le dossier courant]" in out
