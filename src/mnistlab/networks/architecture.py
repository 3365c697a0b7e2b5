"""Descriptions of networks: frozen dataclasses that are checked in one place and need no torch."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from mnistlab.errors import UserError, shown, whole_number
from mnistlab.messages.sentences import Clause
from mnistlab.networks.fields import held, joined, kinds, knob, problems_of

__all__ = ["Architecture", "EnsembleArchitecture", "NetworkDesign", "architecture_of", "fit_blocks"]

WIDEST = 65_536
"""The most channels, hidden values, classes or pixels per side; more would be a mistake or an attempt to exhaust memory."""
PADDINGS = ("same", "valid")
POOLINGS = ("max", "stride", "none")
HEADS = ("flatten", "average")
PER_BLOCK = ("depth", "kernel_size", "padding", "pooling")
"""The fields besides `widths` with one value for each block; a single value is repeated for all blocks."""


@dataclass(frozen=True)
class NetworkDesign:
    """The part of a network's description that does not depend on the data: blocks, a head, and what may come before and after.

    `NetworkSettings` and `Architecture` derive from this class and report problems with its fields in the same words. Recipes
    use these defaults; `NeuralNet` has defaults of its own.
    """

    widths: tuple[int, ...] = knob((24, 48), low=1, high=WIDEST)
    """Channels of each block, such as 24,48."""
    depth: tuple[int, ...] = knob((1,), low=1, high=64)
    """Convolutions per block: one number for all blocks, or one for each."""
    kernel_size: tuple[int, ...] = knob((5,), low=1, high=255)
    """Side of the kernels in pixels, per block; must be odd if the padding is 'same'."""
    padding: tuple[str, ...] = knob(("valid",), choices=PADDINGS)
    """What happens at the image's edge, per block: zeros are added (same), or the edge is lost (valid)."""
    pooling: tuple[str, ...] = knob(("max",), choices=POOLINGS)
    """How the image is halved, per block: by max-pooling, by a stride of 2, or not at all."""
    separable: bool = knob(False)
    """Split each convolution but the first into two: one within each channel, then a 1x1 one across channels (few parameters)."""
    batch_norm: bool = knob(True)
    """Batch norm after each convolution, and after the hidden layer."""
    pool_last: bool = knob(False)
    """Max-pool after batch norm and ReLU, as in most textbooks (slower)."""
    head: str = knob("flatten", choices=HEADS)
    """How the last maps become one row of values: all their pixels, or the mean of each map."""
    hidden: int = knob(128, low=0, high=WIDEST)
    """Width of a linear layer before the last one, 0 for none."""
    dropout: float = knob(0.2, low=0, high=0.99)
    """Fraction of values zeroed before each linear layer in training."""
    deskew: bool = knob(False)
    """Deskew digits first, in training and in use."""
    local_contrast: bool = knob(False)
    """Even out lighting and contrast first: each pixel minus the mean around it, divided by the standard deviation around it."""
    test_shifts: bool = knob(False)
    """In use, average the answers to the image and to four copies of it shifted by one pixel (5 times the work)."""


