from __future__ import annotations

import ast
import math
import pickle
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mnistlab import errors
from mnistlab.errors import (
    Failure,
    Interrupted,
    MnistlabError,
    UserError,
    number,
    plain,
    rounded,
    shown,
    told,
    whole_number,
)
from mnistlab.messages import sentences
from mnistlab.messages.sentences import Clause

FINISH = "remedies.finish_run"


def test_text_is_message_then_remedy_and_the_command_line_has_its_own() -> None:
    error = UserError("runs.model_missing", remedy=FINISH, run="runs/a")
    assert str(error) == "runs/a has no model.pth. Finish the run with mnistlab.resume."
    assert error.for_command_line() == "runs/a has no model.pth. Finish the run: mnistlab train --resume runs/a"
    assert (error.key, error.message) == ("runs.model_missing", "runs/a has no model.pth.")


def test_a_remedy_can_be_replaced() -> None:
    error = UserError("files.missing", path="a.json")
    assert str(error) == "a.json is missing."
    error.with_remedy("remedies.restore_or_train")
    assert error.for_command_line() == str(error) == "a.json is missing. Restore the file, or train again."


@pytest.mark.parametrize(
    ("kind", "code"), [(MnistlabError, 1), (Failure, 1), (UserError, 2), (Interrupted, 130)], ids=str
)
def test_each_kind_has_its_exit_code(kind: type[MnistlabError], code: int) -> None:
    assert kind("files.missing", path="x").exit_code == code
    assert isinstance(kind("files.missing", path="x"), MnistlabError)


def test_interrupted_carries_the_code_of_its_signal() -> None:
    assert Interrupted("training.interrupted", exit_code=143, run="a").exit_code == 143
    assert Interrupted("training.interrupted", run="a").exit_code == 130  # the class's own code is as it was


@pytest.mark.parametrize(
    "error",
    [
        UserError("files.missing", remedy=FINISH, path="a", run="a"), Failure("files.missing", path="a"),
        Interrupted("training.interrupted", exit_code=143, run="a"),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_errors_survive_pickling(error: MnistlabError) -> None:
    """Worker processes send their errors home pickled."""
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), copy.for_command_line(), copy.exit_code) == (
        str(error), error.for_command_line(), error.exit_code,
    )  # fmt: skip


# values

WHOLE = [np.int64, np.uint8, np.int16, int, torch.tensor]
REAL = [np.float64, np.float32, np.int64, np.float16, int, float, Fraction]


@given(st.integers(0, 100), st.sampled_from(WHOLE))
def test_whole_numbers_of_every_kind_are_taken_as_an_int(value: int, kind: Any) -> None:
    taken = whole_number(kind(value), Clause("names.seed"), 0, 100)
    assert (type(taken), taken) == (int, value)


