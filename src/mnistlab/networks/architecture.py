"""What a network may look like: its blocks, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from mnistlab.errors import UserError, counted, number, shown, whole_number

WIDEST = 65_536
"""Channels, hidden values or classes; beyond, it is a mistake or an attack on the memory."""
DEEPEST = 64
"""Convolutions a block; beyond, likewise."""
PADDINGS = ("same", "valid")
POOLINGS = ("max", "stride", "none")
HEADS = ("flatten", "average")


class Block(NamedTuple):
    """One block of convolutions: its channels, how many, their side, the picture's edge, how its last one halves."""

    width: int
    depth: int
    kernel_size: int
    padding: str
    pooling: str


PER_BLOCK = ("depth", "kernel_size", "padding", "pooling")


def blocks(architecture: dict[str, Any]) -> list[Block]:
    """The blocks, each with its own values. Raises `UserError` where a list has another length than there are blocks."""
    count = len(architecture["widths"])
    columns = [architecture["widths"]]
    for name in PER_BLOCK:
        value = architecture[name]
        values = value if isinstance(value, list) else [value]
        if len(values) not in (1, count):
            option = name.replace("_", "-")
            raise UserError(
                f"{option} has {counted(len(values), 'value')} for {counted(count, 'block')}.",
                "Give one, or one for each width.",
            )
        columns.append(values * count if len(values) == 1 else values)
    return [Block(*values) for values in zip(*columns, strict=True)]


def check(architecture: dict[str, Any]) -> tuple[int, int]:
    """Height and width (pixels) that the blocks leave. Raises `UserError` that names the first thing wrong."""
    widths = architecture["widths"]
    if (
        not isinstance(widths, list)
        or not widths
        or not all(type(width) is int and 1 <= width <= WIDEST for width in widths)
    ):
        raise UserError(f"Channel widths {shown(widths)} are not all from 1 to {WIDEST:,}.", "Give them like 32,64.")
    whole_number(architecture["classes"], "Classes", 1, WIDEST)
    whole_number(architecture["hidden"], "Hidden", 0, WIDEST)
    number(architecture["dropout"], "Dropout", 0, 1)
    if architecture["head"] not in HEADS:
        raise UserError(f"Unknown head {architecture['head']!r}.", f"Choose {' or '.join(HEADS)}.")
    image_size = architecture["image_size"]
    if not isinstance(image_size, list) or len(image_size) != 2:
        raise UserError(f"Image size {shown(image_size)} is not a height and a width.", "Give it like (28, 28).")
    image_size = [whole_number(side, "Image size", 1, WIDEST) for side in image_size]
    rows = blocks(architecture)
    for block in rows:
        check_block(block)
    size, fitting = remaining(rows, image_size)
    if fitting < len(rows):
        raise no_pixel_left(rows, fitting, image_size)
    return size


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
        why = f"max-pool halves {after[0]}x{after[1]}"
    else:
        kernel, lost = f"{block.kernel_size}x{block.kernel_size}", before[0] - after[0]
        taken = f"convolutions of {kernel} take" if block.depth > 1 else f"a convolution of {kernel} takes"
        why = f"with padding valid {taken} {lost} off the height and width of {before[0]}x{before[1]}"
    ways = [f"fewer widths (the first {'fits' if fitting == 1 else f'{fitting} fit'})"] if fitting else []
    changes: list[dict[str, Any]] = [{"pooling": "none"}, {"padding": "same"}, {"padding": "same", "pooling": "none"}]
    for change in changes:
        changed = [*rows[:fitting], *(row._replace(**change) for row in rows[fitting:])]
        even = any(row.padding == "same" and row.kernel_size % 2 == 0 for row in changed)
        if not even and remaining(changed, image_size)[1] == len(rows):
            ways.append(" and ".join(f"{name} {','.join(getattr(row, name) for row in changed)}" for name in change))
            break
    return UserError(
        f"Block {fitting + 1} of {len(rows)} leaves no pixel of a {image_size[0]}x{image_size[1]} image: {why}.",
        f"Use {' or '.join(ways or ['smaller kernels'])}.",
    )


def check_block(block: Block) -> None:
    """Raise `UserError` that names the first thing wrong with the block's own values."""
    kernel, convolutions = block.kernel_size, block.depth
    if type(kernel) is not int or type(convolutions) is not int:
        raise UserError(
            f"Kernel size {kernel!r} and depth {convolutions!r} are not both whole numbers.", "Try 3 and 1."
        )
    if not 1 <= convolutions <= DEEPEST:
        raise UserError(f"Depth {convolutions} is out of range.", f"Choose 1 to {DEEPEST} convolutions a block.")
    if block.padding not in PADDINGS:
        raise UserError(f"Unknown padding {block.padding!r}.", f"Choose {' or '.join(PADDINGS)}.")
    if block.pooling not in POOLINGS:
        raise UserError(f"Unknown pooling {block.pooling!r}.", f"Choose one of {', '.join(POOLINGS)}.")
    if kernel < 1 or (kernel % 2 == 0 and block.padding == "same"):
        raise UserError(f"Kernel size {kernel} has no middle pixel.", "Choose 3, 5 or 7.")
