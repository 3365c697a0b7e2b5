"""Turn a piece of ink into an image like MNIST's: 28x28, with its centre of mass in the middle."""

from __future__ import annotations

import cv2
import numpy as np

from mnistlab.reading.ink import find_ink
from mnistlab.reading.paper import Gray, resized, stroke_width
from mnistlab.reading.pieces import Piece, trimmed

__all__ = ["SIDE", "cut_out", "to_mnist_form"]

SIDE, BOX = 28, 20
"""MNIST's images are 28x28; the digit is scaled into a 20x20 box, keeping its aspect ratio (yann.lecun.org/exdb/mnist)."""
THINNEST, THICKEST = 1.6, 4.6
"""The range of stroke widths, in pixels of the 20x20 box, that are left as they are."""
DETAIL = 100
"""If a piece's longer side has more pixels than this, the piece is scaled down to this many before its strokes are measured."""


def to_mnist_form(piece: Piece) -> Gray:
    """The piece in the form of MNIST's digits: uint8 (28, 28), ink 255 on 0, scaled into a 20x20 box without changing its aspect
    ratio, anti-aliased, with its centre of mass in the middle. Strokes much thinner or thicker than MNIST's are brought closer to
    MNIST's width."""
    strength = piece.strength
    longest = max(strength.shape)
    strength = resized(strength, DETAIL / longest if longest > DETAIL else max(1.0, 2 * BOX / longest))
    strength = full_contrast(strength)
    strength = usual_width(strength)
    scale = BOX / max(strength.shape)
    size = (max(1, round(strength.shape[1] * scale)), max(1, round(strength.shape[0] * scale)))
    small = cv2.resize(strength, size, interpolation=cv2.INTER_AREA)
    return centred(full_contrast(small))


def cut_out(picture: Gray, box: tuple[int, int, int, int]) -> Gray | None:
    """The ink in a box (x, y, width, height) of a picture, uint8 (H, W) or (H, W, 3), in MNIST's form; None if there is none."""
    ink = find_ink(picture)
    back = cv2.invertAffineTransform(ink.to_picture)
    x, y, width, height = box
    corners = back @ np.array([[x, x + width, x, x + width], [y, y, y + height, y + height], [1, 1, 1, 1]])
    left, top = np.maximum(np.floor(corners.min(1)), 0).astype(int)
    right, bottom = np.ceil(corners.max(1)).astype(int)
    part = ink.strength[top:bottom, left:right]
    piece = trimmed(Piece(int(left), int(top), part), 0, part.shape[1]) if part.size else None
    return to_mnist_form(piece) if piece is not None else None


def full_contrast(strength: Gray) -> Gray:
    """The image with its values scaled so that strong ink (the 90th percentile of the ink's values) is 255."""
    inked = np.sort(strength[strength > 40])
    top = float(inked[round(0.9 * (len(inked) - 1))]) if len(inked) else 255.0
    return cv2.convertScaleAbs(strength, alpha=255 / max(top, 40))


def usual_width(strength: Gray) -> Gray:
    """The piece with its strokes thickened to `THINNEST` if they are thinner, or thinned to `THICKEST` if they are thicker."""
    mask = (strength > 100).astype(np.uint8)
    if not mask.any():
        return strength
    width = stroke_width(mask)
    unit = max(strength.shape) / BOX  # pixels of the piece per pixel of the box
    if width < THINNEST * unit:
        change = THINNEST * unit - width
        radius = int(np.ceil(change / 2))
        padded = cv2.copyMakeBorder(strength, radius, radius, radius, radius, cv2.BORDER_CONSTANT, value=0)
        return cv2.dilate(padded, disc(radius))
    if width > THICKEST * unit:
        radius = int((width - THICKEST * unit) / 2)
        if radius:
            padded = cv2.copyMakeBorder(strength, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
            thinner = cv2.erode(padded, disc(radius))
            rows, columns = np.flatnonzero((thinner > 60).any(1)), np.flatnonzero((thinner > 60).any(0))
            if len(rows) and len(columns):
                return np.ascontiguousarray(thinner[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    return strength


def disc(radius: int) -> Gray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def centred(small: Gray) -> Gray:
    """The image placed in 28x28 pixels with its centre of mass in the middle, or as close to it as the image's size allows."""
    height, width = small.shape
    mass = small.astype(np.float64)
    total = mass.sum()
    if total == 0:
        return np.zeros((SIDE, SIDE), np.uint8)
    middle_y = (mass.sum(1) @ np.arange(height)) / total
    middle_x = (mass.sum(0) @ np.arange(width)) / total
    top = int(np.clip(round(SIDE / 2 - middle_y), 0, SIDE - height))  # centre at pixel (14, 14), as in MNIST
    left = int(np.clip(round(SIDE / 2 - middle_x), 0, SIDE - width))
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[top : top + height, left : left + width] = small
    return image