@given(st.integers(0, 100), st.sampled_from(REAL))
def test_numbers_of_every_kind_are_taken_as_a_float(value: int, kind: Any) -> None:
    taken = number(kind(value), Clause("names.threshold"), 0, 100)
    assert (type(taken), taken) == (float, value)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "Seed None is not a whole number."),
        (True, "Seed True is not a whole number."),
        (np.True_, f"Seed {np.True_!r} is not a whole number."),
        (1.0, "Seed 1.0 is not a whole number."),
        (np.float64(1), f"Seed {np.float64(1)!r} is not a whole number."),
        ("3", "Seed '3' is not a whole number."),
        ([3], "Seed [3] is not a whole number."),
        (torch.tensor([1, 2]), "Seed tensor([1, 2]) is not a whole number."),
        (-1, "Seed -1 is out of range."),
        (np.int64(-1), "Seed -1 is out of range."),
        (2**70, f"Seed {2**70} is out of range."),
        (10**5000, "Seed (a number with thousands of digits) is out of range."),
    ],
    ids=lambda value: str(shown(value))[:20],
)
def test_what_is_no_whole_number_in_the_range_gets_a_sentence(value: object, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        whole_number(value, Clause("names.seed"), 0, 4095)
    assert str(caught.value) == f"{sentence} Choose a whole number from 0 to 4,095."


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "Coverage None is not a number."),
        (True, "Coverage True is not a number."),
        ("0.5", "Coverage '0.5' is not a number."),
        (0.5j, "Coverage 0.5j is not a number."),
        (math.nan, "Coverage nan is out of range."),
        (1.5, "Coverage 1.5 is out of range."),
        (10**400, "Coverage 100000000000000000...0000000000000000000 is out of range."),
    ],
)
def test_what_is_no_number_in_the_range_gets_a_sentence(value: object, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        number(value, Clause("names.coverage"), 0, 1)
    assert str(caught.value) == f"{sentence} Choose a number from 0 to 1."


def test_what_is_shown_is_short_and_in_a_line() -> None:
    text = shown(np.zeros((50, 50)))
    assert len(text) < 60
    assert text.isprintable()


def test_plain_is_what_json_has() -> None:
    given = [np.int64(3), (np.float32(0.5), "a"), np.arange(2), torch.ones(1), range(2), np.True_, None, True]
    made = plain(given)
    assert repr(made) == "[3, [0.5, 'a'], [0, 1], [1.0], [0, 1], True, None, True]"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((16, 32), "16,32"), ([16, 32], "16,32"), (("best", "quick"), "best,quick"), ((), "none"), ([], "none"), (None, "none"),
        (True, "on"), (False, "off"), ((True, None, 2.0), "True,None,2.0"), (["a\nb"], "'a\\nb'"), ("sgd", "sgd"), (128, "128"),
        (0.0, "0"), (10.0, "10"), (0.0005, "0.0005"), (1e-9, "1e-9"), (1e6, "1e6"), (0.12345678, "0.12345678"),
    ],
    ids=repr,
)  # fmt: skip
def test_a_setting_is_told_as_the_command_line_takes_it(value: object, text: str) -> None:
    assert told(value) == text


@given(st.floats(allow_nan=False))
def test_a_number_is_told_to_its_last_digit(value: float) -> None:
    assert float(told(value)) == value


@given(st.floats(0, 1), st.integers(1, 6))
def test_rounding_never_makes_certain(probability: float, digits: int) -> None:
    shown = rounded(probability, digits)
    assert 0 <= shown < 1
    assert shown == round(probability, digits) or shown == float("0." + "9" * digits)


def test_what_is_almost_certain_is_said_to_be_almost_certain() -> None:
    assert [rounded(p, 4) for p in (0.5, 0.98764, 0.99984, 0.99996, 1.0)] == [0.5, 0.9876, 0.9998, 0.9999, 0.9999]
    assert [rounded(p, 2) for p in (0.994, 0.996, 1.0)] == [0.99, 0.99, 0.99]


# the table of sentences

SOURCE = Path(errors.__file__).parent
KINDS = {
    "UserError": 0, "Failure": 0, "StorageFailure": 0, "Interrupted": 0, "Clause": 0, "Problem": 1, "tell": 0, "words": 0,
}  # fmt: skip
"""Functions that say a sentence, and which of their arguments is the key."""
TABLE = {f"{room}.{name}": entry for room, table in sentences.messages().items() for name, entry in table.items()}
KEY = re.compile(r"\"([a-z_]+\.[a-z0-9_]+)\"")


