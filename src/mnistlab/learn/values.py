"""Answers as values: numbers, arrays, bools and text, from NumPy, torch or Python alike, and whether two values are the same."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Form", "as_array", "fits", "form", "same"]

CLOSE = 2e-4
"""Numbers that differ by at most this fraction of the expected one count as the same."""


def as_array(value: Any) -> Any:
    """Numbers and arrays of Python, NumPy or torch as NumPy arrays; anything else is returned unchanged."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(value, bool | np.bool_ | numbers.Number | np.ndarray | list | tuple):
        try:
            array = np.asarray([as_array(one) for one in value] if isinstance(value, list | tuple) else value)
        except (ValueError, TypeError):  # rows of different lengths
            return value
        return array if array.dtype.kind in "biuf" else value
    return value


@dataclass(frozen=True)
class Form:
    """The kind and shape of a value."""

    kind: str
    """ "switch" for a bool, "number", "array", "text" or "other"."""
    shape: tuple[int, ...] = ()
    whole: bool = False


def form(value: Any) -> Form:
    """The form of a value that `as_array` returned."""
    if isinstance(value, np.ndarray):
        if value.ndim:
            return Form("array", value.shape)
        return Form("switch") if value.dtype.kind == "b" else Form("number", whole=value.dtype.kind in "iu")
    return Form("text") if isinstance(value, str) else Form("other")


def fits(given: Form, wanted: Form) -> bool:
    """Whether a value of the form `given` can be an answer, right or wrong, where the form `wanted` is expected."""
    return (given.kind, given.shape) == (wanted.kind, wanted.shape)


def same(mine: list[Any], others: list[Any]) -> bool:
    """Whether the values are the same: numbers to about four digits, and text regardless of capitals."""
    return all(alike(one, other) for one, other in zip(mine, others, strict=True))


def alike(mine: Any, other: Any) -> bool:
    if form(mine) != form(other) and not fits(form(mine), form(other)):
        return False
    if isinstance(mine, np.ndarray):
        scale = float(np.abs(other).max(initial=0)) if other.dtype.kind != "b" else 0.0
        return bool(np.allclose(mine, other, rtol=CLOSE, atol=CLOSE * min(scale, 1) * 0.01))
    if isinstance(mine, str) and isinstance(other, str):
        return mine.strip().casefold() == other.strip().casefold()
    return bool(mine == other)
