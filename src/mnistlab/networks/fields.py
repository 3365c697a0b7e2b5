"""Declare dataclass fields with their allowed values, and check given values, in the same way for networks and recipes."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterable, Mapping
from typing import Any, get_type_hints

from mnistlab.errors import plain, shown, told
from mnistlab.messages.sentences import Clause

__all__ = ["LISTS", "allowed", "held", "joined", "kinds", "knob", "knobs", "problems_of"]

LISTS: dict[Any, type] = {tuple[int, ...]: int, tuple[str, ...]: str}
"""Maps each type that holds several values to the type of those values."""
NOUNS = {
    int: Clause("values.whole_number"), float: Clause("values.number"), bool: Clause("values.switch"),
    str: Clause("values.text"),
}  # fmt: skip


def knob(default: Any, *, low: float = -math.inf, high: float = math.inf, choices: tuple[str, ...] = ()) -> Any:
    """A dataclass field with its default and allowed values: a number from `low` to `high` (inclusive), or one of `choices`."""
    return dataclasses.field(default=default, metadata={"low": low, "high": high, "choices": choices})


def knobs(group: type) -> dict[str, dataclasses.Field[Any]]:
    """The dataclass's fields that `knob` declared, by name, inherited ones first."""
    return {f.name: f for f in dataclasses.fields(group) if "choices" in f.metadata}


@functools.cache
def kinds(group: type) -> dict[str, Any]:
    """Maps the name of each field of the dataclass to the field's type."""
    return get_type_hints(group)


def held(kind: Any, value: Any) -> Any:
    """Prepare a value for a field of type `kind`, without checking it: NumPy's numbers become Python's.

    If `kind` is in `LISTS`, a list becomes a tuple, and a single value of the right type becomes a tuple of one.
    """
    value = plain(value)
    if kind in LISTS and isinstance(value, list | LISTS[kind]) and not isinstance(value, bool):
        return tuple(value) if isinstance(value, list) else (value,)
    return value


def problems_of(group: type, values: Mapping[str, Any]) -> list[Clause]:
    """The problems with the `values` that `held` returned for fields of the dataclass; each value is checked on its own."""
    fields = [f for name, f in knobs(group).items() if name in values]
    return [problem for f in fields if (problem := problem_of(f, kinds(group)[f.name], values[f.name]))]


def problem_of(f: dataclasses.Field[Any], expected: Any, value: Any) -> Clause | None:
    """The problem with the field's value, or None if the value is allowed."""
    choices = f.metadata["choices"]
    kind, several = LISTS.get(expected, expected), expected in LISTS
    parts = value if several and isinstance(value, tuple) else (value,)
    typed = all(type(part) in ((int, float) if kind is float else (kind,)) for part in parts)
    typed = typed and isinstance(value, tuple) == several and (bool(parts) or not f.default)
    if typed and all(part in choices if choices else in_range(f, part) for part in parts):
        return None
    what = allowed(f)
    if not choices and (several or not typed):
        noun = NOUNS[kind] if not several else Clause("values.names" if kind is str else "values.whole_numbers")
        key = "values.kind_at_least" if f.metadata["high"] == math.inf else "values.kind_in_range"
        what = Clause(key, kind=noun, range=what) if what else noun
    if several:
        what = Clause("values.list_of_choices", choices=choices) if choices else Clause("values.list_of", what=what)
    as_typed = isinstance(value, tuple) or (kind is float and isinstance(value, float))
    given = Clause("values.empty") if value == () else told(value) if as_typed else shown(value)
    return Clause("values.must_be", field=f.name, what=what, given=given)


def in_range(f: dataclasses.Field[Any], value: Any) -> bool:
    return isinstance(value, str | bool) or bool(f.metadata["low"] <= value <= f.metadata["high"])  # False for NaN


def allowed(f: dataclasses.Field[Any]) -> Clause | None:
    """The values that a field accepts, such as "between 1 and 100,000" or "sgd or adamw"; None if any value will do."""
    low, high, choices = (f.metadata[key] for key in ("low", "high", "choices"))
    if choices:
        return Clause("values.one_of", choices=choices)
    if low == -math.inf:
        return None
    return Clause("values.at_least", low=low) if high == math.inf else Clause("values.between", low=low, high=high)


def joined(problems: Iterable[Clause]) -> Clause:
    """One or more problems, joined into a single clause that names them all."""
    *others, last = problems
    return functools.reduce(
        lambda rest, one: Clause("values.problem_and_others", one=one, others=rest), reversed(others), last
    )
