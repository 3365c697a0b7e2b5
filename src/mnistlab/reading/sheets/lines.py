"""Straight lines in a picture, however faint: thin, continuous, and darker than what lies on either side."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.paper import Gray

__all__ = ["Floats", "Segments", "darker", "level_segments", "thin_ink", "upright_segments"]

Floats = NDArray[np.float32]
THICKEST = 13
"""Anything wider than this many pixels is not a line."""
SLOPES = np.linspace(-0.4, 0.4, 21)
"""The slopes that horizontal lines may have: up to 22 degrees."""
BLOCK = 32
"""Pixels per side of the squares in which noise is measured, because the paper and the desk under it differ in noise."""
RUN = 14
"""A line is found by its mean darkness over a stretch whose length is the picture's longer side divided by this."""
CAP = 3.0
"""A pixel's darkness is capped at this many standard deviations of the noise, so that strokes do not outweigh faint lines."""
CLEAR = 1.7
"""The least mean darkness of a stretch of a line. Rows of digits are less dark, because there is paper between strokes."""
PARTS, LEAST = 6, 0.9
"""A stretch has this many parts, and each must have at least this mean darkness, because a row of strokes has gaps."""
LONG = 1.6
"""The length of the shortest line, in stretches."""


@dataclass(frozen=True)
class Segments:
    """Lines y = middle_y + slope * (x - middle_x), from `start` to `end` in x; for vertical ones, x and y are swapped."""

    slope: Floats
    middle: Floats
    """(N, 2): the middle of each line, x and y."""
    start: Floats
    end: Floats

    @property
    def length(self) -> Floats:
        """The length of each line in pixels along x, float32 (N,)."""
        return self.end - self.start


def darker(gray: Gray) -> Floats:
    """How much darker each pixel is than what lies on either side, float32 (H, W).

    The unit is the standard deviation of the noise; values are clipped to the range from -1 to `CAP`.
    """
    light = cv2.GaussianBlur(gray, (0, 0), 0.7).astype(np.float32)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (THICKEST, THICKEST))
    closed = cv2.morphologyEx(light, cv2.MORPH_CLOSE, kernel)
    apart = (closed - light) / (closed + 16)
    usual, noise = paper_noise(apart)
    return np.asarray(np.clip((apart - usual) / np.maximum(noise, 0.004), -1, CAP), np.float32)


def thin_ink(gray: Gray) -> Floats:
    """How much darker each pixel of something thin is than its surroundings; about 0 elsewhere. float32 (H, W), 0 to 255."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (THICKEST, THICKEST))
    return np.asarray(cv2.morphologyEx(gray, cv2.MORPH_BLACKHAT, kernel), np.float32)


def paper_noise(apart: Floats) -> tuple[Floats, Floats]:
    """The usual value of `apart` near each pixel, and the standard deviation of the noise near it: float32 (H, W) each."""
    height, width = apart.shape
    rows, columns = max(1, height // BLOCK), max(1, width // BLOCK)
    whole = apart[: rows * (height // rows), : columns * (width // columns)]
    blocks = (
        whole.reshape(rows, height // rows, columns, width // columns).transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    )
    usual = np.median(blocks, 2).astype(np.float32)
    noise = 1.48 * np.median(np.abs(blocks - usual[..., None]), 2).astype(np.float32)
    near = [cv2.medianBlur(part, 5) for part in (usual, noise)]  # where there is much writing, use what is beside it
    first, second = (cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR) for part in near)
    return np.asarray(first, np.float32), np.asarray(second, np.float32)


def level_segments(dark: Floats, run: int | None = None, long: float = LONG) -> Segments:
    """The horizontal lines in the result of `darker`.

    Darkness is averaged over stretches of `run` pixels; a line must be at least `long` stretches long.
    """
    height, width = dark.shape
    run = run or max(24, max(height, width) // RUN)
    best = np.full(dark.shape, -1, np.float32)
    for slope in SLOPES:
        shear = np.array([[1, 0, 0], [-slope, 1, slope * width / 2]], np.float64)
        size = (width, height)
        sheared = cv2.warpAffine(dark, shear, size, flags=cv2.INTER_LINEAR, borderValue=0)
        along = cv2.blur(sheared, (run, 1), borderType=cv2.BORDER_CONSTANT)
        parts = cv2.blur(sheared, (max(5, run // PARTS), 1), borderType=cv2.BORDER_CONSTANT)
        unbroken = cv2.morphologyEx(parts, cv2.MORPH_OPEN, np.ones((1, run), np.uint8))
        np.minimum(along, unbroken * (CLEAR / LEAST), out=along)
        back = cv2.invertAffineTransform(shear)
        np.maximum(best, cv2.warpAffine(along, back, size, flags=cv2.INTER_LINEAR, borderValue=-1), out=best)
    ridge = best >= np.asarray(cv2.dilate(best, np.ones((7, 1), np.uint8))) - 1e-6
    mask = (ridge & (best > CLEAR)).astype(np.uint8)
    return fitted(cv2.dilate(mask, np.ones((3, 3), np.uint8)), mask, long * run)


def fitted(labelled: Gray, mask: Gray, least: float) -> Segments:
    """For each connected piece of `labelled` that is at least `least` pixels wide, a line fitted to its points in `mask`."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(labelled, connectivity=8)
    y, x = np.nonzero(mask)
    of = labels[y, x]
    order = np.argsort(of, kind="stable")
    x, y, of = x[order], y[order], of[order]
    bounds = np.searchsorted(of, np.arange(count + 1))
    found = []
    for number in np.flatnonzero(stats[:, cv2.CC_STAT_WIDTH] >= least):
        part = slice(bounds[number], bounds[number + 1])
        if number == 0 or part.stop - part.start < 8:
            continue
        px, py = x[part].astype(np.float64), y[part].astype(np.float64)
        middle = px.mean()
        slope, level = np.polyfit(px - middle, py, 1)
        found.append((slope, middle, level, px.min(), px.max()))
    columns = np.array(found, np.float32).reshape(-1, 5).T
    return Segments(columns[0], np.ascontiguousarray(columns[1:3].T), columns[3], columns[4])


def upright_segments(dark: Floats, run: int | None = None, long: float = LONG) -> Segments:
    """The vertical lines in the result of `darker`, with x and y swapped; the other arguments are those of `level_segments`."""
    return level_segments(np.ascontiguousarray(dark.T), run, long)
