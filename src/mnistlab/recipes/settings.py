"""What a recipe decides, in groups: each field's type, default, limits, and below it what it means.

The command line makes an option of each field, and the option's help of the text below it.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import itertools
import math
import textwrap
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from mnistlab.networks.architecture import DEEPEST, HEADS, PADDINGS, POOLINGS, Architecture

__all__ = [
    "DataSettings",
    "EnsembleSettings",
    "NetworkSettings",
    "OptimisationSettings",
    "explanations",
]


def knob(default: Any, *, low: float = -math.inf, high: float = math.inf, choices: tuple[str, ...] = ()) -> Any:
    """A field with its default and what it may be: a number from `low` to `high` (both allowed), or one of `choices`."""
    return field(default=default, metadata={"low": low, "high": high, "choices": choices})


@dataclass(frozen=True)
class NetworkSettings:
    """The network; see `Architecture`, which has these fields too and checks how they fit together."""

    widths: tuple[int, ...] = knob((24, 48), low=1, high=4096)
    """Channels of each block, such as 24,48; what the recipe gives per block follows."""
    depth: tuple[int, ...] = knob((1,), low=1, high=DEEPEST)
    """Convolutions of each block (one value, or one a block)."""
    kernel_size: tuple[int, ...] = knob((5,), low=1, high=15)
    """Side of the convolutions in pixels, likewise."""
    padding: tuple[str, ...] = knob(("valid",), choices=PADDINGS)
    """At the picture's edge, likewise: same or valid."""
    pooling: tuple[str, ...] = knob(("max",), choices=POOLINGS)
    """How a block halves the picture, likewise: max, stride or none."""
    separable: bool = knob(False)
    """Convolutions but the first: each channel alone, then 1x1 to mix them (few parameters)."""
    batch_norm: bool = knob(True)
    """Batch norm after each convolution."""
    pool_last: bool = knob(False)
    """ReLU before max-pool, as in most textbooks (slower)."""
    head: str = knob("flatten", choices=HEADS)
    """How the last feature maps become one row of values."""
    hidden: int = knob(128, low=0, high=65536)
    """Width of a linear layer before the last one, 0 for none."""
    dropout: float = knob(0.2, low=0, high=0.95)
    """Fraction of values hidden before a linear layer."""
    most_parameters: int = knob(0, low=0)
    """Refuse a network with more parameters, 0 for no limit."""
    deskew: bool = knob(False)
    """Digits made upright first, in training and in use."""
    test_shifts: bool = knob(False)
    """In use, average over the picture and its shifts by a pixel (5 times the work)."""

    def architecture(self, classes: int, image_size: tuple[int, int]) -> Architecture:
        """The network for images of that size and so many classes. Raises `UserError` where the blocks do not fit them."""
        values = {name: value for name, value in dataclasses.asdict(self).items() if name != "most_parameters"}
        return Architecture(classes=classes, image_size=image_size, **values)


@dataclass(frozen=True)
class DataSettings:
    """What is trained on, and how it is changed on the way."""

    split: str = knob("train", choices=("train", "train+val"))
    """What to train on; train+val leaves no validation."""
    batch_size: int = knob(128, low=1)
    """Images a step."""
    rotate: float = knob(0.0, low=0, high=180)
    """Degrees to either side."""
    scale: float = knob(0.0, low=0, high=0.7)
    """Largest change in size, as a fraction."""
    shift: float = knob(0.0, low=0, high=100)
    """Pixels in x and y."""
    shear: float = knob(0.0, low=0, high=2)
    """Slant, fraction of the height."""
    elastic: float = knob(0.0, low=0, high=100)
    """Pixels that a 5x5 grid bends."""
    writing: float = knob(0.0, low=0, high=1)
    """Other pens, cameras and scanners: 0 none, 1 for two images of three."""
    rejects: float = knob(0.0, low=0, high=4)
    """Pictures of no class added to a batch, a fraction of its size."""


@dataclass(frozen=True)
class OptimisationSettings:
    """How the weights are found: for how long, by which steps, in which arithmetic."""

    epochs: int = knob(8, low=1, high=100_000)
    """Passes over the data."""
    steps: int = knob(0, low=0)
    """Stop after so many steps, 0 for after the last epoch."""
    optimizer: str = knob("sgd", choices=("sgd", "adamw"))
    """Optimisation algorithm; sgd has Nesterov's momentum."""
    learning_rate: float = knob(0.1, low=1e-9, high=100)
    """At the one-cycle schedule's peak."""
    warmup: float = knob(0.3, low=0, high=1)
    """Fraction of the steps until that peak."""
    momentum: float = knob(0.9, low=0, high=0.9999)
    """Of SGD; AdamW's first beta."""
    weight_decay: float = knob(5e-4, low=0, high=10)
    """On weights, not on biases or batch norm."""
    label_smoothing: float = knob(0.0, low=0, high=0.9)
    """Share of the target spread over all classes."""
    averaging: float = knob(0.0, low=0, high=0.99999)
    """Decay of a moving average of the weights, 0 for none."""
    precision: str = knob("auto", choices=("auto", "fp32", "bf16"))
    """Of the arithmetic; auto is bf16 where the machine gains from it."""


@dataclass(frozen=True)
class EnsembleSettings:
    """How many networks, and of which kinds."""

    members: int = knob(1, low=1, high=1000)
    """Networks, trained one after the other, whose probabilities are averaged."""
    networks: tuple[str, ...] = knob(())
    """Of an ensemble: recipes whose networks and augmentation the members have, in turn."""


Settings = NetworkSettings | DataSettings | OptimisationSettings | EnsembleSettings
GROUPS: dict[str, type[Settings]] = {
    "network": NetworkSettings,
    "data": DataSettings,
    "optimisation": OptimisationSettings,
    "ensemble": EnsembleSettings,
}
"""The groups by name, in the order of the command line's help."""
GROUP_OF = {f.name: name for name, group in GROUPS.items() for f in dataclasses.fields(group)}
"""The name of each field's group."""
FIELDS = {f.name: f for group in GROUPS.values() for f in dataclasses.fields(group)}
TYPES: dict[str, Any] = {name: kind for group in GROUPS.values() for name, kind in get_type_hints(group).items()}
LISTS: dict[Any, type] = {tuple[int, ...]: int, tuple[str, ...]: str}


@functools.cache
def explanations() -> dict[str, str]:
    """The text below each field, by the field's name, as this file has it."""
    texts = {}
    for group in GROUPS.values():
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(group))).body
        assert isinstance(definition, ast.ClassDef)  # noqa: S101 - for mypy
        for line, below in itertools.pairwise(definition.body):
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and isinstance(below, ast.Expr):
                texts[line.target.id] = str(ast.literal_eval(below.value))
    return texts
