"""Digits of a dataset that say something about a network: those that excite a channel most, and the network's worst mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import UserError, rounded, shown, whole_number
from mnistlab.evaluation.canvas import NAME, TEXT, TITLE, WIDTH, Canvas, diverging, numeral, percentage, spoken
from mnistlab.evaluation.explanation import find_why
from mnistlab.evaluation.figures import BLUE, GREY, ORANGE, blank_figure, label_text, plain_text
from mnistlab.evaluation.looking import Look
from mnistlab.messages.sentences import Clause
from mnistlab.reading.onnx_graph import ReceptiveField

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Exciting", "Misread", "draw_exciting", "draw_misread", "find_exciting", "find_misread"]

COLUMNS, SIDE = 4, 2.7
"""Digits per row, and the size of a digit in inches."""


@dataclass(frozen=True)
class Exciting:
    """A digit that excites a channel: its index among the images, image uint8 (H, W), label, the channel's largest value on it,
    and that value's row and column in the channel's map (None if the layer has no maps)."""

    index: int
    image: NDArray[np.uint8]
    label: int
    value: float
    place: tuple[int, int] | None

    def to_dict(self) -> dict[str, Any]:
        """The digit without its image, in plain types, for JSON."""
        return {"example": self.index, "label": self.label, "value": self.value, "place": self.place}


@dataclass(frozen=True)
class Misread:
    """A digit that is misread: its index among the images, its image, uint8 (H, W), its label, and each class's probability."""

    index: int
    image: NDArray[np.uint8]
    label: int
    probabilities: NDArray[np.floating[Any]]

    @property
    def read(self) -> int:
        """The index of the class that the digit is read as."""
        return int(self.probabilities.argmax())

    def to_dict(self) -> dict[str, Any]:
        """The digit without its image, in plain types, for JSON."""
        chances = self.probabilities
        return {
            "example": self.index, "label": self.label, "read": self.read,
            "probability": rounded(float(chances[self.read]), 6),
            "label_probability": rounded(float(chances[self.label]), 6),
        }  # fmt: skip


def find_exciting(
    look: Look, images: NDArray[np.uint8], labels: NDArray[np.int64], channel: str, count: int = 12
) -> tuple[list[Exciting], ReceptiveField | None]:
    """Those of the images, uint8 (N, H, W), on which a channel such as "conv2:5" has its largest values, in descending order of
    these values, and the receptive field of the channel's cells, if known. Raises `UserError` if there is no such channel."""
    layers = {layer.name: layer for layer in look.layers(images[0])[:-1]}
    if not layers:
        raise UserError("explain.no_layers", model=look.name)
    name, _, number = channel.rpartition(":")
    if name not in layers or not number.isdecimal():
        raise UserError("explain.unknown_channel", channel=shown(channel), layers=list(layers))
    chosen = whole_number(int(number), Clause("names.channel"), 0, len(layers[name].values) - 1)
    parts = [values[:, chosen].reshape(len(values), -1) for values in look.maps(images, name)]
    best = np.concatenate([values.max(axis=1) for values in parts])
    places = np.concatenate([values.argmax(axis=1) for values in parts])
    width = layers[name].values.shape[-1]
    has_maps = layers[name].values.ndim == 3
    order = np.argsort(-best, kind="stable")[:count].tolist()
    found = [
        Exciting(
            n, images[n], int(labels[n]), float(best[n]), divmod(int(places[n]), width) if has_maps else None
        )
        for n in order
    ]  # fmt: skip
    return found, layers[name].field


def find_misread(
    look: Look, images: NDArray[np.uint8], labels: NDArray[np.int64], count: int = 8
) -> tuple[list[Misread], int]:
    """Those of `images`, uint8 (N, H, W), that the network misreads most confidently, and how many images it misreads in all."""
    probabilities = look.probabilities(images)
    rows = np.arange(len(labels))
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    regret = probabilities[rows, labels] - probabilities.max(axis=1)
    worst = wrong[np.argsort(regret[wrong], kind="stable")][:count].tolist()
    return [Misread(n, images[n], int(labels[n]), probabilities[n]) for n in worst], len(wrong)


