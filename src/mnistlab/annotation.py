"""A picture with what was read in it: a box around each digit, the digit and how sure it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnistlab.decoding import Source, decode

if TYPE_CHECKING:
    from PIL import Image

    from mnistlab.reader import Page

__all__ = ["annotate"]

SURE, DOUBTFUL = (0, 128, 96), (208, 72, 0)
"""Green-blue and orange: told apart by those who see no red and green, too; the doubtful ones are dashed besides."""
SMALLEST_TEXT = 11
"""Pixels; where digits are smaller than that, the picture is drawn larger."""


def annotate(source: Source, page: Page) -> Image.Image:
    """The picture, RGB, with `page`'s digits in boxes: what was read above each, its probability in percent below."""
    from PIL import Image, ImageDraw, ImageFont

    picture = decode(source)
    image = Image.fromarray(picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, 2))
    heights = [digit.box[3] for digit in page.digits]
    typical = float(np.median(heights)) if heights else 0.0
    scale = 1.0
    if typical:
        scale = float(np.clip(2.2 * SMALLEST_TEXT / typical, 1, max(1, 1600 / max(image.size))))
    if scale > 1:
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    size = max(SMALLEST_TEXT, round(0.42 * typical * scale))
    large, small = ImageFont.load_default(size), ImageFont.load_default(max(SMALLEST_TEXT - 2, round(0.55 * size)))
    pad = max(2, round(0.08 * typical * scale))
    margin = size + 2 * pad  # so that the outermost labels are seen, too
    framed = Image.new("RGB", (image.width + 2 * margin, image.height + 2 * margin), "white")
    framed.paste(image, (margin, margin))
    draw = ImageDraw.Draw(framed, "RGBA")
    width = max(1, round(0.03 * typical * scale))
    for digit in page.digits:
        x, y, w, h = (value * scale for value in digit.box)
        left, top, right, bottom = x + margin - pad, y + margin - pad, x + w + margin + pad, y + h + margin + pad
        colour = SURE if digit.accepted else DOUBTFUL
        if digit.accepted:
            draw.rectangle((left, top, right, bottom), outline=colour, width=width)
        else:
            dashed(draw, (left, top, right, bottom), colour, width)
        label(draw, (left, top), str(digit.value) if digit.accepted else f"{digit.value}?", large, colour, "lb")
        label(draw, (left, bottom), f"{100 * digit.probability:.0f}", small, colour, "lt")
    return framed


def label(draw, where, text, font, colour, anchor) -> None:  # type: ignore[no-untyped-def]
    """White on the colour: to be read on any paper."""
    left, top, right, bottom = draw.textbbox(where, text, font=font, anchor=anchor)
    draw.rectangle((left - 2, top - 2, right + 2, bottom + 2), fill=(*colour, 225))
    draw.text(where, text, font=font, fill="white", anchor=anchor)


def dashed(draw, box, colour, width) -> None:  # type: ignore[no-untyped-def]
    left, top, right, bottom = box
    dash = max(3, 3 * width)
    for start in np.arange(left, right, 2 * dash):
        for y in (top, bottom):
            draw.line((start, y, min(start + dash, right), y), fill=colour, width=width)
    for start in np.arange(top, bottom, 2 * dash):
        for x in (left, right):
            draw.line((x, start, x, min(start + dash, bottom)), fill=colour, width=width)
