"""What the recipes of the finder and the line reader have in common: both networks are trained on pictures drawn during training.

Such a recipe has none of the groups of a classifier's recipe, so it is not a `Recipe`: it cannot be passed by mistake to code
that needs a recipe's `network`, `data` or `optimisation`.
"""

from __future__ import annotations

import dataclasses
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias

from mnistlab.errors import UserError, shown
from mnistlab.messages.sentences import Clause
from mnistlab.networks.fields import held, joined, kinds, knob, problems_of
from mnistlab.recipes.recipe import Recipe

__all__ = ["AnyRecipe", "PaperRecipe"]


@dataclass(frozen=True)
class PaperRecipe(ABC):
    """What to train and how; a run carries out a recipe once. The fields are not in groups; `override` changes them.

    The command line turns each field into an option, and the text below the field into the option's help. A subclass has to
    declare `start`, `widths`, `width` and `batch_size` again, with its own defaults and texts.

    Raises
    ------
    UserError
        If a field has an impossible value; if several values are of a wrong type or out of range, the message names them all.
    """

    kind: ClassVar[str]
    """The kind of a run of this recipe, as in config.json."""
    does: ClassVar[Clause]
    """What the network does, worded to follow "it" in a sentence."""
    picture: ClassVar[str]
    """The name of the picture that shows what the network read."""
    unit: ClassVar[str] = "epoch"
    trainings: ClassVar[int] = 1
    count_of_widths: ClassVar[tuple[int, str]]
    """How many `widths` there must be, and the key of the message for any other number of them."""
    multiples: ClassVar[tuple[str, ...]] = ("width",)
    """The names of the fields whose values have to be multiples of `cell`."""
    cell: ClassVar[int] = 4

    name: str = "custom"
    summary: str = ""
    start: str = knob("")
    widths: tuple[int, ...] = knob((1,), low=1, high=1024)
    width: int = knob(48, low=48, high=2048)
    batch_size: int = knob(1, low=1, high=4096)
    steps: int = knob(16_000, low=1)
    """Steps in the whole training run."""
    epoch_steps: int = knob(1000, low=1, high=1_000_000)
    """Steps per epoch; after each epoch the network is measured and saved."""
    learning_rate: float = knob(3e-3, low=1e-9, high=100)
    """Learning rate between warm-up and cool-down."""
    warmup_steps: int = knob(400, low=0)
    """Steps in which the learning rate rises linearly."""
    cooldown_steps: int = knob(4_800, low=0)
    """Steps at the end, in which the learning rate falls linearly to 0."""
    momentum: float = knob(0.9, low=0, high=0.9999)
    """The first beta of AdamW."""
    squares_momentum: float = knob(0.99, low=0, high=0.99999)
    """The second beta of AdamW: decay of the average of squared gradients."""
    weight_decay: float = knob(1e-2, low=0, high=10)
    """Weight decay, except for biases and batch norm."""
    precision: str = knob("auto", choices=("auto", "fp32", "bf16"))
    """Number format to compute in; auto is bf16 if that is faster on this machine."""

    def __post_init__(self) -> None:
        types = kinds(type(self))
        values = {f.name: held(types[f.name], getattr(self, f.name)) for f in dataclasses.fields(self)}
        problems = [
            Clause("recipes.text_needed", name=name, given=shown(values[name]))
            for name in ("name", "summary")
            if type(values[name]) is not str
        ]
        problems += problems_of(type(self), values)
        if not problems and (misfit := self.misfit_of(values)):
            problems = [misfit]
        if problems:
            raise UserError("recipes.problems", name=values["name"], problem=joined(problems), count=len(problems))
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def misfit_of(cls, values: Mapping[str, Any]) -> Clause | None:
        """The first problem in values of the right types and ranges (such as a width not divisible by `cell`), or None."""
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", values["name"]):
            return Clause("recipes.name_must_be", given=shown(values["name"]))
        count, needed = cls.count_of_widths
        if len(values["widths"]) != count:
            return Clause(needed, field="widths", count=len(values["widths"]))
        for field in cls.multiples:
            if values[field] % cls.cell:
                return Clause("recipes.multiple_needed", field=field, of=cls.cell, given=values[field])
        return None

    @property
    def epochs(self) -> int:
        """The number of epochs; the last one may be shorter than the others."""
        return -(-self.steps // self.epoch_steps)

    @abstractmethod
    def held_out(self, split: str) -> int:
        """On how many pictures, with digits of the split "val" or "test", the network is measured."""

    def to_dict(self) -> dict[str, Any]:
        """All fields in plain types, for JSON; the class's `from_dict` turns the result back into a recipe."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in dataclasses.asdict(self).items()}

    to_groups = to_dict
    """The recipe as config.json holds it."""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The recipe for which `to_dict` returned `values`; missing fields get their defaults.

        Raises `UserError` for an unknown field or a value out of range, `TypeError` for anything but a mapping.
        """
        if not isinstance(values, Mapping):
            raise TypeError(f"{type(values).__name__} is not a recipe")
        return cls().override(values)

    def override(self, *changes: Mapping[str, Any], **fields: Any) -> Self:
        """A copy of the recipe with some fields changed, first by each of `changes` in turn, then by `fields`.

        Raises `UserError` for an unknown field, or for values out of range, all of which the message names.
        """
        given = {name: value for change in (*changes, fields) for name, value in change.items()}
        known = [f.name for f in dataclasses.fields(self)]
        if unknown := sorted(str(name) for name in given if name not in known):
            raise UserError("recipes.unknown_field", count=len(unknown), unknown=unknown, fields=known)
        return dataclasses.replace(self, **given)


AnyRecipe: TypeAlias = Recipe | PaperRecipe
"""The recipes that a run may have."""