def grid(count: int, below: float) -> Canvas:
    """An empty picture with room for `count` digits, and for `below` inches of text below each."""
    rows = max(1, -(-count // COLUMNS))
    height = 1.7 + rows * (SIDE + below)
    return Canvas(blank_figure(WIDTH, height), height)


def corner(place: int, below: float) -> tuple[float, float]:
    """The upper left corner of the digit with the index `place`, in inches from the picture's left and top edges."""
    row, column = divmod(place, COLUMNS)
    return 0.3 + column * (SIDE + 0.4), 1.6 + row * (SIDE + below)


def draw_exciting(
    look: Look, channel: str, found: Sequence[Exciting], field: ReceptiveField | None, language: str = "en"
) -> Figure:
    """The digits; if `field` is given, a frame marks the part of each from which the channel's largest value is computed."""
    canvas = grid(len(found), 0.6)
    canvas.write(0.3, 0.22, spoken("explain.exciting", language, channel=plain_text(channel)), TITLE, fontweight="bold")
    canvas.write(0.3, 1.0, plain_text(look.name), TEXT, color=GREY)
    for place, one in enumerate(found):
        left, top = corner(place, 0.6)
        axes = canvas.show(left, top, SIDE, one.image, cmap="gray_r", vmin=0, vmax=255)
        if field is not None and one.place is not None:
            draw_field(axes, field, one.place, one.image.shape)
        name, value = label_text(look.classes[one.label]), numeral(one.value, ".2f", language)
        canvas.write(left, top + SIDE + 0.04, name, NAME, fontweight="bold")
        canvas.write(left + SIDE, top + SIDE + 0.12, value, TEXT, color=ORANGE, ha="right")
    return canvas.figure


def draw_field(axes: Axes, field: ReceptiveField, place: tuple[int, int], shape: tuple[int, ...]) -> None:
    """Draw a frame around the receptive field of one cell of a map; the frame is cut off at the image's edges."""
    from matplotlib.patches import Rectangle

    edges = []
    for cell, length in zip(place, shape, strict=True):
        begin = field.start + cell * field.step
        edges.append((max(0, begin), min(length, begin + field.size)))
    (top, bottom), (left, right) = edges
    axes.add_patch(
        Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, fill=False, edgecolor=ORANGE, linewidth=4)
    )


def draw_misread(
    look: Look, found: Sequence[Misread], total: int, among: int, language: str = "en", *, why: bool = False
) -> Figure:
    """The digits, and what each was read as; if `why` is True, the ink that counted for that answer is orange."""
    canvas = grid(len(found), 1.0)
    wrong, count = numeral(total, ",", language), numeral(among, ",", language)
    canvas.write(0.3, 0.22, spoken("explain.misread", language, wrong=wrong, count=count), TITLE - 6, fontweight="bold")
    canvas.write(0.3, 1.0, plain_text(look.name), TEXT, color=GREY)
    for place, one in enumerate(found):
        left, top = corner(place, 1.0)
        if why:
            values = find_why(look, one.image).map
            most = float(np.abs(values).max()) or 1.0
            axes = canvas.show(left, top, SIDE, values, cmap=diverging(), vmin=-most, vmax=most)
            axes.contour(one.image > 0, levels=[0.5], colors=["#9ca3af"], linewidths=0.8)
        else:
            canvas.show(left, top, SIDE, one.image, cmap="gray_r", vmin=0, vmax=255)
        for line, (number, colour) in enumerate(((one.read, ORANGE if why else BLUE), (one.label, GREY))):
            key = "explain.read_as" if line == 0 else "explain.labelled"
            percent = percentage(float(one.probabilities[number]), language)
            text = spoken(key, language, name=label_text(look.classes[number]), percent=percent)
            canvas.write(left, top + SIDE + 0.05 + 0.38 * line, text, TEXT, color=colour)
    return canvas.figure
