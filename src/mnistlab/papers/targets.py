"""The targets of a scene, in cells of 4x4 pixels: what the network that finds digits should answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.papers.scene import Scene
from mnistlab.reading.finder import CELL, CLASSES, SIZES, contrast

__all__ = ["Example", "batch_of", "example"]

SPREAD_X, SPREAD_Y = 0.13, 0.11
"""How far around a centre the target extends (a standard deviation), as shares of the box's width and height."""
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Example:
    """A scene as the network takes it, and the scene's targets; h and w are the scene's height and width in cells."""

    contrast: Floats
    """float32 (H, W): the network's input."""
    heat: Floats
    """float32 (classes, h, w): 1 in the cell that holds a mark's centre, less in the cells around that one."""
    boxes: Floats
    """float32 (4, h, w): in the cells with a mark's centre, the offset of that centre from the cell's middle, in cells, and the
    logarithms of the mark's width and height relative to `SIZES`."""
    asked: NDArray[np.bool_]
    """bool (h, w): the cells that count in the part of the loss for the marks' kinds."""
    digits: Floats
    """float32 (H, W): how much of each pixel is the ink of digits."""


def example(scene: Scene) -> Example:
    """The scene as a training example."""
    h, w = scene.pixels.shape[0] // CELL, scene.pixels.shape[1] // CELL
    heat = np.zeros((len(CLASSES), h, w), np.float32)
    boxes = np.zeros((4, h, w), np.float32)
    asked: NDArray[np.bool_] = np.logical_not(scene.ignored.reshape(h, CELL, w, CELL).any((1, 3)))
    for mark in scene.marks:
        x, y = mark.x / CELL, mark.y / CELL
        column, row = int(x), int(y)
        if not (0 <= column < w and 0 <= row < h):
            continue
        wide, high = max(0.45, SPREAD_X * mark.width / CELL), max(0.45, SPREAD_Y * mark.height / CELL)
        left, right, top, bottom = max(0, column - 5), column + 6, max(0, row - 5), row + 6
        along = np.exp(-((np.arange(left, min(right, w)) - column) ** 2) / (2 * wide**2))
        down = np.exp(-((np.arange(top, min(bottom, h)) - row) ** 2) / (2 * high**2))
        part = heat[mark.kind, top:bottom, left:right]
        np.maximum(part, (down[:, None] * along).astype(np.float32), out=part)
        boxes[:, row, column] = (
            x - column - 0.5, y - row - 0.5, np.log(mark.width / SIZES[0]), np.log(mark.height / SIZES[1])
        )  # fmt: skip
        asked[row, column] = True
    return Example(contrast(scene.pixels), heat, boxes, asked, scene.digits)


def batch_of(examples: Sequence[Example]) -> tuple[NDArray[Any], ...]:
    """The examples' `contrast`, (B, 1, H, W), `heat`, `boxes`, `asked` and `digits`, stacked for the network and its loss."""
    heat, boxes, asked, digits = (
        np.stack([getattr(one, name) for one in examples]) for name in ("heat", "boxes", "asked", "digits")
    )
    return np.stack([one.contrast for one in examples])[:, None], heat, boxes, asked, digits
