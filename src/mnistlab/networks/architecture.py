"""What a network may look like: one frozen description, checked in one place, that needs no torch."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from mnistlab.errors import UserError, number, plain, shown, whole_number
from mnistlab.messages.sentences import Clause

__all__ = ["Architecture", "EnsembleArchitecture", "architecture_of", "fit_blocks"]

WIDEST = 65_536
"""Channels, hidden values or classes; beyond, it is a mistake or an attack on the memory."""
DEEPEST = 64  # convolutions per block
PADDINGS = ("same", "valid")
POOLINGS = ("max", "stride", "none")
HEADS = ("flatten", "average")
PER_BLOCK = ("depth", "kernel_size", "padding", "pooling")
"""The fields that hold a value for each of the `widths`; given one, they hold it for each."""


@dataclass(frozen=True)
class Architecture:
    """A network: a row of blocks, then a head; and what is done with the images around it.

    Lists are taken for tuples, one value for one of each block, and NumPy's numbers for Python's. Raises
    `UserError` that names the first thing wrong: a value out of range, a list of another length than there are blocks, or blocks
    that leave no pixel of the image.
    """

    widths: tuple[int, ...] = (32, 64)
    """Channels of each block, 1 to 65,536."""
    classes: int = 10
    """Values that come out."""
    image_size: tuple[int, int] = (28, 28)
    """Height and width in pixels."""
    depth: tuple[int, ...] = (1,)
    """Convolutions of each block, each with batch norm and ReLU, 1 to 64."""
    kernel_size: tuple[int, ...] = (3,)
    """Side of each block's convolutions in pixels; odd where padding is "same"."""
    padding: tuple[str, ...] = ("same",)
    """At the picture's edge: "same" keeps the edge pixels' neighbourhoods, "valid" takes only whole ones."""
    pooling: tuple[str, ...] = ("max",)
    """How each block's last convolution halves height and width: "max"-pool, a "stride" of 2, or not at all ("none")."""
    separable: bool = False
    """Each convolution but the first is two: one looks at each channel alone, then one of 1x1 mixes them."""
    batch_norm: bool = True
    """Batch norm after each convolution."""
    pool_last: bool = False
    """Max-pool after ReLU, as in most textbooks, in place of before batch norm."""
    head: str = "flatten"
    """What becomes of the last maps: laid out in one row ("flatten"), or only the mean of each kept ("average")."""
    hidden: int = 0
    """Width of a linear layer before the last one, 0 for none."""
    dropout: float = 0.0
    """Fraction of the values zeroed before each linear layer in training, 0 to 1."""
    deskew: bool = False
    """Around the layers: the slant of each image's ink is taken out first (see `networks.deskew.Deskewed`)."""
    test_shifts: bool = False
    """Around the layers: five views of each image are averaged (see `networks.shifts.Shifted`)."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = plain(getattr(self, field.name))
            object.__setattr__(self, field.name, tuple(value) if isinstance(value, list) else value)
        self.check_numbers()
        for name, values in zip(PER_BLOCK, self.columns(), strict=True):
            object.__setattr__(self, name, values)
        rows = self.blocks
        for block in rows:
            check_block(block)
        _, fitting = remaining(rows, self.image_size)
        if fitting < len(rows):
            raise no_pixel_left(rows, fitting, self.image_size)

    def check_numbers(self) -> None:
        """Raise `UserError` that names the first thing wrong with the values that are not a block's own."""
        widths = self.widths
        if (
            not isinstance(widths, tuple)
            or not widths
            or not all(type(width) is int and 1 <= width <= WIDEST for width in widths)
        ):
            shape = list(widths) if isinstance(widths, tuple) else widths
            raise UserError("networks.widths_out_of_range", shape=shown(shape), widest=WIDEST)
        whole_number(self.classes, "Classes", 1, WIDEST)
        whole_number(self.hidden, "Hidden", 0, WIDEST)
        number(self.dropout, "Dropout", 0, 1)
        if self.head not in HEADS:
            raise UserError("networks.unknown_head", head=self.head, heads=HEADS)
        for name in ("separable", "batch_norm", "pool_last", "deskew", "test_shifts"):
            if type(value := getattr(self, name)) is not bool:
                raise UserError("networks.not_a_switch", field=name, value=shown(value))
        if not isinstance(self.image_size, tuple) or len(self.image_size) != 2:
            raise UserError("networks.image_size_not_a_pair", image_size=shown(self.image_size))
        for side in self.image_size:
            whole_number(side, "Image size", 1, WIDEST)

    def columns(self) -> list[tuple[Any, ...]]:
        """The fields of `PER_BLOCK`, a value for each of the widths. Raises `UserError` for a list of another length."""
        count, columns = len(self.widths), []
        for name in PER_BLOCK:
            value: Any = getattr(self, name)
            values = value if isinstance(value, tuple) else (value,)
            if len(values) not in (1, count):
                raise UserError("networks.values_per_block", field=name, count=len(values), blocks=count)
            columns.append(values * count if len(values) == 1 else values)
        return columns

    @property
    def blocks(self) -> list[Block]:
        """The blocks, each with its own values."""
        columns = [self.widths, *(getattr(self, name) for name in PER_BLOCK)]
        return [Block(*values) for values in zip(*columns, strict=True)]

    @property
    def last_size(self) -> tuple[int, int]:
        """Height and width (pixels) of the maps that the blocks leave."""
        return remaining(self.blocks, self.image_size)[0]

    def to_dict(self) -> dict[str, Any]:
        """Plain types only, for JSON; `architecture_of` takes it back, and so does `NeuralNet(**d)`."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in dataclasses.asdict(self).items()}


@dataclass(frozen=True)
class EnsembleArchitecture:
    """Several networks used as one. Raises `UserError` where they differ in classes or image size, or there is none."""

    members: tuple[Architecture, ...]

    def __post_init__(self) -> None:
        shapes = {(member.classes, member.image_size) for member in self.members}
        if len(shapes) != 1:
            kinds = ", ".join(f"{classes} classes of {h}x{w}" for classes, (h, w) in sorted(shapes)) or "none"
            raise UserError("networks.ensemble_of_several_kinds", kinds=kinds)

    @property
    def classes(self) -> int:
        """Values that come out."""
        return self.members[0].classes

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.members[0].image_size

    def to_dict(self) -> dict[str, Any]:
        """Plain types only, for JSON; `architecture_of` takes it back."""
        return {"classes": self.classes, "members": [member.to_dict() for member in self.members]}


def architecture_of(values: Mapping[str, Any]) -> Architecture | EnsembleArchitecture:
    """The architecture that `to_dict` gave. Raises `UserError`, or `TypeError` for an unknown field, where it is none."""
    if "members" in values:
        return EnsembleArchitecture(tuple(Architecture(**member) for member in values["members"]))
    return Architecture(**values)


Values = TypeVar("Values")


def fit_blocks(values: Values, count: int) -> Values:
    """A field of `PER_BLOCK` for `count` blocks: cut, or its last value repeated. One for all blocks stays as it is."""
    if isinstance(values, tuple | list) and len(values) > 1 and count > 0:
        return (*values[:count], *[values[-1]] * (count - len(values)))  # type: ignore[return-value]
    return values


class Block(NamedTuple):
    """One block of convolutions: its channels, how many, their side, the picture's edge, how its last one halves."""

    width: int
    depth: int
    kernel_size: int
    padding: str
    pooling: str


