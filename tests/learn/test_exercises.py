"""Every exercise of every day: the right answer passes, and each misunderstanding gets its own hint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mnistlab.learn.checking import judge
from mnistlab.learn.course import days, exercises
from mnistlab.learn.exercise import Exercise
from mnistlab.messages.sentences import LANGUAGES

EXERCISES = [pytest.param(one, id=f"{day.name}-{one.name}") for day in days() for one in exercises(day)]


def answered(exercise: Exercise, by: Callable[..., Any]) -> Any:
    """The answer of somebody who computes it that way."""
    return by if exercise.parameters else by()


def test_each_day_has_three_exercises() -> None:
    for day in days():
        assert len({one.name for one in exercises(day)}) == 3


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_right_answer_is_right(exercise: Exercise) -> None:
    assert judge(exercise, answered(exercise, exercise.right), "fr").kind == "right"


@pytest.mark.parametrize("exercise", EXERCISES)
def test_each_misunderstanding_has_its_own_hint(exercise: Exercise) -> None:
    assert len(exercise.mistakes) >= 2
    for language in LANGUAGES:
        hints = [mistake.hint.said(language) for mistake in exercise.mistakes]
        assert len({*hints, exercise.hint.said(language)}) == len(hints) + 1
    for mistake in exercise.mistakes:
        verdict = judge(exercise, answered(exercise, mistake.gives), "en")
        assert (verdict.kind, verdict.text) == ("hint", mistake.hint.en)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_what_is_no_answer_is_named(exercise: Exercise) -> None:
    assert judge(exercise, None, "en").kind == "unanswered"
    assert judge(exercise, answered(exercise, lambda *_: object()), "en").kind == "unusable"
    assert judge(exercise, answered(exercise, lambda *_: {"a": [1]}), "fr").kind == "unusable"
    names: dict[str, Any] = {}
    exec(exercise.template, names)
    assert judge(exercise, names[exercise.name], "en").kind == "unanswered"


@pytest.mark.parametrize("exercise", EXERCISES)
def test_both_languages_ask_and_hint(exercise: Exercise) -> None:
    for text in (exercise.asks, exercise.hint, *(mistake.hint for mistake in exercise.mistakes)):
        assert text.en != text.fr
        assert all(part and part == " ".join(part.split()) for part in text)
