"""Numbers that a caller gives, as the numbers that are meant: NumPy's are taken, a bool or a text is not a number."""

from __future__ import annotations

import math
import numbers
import operator
import reprlib
from typing import Any

from mnistlab.errors import UserError

__all__ = ["number", "plain", "shown", "whole_number"]

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
