"""Report as unreadable the ink of digits that were not read, because a number that lacks them would be a different number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from mnistlab.reading.classifier import Classifier
from mnistlab.reading.finder import SIZES, Level
from mnistlab.reading.marks import SAME, Box, Mark, overlap
from mnistlab.reading.mnist_form import to_mnist_form
from mnistlab.reading.pieces import Piece
from mnistlab.reading.spots import lessened

__all__ = ["unread"]

INK = 0.3
"""A pixel is a digit's ink if the finder's value for it is above this."""
LOW, HIGH = 0.6, 1.6
"""Least and greatest height of reported ink, in usual digit heights; shorter ink is part of a digit, taller ink several lines."""
AROUND = 0.1
"""How far beyond a digit's box its own ink may reach, as a share of the box's width and height."""
DOUBT = 0.5
"""The highest probability given to ink that was not read, as a share of the threshold for accepting a digit."""


def unread(
    classifier: Classifier, looked: Sequence[Level], marks: Sequence[Mark], strokes: Sequence[Mark], threshold: float
) -> list[Mark]:
    """Marks for ink of a digit's height that the finder saw but that was not read.

    Where strokes alone gave accepted marks, these are returned; elsewhere, new marks that are not accepted.

    Parameters
    ----------
    classifier : Classifier
        Reads the ink.
    looked : sequence of Level
        The picture at each size, with what the finder detected in it.
    marks : sequence of Mark
        The marks that were read.
    strokes : sequence of Mark
        The marks from strokes alone.
    threshold : float
        The lowest probability at which a digit is accepted.
    """
    dark = [level for level in looked if not level.light]
    if not dark or all(mark.light for mark in marks):  # there is nothing to compare with, or dark ink is the background
        return []
    usual = float(np.median([mark.level_box[3] for mark in marks]))
    level = min(dark, key=lambda level: abs(np.log(level.scale * usual / SIZES[1])))
    scale, ink = level.scale, (level.ink > INK).astype(np.uint8)
    for x, y, width, height in (mark.level_box for mark in marks):
        rows = slice(max(0, int((y - AROUND * height) * scale)), int((y + (1 + AROUND) * height) * scale) + 1)
        columns = slice(max(0, int((x - AROUND * width) * scale)), int((x + (1 + AROUND) * width) * scale) + 1)
        ink[rows, columns] = 0
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink)
    found = []
    for number, (x, y, width, height, _) in enumerate(stats.tolist()):
        if number and LOW * usual * scale <= height <= HIGH * usual * scale:
            part = np.s_[y : y + height, x : x + width]
            found.append(Piece(x, y, (255 * level.ink[part] * (labels[part] == number)).astype(np.uint8)))
    if not found:
        return []
    images = np.stack([to_mnist_form(piece) for piece in found])
    read = []
    for piece, image, probabilities in zip(found, images, classifier.classify(images)[1], strict=True):
        box = box_of(piece, scale)
        sure = [stroke for stroke in strokes if stroke.sure >= threshold and overlap(stroke.box, box) > SAME]
        if sure:
            read += [replace(stroke, level_box=stroke.box) for stroke in sure]
        else:
            read.append(Mark(image, lessened(probabilities, DOUBT * threshold), box, box))
    return read


def box_of(piece: Piece, scale: float) -> Box:
    """The box, in pixels of the picture, of a piece found in a copy of the picture scaled by `scale`."""
    x, y, right, bottom = (max(0, round(value / scale)) for value in (piece.x, piece.y, piece.right, piece.bottom))
    return x, y, max(1, right - x), max(1, bottom - y)
