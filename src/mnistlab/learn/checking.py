"""Check the learner's answers; a wrong answer gets a hint, if possible about its type or shape or the misunderstanding behind it.

from mnistlab.learn.checking import check
check("day3", globals())          # in the notebook; or check("day3"), which reads day3_answers.py
"""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from mnistlab.dependencies import require
from mnistlab.errors import Interrupted, UserError, shown
from mnistlab.files import why_unreadable
from mnistlab.learn.course import exercises, find_day
from mnistlab.learn.diary import read_diary, solved, write_down
from mnistlab.learn.exercise import Exercise
from mnistlab.learn.language import find_language, speaking
from mnistlab.learn.values import Form, as_array, fits, form, same
from mnistlab.messages.sentences import Clause, sentence

__all__ = ["Report", "Verdict", "check", "judge"]


@dataclass(frozen=True)
class Verdict:
    """The verdict on an answer."""

    exercise: str
    kind: str
    """ "right"; "hint", if the answer is a known wrong one; "wrong"; "unanswered"; or "unusable", if it cannot be judged."""
    text: str


@dataclass(frozen=True)
class Report:
    """The verdicts on a day's answers; as text, one paragraph per answer."""

    day: str
    verdicts: tuple[Verdict, ...]

    @property
    def solved(self) -> list[str]:
        """The exercises that were answered correctly."""
        return [verdict.exercise for verdict in self.verdicts if verdict.kind == "right"]

    def __str__(self) -> str:
        return "\n".join(f"{one.exercise}: {one.text}" for one in self.verdicts)

    __repr__ = __str__  # what a notebook shows


def check(
    day: str,
    answers: Mapping[str, Any] | None = None,
    *,
    language: str | None = None,
    folder: str | Path = ".",
    file: str | Path | None = None,
) -> Report:
    """Check the answers to a day's exercises, and note in the diary which are right for the first time.

    Parameters
    ----------
    day : str
        For example "day3".
    answers : mapping, optional
        Answers by name, such as `globals()` in a notebook; by default, they are read from `file`.
    language : {"en", "fr"}, optional
        The language of messages; by default that of MNISTLAB_LANG or the locale (see `find_language`).
    folder : str or path
        The learner's working folder, which holds the diary.
    file : str or path, optional
        A Python file with the answers, by default `DAY_answers.py` in `folder`. It is run.

    Returns
    -------
    Report
        The verdicts on the answers.

    Raises
    ------
    UserError
        For an unknown day or language, a file that is missing or cannot be run, or a diary that cannot be read or written.
    Failure
        If the disk is full or broken.
    Interrupted
        If Ctrl-C interrupts the file or an answer; in that case nothing is written in the diary.
    """
    language = find_language(language)
    with speaking(language):
        found = find_day(day)
        require("train", "torch")
        given = run_answers(Path(file or Path(folder) / f"{day}_answers.py"), day) if answers is None else answers
        report = Report(day, tuple(judge(one, given.get(one.name), language) for one in exercises(found)))
        before = solved(read_diary(folder, language=language), day)
        if new := [name for name in report.solved if name not in before]:
            write_down(day=day, solved=new, folder=folder, language=language)
    return report


def run_answers(path: Path, day: str) -> dict[str, Any]:
    """Run the file in a separate namespace, and return the names that it defines."""
    try:
        source = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError("learn.no_answers", path=path, day=day) from None
    except (OSError, ValueError) as error:
        raise UserError("learn.answers_unreadable", path=path, reason=why_unreadable(error)) from None
    names: dict[str, Any] = {"__name__": "answers", "__file__": str(path)}
    try:
        exec(compile(source, str(path), "exec"), names)  # noqa: S102 - the learner's own file, run as Python would run it
    except SyntaxError as error:
        file = error.filename or path  # perhaps a module that the file imports
        raise UserError("learn.answers_syntax", path=file, line=error.lineno or 1, reason=error.msg) from None
    except KeyboardInterrupt as error:
        raise Interrupted("learn.answers_interrupted", path=path, line=line_of(error, str(path))) from None
    except (Exception, SystemExit) as error:
        line = line_of(error, str(path))
        raise UserError("learn.answers_failed", path=path, line=line, error=in_words(error)) from None
    return names