def said() -> Iterator[tuple[str, str, str | None, set[str]]]:
    """Where errors and the like are made with a literal key; the key, the entry whose remedy applies, and the values."""
    for path in sorted(SOURCE.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            place = KINDS.get(call.func.id) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else None
            if place is None or len(call.args) <= place or not all(keyword.arg for keyword in call.keywords):
                continue
            key, given = call.args[place], {keyword.arg or "": keyword.value for keyword in call.keywords}
            if isinstance(key, ast.Constant):
                remedy = given.pop("remedy", ast.Constant(None))
                told = remedy.value if isinstance(remedy, ast.Constant) else "?"
                yield f"{path.name}:{call.lineno}", key.value, told, set(given)


def named_in(text: str) -> set[str]:
    """The values that a sentence names."""
    return {re.split(r"[.\[]", field)[0] for _, field, _, _ in sentences.Words().parse(text) if field}


def test_each_error_has_its_sentence_and_gives_what_the_sentence_names() -> None:
    found = list(said())
    assert len(found) > 180
    for where, key, remedy, values in found:
        assert key in TABLE, f"{where}: {key}"
        texts = [TABLE[key].get("message", "")]
        if remedy != "?":  # otherwise it is only known at run time
            texts += [TABLE[remedy or key].get(part, "") for part in ("remedy", "command")]
        missing = set().union(*map(named_in, texts)) - values - {"err"}
        assert not missing, f"{where}: {key} names {missing}"


def test_an_error_says_its_sentences_and_their_parts_in_its_language() -> None:
    error = UserError("learn.answers_unreadable", path="a.py", reason=sentences.Clause("files.it_is_a_folder"))
    error.language = "fr"
    assert error.message == "Impossible de lire a.py\N{NO-BREAK SPACE}: c'est un dossier."
    remedy = "Donnez un fichier Python que vous pouvez lire, enregistré en UTF-8."
    assert error.for_command_line() == f"{error.message} {remedy}"
    other = UserError("learn.unknown_language", name="it", languages=["en", "fr"])
    assert str(other) == "There is no course in the language it. Choose en or fr."
    other.language = "fr"
    assert str(other) == "Le cours n'existe pas dans la langue it. Choisissez en ou fr."
    assert UserError("runs.model_missing", run="runs/a").for_command_line("fr") == "runs/a n'a pas de model.pth."
    assert error.for_command_line("en") == error.for_command_line()  # its own language holds


def test_each_sentence_is_said_somewhere() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    used = set(KEY.findall(code))
    assert sorted(set(TABLE) - used) == []


def test_a_librarys_sentence_names_no_option_and_no_command() -> None:
    for key, entry in TABLE.items():
        if not key.startswith("cli."):
            for part in ("message", "remedy"):
                assert not re.search(r"(?<!uv sync )--[a-z]|: mnistlab [a-z]", entry.get(part, "")), (
                    f"{key}: {entry[part]}"
                )


def test_each_sentence_is_one() -> None:
    for key, entry in TABLE.items():
        assert set(entry) <= {"message", "remedy", "command"}, key
        for text in entry.values():
            assert text == text.strip(), key
            assert "  " not in text, key


@pytest.mark.parametrize(
    ("count", "noun", "words"),
    [(1, "run", "1 run"), (0, "run", "0 runs"), (2000, "class", "2,000 classes"), (1, "class", "1 class")],
)
def test_a_number_stands_with_its_noun(count: int, noun: str, words: str) -> None:
    assert sentences.Words().format(f"{{count:n {noun}}}", count=count) == words


@pytest.mark.parametrize(
    ("value", "text"), [(1e-9, "1e-9"), (2.5e-12, "2.5e-12"), (0.3, "0.3"), (1e6, "1e6"), (1e10, "1e10")]
)
def test_a_power_of_ten_is_written_without_zeros(value: float, text: str) -> None:
    assert sentences.Words().format("{rate:g}", rate=value) == sentences.Words().format("{rate:,g}", rate=value) == text


def test_a_field_is_an_option_on_the_command_line() -> None:
    error = UserError("networks.values_per_block", field="kernel_size", count=3, blocks=2)
    assert error.message == "kernel_size has 3 values for 2 blocks."
    assert error.for_command_line() == "--kernel-size has 3 values for 2 blocks. Give one value, or one for each block."


def test_a_forgotten_value_is_its_name_in_angle_brackets() -> None:
    ending = "a is not a file name with the ending <suffix>. Use this name: <name><suffix>"
    assert str(UserError("files.wrong_ending", path="a")) == ending
    assert str(UserError("recipes.unknown_recipe")) == "Unknown recipe <name>. Choose one of <recipes>."
    broken = UserError("training.loss_broken", step=1)
    assert broken.message == "The loss became NaN or infinite at step 1 of <steps>."


def test_another_errors_remedy_is_in_the_words_of_who_reads_it() -> None:
    cause = UserError("data.nothing_to_download", path="a")
    error = pickle.loads(pickle.dumps(UserError("data.nowhere_to_fetch", fault="b is missing", cause=cause)))
    message = "b is missing, and cannot be fetched. There is nothing to download: a is a folder of pictures. Leave out "
    assert (str(error), error.for_command_line()) == (f"{message}download=True.", f"{message}--download.")
