"""Shapes of digits, letters and signs, as distance fields, which can be drawn at any size and with any pen.

A digit of MNIST is enlarged into a square of 48x48 pixels. For each pixel, two distances are kept: to the edge of the stroke
(positive inside) and to the stroke's centre line. `Shape.edge` serves to draw the digit as it was written, `Shape.middle` to
draw it with any pen.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mnistlab.pictures.fonts import opened

__all__ = ["Shape", "of_picture", "of_text"]

SIDE = 48
"""The side of a shape's square in pixels."""
HEIGHT = 36
"""The length, in pixels, of the longer side of a shape's ink."""
FONT_SIZE = 80
"""The size in pixels at which fonts are drawn."""
FINER = 2
"""The factor by which the square is enlarged while distances are measured."""
Distances = NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """A shape in the middle of a square: each pixel's distances to the nearest edge and to the middle of the nearest stroke.

    Both distances are float32 (SIDE, SIDE), in pixels of the square.
    """

    edge: Distances
    """The distance to the nearest edge: positive in the ink, negative outside."""
    middle: Distances
    """The distance to the centre line of the nearest stroke."""
    width: float
    height: float
    """`width` and `height` are those of the ink, in pixels of the square."""
    thickness: float
    """Half the usual stroke width, in pixels of the square."""


def of_picture(ink: NDArray[np.uint8]) -> Shape | None:
    """The shape of the ink in a picture, uint8 (H, W), ink 255 on 0; None if there is no ink."""
    rows, columns = np.flatnonzero((ink > 100).any(1)), np.flatnonzero((ink > 100).any(0))
    if not len(rows):
        return None
    part = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = HEIGHT * FINER / max(part.shape)
    width, height = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
    large = cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    side = SIDE * FINER
    square = np.zeros((side, side), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = large
    mask = (cv2.GaussianBlur(square, (0, 0), 1.2) > 115).astype(np.uint8)
    if not mask.any():
        return None
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    outside = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5)
    ridge = (inside > 0) & (inside >= cv2.dilate(inside, np.ones((3, 3), np.uint8)) - 0.3)
    middle = cv2.distanceTransform((~ridge).astype(np.uint8), cv2.DIST_L2, 5)
    thickness = float(np.median(inside[ridge])) / FINER
    edge = np.where(mask > 0, inside - 0.5, 0.5 - outside)

    def smaller(distances: NDArray[Any]) -> Distances:
        small = cv2.resize(distances.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA) / FINER
        return np.ascontiguousarray(small, np.float32)

    return Shape(smaller(edge), smaller(middle), width / FINER, height / FINER, thickness)


@functools.lru_cache(maxsize=20_000)
def of_text(text: str, font: Path) -> Shape | None:
    """The shape of a character in a font; None if the character has no ink."""
    drawn = Image.new("L", (160, 160))
    ImageDraw.Draw(drawn).text((80, 80), text, fill=255, font=opened(font, FONT_SIZE), anchor="mm")
    return of_picture(np.array(drawn))
