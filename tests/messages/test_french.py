"""messages/fr.toml says everything that messages/en.toml says, with the same values, in proper French typography."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.data.catalog import DATASETS
from mnistlab.errors import UserError
from mnistlab.messages.sentences import (
    VALUES,
    Clause,
    Words,
    counted,
    french_texts,
    language_in,
    locales_language,
    messages,
    sentence,
    unbroken,
)
from mnistlab.recipes.catalog import ALL_RECIPES

TEXTS = {
    language: {
        f"{room}.{name}.{part}": text
        for room, table in messages(language).items()
        for name, entry in table.items()
        for part, text in entry.items()
    }
    for language in ("en", "fr")
}
FRENCH = TEXTS["fr"]
AGREES = re.compile(r"(n|one) ")


def fields(text: str) -> Iterator[tuple[str, str, str]]:
    """Each value's name, conversion and format, those inside of another one's format too."""
    for _, name, form, conversion in string.Formatter().parse(text):
        if name:
            yield name, conversion or "", form or ""
            yield from fields(form or "")


def test_each_sentence_is_said_in_french() -> None:
    assert sorted(set(TEXTS["en"]) - set(FRENCH)) == []
    assert sorted(set(FRENCH) - set(TEXTS["en"])) == []


def forms(text: str) -> set[tuple[str, str, str]]:
    """Each value with its form, but that a word may agree with a number, or the number have its spaces, in one language alone."""
    return {
        (name, conversion, "" if AGREES.match(form) or form == "," else form)
        for name, conversion, form in fields(text)
        if not form.startswith("one ")
    }


def test_both_languages_name_the_same_values_in_the_same_form() -> None:
    assert {key: text for key, text in FRENCH.items() if forms(text) != forms(TEXTS["en"][key])} == {}


def test_datasets_and_recipes_are_described_in_french() -> None:
    texts = [spec.title for spec in DATASETS.values()] + [recipe.summary for recipe in ALL_RECIPES.values()]
    assert [text for text in texts if text not in french_texts(*VALUES)] == []
    assert (
        Words(language="fr").format("{title}", title="MNIST: handwritten digits")
        == "MNIST\N{NO-BREAK SPACE}: chiffres manuscrits"
    )
    assert Words().format("{title}", title="MNIST: handwritten digits") == "MNIST: handwritten digits"
    mnist = Words(language="fr").format("{title}", title="QMNIST: MNIST rebuilt, with 60,000 test digits")
    assert mnist.endswith(" avec 60\N{NARROW NO-BREAK SPACE}000 chiffres de test")
    assert Words(language="fr").format("{run}", run="Data") == "Data"  # a heading of the help, but here a name
    assert Words(language="fr").format("{name}", name="scan : 1 ?.png") == "scan : 1 ?.png"  # the user's own


def test_a_noun_of_several_words_has_its_plural_given() -> None:
    agreeing = {form for text in FRENCH.values() for _, _, form in fields(text) if AGREES.match(form)}
    assert len(agreeing) > 20
    for form in agreeing:
        kind, _, noun = form.partition(" ")
        one, _, several = noun.partition("|")
        assert several or (kind == "n" and " " not in one and one[-3:] not in ("eau", "nal")), form
        assert "{" not in one or several.count("{") == one.count("{"), form


def test_french_has_its_spaces() -> None:
    """Before : ; ? ! and %, but not in commands, code, times and addresses."""
    for key, text in FRENCH.items():
        said = re.sub(
            r"`[^`]*`|\{[^{}]*(\{[^{}]*\}[^{}]*)*\}(:\d)?|\w+://|\w+\.py:\w+|cuda:1|n: Bearer|__':",
            "x",
            text.partition("\n")[0],
        )
        assert re.search(r"[^ ][:;!?%]|[«][^ ]|[^ ][»]", said) is None, key
        assert not re.search(r"[ \n][:;!?%»]", unbroken(said)), key
        assert text == text.strip(), key
        assert "  " not in text, key
        assert "’" not in text, key


@pytest.mark.parametrize(
    ("count", "noun", "words"),
    [(0, "image", "0~image"), (1, "image", "1~image"), (2, "image", "2~images"), (10_000, "image", "10_000~images"),
     (0, "réseau|réseaux", "0~réseau"), (2, "réseau|réseaux", "2~réseaux"), (3, "processus", "3~processus"),
     (1, "champ inconnu|champs inconnus", "1~champ inconnu"), (2, "champ inconnu|champs inconnus", "2~champs inconnus")],
)  # fmt: skip
def test_zero_and_one_are_singular(count: int, noun: str, words: str) -> None:
    assert counted(count, noun, "fr") == words.replace("~", "\N{NO-BREAK SPACE}").replace(
        "_", "\N{NARROW NO-BREAK SPACE}"
    )


@pytest.mark.parametrize(
    ("value", "form", "french"),
    [(1234567, ",", "1_234_567"), (1234.5, ",.1f", "1_234,5"), (99.5, ".2f", "99,50"), (0.001, "g", "0,001"),
     (1e-9, "g", "1e-9"), (1.5e-5, ".1e", "1,5e-5"), (0.0, ".1e", "0,0e0"), (1.5e-5, ".2g", "1,5e-5"), (0.0, ".2g", "0"),
     (np.float32(0.5), "", "0,5"), (np.int64(7), "", "7"), (0.9, "", "0,9"), (True, "", "True"),
     ("1.5", "", "1.5"), (-3.25, "+.2f", "-3,25"), ((0.5,), "", "(0.5,)")],
    ids=repr,
)  # fmt: skip
def test_numbers_are_written_the_french_way(value: Any, form: str, french: str) -> None:
    assert Words(language="fr").format_field(value, form) == french.replace("_", "\N{NARROW NO-BREAK SPACE}")
    assert Words().format_field(value, form) == format(value, form).replace("e-0", "e-").replace("e+00", "e0")


@given(st.integers(-(10**12), 10**12))
def test_numbers_are_babels(number: int) -> None:
    """Which has them from Unicode's data of locales."""
    assert Words(language="fr").format_field(number, ",") == format_decimal(number, locale="fr")
    hundredths = format_decimal(number / 100, "#,##0.00", locale="fr")
    assert Words(language="fr").format_field(number / 100, ",.2f") == hundredths


