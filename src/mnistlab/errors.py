"""The errors that a user meets, as data; checks of numbers, which raise such errors; and how sentences show values.

An error carries a key and values. Its sentences are in messages/en.toml: what is wrong, how to fix it, and how to fix it on the
command line if that differs, so that errors raised in Python name no command-line option. A value may be the user's text,
another library's text, or a `Clause`, whose words are in messages/en.toml too.
"""

from __future__ import annotations

import functools
import math
import numbers
import operator
import reprlib
from typing import Any

from mnistlab.messages.sentences import Clause, plain_exponent, remedy_of, sentence

__all__ = [
    "Failure",
    "Fault",
    "Interrupted",
    "MnistlabError",
    "StorageFailure",
    "UserError",
    "is_out_of_memory",
    "last_line",
    "number",
    "plain",
    "rounded",
    "shown",
    "told",
    "whole_number",
]


class MnistlabError(Exception):
    """Something went wrong that a person can fix; the command line shows it without a traceback.

    Parameters
    ----------
    key
        What went wrong: the key of an entry in messages/en.toml, such as ``"recipes.unknown_recipe"``.
    remedy
        The key of the entry whose remedy applies, by default `key`.
    **values
        The values for the placeholders in the sentences.
    """

    exit_code = 1
    language: str | None = None
    """The language of the error's sentences; if None, English, or the language that `for_command_line` is given.

    `mnistlab learn` sets it to the learner's language.
    """
    is_said_elsewhere: bool | None = None
    """Whether another process of the same training run reports this error or its cause; None if that is not known yet."""

    def __init__(self, key: str, /, *, remedy: str | None = None, **values: Any) -> None:
        super().__init__(key)
        self.key = key
        self.remedy_key = remedy or key
        self.values = values

    @property
    def message(self) -> str:
        """What is wrong, and with which value."""
        return sentence(self.key, "message", self.values, language=self.language or "en")

    @property
    def remedy(self) -> str:
        """How to fix the error from Python."""
        return remedy_of(self.remedy_key, self.values, language=self.language or "en")

    @property
    def command_remedy(self) -> str:
        """How to fix the error on the command line."""
        return remedy_of(self.remedy_key, self.values, for_command=True, language=self.language or "en")

    def for_command_line(self, language: str = "en") -> str:
        """The message and the remedy as worded for the command line, in `language` unless the error has a language of its own."""
        language = self.language or language
        message = sentence(self.key, "message", self.values, for_command=True, language=language)
        return f"{message} {remedy_of(self.remedy_key, self.values, for_command=True, language=language)}".strip()

    def with_remedy(self, key: str, **values: Any) -> None:
        """Replace the remedy by that of the message `key`, and add the values for the placeholders in the new remedy."""
        self.remedy_key = key
        self.values |= values

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        return functools.partial(type(self), self.key, remedy=self.remedy_key, **self.values), ()


class UserError(MnistlabError):
    """What was asked for cannot be done as asked (exit code 2)."""

    exit_code = 2


class Failure(MnistlabError):  # noqa: N818 - the word that the exit code's table uses
    """What was asked for was fine, but doing it failed (exit code 1)."""


class StorageFailure(Failure):
    """The disk is full or broken; existing files have been left unchanged."""


class Interrupted(MnistlabError):  # noqa: N818 - nobody made an error
    """A signal stopped the work; `exit_code` is 128 + the signal's number, so 130 for Ctrl-C."""

    def __init__(self, key: str, /, *, remedy: str | None = None, exit_code: int = 130, **values: Any) -> None:
        super().__init__(key, remedy=remedy, **values)
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[Any, ...]:
        made = functools.partial(type(self), self.key, remedy=self.remedy_key, exit_code=self.exit_code, **self.values)
        return made, ()


OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory")
"""What torch's allocators say when memory runs out; "memory" alone would also match errors about memory formats."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error means that memory ran out."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in OUT_OF_MEMORY)


def last_line(error: BaseException) -> str:
    """The last line of an error's text, without its full stop; the error's type if it has no text.

    In errors with several lines, such as those of torch and Ray, the last line says what went wrong.
    """
    return (str(error).strip() or type(error).__name__).splitlines()[-1].strip().rstrip(".")


class Fault(Exception):  # noqa: N818 - users never see it as it is
    """Raised by one part of mnistlab and caught by another, which uses the `reason` as part of an error message."""

    def __init__(self, reason: Clause) -> None:
        super().__init__(reason)
        self.reason = reason


def whole_number(
    value: Any, name: Clause, low: int, high: int, *, wrong: str = "arguments.whole_number_out_of_range", **values: Any
) -> int:
    """`value` as an int from `low` to `high`, inclusive. Anything with `__index__` is accepted: int, NumPy or torch integers.

    Raises `UserError` for anything else, bools and 1.0 included; for a number out of range, the error has the key `wrong`, whose
    sentences may use `values` too.
    """
    try:
        whole = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        whole = None
    said = shown(value if whole is None else whole)
    given: dict[str, Any] = {"name": name, "value": said, "low": low, "high": high, **values}
    if whole is None:
        raise UserError("arguments.not_a_whole_number", remedy=wrong, **given)
    if not low <= whole <= high:
        raise UserError(wrong, **given)
    return whole


def number(value: Any, name: Clause, low: float, high: float, *, wrong: str = "arguments.number_out_of_range") -> float:
    """`value` as a float from `low` to `high`, both inclusive. Any real number is accepted: int, float, Fraction, a NumPy number.

    Raises `UserError` for anything else, bools included; for NaN or a number out of range, the error has the key `wrong`.
    """
    said = told(value) if isinstance(value, float) else shown(value)
    given: dict[str, Any] = {"name": name, "value": said, "low": low, "high": high}
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise UserError("arguments.not_a_number", remedy=wrong, **given)
    try:
        real = float(value)
    except OverflowError:  # a large int, or a fraction of large ints
        real = math.inf
    if not low <= real <= high:  # NaN fails this too
        raise UserError(wrong, **given)
    return real


def plain(value: Any) -> Any:
    """`value` in plain types, for JSON: arrays and sequences become lists, and NumPy's and torch's numbers become Python's.

    Any other value is returned as it is.
    """
    if isinstance(value, list | tuple | range):
        return [plain(one) for one in value]
    return value.tolist() if hasattr(value, "tolist") else value


def shown(value: object) -> str | Clause:
    """The value in a form that fits into a sentence: short, on one line."""
    try:
        text = reprlib.repr(value)
    except ValueError:  # Python does not print whole numbers with more than 4,300 digits
        return Clause("values.too_long")
    return " ".join(text.split())


def told(value: object) -> str:
    """A setting's value as written on the command line, such as 16,32; a bool becomes "on" or "off", and None becomes "none"."""
    if isinstance(value, list | tuple):
        return (
            ",".join(one if isinstance(one, str) and one.isprintable() else str(shown(one)) for one in value) or "none"
        )
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        short = f"{value:g}"
        return plain_exponent(short if float(short) == value else repr(value))
    return "none" if value is None else str(value)


def rounded(probability: float, digits: int) -> float:
    """The probability rounded to `digits` decimals, but never up to 1, because no network is certain."""
    most = 1 - 0.1**digits
    return round(min(probability, most), digits)
