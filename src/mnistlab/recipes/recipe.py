"""Recipes: everything that decides what a training gives, in one frozen, self-checking place each."""

from __future__ import annotations

import dataclasses
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

from mnistlab.errors import UserError, plain
from mnistlab.networks.architecture import DEEPEST, HEADS, PADDINGS, PER_BLOCK, POOLINGS, fit_blocks

__all__ = ["Recipe", "allowed", "override", "read_overrides"]


def knob(
    default: Any, text: str, *, low: float = -math.inf, high: float = math.inf, choices: tuple[str, ...] = ()
) -> Any:
    """A field with its explanation and what it may be: a number from `low` to `high` (both allowed), or one of `choices`."""
    return field(default=default, metadata={"help": text, "low": low, "high": high, "choices": choices})


@dataclass(frozen=True)
class Recipe:
    """What to do; a run is one doing of it. Every field can be overridden (`override`, `--epochs 4`, a TOML file).

    `override` fits the other fields to the change, as where another number of `widths` wants other values per block;
    `dataclasses.replace` changes what it is told to and nothing else.

    Raises `UserError` with every problem of its fields at once.
    """

    name: str = knob("custom", "what the recipe is called")
    summary: str = knob("", "what the recipe is, in a line")
    # the network (see NeuralNet)
    widths: tuple[int, ...] = knob(
        (24, 48), "channels of each block, such as 24,48; what the recipe gives per block follows", low=1, high=4096
    )
    depth: tuple[int, ...] = knob((1,), "convolutions of each block (one value, or one a block)", low=1, high=DEEPEST)
    kernel_size: tuple[int, ...] = knob((5,), "side of the convolutions in pixels, likewise", low=1, high=15)
    padding: tuple[str, ...] = knob(("valid",), "at the picture's edge, likewise: same or valid", choices=PADDINGS)
    pooling: tuple[str, ...] = knob(
        ("max",), "how a block halves the picture, likewise: max, stride or none", choices=POOLINGS
    )
    separable: bool = knob(
        False, "convolutions but the first: each channel alone, then 1x1 to mix them (few parameters)"
    )
    batch_norm: bool = knob(True, "batch norm after each convolution")
    pool_last: bool = knob(False, "ReLU before max-pool, as in most textbooks (slower)")
    head: str = knob("flatten", "what becomes of the last maps", choices=HEADS)
    hidden: int = knob(128, "width of a linear layer before the last one, 0 for none", low=0, high=65536)
    dropout: float = knob(0.2, "fraction of values hidden before a linear layer", low=0, high=0.95)
    most_parameters: int = knob(0, "refuse a network with more parameters, 0 for no limit", low=0)
    members: int = knob(1, "networks, trained one after the other, whose probabilities are averaged", low=1, high=1000)
    networks: tuple[str, ...] = knob(
        (), "of an ensemble: recipes whose networks and augmentation the members have, in turn"
    )
    deskew: bool = knob(False, "digits made upright first, in training and in use")
    test_shifts: bool = knob(False, "in use, average over the picture and its shifts by a pixel (5 times the work)")
    # the data
    split: str = knob("train", "what to train on; train+val leaves no validation", choices=("train", "train+val"))
    batch_size: int = knob(128, "images a step", low=1)
    rotate: float = knob(0.0, "degrees to either side", low=0, high=180)
    scale: float = knob(0.0, "fraction smaller to larger", low=0, high=0.7)
    shift: float = knob(0.0, "pixels in x and y", low=0, high=100)
    shear: float = knob(0.0, "slant, fraction of the height", low=0, high=2)
    elastic: float = knob(0.0, "pixels that a 5x5 grid bends", low=0, high=100)
    writing: float = knob(0.0, "other pens, cameras and scanners: 0 none, 1 for two images of three", low=0, high=1)
    rejects: float = knob(0.0, "pictures of no class added to a batch, a fraction of its size", low=0, high=4)
    # the optimisation
    epochs: int = knob(8, "passes over the data", low=1, high=100_000)
    steps: int = knob(0, "stop after so many steps, 0 for after the last epoch", low=0)
    optimizer: str = knob("sgd", "how to go downhill; sgd has Nesterov's momentum", choices=("sgd", "adamw"))
    learning_rate: float = knob(0.1, "at the one-cycle schedule's peak", low=1e-9, high=100)
    warmup: float = knob(0.3, "fraction of the steps until that peak", low=0, high=1)
    momentum: float = knob(0.9, "of SGD; AdamW's first beta", low=0, high=0.9999)
    weight_decay: float = knob(5e-4, "on weights, not on biases or batch norm", low=0, high=10)
    label_smoothing: float = knob(0.0, "share of the target spread over all classes", low=0, high=0.9)
    averaging: float = knob(0.0, "decay of a moving average of the weights, 0 for none", low=0, high=0.99999)
    # the arithmetic
    precision: str = knob(
        "auto", "of the arithmetic; auto is bf16 where the machine gains from it", choices=("auto", "fp32", "bf16")
    )

    def __post_init__(self) -> None:
        for name in TYPES:
            object.__setattr__(self, name, plain(getattr(self, name)))
        for name, kind in TYPES.items():
            value: Any = getattr(self, name)
            if kind in LISTS and isinstance(value, list | LISTS[kind]) and not isinstance(value, bool):
                # a list as JSON and TOML give it; or one value for all blocks
                object.__setattr__(self, name, tuple(value) if isinstance(value, list) else (value,))
        problems = [problem for f in dataclasses.fields(self) if (problem := problem_of(f, getattr(self, f.name)))]
        if not problems and not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", self.name):
            problems.append(f"name must be 1 to 40 of a-z, 0-9 and -; it is {self.name!r}")
        if not problems and self.batch_norm and self.batch_size == 1:
            problems.append("batch-size must be at least 2 where batch norm compares images; it is 1")
        if not problems and self.networks and self.members == 1:
            problems.append(f"networks are an ensemble's, and members is 1; they are {','.join(self.networks)}")
        if not problems and self.deskew and (self.writing or self.rejects):
            problems.append(
                f"deskew cannot be on with writing {self.writing:g} and rejects {self.rejects:g}: these are added after it in"
                " training, and would be deskewed in use"
            )
        if not problems and len(set(self.networks)) < len(self.networks):
            problems.append(f"networks must differ; {','.join(self.networks)} names one twice")
        if problems:
            raise UserError(f"Recipe {self.name!r}: {'. Also, '.join(problems)}.", "Change the value and run again.")

    def to_dict(self) -> dict[str, Any]:
        """Plain types only, for JSON; `Recipe(**d)` takes it back."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(self).items()}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Recipe:
        """The recipe that `to_dict` gave. Raises `UserError` for an unknown field or a value out of range, `TypeError` for no
        mapping."""
        if not isinstance(values, Mapping):
            raise TypeError(f"{type(values).__name__} is not a recipe")
        return override(Recipe(), values)


def problem_of(f: dataclasses.Field[Any], value: Any) -> str | None:
    """What is wrong with the field's value, or None."""
    expected, choices = TYPES[f.name], f.metadata["choices"]
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
    shown = ",".join(map(str, value)) or "empty" if isinstance(value, tuple) else repr(value)
    return f"{f.name.replace('_', '-')} must be {what}; it is {shown}"


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


