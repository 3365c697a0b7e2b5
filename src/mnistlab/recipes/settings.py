"""The fields of a recipe, in groups. Each field has a type, a default and limits; the text below a field explains the field.

The command line turns each field into an option, and the text below the field into the option's help.
"""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import textwrap
from dataclasses import dataclass, is_dataclass
from typing import Any, Literal

from mnistlab.networks.architecture import Architecture, NetworkDesign
from mnistlab.networks.fields import kinds, knob, knobs

__all__ = [
    "DataSettings",
    "EnsembleSettings",
    "NetworkSettings",
    "OptimisationSettings",
    "explanations",
]


@dataclass(frozen=True)
class NetworkSettings(NetworkDesign):
    """The network: its design, and how large it may be."""

    most_parameters: int = knob(0, low=0)
    """Refuse a network with more parameters than this; 0 for no limit."""

    def architecture(self, classes: int, image_size: tuple[int, int]) -> Architecture:
        """The architecture for images of this size and this many classes. Raises `UserError` if the blocks do not fit."""
        design = {name: getattr(self, name) for name in knobs(NetworkDesign)}
        return Architecture(**design, classes=classes, image_size=image_size)


@dataclass(frozen=True)
class DataSettings:
    """The training data, and how it is augmented."""

    split: str = knob("train", choices=("train", "train-random", "train+val"))
    """Images to train on: train keeps some writers for validation, train-random keeps some images, train+val keeps nothing."""
    batch_size: int = knob(128, low=1)
    """Images per step."""
    rotate: float = knob(0.0, low=0, high=180)
    """Rotate by up to this many degrees in either direction."""
    scale: float = knob(0.0, low=0, high=0.7)
    """Enlarge or shrink the digit by up to this fraction."""
    shift: float = knob(0.0, low=0, high=100)
    """Shift by up to this many pixels in x and in y."""
    shear: float = knob(0.0, low=0, high=2)
    """Slant by up to this fraction of the height."""
    elastic: float = knob(0.0, low=0, high=100)
    """Bend: move the points of a 5x5 grid by up to this many pixels."""
    writing: float = knob(0.0, low=0, high=1)
    """How often to imitate other pens, cameras and scanners, from 0 (never) to 1 (two images in three)."""
    clutter: float = knob(0.0, low=0, high=1)
    """How often to invert or partly cover images, mix in other digits or change strokes, from 0 (never) to 1 (most images)."""
    rejects: float = knob(0.0, low=0, high=4)
    """How many images of no class to add to each batch, as a fraction of the batch size."""

    @property
    def validation(self) -> Literal["val", "val-random"] | None:
        """The split that training on `split` leaves for validation; None if it leaves no images."""
        if self.split == "train+val":
            return None
        return "val-random" if self.split == "train-random" else "val"


@dataclass(frozen=True)
class OptimisationSettings:
    """How the weights are found: for how long, with which optimizer, in which number format."""

    epochs: int = knob(8, low=1, high=100_000)
    """Passes over the data."""
    steps: int = knob(0, low=0)
    """Stop after this many steps; with 0, after the last epoch."""
    optimizer: str = knob("sgd", choices=("sgd", "adamw"))
    """Optimisation algorithm; sgd uses Nesterov momentum."""
    learning_rate: float = knob(0.1, low=1e-9, high=100)
    """Learning rate at the peak of the one-cycle schedule."""
    warmup: float = knob(0.3, low=0, high=1)
    """When the learning rate peaks, as a fraction of all steps."""
    momentum: float = knob(0.9, low=0, high=0.9999)
    """Momentum of SGD, or the first beta of AdamW."""
    weight_decay: float = knob(5e-4, low=0, high=10)
    """Weight decay, except for biases and batch norm."""
    label_smoothing: float = knob(0.0, low=0, high=0.9)
    """Label smoothing: share of the target that is spread over all classes."""
    averaging: float = knob(0.0, low=0, high=0.99999)
    """Decay of a moving average of the weights, 0 for none."""
    precision: str = knob("auto", choices=("auto", "fp32", "bf16"))
    """Number format to compute in; auto is bf16 if that is faster on this machine."""


@dataclass(frozen=True)
class EnsembleSettings:
    """How many networks to train, and of which kinds."""

    members: int = knob(1, low=1, high=1000)
    """Number of networks to train, one after the other; their probabilities are averaged."""
    networks: tuple[str, ...] = knob(())
    """Recipes whose networks and augmentation the members use in turn."""


GROUPS: dict[str, type] = {
    "network": NetworkSettings,
    "data": DataSettings,
    "optimisation": OptimisationSettings,
    "ensemble": EnsembleSettings,
}
"""The groups by name, in the order in which the command line's help lists them."""
GROUP_OF = {name: key for key, group in GROUPS.items() for name in knobs(group)}
"""For each field's name, the name of the field's group."""
FIELDS = {name: f for group in GROUPS.values() for name, f in knobs(group).items()}
TYPES: dict[str, Any] = {name: kind for group in GROUPS.values() for name, kind in kinds(group).items()}


@functools.cache
def explanations(*parts: type) -> dict[str, str]:
    """The text below each field of the dataclasses `parts` (by default, all groups) and of their bases, by the field's name."""
    texts = {}
    for part in (base for given in parts or GROUPS.values() for base in reversed(given.__mro__) if is_dataclass(base)):
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(part))).body
        assert isinstance(definition, ast.ClassDef)  # noqa: S101 - for mypy
        for line, below in itertools.pairwise(definition.body):
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and isinstance(below, ast.Expr):
                texts[line.target.id] = str(ast.literal_eval(below.value))
    known = {name for part in parts or GROUPS.values() for name in knobs(part)}
    return {name: text for name, text in texts.items() if name in known}
