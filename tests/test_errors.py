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
from mnistlab.errors import Failure, Interrupted, MnistlabError, UserError, number, plain, rounded, shown, whole_number
from mnistlab.messages import sentences

FINISH = "remedies.finish_run"


def test_text_is_message_then_remedy_and_the_command_line_has_its_own() -> None:
    error = UserError("runs.model_missing", remedy=FINISH, run="runs/a")
    assert str(error) == "runs/a has no model.pth. Finish it with mnistlab.resume."
    assert error.for_command_line() == "runs/a has no model.pth. Finish it: mnistlab train --resume runs/a"
    assert (error.key, error.message) == ("runs.model_missing", "runs/a has no model.pth.")


def test_a_remedy_can_be_replaced() -> None:
    error = UserError("files.missing", path="a.json")
    assert str(error) == "a.json is missing."
    error.with_remedy("remedies.restore_or_train")
    assert error.for_command_line() == str(error) == "a.json is missing. Restore it, or train again."


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
    taken = whole_number(kind(value), "Seed", 0, 100)
    assert (type(taken), taken) == (int, value)


@given(st.integers(0, 100), st.sampled_from(REAL))
def test_numbers_of_every_kind_are_taken_as_a_float(value: int, kind: Any) -> None:
    taken = number(kind(value), "Threshold", 0, 100)
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
        (10**5000, "Seed of thousands of digits is out of range."),
    ],
    ids=lambda value: shown(value)[:20],
)
def test_what_is_no_whole_number_in_the_range_gets_a_sentence(value: object, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        whole_number(value, "Seed", 0, 4095)
    assert str(caught.value) == f"{sentence} Choose 0 to 4,095."


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
        number(value, "Coverage", 0, 1)
    assert str(caught.value) == f"{sentence} Choose 0 to 1."


def test_what_is_shown_is_short_and_in_a_line() -> None:
    text = shown(np.zeros((50, 50)))
    assert len(text) < 60
    assert text.isprintable()


def test_plain_is_what_json_has() -> None:
    given = [np.int64(3), (np.float32(0.5), "a"), np.arange(2), torch.ones(1), range(2), np.True_, None, True]
    made = plain(given)
    assert repr(made) == "[3, [0.5, 'a'], [0, 1], [1.0], [0, 1], True, None, True]"


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
KINDS = {"UserError", "Failure", "StorageFailure", "Interrupted", "Clause"}
TABLE = {f"{room}.{name}": entry for room, table in sentences.messages().items() for name, entry in table.items()}
KEY = re.compile(r"\"([a-z_]+\.[a-z0-9_]+)\"")


def raised() -> Iterator[tuple[str, str, set[str]]]:
    """Where an error is made with a key of its own, the key, and the names of its values."""
    for path in sorted(SOURCE.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in KINDS and call.args:
                key = call.args[0]
                if isinstance(key, ast.Constant) and all(keyword.arg for keyword in call.keywords):
                    yield f"{path.name}:{call.lineno}", key.value, {keyword.arg or "" for keyword in call.keywords}


def named_in(text: str) -> set[str]:
    """The values that a sentence names."""
    return {re.split(r"[.\[]", field)[0] for _, field, _, _ in sentences.Words().parse(text) if field}


def test_each_error_has_its_sentence_and_gives_what_the_sentence_names() -> None:
    found = list(raised())
    assert len(found) > 140
    for where, key, values in found:
        assert key in TABLE, f"{where}: {key}"
        own_remedy = "remedy" not in values
        parts = ("message", "remedy", "command") if own_remedy else ("message",)
        for part in parts:
            missing = named_in(TABLE[key].get(part, "")) - values
            assert not missing, f"{where}: {key} names {missing}"


def test_each_sentence_is_said_somewhere() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    used = set(KEY.findall(code))
    assert sorted(set(TABLE) - used) == []


def test_a_librarys_sentence_names_no_option_and_no_command() -> None:
    for key, entry in TABLE.items():
        if not key.startswith("cli."):
            for part in ("message", "remedy"):
                assert not re.search(r"--[a-z]|: mnistlab [a-z]", entry.get(part, "")), f"{key}: {entry[part]}"


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


def test_a_field_is_an_option_on_the_command_line() -> None:
    error = UserError("networks.not_a_switch", field="pool_last", value="3")
    assert error.message == "pool_last 3 is not true or false."
    assert error.for_command_line() == "--pool-last 3 is not true or false. Give True or False."


def test_a_forgotten_value_is_its_name_in_angle_brackets() -> None:
    assert str(UserError("files.wrong_ending", path="a")) == "a does not end in <suffix>. Name it so: <name><suffix>"
    assert str(UserError("networks.unknown_head")) == "Unknown head <head>. Choose <heads>."
    assert UserError("training.loss_broken", loss=1).message == "The loss became 1 at step <step> of <steps>."


def test_another_errors_remedy_is_in_the_words_of_who_reads_it() -> None:
    cause = UserError("data.unreadable", path="a", strerror="denied")
    error = pickle.loads(pickle.dumps(UserError("data.nowhere_to_fetch", fault="b is missing", cause=cause)))
    message = "b is missing, and cannot be fetched. Cannot read a: denied. Give read access to it, or choose another "
    assert (str(error), error.for_command_line()) == (f"{message}data_dir.", f"{message}--data-dir.")