NOUNS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
TYPES: dict[str, Any] = get_type_hints(Recipe)
LISTS: dict[Any, type] = {tuple[int, ...]: int, tuple[str, ...]: str}
OF_A_KIND = (
    "widths", "depth", "kernel_size", "padding", "pooling", "separable", "batch_norm", "pool_last", "head", "hidden", "dropout",
    "deskew", "rotate", "scale", "shift", "shear", "elastic", "writing",
)  # fmt: skip
"""The fields in which the members of an ensemble may differ: the network and the augmentation."""


def override(recipe: Recipe, *changes: Mapping[str, Any]) -> Recipe:
    """The recipe with some fields changed, by each of `changes` in turn, and with what follows from it:

    other `widths` cut what the recipe gives per block to their number, or repeat its last value; other `epochs` are not
    stopped by its `steps`; and other networks are those of all members of an ensemble. What a change gives itself is
    taken as it is.

    Raises `UserError` for a field that there is not, or a value out of range.
    """
    fields = {name: getattr(recipe, name) for name in TYPES}
    for values in changes:
        if unknown := sorted(set(values) - set(TYPES)):
            raise UserError(
                f"Unknown recipe field{'s' * (len(unknown) > 1)} {', '.join(unknown)}.",
                f"There are {', '.join(TYPES)}.",
            )
        if "epochs" in values:
            fields["steps"] = 0
        if not set(OF_A_KIND).isdisjoint(values):
            fields["networks"] = ()
        if "widths" in values:
            widths = values["widths"]
            count = len(widths) if isinstance(widths, tuple | list) else 1
            fields |= {name: fit_blocks(fields[name], count) for name in PER_BLOCK}
        fields |= values
    return Recipe(**fields)


def read_overrides(path: Path) -> dict[str, Any]:
    """The fields in a TOML file, such as `epochs = 4`. Raises `UserError` where it is missing or not TOML."""
    try:
        content = path.read_bytes()
        if len(content) > 1 and b"\0" in content[:4]:  # every other byte of ASCII letters in UTF-16
            raise UserError(f"{path} is not in UTF-8; it looks like UTF-16.", "Save it as UTF-8, which TOML asks for.")
        text = content.decode("utf-8-sig")  # Windows' editors begin with a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"Cannot read the recipe file {path}: {error}.", "Give a TOML file such as: epochs = 4"
        ) from None
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UserError(f"{path} is not TOML: {error}.", "Write one field a line, such as: epochs = 4") from None
    return {key.replace("-", "_"): value for key, value in values.items()}