def in_words(error: BaseException) -> str:
    """The error on one line without a full stop, for example "ZeroDivisionError: division by zero"."""
    return " ".join(f"{type(error).__name__}: {error}".rstrip(": ").split()).removesuffix(".")


def line_of(error: BaseException, file: str) -> int:
    """The number of the line of `file` that the error's traceback names last; 0 if it names none."""
    lines = [frame.lineno or 0 for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return lines[-1] if lines else 0


def judge(exercise: Exercise, answer: Any, language: str) -> Verdict:
    """The verdict on `answer`, where None and `...` mean that the learner has not answered yet."""

    def verdict(kind: str, text: str) -> Verdict:
        return Verdict(exercise.name, kind, text)

    def unusable(key: str, **values: Any) -> Verdict:
        said = (sentence(key, part, values, language=language) for part in ("message", "remedy"))
        return verdict("unusable", " ".join(said).strip())

    if answer is None or answer is ...:
        return verdict("unanswered", Clause("learn.unanswered").said(language))
    if exercise.parameters and not callable(answer):
        return unusable(
            "learn.no_function", given=shown(answer), template=f"def {exercise.name}({exercise.parameters}):"
        )
    cases = exercise.cases() if exercise.parameters else [()]
    right = results(exercise, exercise.right, cases)
    try:
        mine = results(exercise, answer if exercise.parameters else lambda: answer, cases)
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        code: CodeType | None = getattr(answer, "__code__", None)
        line = line_of(error, code.co_filename) if code else 0
        if isinstance(error, KeyboardInterrupt):
            key = "learn.answer_interrupted" if line else "learn.interrupted"
            raise Interrupted(key, name=exercise.name, line=line) from None
        return unusable(
            "learn.answer_failed" if line else "learn.answer_failed_elsewhere", line=line, error=in_words(error)
        )
    if missing := [one for one in mine if one is None or one is ...]:
        key = "learn.returns_nothing" if len(missing) == len(mine) else "learn.returns_nothing_at_times"
        return verdict("unanswered", Clause(key).said(language))
    wanted = [form(one) for one in right]
    if any(one.kind != "array" and not fits(other, one) for one, other in zip(wanted, map(form, mine), strict=True)):
        return wrong_form(exercise, wanted, mine, unusable)
    if same(mine, right):
        return verdict("right", Clause("learn.right").said(language))
    for mistake in exercise.mistakes:
        if same(mine, results(exercise, mistake.gives, cases)):
            return verdict("hint", mistake.hint.said(language))
    if not all(fits(form(one), other) for one, other in zip(mine, wanted, strict=True)):
        return wrong_form(exercise, wanted, mine, unusable)
    return verdict("wrong", exercise.hint.said(language))


def results(exercise: Exercise, function: Callable[..., Any], cases: Any) -> list[Any]:
    """The values to compare, one for each case; a function that changes its arguments changes only copies."""
    return [as_array(exercise.look(function(*copy.deepcopy(case)))) for case in cases]


def wrong_form(exercise: Exercise, wanted: list[Form], mine: list[Any], unusable: Callable[..., Verdict]) -> Verdict:
    """The verdict on an answer of the wrong type or shape; its text shows the first value that does not fit."""
    want, value = next((w, v) for w, v in zip(wanted, mine, strict=True) if not fits(form(v), w))
    whole = all(one.whole for one in wanted)
    what = {
        "switch": Clause("learn.a_switch"),
        "number": Clause("learn.a_whole_number" if whole else "learn.a_number"),
        "text": Clause("learn.a_text"),
        "array": Clause("learn.an_array", shape=shown(want.shape)),
    }[want.kind]
    plain = getattr(value, "tolist", lambda: value)()
    given = f"{plain:g}" if isinstance(plain, float) else shown(plain)
    if form(value).kind == "array":
        given = Clause("learn.an_array", shape=shown(value.shape))
    return unusable("learn.other_result" if exercise.parameters else "learn.other_value", what=what, given=given)
