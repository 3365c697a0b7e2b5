"""The network: blocks of convolution, pooling, normalisation and ReLU; then flatten; then linear layers."""

from __future__ import annotations

import contextlib
import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from mnistlab.arguments import number, plain, shown, whole_number
from mnistlab.errors import UserError
from mnistlab.geometry import deskew
from mnistlab.wording import counted

__all__ = ["Ensemble", "LayerRow", "Network", "NeuralNet", "evaluating", "make_network"]


class NeuralNet(nn.Module):
    """Images float (B, 1, H, W), normalised, in; logits float (B, classes) out: no softmax, cross-entropy holds it.

    A row of blocks, then a head. `widths` are the channels of each block; `depth` is how many convolutions it has, each
    with batch norm and ReLU, and `pooling` how its last one halves height and width: by "max"-pool, by a "stride" of 2, or
    not at all ("none"). `padding` "same" keeps the edge pixels' neighbourhoods, "valid" takes only whole ones. `depth`,
    `kernel_size`, `padding` and `pooling` hold a value for each block, or one for all. `separable` makes each convolution but
    the first of two: one that looks at each channel alone, then one of 1x1 that mixes them (Sifre 2014, Chollet 2017): a
    fraction of the parameters.

    The `head` lays what is left out in one row ("flatten"), or keeps only the mean of each channel ("average"). `hidden` puts a
    linear layer of that width before the last one (0: none). `dropout` is the fraction of values zeroed before each linear
    layer in training.

    With `deskew` the network, where it is not training, first takes the slant out of each image (`geometry.deskew`); it is to be
    trained on images that are so already (`MNISTDataLoader(deskew=True)`), lest it undo their augmentation.
    With `test_shifts` the network, where it is not training, looks at each image five times, as it is and moved by one pixel
    to each side, and gives the log of the mean probabilities in place of the logits.

    Max-pool stands before batch norm and ReLU: ReLU after max-pool gives what max-pool after ReLU gives, bit for bit, for
    a quarter of the work, and batch norm then sees the values that go on. `pool_last` gives the order of most textbooks,
    convolution -> batch norm -> ReLU -> max-pool.

    Raises `UserError` where the blocks leave no pixel of the image, or a number is out of range.
    """

    def __init__(
        self,
        widths: Sequence[int] = (32, 64),
        *,
        classes: int = 10,
        image_size: Sequence[int] = (28, 28),
        depth: int | Sequence[int] = 1,
        kernel_size: int | Sequence[int] = 3,
        padding: str | Sequence[str] = "same",
        pooling: str | Sequence[str] = "max",
        separable: bool = False,
        batch_norm: bool = True,
        pool_last: bool = False,
        head: str = "flatten",
        hidden: int = 0,
        dropout: float = 0.0,
        deskew: bool = False,
        test_shifts: bool = False,
    ) -> None:
        super().__init__()
        self.architecture: dict[str, Any] = {
            "widths": plain(widths),
            "classes": plain(classes),
            "image_size": plain(image_size),
            "depth": plain(depth),
            "kernel_size": plain(kernel_size),
            "padding": plain(padding),
            "pooling": plain(pooling),
            "separable": separable,
            "batch_norm": batch_norm,
            "pool_last": pool_last,
            "head": head,
            "hidden": plain(hidden),
            "dropout": plain(dropout),
            "deskew": deskew,
            "test_shifts": test_shifts,
        }
        size = check(self.architecture)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        channels, number = 1, 0
        for block in blocks(self.architecture):
            for place in range(1, block.depth + 1):
                number += 1
                pooling = block.pooling if place == block.depth else "none"
                shape: dict[str, Any] = {
                    "kernel_size": block.kernel_size,
                    "stride": 2 if pooling == "stride" else 1,
                    "padding": block.kernel_size // 2 if block.padding == "same" else 0,
                }
                if separable and number > 1:
                    layers[f"depthwise{number}"] = nn.Conv2d(channels, channels, groups=channels, bias=False, **shape)
                    shape = {"kernel_size": 1}
                layers[f"conv{number}"] = nn.Conv2d(channels, block.width, bias=not batch_norm, **shape)
                norm = {f"norm{number}": nn.BatchNorm2d(block.width)} if batch_norm else {}
                relu = {f"relu{number}": nn.ReLU()}
                pool = {f"pool{number}": nn.MaxPool2d(2)} if pooling == "max" else {}
                layers |= {**norm, **relu, **pool} if pool_last else {**pool, **norm, **relu}
                channels = block.width
        if head == "average":
            layers["average"] = nn.AdaptiveAvgPool2d(1)
            size = (1, 1)
        features = channels * size[0] * size[1]
        layers["flatten"] = nn.Flatten()
        if hidden:
            layers |= {"dropout1": nn.Dropout(dropout)} if dropout else {}
            layers["linear1"] = nn.Linear(features, hidden, bias=not batch_norm)
            layers |= {f"norm{number + 1}": nn.BatchNorm1d(hidden)} if batch_norm else {}
            layers[f"relu{number + 1}"] = nn.ReLU()
            features = hidden
        last = 2 if hidden else 1
        layers |= {f"dropout{last}": nn.Dropout(dropout)} if dropout else {}
        layers[f"linear{last}"] = nn.Linear(features, classes)
        self.layers = nn.Sequential(layers)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits float (B, classes) of images float (B, 1, H, W)."""
        if not self.training:
            images = self.prepare(images)
        if self.training or not self.architecture["test_shifts"]:
            logits: torch.Tensor = self.layers(images)
            return logits
        height, width = images.shape[2:]
        padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
        views = [padded[:, :, y : y + height, x : x + width] for y, x in FIVE_VIEWS]
        return mean_probability([self.layers(view) for view in views])

    def prepare(self, images: torch.Tensor) -> torch.Tensor:
        """Images float (B, 1, H, W) as the layers are to see them in use: deskewed, where they were trained on such."""
        return deskew(images) if self.architecture["deskew"] else images

    @property
    def parameters_count(self) -> int:
        """How many numbers training adjusts."""
        return sum(parameter.numel() for parameter in self.parameters())

    def describe(self) -> list[LayerRow]:
        """A row per layer, found by sending one blank image through: name, purpose, output shape, parameters, work."""
        device = next(self.parameters()).device
        values = torch.zeros(1, 1, *self.architecture["image_size"], device=device)
        rows = []
        with evaluating(self):
            for name, layer in self.layers.named_children():
                values = layer(values)
                shape = tuple(values.shape[1:])
                rows.append(
                    LayerRow(
                        name=name,
                        layer=type(layer).__name__,
                        purpose=PURPOSES[type(layer)],
                        shape=shape,
                        parameters=sum(p.numel() for p in layer.parameters()),
                        multiply_adds=multiply_adds(layer, shape),
                    )
                )
        return rows


FIVE_VIEWS = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
"""Where the picture is cut out of itself with a margin of 1 pixel: y, x of the upper left corner."""


def mean_probability(logits: Sequence[torch.Tensor]) -> torch.Tensor:
    """Log of the mean of the probabilities that each float (B, classes) of `logits` stands for."""
    each = torch.stack([value.float().log_softmax(dim=1) for value in logits])
    return each.logsumexp(dim=0) - math.log(len(logits))


class Ensemble(nn.Module):
    """Several networks used as one: the mean of their probabilities.

    Images float (B, 1, H, W), normalised, in; log-probabilities float (B, classes) out, to be used as logits are: argmax,
    softmax and cross-entropy give the mean's. Raises `UserError` where its members differ in classes or image size.
    """

    def __init__(self, members: Sequence[NeuralNet]) -> None:
        super().__init__()
        shapes = {(m.architecture["classes"], tuple(m.architecture["image_size"])) for m in members}
        if len(shapes) != 1:
            kinds = ", ".join(f"{classes} classes of {h}x{w}" for classes, (h, w) in sorted(shapes)) or "none"
            raise UserError(f"The networks of an ensemble must be of one kind; these are {kinds}.", "Choose others.")
        self.members = nn.ModuleList(members)
        self.architecture: dict[str, Any] = {
            "classes": members[0].architecture["classes"],
            "members": [member.architecture for member in members],
        }

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Log of the members' mean probabilities, float (B, classes), of images float (B, 1, H, W)."""
        return mean_probability([member(images) for member in self.members])

    @property
    def parameters_count(self) -> int:
        """How many numbers training adjusted, of all members."""
        return sum(parameter.numel() for parameter in self.parameters())


