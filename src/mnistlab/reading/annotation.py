"""Annotate a picture with what was read: a box around each digit, the digit and its probability."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mnistlab.errors import UserError, rounded
from mnistlab.files import shorten
from mnistlab.pictures.decode import Source, decode
from mnistlab.reading.layout import typical_height
from mnistlab.reading.page import Digit

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

    from mnistlab.reading.page import Page, Separator
    from mnistlab.reading.sheets.fields import Entry

__all__ = ["annotate"]


Colour: TypeAlias = tuple[int, int, int]
Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom."""
Corners: TypeAlias = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Palette:
    """Colours that people with red-green colour blindness can tell apart; the boxes of doubtful digits are also dashed."""

    sure: Colour
    doubtful: Colour
    text: Colour


ON_LIGHT = Palette((0, 116, 138), (204, 76, 0), (255, 255, 255))
ON_DARK = Palette((96, 214, 226), (255, 150, 54), (0, 0, 0))
SMALLEST_TEXT = 14
"""The least height in pixels of the text above a box; a picture whose digits are too small for such text is enlarged."""
TEXT, PERCENT = 0.34, 0.62
"""The size of the text above a box relative to the picture's digits, and the size of the percentage relative to that text."""
DASH = 6
"""The length in pixels of a dash in a field's outline."""
LARGEST = 5000
"""A picture is enlarged to at most this many pixels per side."""


def annotate(source: Source, page: Page) -> Image.Image:
    """The picture in RGB, with a box around each mark of `page` and, above it, what was read and, for a digit, its probability.

    Each field of a form is drawn with its name and its outline, which is dashed if the field is to be checked.
    Pictures with small digits are enlarged to suit the text, and a margin is added for the text above the topmost digits.
    Raises `UserError` as `decode` does, and if the page was read from a picture of a different size.
    """
    from PIL import Image, ImageDraw

    picture = decode(source)
    image = Image.fromarray(picture).convert("RGB")
    if image.size != page.size:
        raise UserError(
            "reading.page_of_other_picture",
            page_width=page.size[0],
            page_height=page.size[1],
            width=image.width,
            height=image.height,
        )
    typical = typical_height([digit.box for digit in page.digits])
    scale = 1.0
    if typical:
        scale = max(1.0, min(SMALLEST_TEXT / TEXT / typical, LARGEST / max(image.size)))
    if scale > 1:
        size = round(image.width * scale), round(image.height * scale)
        image = image.resize(size, Image.Resampling.BICUBIC)
    style = Style(typical * scale, max(image.size))
    small = np.asarray(image.reduce(4))
    edges = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])  # where there is hardly any ink
    paper = np.median(edges, axis=0)
    palette = ON_LIGHT if paper.mean() > 110 else ON_DARK
    framed = Image.new("RGB", (image.width + 2 * style.margin, image.height + 2 * style.margin), tuple(map(int, paper)))
    framed.paste(image, (style.margin, style.margin))
    draw = ImageDraw.Draw(framed)
    for entry in page.entries:
        corners = [(x * scale + style.margin, y * scale + style.margin) for x, y in entry.corners]
        outline(draw, corners, palette.doubtful if entry.why else palette.sure, not entry.why)
        style.name(draw, entry, corners, framed.size, palette)
    for line in page.lines:
        marks = sorted(line.marks, key=lambda mark: 2 * mark.box[0] + mark.box[2])  # a form may be upside down
        boxes = [style.around(mark.box, scale) for mark in marks]
        for mark, box in zip(marks, boxes, strict=True):
            frame(draw, box, palette.sure if mark.accepted else palette.doubtful, style.stroke, mark.accepted)
        for mark, box, left in zip(marks, boxes, style.places(marks, boxes, framed.width), strict=True):
            style.label(draw, mark, (left, box[1]), palette.sure if mark.accepted else palette.doubtful, palette.text)
    return framed


