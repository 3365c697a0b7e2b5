"""An explanation as one tall picture for a slide: the input, each operation with its maps, the logits, and the probabilities."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mnistlab.evaluation.canvas import NAME, SMALL, TEXT, TITLE, WIDTH, Canvas, diverging, numeral, percentage, spoken
from mnistlab.evaluation.explanation import Explanation, Why
from mnistlab.evaluation.figures import BLUE, DPI, GREY, ORANGE, blank_figure, label_text, plain_text
from mnistlab.reading.explainer import Layer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_explanation"]

CAPTION = 6.5
"""The room for captions, to the left of the maps, in inches."""
NOTE = 0.36
"""Height, in inches, of each line of a note."""
MAP, GAP = 0.72, 0.05
"""Side of a map, and gap between two maps, in inches."""
SHOWN = 8
"""The largest number of maps shown per layer."""
DOES = {
    "convolution": "explain.convolution", "pooling": "explain.pooling", "normalisation": "explain.normalisation",
    "relu": "explain.relu", "average": "explain.average", "flatten": "explain.flatten", "linear": "explain.linear",
}  # fmt: skip
"""The keys of the messages that say, in a few words, what each kind of layer does."""
FRAME = (0.82, 0.84, 0.86, 1.0)
Y = {"header": 1.55, "input": 3.35, "convolution": 1.12, "maps": 0.88, "filters": 0.84, "strip": 0.88, "bars": 2.2}
"""Height, in inches, of each kind of row."""


def draw_explanation(explained: Explanation, language: str = "en") -> Figure:
    """The explanation as a picture, 1,536 pixels wide, in English or French."""
    rows = list(rows_of(explained))
    notes = sum(len(textwrap.wrap(note.said(language), 75)) for note in explained.look.around)
    height = Y["header"] + NOTE * notes + Y["input"] + sum(Y[kind] for kind, _, _ in rows) + 0.3
    canvas = Canvas(blank_figure(WIDTH, height), height)
    draw_header(canvas, explained, language)
    draw_input(canvas, explained, language)
    for kind, layer, channels in rows:
        if kind == "bars":
            draw_bars(canvas, explained, layer, language)
        elif kind == "strip":
            draw_strip(canvas, layer, language)
        elif kind == "filters":
            draw_filters(canvas, layer, channels, language)
        else:
            draw_maps(canvas, layer, channels, language)
        canvas.top += Y[kind]
    return canvas.figure


def rows_of(explained: Explanation) -> Iterator[tuple[str, Layer, list[int]]]:
    """For each row of the picture: its kind, its layer, and the channels of its maps, which change only at a new convolution."""
    classes = len(explained.look.classes)
    groups: list[list[Layer]] = []
    for layer in explained.layers:
        if layer.kind == "convolution" or not groups:
            groups.append([])
        groups[-1].append(layer)
    for group in groups:
        maps = [layer for layer in group if layer.values.ndim == 3]
        channels = liveliest(maps[-1].values) if maps else []
        for layer in group:
            if layer.values.ndim == 3 and layer.values.shape[1:] != (1, 1):
                yield "convolution" if layer.kind == "convolution" else "maps", layer, channels
                if layer.filters is not None and layer.filters.shape[-1] > 1:
                    yield "filters", layer, channels
            elif layer.values.shape == (classes,) and layer.kind in ("linear", "probabilities"):
                yield "bars", layer, []
            else:
                yield "strip", layer, []


def liveliest(values: NDArray[np.float32]) -> list[int]:
    """The indices of the channels with the largest absolute values, at most `SHOWN` of them, in ascending order."""
    most = np.abs(values).reshape(len(values), -1).max(axis=1)
    return sorted(np.argsort(-most, kind="stable")[:SHOWN].tolist())


def draw_header(canvas: Canvas, explained: Explanation, language: str) -> None:
    """What was read, with which probability and by which model, and what that model does before and after the network shown."""
    name = label_text(explained.look.classes[explained.answer])
    percent = percentage(float(explained.probabilities[explained.answer]), language)
    title = spoken("explain.title", language, name=name, percent=percent)
    canvas.write(0.3, 0.22, title, TITLE, fontweight="bold")
    canvas.write(
        0.3, 1.0, f"{plain_text(explained.look.name)} · {spoken_source(explained, language)}", TEXT, color=GREY
    )
    canvas.top += Y["header"]
    for note in explained.look.around:
        for line in textwrap.wrap(plain_text(note.said(language)), 75):
            canvas.write(0.3, 0.0, line, TEXT)
            canvas.top += NOTE


def spoken_source(explained: Explanation, language: str) -> str:
    return plain_text(explained.source.said(language))


def draw_input(canvas: Canvas, explained: Explanation, language: str) -> None:
    """The image and, if `explained.why` is given, what `draw_why` draws beside it: which ink counted for the answer."""
    height, width = explained.image.shape
    canvas.show(0.3, 0.05, 2.4, explained.image, cmap="gray_r", vmin=0, vmax=255)
    canvas.write(0.3, 2.52, spoken("explain.input", language, height=height, width=width), TEXT, color=GREY)
    if explained.why is not None:
        draw_why(canvas, explained, explained.why, language)
    canvas.top += Y["input"]


def draw_why(canvas: Canvas, explained: Explanation, why: Why, language: str) -> None:
    """Which ink counted, the image without the ink that counted most, and the answer's probability with and without that ink."""
    name, then = label_text(explained.look.classes[explained.answer]), int(why.probabilities.argmax())
    most = float(np.abs(why.map).max()) or 1.0
    axes = canvas.show(3.35, 0.05, 2.4, why.map, cmap=diverging(), vmin=-most, vmax=most)
    axes.contour(explained.image > 0, levels=[0.5], colors=["#9ca3af"], linewidths=0.8)
    canvas.show(6.4, 0.05, 2.4, why.erased, cmap="gray_r", vmin=0, vmax=255)
    canvas.write(3.35, 2.52, spoken("explain.why", language, name=name), TEXT, color=ORANGE)
    canvas.write(3.35, 2.88, spoken("explain.against", language), TEXT, color=BLUE)
    canvas.write(6.4, 2.52, spoken("explain.erased", language), TEXT, color=GREY)
    before, after = (
        percentage(float(p[explained.answer]), language) for p in (explained.probabilities, why.probabilities)
    )
    lines = [spoken("explain.before", language, name=name, percent=before),
             spoken("explain.after", language, name=name, percent=after)]  # fmt: skip
    if then != explained.answer:
        percent, other = percentage(float(why.probabilities[then]), language), label_text(explained.look.classes[then])
        lines.append(spoken("explain.then", language, name=other, percent=percent))
    canvas.write(9.3, 0.0, "\n\n".join(lines), TEXT)


