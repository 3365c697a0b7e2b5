"""The errors that a user meets: one sentence that says what is wrong, one that says how to mend it; and the checks of
numbers that raise them."""

from __future__ import annotations

import math
import numbers
import operator
import reprlib
from pathlib import Path
from typing import Any

__all__ = [
    "Failure",
    "Interrupted",
    "MnistlabError",
    "StorageFailure",
    "UserError",
    "counted",
    "install_hint",
    "number",
    "place",
    "plain",
    "rounded",
    "shown",
    "whole_number",
]


class MnistlabError(Exception):
    """Something went wrong that a person can mend; the command line shows it without a traceback.

    `message` says what is wrong and with which value; `remedy` says what to do about it.
    """

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class UserError(MnistlabError):
    """What was asked for cannot be done as asked (exit code 2)."""

    exit_code = 2


class Failure(MnistlabError):  # noqa: N818 - the word that the exit code's table uses
    """What was asked for is fine, but doing it failed (exit code 1)."""


class StorageFailure(Failure):
    """The disk is full or broken; nothing that was there has changed."""


class Interrupted(MnistlabError):  # noqa: N818 - not an error of anybody's
    """A signal stopped the work after its state was saved; `exit_code` is 128 + the signal's number, 130 for Ctrl-C."""

    def __init__(self, message: str, remedy: str = "", exit_code: int = 130) -> None:
        super().__init__(message, remedy)
        self.exit_code = exit_code


def install_hint(extra: str) -> str:
    """How to get the packages of one of mnistlab's extras: a remedy."""
    return f"Install it in the clone of the repository: uv sync --extra {extra} (or pip install '.[{extra}]')."


OUT = "is out of range"


def whole_number(value: Any, name: str, low: int, high: int, wrong: str = OUT) -> int:
    """`value` as an int from `low` to `high`, both allowed. What has an index is taken: int, NumPy's and torch's integers.

    Raises `UserError` for any other type, a bool and 1.0 among them, and with `wrong` for a number out of range.
    """
    remedy = f"Choose {low} to {high:,}."
    try:
        whole = operator.index(value)
    except TypeError:
        whole = None
    if whole is None or isinstance(value, bool):
        raise UserError(f"{name} {shown(value)} is not a whole number.", remedy)
    if not low <= whole <= high:
        raise UserError(f"{name} {shown(whole)} {wrong}.", remedy)
    return whole


def number(value: Any, name: str, low: float, high: float, remedy: str = "", wrong: str = OUT) -> float:
    """`value` as a float from `low` to `high`, both allowed. Any real number is taken: int, float, NumPy's, a fraction.

    Raises `UserError` for any other type, a bool among them, and with `wrong` for a number out of range or NaN.
    """
    remedy = remedy or f"Choose {low:g} to {high:g}."
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise UserError(f"{name} {shown(value)} is not a number.", remedy)
    try:
        real = float(value)
    except OverflowError:  # an int, or a fraction of some
        real = math.inf
    if not low <= real <= high:  # NaN fails this too
        raise UserError(f"{name} {shown(value)} {wrong}.", remedy)
    return real


def plain(value: Any) -> Any:
    """As JSON has it: NumPy's and torch's numbers and arrays as Python's own, a sequence as a list; all else as it is."""
    if isinstance(value, list | tuple | range):
        return [plain(one) for one in value]
    return value.tolist() if hasattr(value, "tolist") else value


def shown(value: object) -> str:
    """The value as a sentence can hold it: short, in one line."""
    try:
        text = reprlib.repr(value)
    except ValueError:  # Python writes out no number of more than 4,300 digits
        return "of thousands of digits"
    return " ".join(text.split())


def counted(count: int, noun: str) -> str:
    """Such as "1 run", "2 runs", "10,000 classes"."""
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{ending}"


def place(path: Path) -> str:
    """The folder as a sentence can begin or end with it: "the current folder" for ".", whose dot would read as a full stop."""
    if path == Path():
        return "the current folder"
    return str(path.resolve() if path.name == ".." else path)


def rounded(probability: float, digits: int) -> float:
    """The probability with so many decimals, but never 1: a network is not certain, it is only rounded to that."""
    most = 1 - 0.1**digits
    return round(min(probability, most), digits)