class Style:
    """Sizes, in pixels, of frames and labels on a picture with digits `height` pixels high and a longer side of `side` pixels."""

    def __init__(self, height: float, side: int) -> None:
        from PIL import ImageFont

        text = max(SMALLEST_TEXT, round(min(TEXT * height, 0.05 * side)))
        self.large = ImageFont.load_default(text)
        self.small = ImageFont.load_default(max(10, round(PERCENT * text)))
        self.stroke = max(1, round(0.09 * text))
        self.air = max(2, round(0.2 * text))  # between ink and box
        self.inset = max(1, round(0.14 * text))  # between text and the edge of its chip
        self.gap = round(0.3 * text)  # otherwise 4 and 96% would look like 496%
        self.chip = text + self.inset
        self.margin = self.chip + self.air + 2

    def around(self, box: tuple[int, int, int, int], scale: float) -> Box:
        """Left, top, right and bottom of the frame around a digit's box."""
        x, y, width, height = (value * scale for value in box)
        left, top = x + self.margin - self.air, y + self.margin - self.air
        return left, top, left + width + 2 * self.air - 1, top + height + 2 * self.air - 1

    def widths(self, digit: Digit | Separator) -> tuple[float, float]:
        """The widths, in pixels, of the text that was read and of the percentage beside it."""
        return self.large.getlength(value_of(digit)), self.small.getlength(percents_of(digit))

    def places(self, digits: Sequence[Digit | Separator], boxes: Sequence[Box], width: int) -> list[float]:
        """The left edges of a line's labels, in pixels. A label is centred over its box if there is room."""
        spans = [sum(self.widths(digit)) + self.gap + 2 * self.inset for digit in digits]
        lefts = [(box[0] + box[2] - span) / 2 for box, span in zip(boxes, spans, strict=True)]
        for _ in range(20):
            for n in range(len(lefts) - 1):
                if (over := lefts[n] + spans[n] + self.stroke - lefts[n + 1]) > 0:
                    lefts[n] -= over / 2
                    lefts[n + 1] += over / 2
        return [min(max(left, 0.0), max(width - span, 0.0)) for left, span in zip(lefts, spans, strict=True)]

    def label(
        self,
        draw: ImageDraw.ImageDraw,
        digit: Digit | Separator,
        where: tuple[float, float],
        colour: Colour,
        ink: Colour,
    ) -> None:
        """Draw a mark's label, in a rectangle filled with `colour` that stands on the upper edge of the mark's frame."""
        left, bottom = round(where[0]), round(where[1])
        value, percents = self.widths(digit)
        base = bottom - self.inset
        right = left + value + self.gap + percents + 2 * self.inset - 1
        draw.rectangle((left, bottom - self.chip, right, bottom), fill=colour)
        draw.text((left + self.inset, base), value_of(digit), ink, self.large, anchor="ls")
        draw.text((left + self.inset + value + self.gap, base), percents_of(digit), ink, self.small, anchor="ls")

    def name(
        self, draw: ImageDraw.ImageDraw, entry: Entry, corners: Corners, size: tuple[int, int], palette: Palette
    ) -> None:
        """Draw a field's name below its `corners`, inside a picture of this `size`; "?" follows if the field is to be checked."""
        text = shorten(entry.name, 24) + " ?" * bool(entry.why)
        wide, high = round(self.large.getlength(text)) + 4 * self.inset, self.chip + self.inset
        left, foot = round(min(x for x, _ in corners)), round(max(y for _, y in corners))
        left, top = max(0, min(left, size[0] - wide)), max(0, min(foot + self.air, size[1] - high))
        colour = palette.doubtful if entry.why else palette.sure
        draw.rectangle((left, top, left + wide - 1, top + high - 1), fill=colour)
        draw.text((left + wide / 2, top + high / 2), text, palette.text, self.large, anchor="mm")


def value_of(digit: Digit | Separator) -> str:
    """What was read, with a question mark if it is doubtful."""
    return shorten(digit.value, 12) + "?" * (not digit.accepted and digit.value != "?")


def percents_of(digit: Digit | Separator) -> str:
    """A digit's probability, such as "98%"; "" for a separator, whose probability is not calibrated."""
    return f"{100 * rounded(digit.probability, 2):.0f}%" if isinstance(digit, Digit) else ""


def outline(draw: ImageDraw.ImageDraw, corners: Corners, colour: Colour, is_whole: bool) -> None:
    """Draw a thin line from corner to corner around a field, dashed unless `is_whole`."""
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        dashes = 1 if is_whole else 2 * round(math.hypot(x1 - x0, y1 - y0) / (2 * DASH)) + 1
        for n in range(0, dashes, 2):
            ends = [(x0 + at * (x1 - x0), y0 + at * (y1 - y0)) for at in (n / dashes, (n + 1) / dashes)]
            draw.line(ends, fill=colour)


def frame(draw: ImageDraw.ImageDraw, box: Box, colour: Colour, stroke: int, is_whole: bool) -> None:
    """Draw a rectangle, dashed unless `is_whole`."""
    left, top, right, bottom = map(round, box)
    if is_whole:
        draw.rectangle((left, top, right, bottom), outline=colour, width=stroke)
        return
    dash = max(3, 4 * stroke)
    for x in range(left, right, 2 * dash):
        end = min(x + dash, right)
        draw.rectangle((x, top, end, top + stroke - 1), fill=colour)
        draw.rectangle((x, bottom - stroke + 1, end, bottom), fill=colour)
    for y in range(top, bottom, 2 * dash):
        end = min(y + dash, bottom)
        draw.rectangle((left, y, left + stroke - 1, end), fill=colour)
        draw.rectangle((right - stroke + 1, y, right, end), fill=colour)