def caption(canvas: Canvas, layer: Layer, language: str, shape: str) -> None:
    """Write a layer's name, what the layer does, and the shape and range of its values."""
    low, high = (numeral(float(value), ".2f", language) for value in (layer.values.min(), layer.values.max()))
    name = canvas.write(0.3, 0.04, plain_text(layer.name), NAME, fontweight="bold")
    beside = 0.2 + name.get_window_extent(canvas.figure.canvas.get_renderer()).x1 / canvas.figure.dpi  # type: ignore[attr-defined]
    canvas.write(beside, 0.13, spoken(DOES[layer.kind], language), TEXT)
    canvas.write(0.3, 0.48, spoken("explain.range", language, shape=shape, low=low, high=high), TEXT, color=GREY)


def draw_maps(canvas: Canvas, layer: Layer, channels: list[int], language: str) -> None:
    """Draw the maps of these channels side by side, orange above 0 and blue below 0; the maps of a convolution are numbered."""
    count, height, width = layer.values.shape
    caption(canvas, layer, language, spoken("explain.maps", language, count=count, height=height, width=width))
    numbered = layer.kind == "convolution"  # the rows below show the same maps
    top = 0.3 if numbered else 0.06
    draw_row(canvas, top, [layer.values[channel] for channel in channels], float(np.abs(layer.values).max()))
    for place, channel in enumerate(channels if numbered else ()):
        middle = CAPTION + place * (MAP + GAP) + MAP / 2
        canvas.write(middle, 0.06, str(channel), SMALL, color=GREY, ha="center")


