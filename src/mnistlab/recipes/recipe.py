"""Recipes: what a training run trains, and how, as one frozen object that checks itself."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mnistlab.errors import UserError, plain, shown
from mnistlab.messages.sentences import Clause
from mnistlab.networks.architecture import PER_BLOCK, fit_blocks
from mnistlab.networks.fields import knobs
from mnistlab.recipes.checks import ALONE, by_field, checked
from mnistlab.recipes.settings import (
    GROUP_OF,
    GROUPS,
    TYPES,
    DataSettings,
    EnsembleSettings,
    NetworkSettings,
    OptimisationSettings,
)

__all__ = ["EnsembleRecipe", "Recipe"]

OF_A_KIND = (
    "widths", "depth", "kernel_size", "padding", "pooling", "separable", "batch_norm", "pool_last", "head", "hidden", "dropout",
    "deskew", "local_contrast", "rotate", "scale", "shift", "shear", "elastic", "writing", "clutter",
)  # fmt: skip
"""The fields in which the members of an ensemble may differ: the network and the augmentation."""


@dataclass(frozen=True, init=False)
class Recipe:
    """What to train and how; a run carries out a recipe once.

    The fields are in groups; `override` changes them by their own names.

    Parameters
    ----------
    name : str
        The recipe's name: 1 to 40 characters from a-z, 0-9 and -, not beginning with -.
    summary : str
        A one-line description.
    network : NetworkSettings
        The network that is trained.
    data : DataSettings
        What the network is trained on.
    optimisation : OptimisationSettings
        How the weights are found.
    **fields
        Deprecated: fields of the groups by their own names, as in `Recipe(epochs=4)`.

    Raises
    ------
    UserError
        If a field has an impossible value; if several values are of a wrong type or out of range, the message names them all.
    """

    kind: ClassVar[str] = "single"
    """The kind of a run of this recipe, as in config.json."""
    unit: ClassVar[str] = "epoch"
    """The unit in which a run's progress is counted."""
    does: ClassVar[Clause] = Clause("does.classifier")
    """What the run's model does, worded to follow "it" in a sentence."""
    picture: ClassVar[str] = "mistakes.png"
    """The file name of the picture that shows what the run's model misread."""

    name: str
    summary: str
    network: NetworkSettings
    data: DataSettings
    optimisation: OptimisationSettings

    def __new__(cls, *args: Any, **fields: Any) -> Recipe:
        """A new `Recipe`, or a new `EnsembleRecipe` if the deprecated argument `members` is given and is not 1."""
        several = cls is Recipe and plain(fields.get("members", 1)) != 1
        return super().__new__(EnsembleRecipe if several else cls)

    def __init__(
        self,
        name: str = "custom",
        summary: str = "",
        network: NetworkSettings | None = None,
        data: DataSettings | None = None,
        optimisation: OptimisationSettings | None = None,
        **fields: Any,
    ) -> None:
        self.fill(name, summary, fields, network=network, data=data, optimisation=optimisation)

    def fill(self, name: str, summary: str, fields: Mapping[str, Any], **groups: Any) -> None:
        """Check all values, and store them. Raises `UserError` for a wrong value, and `TypeError` for an unknown field."""
        if fields:
            if unknown := sorted(set(fields) - set(TYPES)):
                raise TypeError(f"A recipe got an unexpected keyword argument {unknown[0]!r}")
            written = ", ".join(f"{field}=…" for field in fields)
            warnings.warn(
                f"Making a recipe with {written} is deprecated: give the groups, or change a recipe by"
                f" .override({written}).",
                DeprecationWarning,
                stacklevel=3,
            )
        given = {"name": name, "summary": summary}
        for key, setting in groups.items():
            group = setting or GROUPS[key]()
            if not isinstance(group, GROUPS[key]):
                kind = GROUPS[key].__name__
                raise UserError(
                    "recipes.group_of_other_type", name=shown(name), field=key, kind=kind, group=shown(group)
                )
            given |= {field: getattr(group, field) for field in knobs(GROUPS[key])}
        self.hold(checked(given | dict(fields)))
        if self.trainings == 1 and isinstance(self, EnsembleRecipe):
            raise UserError("recipes.ensemble_of_one", name=self.name)

    def hold(self, values: Mapping[str, Any]) -> None:
        """Store values that the caller has checked: name, summary, and each field in its group."""
        for key in ("name", "summary"):
            object.__setattr__(self, key, values[key])
        for key in (key for key in GROUPS if key in type(self).__dataclass_fields__):
            own = {field: values[field] for field, group in GROUP_OF.items() if group == key}
            object.__setattr__(self, key, GROUPS[key](**own))

    if not TYPE_CHECKING:  # inside mnistlab the groups are used, whose types are known

        def __getattr__(self, name: str) -> Any:
            """The value of the field called `name`, whichever group the field is in."""
            group = self.__dict__.get(GROUP_OF.get(name))
            if group is not None:
                return getattr(group, name)
            if name in ALONE:
                return ALONE[name]
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def trainings(self) -> int:
        """How many networks a run of this recipe trains."""
        return 1

    def values(self) -> dict[str, Any]:
        """The name, the summary and the fields of all groups, in one flat dictionary, each under its own name."""
        fields = {field: getattr(self.__dict__[key], field) for field, key in GROUP_OF.items() if key in self.__dict__}
        return {"name": self.name, "summary": self.summary, **fields}

    def to_dict(self) -> dict[str, Any]:
        """What `values` returns, in plain types, for JSON; `Recipe.from_dict` turns the result back into a recipe."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in self.values().items()}

    def to_groups(self) -> dict[str, Any]:
        """Like `to_dict`, but in groups, as in config.json; `Recipe.from_dict` accepts this form too."""
        groups = {key: asdict(getattr(self, key)) for key in GROUPS if key in self.__dict__}
        listed = {
            key: {name: list(v) if isinstance(v, tuple) else v for name, v in group.items()}
            for key, group in groups.items()
        }
        return {"name": self.name, "summary": self.summary, **listed}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Recipe:
        """The `Recipe` or `EnsembleRecipe` from which `to_dict` or `to_groups` made `values`; missing fields get defaults.

        Raises `UserError` for an unknown field or a value out of range, and `TypeError` if `values` is not a mapping.
        """
        if not isinstance(values, Mapping):
            raise TypeError(f"{type(values).__name__} is not a recipe")
        return Recipe().override(values)

    def override(self, *changes: Mapping[str, Any], **fields: Any) -> Recipe:
        """A copy of the recipe with some fields changed, first by each of `changes` in turn, then by `fields`.

        Fields that depend on changed ones change too, unless they are given as well. With new `widths`, each field with one value
        per block is cut to the new number of blocks, or its last value is repeated. With new `epochs`, `steps` becomes 0 and no
        longer ends training early. A new network or augmentation applies to all members of an ensemble. `dataclasses.replace` on
        a group, by contrast, changes only the fields that it is given.

        Parameters
        ----------
        *changes : mapping
            Fields by name, such as {"epochs": 4}, or groups of them: {"optimisation": {"epochs": 4}}.
        **fields
            Fields by name: `override(widths=(16, 32), epochs=4)`.

        Returns
        -------
        Recipe
            The copy; an `EnsembleRecipe` if it has several `members`.

        Raises
        ------
        UserError
            For unknown fields, or for values out of range; the message names all of these fields at once.
        """
        values = self.values()
        values |= {name: alone for name, alone in ALONE.items() if name not in values}
        for given in (*changes, fields):
            change = by_field(given)
            if unknown := sorted(str(name) for name in change if name not in values):
                raise UserError("recipes.unknown_field", count=len(unknown), unknown=unknown, fields=list(values))
            if "epochs" in change:
                values["steps"] = 0
            if not set(OF_A_KIND).isdisjoint(change):
                values["networks"] = ()
            if "widths" in change:
                widths = change["widths"]
                count = len(widths) if isinstance(widths, tuple | list) else 1
                values |= {name: fit_blocks(values[name], count) for name in PER_BLOCK}
            values |= change
        values = checked(values)
        recipe = object.__new__(Recipe if values["members"] == 1 else EnsembleRecipe)
        recipe.hold(values)
        return recipe


@dataclass(frozen=True, init=False)
class EnsembleRecipe(Recipe):
    """Several networks, trained one after the other, whose probabilities are averaged.

    `ensemble` says how many networks there are, at least 2, and of which kinds; the other groups apply to each member, except for
    what the member's kind decides (see `catalog.member_of`).
    """

    kind: ClassVar[str] = "ensemble"
    unit: ClassVar[str] = "member"

    ensemble: EnsembleSettings

    def __init__(
        self,
        name: str = "custom",
        summary: str = "",
        network: NetworkSettings | None = None,
        data: DataSettings | None = None,
        optimisation: OptimisationSettings | None = None,
        ensemble: EnsembleSettings | None = None,
        **fields: Any,
    ) -> None:
        self.fill(name, summary, fields, network=network, data=data, optimisation=optimisation, ensemble=ensemble)

    @property
    def trainings(self) -> int:
        """How many networks a run of this recipe trains."""
        return self.ensemble.members