@dataclass(frozen=True)
class Architecture(NetworkDesign):
    """A network's whole description: its design, the number of classes, and the size of the images.

    Lists become tuples, a single value is repeated for each block, and NumPy's numbers become Python's. Raises `UserError` for
    values out of range (the error names them all), a list whose length is not the number of blocks, an even kernel size
    together with padding "same", or blocks that leave no pixel of the image.
    """

    classes: int = knob(10, low=1, high=WIDEST)
    """Number of outputs."""
    image_size: tuple[int, int] = (28, 28)
    """Height and width in pixels."""

    def __post_init__(self) -> None:
        values = {name: held(kind, getattr(self, name)) for name, kind in kinds(Architecture).items()}
        if problems := problems_of(Architecture, values):
            raise UserError("networks.problems", problem=joined(problems))
        if not isinstance(values["image_size"], list) or len(values["image_size"]) != 2:
            raise UserError("networks.image_size_not_a_pair", image_size=shown(self.image_size))
        values["image_size"] = tuple(
            whole_number(side, Clause("names.image_size"), 1, WIDEST) for side in values["image_size"]
        )
        count = len(values["widths"])
        for name in PER_BLOCK:
            if len(values[name]) not in (1, count):
                raise UserError("networks.values_per_block", field=name, count=len(values[name]), blocks=count)
            values[name] *= count if len(values[name]) == 1 else 1
        for name, value in values.items():
            object.__setattr__(self, name, value)
        rows = self.blocks
        if even := [row.kernel_size for row in rows if row.is_lopsided]:
            raise UserError("networks.even_kernel", kernel=even[0])
        _, fitting = remaining(rows, self.image_size)
        if fitting < len(rows):
            raise no_pixel_left(rows, fitting, self.image_size)

    @property
    def blocks(self) -> list[Block]:
        """The blocks, each with its own values."""
        columns = [self.widths, *(getattr(self, name) for name in PER_BLOCK)]
        return [Block(*values) for values in zip(*columns, strict=True)]

    @property
    def last_size(self) -> tuple[int, int]:
        """Height and width (pixels) of the maps after the last block."""
        return remaining(self.blocks, self.image_size)[0]

    def to_dict(self) -> dict[str, Any]:
        """The fields in plain types, for JSON: a dict `d` that `architecture_of(d)` and `NeuralNet(**d)` accept."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in dataclasses.asdict(self).items()}


@dataclass(frozen=True)
class EnsembleArchitecture:
    """The description of several networks used as one.

    Raises `UserError` if the networks differ in number of classes or in image size, or if there are no networks.
    """

    members: tuple[Architecture, ...]

    def __post_init__(self) -> None:
        if not self.members:
            raise UserError("networks.ensemble_of_none")
        shapes = {(member.classes, member.image_size) for member in self.members}
        if len(shapes) != 1:
            kinds = [Clause("networks.classes_of_size", count=count, size=size) for count, size in sorted(shapes)]
            raise UserError("networks.ensemble_of_several_kinds", kinds=kinds)

    @property
    def classes(self) -> int:
        """The number of outputs: one for each class."""
        return self.members[0].classes

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.members[0].image_size

    def to_dict(self) -> dict[str, Any]:
        """The fields in plain types, for JSON: a dict that `architecture_of` accepts."""
        return {"classes": self.classes, "members": [member.to_dict() for member in self.members]}


def architecture_of(values: Mapping[str, Any]) -> Architecture | EnsembleArchitecture:
    """The architecture whose `to_dict()` returns `values`.

    Raises `UserError` if the values are impossible, `TypeError` if a field is unknown.
    """
    if "members" in values:
        return EnsembleArchitecture(tuple(Architecture(**member) for member in values["members"]))
    return Architecture(**values)


Values = TypeVar("Values")


def fit_blocks(values: Values, count: int) -> Values:
    """Fit the values of a `PER_BLOCK` field to `count` blocks: drop surplus values, or repeat the last.

    A single value stays as it is.
    """
    if isinstance(values, tuple | list) and len(values) > 1 and count > 0:
        return (*values[:count], *[values[-1]] * (count - len(values)))  # type: ignore[return-value]
    return values


class Block(NamedTuple):
    """One block of convolutions: their channels, number, kernel size and padding, and whether and how it halves the image."""

    width: int
    depth: int
    kernel_size: int
    padding: str
    pooling: str

    @property
    def is_lopsided(self) -> bool:
        """Whether the block has padding "same" but an even kernel size, so that one side would need more zeros than the other."""
        return self.padding == "same" and self.kernel_size % 2 == 0


def remaining(rows: Sequence[Block], image_size: Sequence[int]) -> tuple[tuple[int, int], int]:
    """Height and width (pixels) of an image after those blocks that leave at least one pixel, and the number of such blocks."""
    height, width = image_size
    for place, block in enumerate(rows):
        sides = tuple(convolved(side, block) for side in (height, width))
        if block.pooling == "max":
            sides = tuple(side // 2 for side in sides)
        elif block.pooling == "stride":
            sides = tuple(-(-side // 2) for side in sides)
        if min(sides) < 1:
            return (height, width), place
        height, width = sides
    return (height, width), len(rows)


def convolved(side: int, block: Block) -> int:
    """The length, in pixels, of a side of the image after the block's convolutions and before its pooling."""
    return side - (block.kernel_size - 1) * block.depth * (block.padding == "valid")


def no_pixel_left(rows: Sequence[Block], fitting: int, image_size: Sequence[int]) -> UserError:
    """The error if only the first `fitting` blocks leave a pixel; it says why the next block leaves none, and what would fit."""
    block, before = rows[fitting], remaining(rows[:fitting], image_size)[0]
    after = [convolved(side, block) for side in before]
    if min(after) >= 1:
        why = Clause("networks.max_pool_halves", height=after[0], width=after[1])
    else:
        said: dict[str, Any] = {"kernel": block.kernel_size, "lost": before[0] - after[0]}
        said |= {"height": before[0], "width": before[1]}
        key = "networks.convolutions_take" if block.depth > 1 else "networks.convolution_takes"
        why = Clause(key, field="padding", **said)
    ways = [Clause("networks.first_fits" if fitting == 1 else "networks.first_fit", fitting=fitting)] if fitting else []
    changes: list[dict[str, Any]] = [{"pooling": "none"}, {"padding": "same"}, {"padding": "same", "pooling": "none"}]
    for change in changes:
        changed = [*rows[:fitting], *(row._replace(**change) for row in rows[fitting:])]
        if not any(row.is_lopsided for row in changed) and remaining(changed, image_size)[1] == len(rows):
            fields = [
                Clause("networks.field_of_blocks", field=name, values=",".join(getattr(row, name) for row in changed))
                for name in change
            ]
            ways.append(functools.reduce(lambda one, other: Clause("networks.both", one=one, other=other), fields))
            break
    return UserError(
        "networks.no_pixel_left",
        fitting=fitting + 1,
        count=len(rows),
        height=image_size[0],
        width=image_size[1],
        why=why,
        ways=ways or [Clause("networks.smaller_kernels")],
    )