def draw_row(canvas: Canvas, top: float, maps: list[NDArray[np.float32]], most: float) -> None:
    """Draw maps side by side, each pixel as a square of one colour, with a thin line around each map."""
    side, gap = round(DPI * MAP), round(DPI * GAP)
    whole = np.ones((side, len(maps) * (side + gap) - gap, 4))
    for place, values in enumerate(maps):
        rows, columns = (np.arange(side) * length // side for length in values.shape)
        framed = np.full((side, side, 4), FRAME)
        coloured = diverging()(0.5 + values[np.ix_(rows, columns)] / (2 * (most or 1.0)))
        framed[1:-1, 1:-1] = coloured[1:-1, 1:-1]
        whole[:, place * (side + gap) :][:, :side] = framed
    axes = canvas.axes(CAPTION, top, whole.shape[1] / DPI, MAP)
    axes.imshow(whole, aspect="auto", interpolation="nearest")


def draw_filters(canvas: Canvas, layer: Layer, channels: list[int], language: str) -> None:
    """The filters of these channels; of a filter with several kernels, only the kernel with the largest weights."""
    assert layer.filters is not None  # noqa: S101 - rows of filters are made only for layers with filters
    side, inputs = layer.filters.shape[-1], layer.filters.shape[1]
    key = "explain.filters" if inputs == 1 else "explain.filters_of_many"
    canvas.write(0.3, 0.2, spoken(key, language, side=side, inputs=inputs), TEXT, color=GREY)
    own = [layer.filters[channel] for channel in channels]
    heaviest = [filters[np.abs(filters).sum(axis=(1, 2)).argmax()] for filters in own]
    draw_row(canvas, 0.06, heaviest, float(np.abs(layer.filters).max()))


def draw_strip(canvas: Canvas, layer: Layer, language: str) -> None:
    """The layer's values in one row, each as a coloured stripe."""
    values = layer.values.ravel()
    caption(canvas, layer, language, spoken("explain.values", language, count=len(values)))
    most = float(np.abs(values).max()) or 1.0
    axes = canvas.axes(CAPTION, 0.14, SHOWN * (MAP + GAP) - GAP, 0.56)
    axes.imshow(values[None], aspect="auto", interpolation="nearest", cmap=diverging(), vmin=-most, vmax=most)


def draw_bars(canvas: Canvas, explained: Explanation, layer: Layer, language: str) -> None:
    """A bar with its value for each class or, if there are more than ten classes, for the ten with the largest values."""
    values, classes = layer.values, explained.look.classes
    probable = layer.kind == "probabilities"
    chosen = sorted(np.argsort(-values, kind="stable")[:10].tolist())
    canvas.write(0.3, 0.3, spoken("explain.probabilities_name" if probable else "explain.logits", language), NAME,
                 fontweight="bold")  # fmt: skip
    for line, text in enumerate(words_of_bars(explained, layer, language)):
        canvas.write(0.3, 0.8 + 0.36 * line, text, TEXT, color=GREY)
    axes = canvas.axes(CAPTION, 0.35, SHOWN * (MAP + GAP) - GAP, 1.3)
    colours = [BLUE if number == explained.answer else "#9db8d6" for number in chosen]
    heights = [float(values[number]) for number in chosen]
    axes.bar(range(len(chosen)), heights, color=colours, width=0.7)
    low, high = min(0.0, *heights), max(0.0, *heights)
    room = 0.22 * ((high - low) or 1.0)
    axes.set(xlim=(-0.5, len(chosen) - 0.5), ylim=(low - (room if low < 0 else 0), high + room))
    for place, value in enumerate(heights):
        text = percentage(value, language) if probable else numeral(value, ".2f", language)
        axes.annotate(text, (place, value), (0, 3 if value >= 0 else -3), textcoords="offset points", ha="center",
                      va="bottom" if value >= 0 else "top", fontsize=SMALL)  # fmt: skip
    step = SHOWN * (MAP + GAP) / len(chosen)
    for place, number in enumerate(chosen):
        name = label_text(classes[number])
        size = NAME - 4 if len(name) < 3 else SMALL - 4
        canvas.write(CAPTION + (place + 0.5) * step - GAP / 2, 1.7, name, size, ha="center", fontweight="bold")


def words_of_bars(explained: Explanation, layer: Layer, language: str) -> list[str]:
    """The words beside bars: what the bars show, the temperature if there is one, and how many of the classes are shown."""
    words = []
    if layer.kind == "probabilities":
        several = {"explain.of_ensemble", "explain.of_shifts"} & {note.key for note in explained.look.around}
        words.append(spoken("explain.softmaxes" if several else "explain.softmax", language))
        if explained.look.temperature != 1:
            warm = numeral(explained.look.temperature, ".3f", language)
            divided = "explain.mean_divided" if several else "explain.logits_divided"
            words.append(spoken(divided, language, temperature=warm))
    else:
        words.append(spoken("explain.logits_are", language, layer=plain_text(layer.name)))
    if len(layer.values) > 10:
        words.append(spoken("explain.ten_of", language, count=len(layer.values)))
    return words