def test_parts_of_a_sentence_are_in_its_language() -> None:
    progress = Clause("runs.epochs_of", done=1, planned=7)
    error = UserError("runs.not_finished", run="a", progress=progress)
    assert (
        error.for_command_line("fr")
        == "a n'est pas un entraînement terminé\N{NO-BREAK SPACE}: il en est à 1 époque sur 7."
    )
    assert error.for_command_line() == str(error) == "a is not a finished run: it has completed 1 of 7 epochs."
    cause = UserError("data.unreadable", path="a", strerror="Permission denied")
    both = UserError("data.nowhere_to_fetch", fault=Clause("data.file_missing", file="b"), cause=cause)
    assert both.for_command_line("fr").replace("\N{NO-BREAK SPACE}", " ") == (
        "b est absent, et ne peut être récupéré. Impossible de lire a : vous n'en avez pas le droit."
        " Mettez un fichier lisible à cet emplacement, ou choisissez un autre dossier."
    )
    reasons = {"dataset": "mnist", "told": [Clause("data.file_missing", file="a"), Clause("data.unpacked")]}
    assert sentence("data.fetched", "message", reasons, language="fr").replace("\N{NO-BREAK SPACE}", " ") == (
        "mnist : a est absent ; décompression de la copie livrée avec mnistlab"
    )


@pytest.mark.parametrize(
    ("environment", "language"),
    [({"MNISTLAB_LANG": "fr", "LC_ALL": "en_GB.UTF-8"}, "fr"), ({"MNISTLAB_LANG": "en", "LANG": "fr_FR.UTF-8"}, "en"),
     ({"MNISTLAB_LANG": "", "LANG": "fr_BE.UTF-8"}, "fr"), ({"LC_ALL": "C", "LANG": "fr_FR"}, "en"), ({"LANG": "de_DE"}, "en"),
     ({"LC_MESSAGES": "fr_FR@euro", "LANG": "en_US"}, "fr"), ({"MNISTLAB_LANG": "fr_CA.UTF-8"}, "fr"),
     ({"MNISTLAB_LANG": "de", "LANG": "fr_FR.UTF-8"}, "fr")],
)  # fmt: skip
def test_the_language_is_what_is_asked_for_or_the_locales(
    environment: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MNISTLAB_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert locales_language() == language


def test_other_languages_are_not_known() -> None:
    assert [language_in(name) for name in ("en", "fr-FR", "French_France", "de", "français", "")] == [
        "en", "fr", "fr", None, None, None,
    ]  # fmt: skip
