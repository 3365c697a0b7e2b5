"""Sentences for people are in messages/en.toml, and not in the code that says them."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from mnistlab import errors
from tests.support.prose import Program

SOURCE = Path(errors.__file__).parent


@functools.cache
def program() -> Program:
    return Program({str(path.relative_to(SOURCE)): path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")})


def test_no_sentence_stands_in_the_code_that_says_it() -> None:
    assert sorted(program().found) == []


def test_what_is_said_is_followed_to_where_it_comes_from() -> None:
    """Names of numbers, of pictures, paths: they come from other functions."""
    assert {("whole_number", "name"), ("number", "name"), ("of_bytes", "name")} <= program().said


@pytest.mark.parametrize(
    "code",
    [
        'raise UserError("a.b", reason="it is empty")',
        'raise UserError("a.b", reason=f"{x} is empty")',
        'raise Problem(422, "The form is empty.")',
        'Check(Clause("a.b"), "ok", "all is well")',
        'raise ValueError("it is of another recipe")',
        'logger.info("%s is taken", x)',
        'def f():\n    why = "it is empty" if x else ""\n    raise UserError("a.b", why=why)',
        'def why():\n    return "it is empty"\ndef f():\n    raise UserError("a.b", why=why())',
        'def f(name):\n    raise UserError("a.b", name=name)\ndef g():\n    f("The array")',
        'def f(x, *, name):\n    h(name)\ndef h(name):\n    raise UserError("a.b", x=name)\ndef g():\n    f(1, name="A b")',
        'class A:\n    def f(self, name):\n        raise UserError("a.b", name=name)\n    def g(self):\n        self.f("A b")',
        'def f():\n    told = []\n    told.append("it is empty")\n    raise UserError("a.b", told=told)',
        'def f():\n    for name, x in (("data folder", 1),):\n        raise UserError("a.b", name=name)',
        'WHY = {1: "it is empty"}\ndef f():\n    raise UserError("a.b", why=WHY[1])',
    ],
)  # fmt: skip
def test_a_sentence_in_the_wrong_place_is_found(code: str) -> None:
    assert len(Program({"a.py": code}).found) == 1


@pytest.mark.parametrize(
    "code",
    [
        'raise UserError("a.b", reason=Clause("a.c", file=x))',
        'raise TypeError("it is no text")',
        'raise UserError("a.b", names=", ".join(x))',
        'raise UserError("a.b", x=1 if y == "one two" else 2)',
        'logger.info("%s %d: %s", x, y, z)',
        'def f(name):\n    raise UserError("a.b", name=name)\ndef g():\n    f(Clause("a.c"))',
    ],
)  # fmt: skip
def test_what_is_no_sentence_is_left_alone(code: str) -> None:
    assert Program({"a.py": code}).found == set()
