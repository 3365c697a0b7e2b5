"""Which values a recipe's fields take, alone and together."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

from mnistlab.errors import UserError, plain
from mnistlab.recipes.settings import FIELDS, GROUP_OF, GROUPS, LISTS, TYPES

__all__ = ["ALONE", "allowed", "by_field", "checked"]

NOUNS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
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
        f"{name} must be text; it is {values[name]!r}" for name in ("name", "summary") if type(values[name]) is not str
    ]
    problems += [found for name in TYPES if name in values and (found := problem_of(name, values[name]))]
    if not problems and (misfit := misfit_of(values)):
        problems = [misfit]
    if problems:
        raise UserError("recipes.problems", name=values["name"], join=". Also, ".join(problems))
    return values


def misfit_of(values: Mapping[str, Any]) -> str | None:
    """Which values, each allowed, do not go together; None where all do."""
    members, networks = (values.get(name, alone) for name, alone in ALONE.items())
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", values["name"]):
        return f"name must be 1 to 40 of a-z, 0-9 and -; it is {values['name']!r}"
    if values["batch_norm"] and values["batch_size"] == 1:
        return "batch-size must be at least 2 where batch norm compares images; it is 1"
    if networks and members == 1:
        return f"networks are an ensemble's, and members is 1; they are {','.join(networks)}"
    if values["deskew"] and (values["writing"] or values["rejects"]):
        return (
            f"deskew cannot be on with writing {values['writing']:g} and rejects {values['rejects']:g}: these are added after it"
            " in training, and would be deskewed in use"
        )
    if len(set(networks)) < len(networks):
        return f"networks must differ; {','.join(networks)} names one twice"
    return None


def problem_of(name: str, value: Any) -> str | None:
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
    if several:
        what = f"a list of {what or 'names'}" if kind is str else f"a list of whole numbers {what}"
    elif not choices and not typed:
        what = f"{NOUNS[kind]} {what}".strip()
    return f"{name.replace('_', '-')} must be {what}; it is {told(value)}"


def told(value: Any) -> str:
    """The value as the command line takes it."""
    return ",".join(map(str, value)) or "empty" if isinstance(value, tuple) else repr(value)


def in_range(f: dataclasses.Field[Any], value: Any) -> bool:
    return isinstance(value, str | bool) or bool(f.metadata["low"] <= value <= f.metadata["high"])  # NaN is not


def allowed(f: dataclasses.Field[Any]) -> str:
    """Which values a field takes, such as "between 1 and 100,000" or "sgd or adamw"; empty where any of its type."""
    low, high, choices = (f.metadata[key] for key in ("low", "high", "choices"))
    if choices:
        return " or ".join([", ".join(choices[:-1]), choices[-1]])
    if low == -math.inf:
        return ""
    return f"at least {low:,g}" if high == math.inf else f"between {low:,g} and {high:,g}"
