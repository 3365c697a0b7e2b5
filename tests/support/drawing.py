"""MNIST's digits drawn with a pen of any width at any size, and put on paper."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]
FINE = 8
"""By how much a digit is enlarged before the middle of its strokes is searched for."""
EDGE = 6
AROUND = np.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]])
"""A bit for each of a pixel's neighbours, clockwise from above."""


def removable(first: Sequence[int], second: Sequence[int]) -> Array:
    """For each combination of neighbours, as bits of `AROUND`: 1 if the pixel is to be removed, otherwise 0; uint8 (256,)."""
    near = np.arange(256)[:, None] >> np.arange(8) & 1 == 1
    count, starts = near.sum(1), (~near & np.roll(near, -1, 1)).sum(1)
    goes = (count >= 2) & (count <= 6) & (starts == 1)
    return (goes & ~near[:, first].all(1) & ~near[:, second].all(1)).astype(np.uint8)


PASSES = removable((0, 2, 4), (2, 4, 6)), removable((0, 2, 6), (0, 4, 6))


def thinned(mask: Array) -> Array:
    """The middle lines, a pixel wide, of a bool mask with an empty edge (Zhang and Suen 1984)."""
    left = mask.astype(np.uint8)
    changed = True
    while changed:
        changed = False
        for goes in PASSES:
            near = cv2.filter2D(left, cv2.CV_8U, AROUND.astype(np.float32), borderType=cv2.BORDER_CONSTANT)
            gone = left & goes[near]
            left -= gone
            changed |= bool(gone.any())
    return left.astype(bool)


@cache
def distances(content: bytes) -> Array:
    """Each point's distance from a stroke's middle, in MNIST's pixels, on a grid `FINE` times as fine; its margin is `EDGE`."""
    image = np.frombuffer(content, np.uint8).reshape(28, 28)
    large = cv2.resize(image, None, fx=FINE, fy=FINE, interpolation=cv2.INTER_CUBIC)
    large = cv2.copyMakeBorder(large, FINE, FINE, FINE, FINE, cv2.BORDER_CONSTANT, value=0)
    middle = thinned(cv2.GaussianBlur(large, (0, 0), FINE / 3) > 100)
    y, x = np.nonzero(middle)
    middle = middle[y.min() : y.max() + 1, x.min() : x.max() + 1]
    middle = np.pad(middle, EDGE * FINE)
    return np.asarray(cv2.distanceTransform((~middle).astype(np.uint8), cv2.DIST_L2, 5)) / FINE


def draw(image: Array, height: float, stroke: float | None = None) -> Array:
    """A 28x28 image's digit, uint8, ink 255 on 0: `height` pixels high, strokes `stroke` wide (by default a tenth of that)."""
    stroke = height / 10 if stroke is None else stroke
    field = distances(image.tobytes())
    scale = (height - stroke) / (field.shape[0] / FINE - 2 * EDGE)  # pixels per pixel of MNIST
    size = round(field.shape[1] * scale / FINE), round(field.shape[0] * scale / FINE)
    small = cv2.resize(field, size, interpolation=cv2.INTER_LINEAR)
    ink = (np.clip(stroke / 2 + 0.5 - small * scale, 0, 1) * 255).astype(np.uint8)
    return cropped(ink)


def cropped(ink: Array) -> Array:
    """The ink without its empty edges."""
    y, x = np.nonzero(ink > 60)
    return ink[y.min() : y.max() + 1, x.min() : x.max() + 1]


def framed(ink: Array, margin: int) -> Array:
    """The ink with that many empty pixels on each side."""
    return np.pad(ink, margin)


def written(inks: Sequence[Array], gap: float = 0.4, margin: float = 0.6, slope: float = 0.0) -> Array:
    """Digits side by side on one line, as one array; `gap` and `margin` in heights of the first digit, `slope` in degrees."""
    height = inks[0].shape[0]
    room, edge = round(gap * height), round(margin * height)
    width = sum(ink.shape[1] for ink in inks) + room * (len(inks) - 1) + 2 * edge
    drop = np.tan(np.radians(slope))
    lowest = edge + max(ink.shape[0] for ink in inks)
    ends = [lowest, lowest + round(drop * width)]
    sheet = np.zeros((max(ends) - min(0, ends[1] - ends[0]) + edge, width), np.uint8)
    start = lowest + max(0, ends[0] - ends[1])
    x = edge
    for ink in inks:
        bottom = start + round(drop * x)
        sheet[bottom - ink.shape[0] : bottom, x : x + ink.shape[1]] = ink
        x += ink.shape[1] + room
    return sheet


def count_read(found: Sequence[Any], drawn: Any) -> int:
    """How many of a drawn page's digits are read: at the place of each, exactly one digit is found, and it is the right one.

    `found` are digits as in `Page.to_dict`.
    """
    middles = [(d["box"][0] + d["box"][2] / 2, d["box"][1] + d["box"][3] / 2) for d in found]
    right = 0
    for label, (x, y, width, height) in zip(drawn.labels, drawn.boxes, strict=True):
        half = max(width, height) / 2
        across, down = x + width / 2, y + height / 2
        here = [n for n, (a, b) in enumerate(middles) if abs(a - across) < half and abs(b - down) < half]
        right += [found[n]["value"] for n in here] == [label]
    return right


def png(image: Image.Image) -> bytes:
    """The image as a PNG file."""
    stream = io.BytesIO()
    image.save(stream, "png")
    return stream.getvalue()


def put(picture: Array, image: Array, x: int, y: int, height: float) -> tuple[int, int, int, int]:
    """Draw a digit of MNIST in black, with its top left corner at x, y. Returns its box (x, y, width, height)."""
    ink = draw(image, height)
    part = picture[y : y + ink.shape[0], x : x + ink.shape[1]]
    np.minimum(part, 255 - ink, out=part)
    return x, y, ink.shape[1], ink.shape[0]