def remaining(rows: Sequence[Block], image_size: Sequence[int]) -> tuple[tuple[int, int], int]:
    """Height and width (pixels) that the blocks leave of an image, and how many blocks fit before none is left."""
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
    """What the block's convolutions leave of a side (pixels), before pooling."""
    return side - (block.kernel_size - 1) * block.depth * (block.padding == "valid")


def no_pixel_left(rows: Sequence[Block], fitting: int, image_size: Sequence[int]) -> UserError:
    """What to say where only the first `fitting` blocks leave a pixel: why the next one does not, and what would fit."""
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
        even = any(row.padding == "same" and row.kernel_size % 2 == 0 for row in changed)
        if not even and remaining(changed, image_size)[1] == len(rows):
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


def check_block(block: Block) -> None:
    """Raise `UserError` that names the first thing wrong with the block's own values."""
    kernel, convolutions = block.kernel_size, block.depth
    if type(kernel) is not int or type(convolutions) is not int:
        raise UserError("networks.kernel_or_depth_not_whole", kernel=kernel, convolutions=convolutions)
    if not 1 <= convolutions <= DEEPEST:
        raise UserError("networks.depth_out_of_range", convolutions=convolutions, deepest=DEEPEST)
    if block.padding not in PADDINGS:
        raise UserError("networks.unknown_padding", padding=block.padding, paddings=PADDINGS)
    if block.pooling not in POOLINGS:
        raise UserError("networks.unknown_pooling", pooling=block.pooling, poolings=POOLINGS)
    if kernel < 1 or (kernel % 2 == 0 and block.padding == "same"):
        raise UserError("networks.even_kernel", kernel=kernel)
