"""Which values a recipe's fields take, alone and together."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Mapping
from typing import Any

from mnistlab.errors import UserError, plain
from mnistlab.messages.sentences import Clause
from mnistlab.recipes.settings import FIELDS, GROUP_OF, GROUPS, LISTS, TYPES

__all__ = ["ALONE", "allowed", "by_field", "checked"]

NOUNS = {
    int: Clause("values.whole_number"), float: Clause("values.number"), bool: Clause("values.switch"),
    str: Clause("values.text"),
}  # fmt: skip
ALONE = {"members": 1, "networks": ()}
"""What the fields of an ensemble are where there is none."""


def by_field(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values by the names of their fields, those in groups too. A field in a group that is not its own is "group.field".

    Raises `UserError` for a field given twice.
    """
    pairs = []
    for name, value in values.items():
        if name in GROUPS and isinstance(value, Mapping):
            pairs += [(inner if GROUP_OF.get(inner) == name else f"{name}.{inner}", v) for inner, v in value.items()]
        else:
            pairs.append((name, value))
    fields = dict(pairs)
    if twice := [name for name in fields if [other for other, _ in pairs].count(name) > 1]:
        raise UserError("recipes.field_given_twice", twice=twice)
    return fields


def checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with NumPy's types as Python's, and lists, or one value for all blocks, as tuples.

    Raises `UserError` with every problem at once.
    """
    values = {name: plain(value) for name, value in values.items()}
    for name in values:
        value, kind = values[name], TYPES.get(name)
        if kind in LISTS and isinstance(value, list | LISTS[kind]) and not isinstance(value, bool):
            # a list as JSON and TOML give it; or one value for all blocks
            values[name] = tuple(value) if isinstance(value, list) else (value,)
    problems = [
        Clause("recipes.text_needed", name=name, given=repr(values[name]))
        for name in ("name", "summary")
        if type(values[name]) is not str
    ]
    problems += [found for name in TYPES if name in values and (found := problem_of(name, values[name]))]
    if not problems and (misfit := misfit_of(values)):
        problems = [misfit]
    if problems:
        *others, last = problems
        problem = functools.reduce(
            lambda rest, one: Clause("recipes.problem_and_others", one=one, others=rest), reversed(others), last
        )
        raise UserError("recipes.problems", name=values["name"], problem=problem)
    return values


def misfit_of(values: Mapping[str, Any]) -> Clause | None:
    """Which values, each allowed, do not go together; None where all do."""
    members, networks = (values.get(name, alone) for name, alone in ALONE.items())
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", values["name"]):
        return Clause("recipes.name_must_be", given=repr(values["name"]))
    if values["batch_norm"] and values["batch_size"] == 1:
        return Clause("recipes.batch_of_one", field="batch_size")
    if networks and members == 1:
        return Clause("recipes.members_needed", field="networks", members_field="members", networks=told(networks))
    if values["deskew"] and (values["writing"] or values["rejects"]):
        return Clause(
            "recipes.deskewed_later", field="deskew", writing_field="writing", writing=values["writing"],
            rejects_field="rejects", rejects=values["rejects"],
        )  # fmt: skip
    if len(set(networks)) < len(networks):
        return Clause("recipes.networks_repeated", field="networks", networks=told(networks))
    return None


def problem_of(name: str, value: Any) -> Clause | None:
    """What is wrong with the field's value, or None."""
    f, expected = FIELDS[name], TYPES[name]
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
        what = Clause("values.kind_in_range", kind=noun, range=what) if what else noun
    if several:
        what = Clause("values.list_of", what=what)
    return Clause("recipes.must_be", field=name, what=what, given=told(value))


def told(value: Any) -> str | Clause:
    """The value as the command line takes it."""
    return ",".join(map(str, value)) or Clause("values.empty") if isinstance(value, tuple) else repr(value)


def in_range(f: dataclasses.Field[Any], value: Any) -> bool:
    return isinstance(value, str | bool) or bool(f.metadata["low"] <= value <= f.metadata["high"])  # NaN is not


def allowed(f: dataclasses.Field[Any]) -> Clause | None:
    """Which values a field takes, such as "between 1 and 100,000" or "sgd or adamw"; None where any of its type."""
    low, high, choices = (f.metadata[key] for key in ("low", "high", "choices"))
    if choices:
        return Clause("values.one_of", choices=choices)
    if low == -math.inf:
        return None
    return Clause("values.at_least", low=low) if high == math.inf else Clause("values.between", low=low, high=high)