Network = NeuralNet | Ensemble


def make_network(architecture: dict[str, Any]) -> Network:
    """The network whose `architecture` this is, on the CPU, its weights yet to be loaded: nothing has been written to them.

    That draws nothing from torch's random generator, which another thread may be training with. Raises `UserError` or `TypeError`
    where it is no architecture.
    """
    with torch.device("meta"):
        if "members" in architecture:
            network: Network = Ensemble([NeuralNet(**member) for member in architecture["members"]])
        else:
            network = NeuralNet(**architecture)
    return network.to_empty(device="cpu")


WIDEST = 65_536
"""Channels, hidden values or classes; beyond, it is a mistake or an attack on the memory."""
DEEPEST = 64
"""Convolutions a block; beyond, likewise."""
PADDINGS = ("same", "valid")
POOLINGS = ("max", "stride", "none")
HEADS = ("flatten", "average")


@contextlib.contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Inside `with`, the model is in evaluation mode and keeps no gradients; each of its parts gets its mode back."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode


@dataclass(frozen=True)
class LayerRow:
    """One layer of `NeuralNet.describe()`; `shape` and `multiply_adds` are for one image."""

    name: str
    layer: str
    purpose: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


PURPOSES: dict[type[nn.Module], str] = {
    nn.Conv2d: "looks for strokes and shapes",
    nn.BatchNorm2d: "keeps each channel centred and scaled",
    nn.BatchNorm1d: "keeps each value centred and scaled",
    nn.ReLU: "keeps what was found, drops what was not",
    nn.MaxPool2d: "halves the picture, keeps the strongest",
    nn.AdaptiveAvgPool2d: "averages each map over the picture",
    nn.Flatten: "lays the maps out in one row",
    nn.Dropout: "hides some values while training",
    nn.Linear: "weighs the evidence",
}


def multiply_adds(layer: nn.Module, shape: tuple[int, ...]) -> int:
    """Multiplications (each with its addition) that the layer's weights take for one image."""
    if isinstance(layer, nn.Conv2d):
        return layer.weight.numel() * shape[1] * shape[2]
    return layer.weight.numel() if isinstance(layer, nn.Linear) else 0


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
