"""Which values a recipe's fields may have, alone and in combination."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mnistlab.errors import UserError, shown, told
from mnistlab.messages.sentences import Clause
from mnistlab.networks.fields import held, joined, problems_of
from mnistlab.recipes.settings import GROUP_OF, GROUPS, TYPES

__all__ = ["ALONE", "by_field", "checked"]

ALONE = {"members": 1, "networks": ()}
"""The values that the fields of an ensemble have in the recipe of a single network."""


def by_field(values: Mapping[str, Any]) -> dict[str, Any]:
    """A flat dictionary of all fields, including those given in groups. A field in the wrong group is called "group.field".

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
    """The values as a recipe stores them: NumPy's types become Python's; a list, or one value for all blocks, becomes a tuple.

    Raises a `UserError` that names all values of a wrong type or out of range or, if there are none, the first other problem.
    """
    values = {name: held(TYPES.get(name), value) for name, value in values.items()}
    problems = [
        Clause("recipes.text_needed", name=name, given=shown(values[name]))
        for name in ("name", "summary")
        if type(values[name]) is not str
    ]
    problems += [problem for group in GROUPS.values() for problem in problems_of(group, values)]
    if not problems and (misfit := misfit_of(values)):
        problems = [misfit]
    if problems:
        raise UserError("recipes.problems", name=values["name"], problem=joined(problems), count=len(problems))
    return values


def misfit_of(values: Mapping[str, Any]) -> Clause | None:
    """The first problem with values of the right types and in range, such as a conflict between two; None if there is none."""
    members, networks = (values.get(name, alone) for name, alone in ALONE.items())
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", values["name"]):
        return Clause("recipes.name_must_be", given=shown(values["name"]))
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
