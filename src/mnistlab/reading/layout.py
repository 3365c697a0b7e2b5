"""How digits are laid out on a page: which of them form a line, and in what order a person reads them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["lines_of", "typical_height"]


MOST_LINES = 100
"""Lines are merged only into this many of the longest lines, because dust can form any number of lines."""
Boxes = Sequence[tuple[int, int, int, int]]


def typical_height(boxes: Boxes) -> float:
    """The median height in pixels of the boxes (x, y, width, height), without the small ones; 0 if there are no boxes."""
    if not boxes:
        return 0.0
    heights = np.array([box[3] for box in boxes], np.float64)
    return float(np.median(heights[heights >= 0.5 * np.quantile(heights, 0.9)]))


def lines_of(boxes: Boxes) -> list[list[int]]:
    """The indices of the boxes, line by line from the top, each line from left to right. Lines may slope and have wide gaps."""
    if not boxes:
        return []
    x, y, width, height = np.array(boxes, np.float64).T
    size = typical_height(boxes)
    group = np.arange(len(boxes))
    middle_x, middle_y = x + width / 2, y + height / 2
    for i in np.argsort(middle_x):
        ahead = np.flatnonzero(middle_x > middle_x[i])
        gap = x[ahead] - (x[i] + width[i])
        apart = np.abs(middle_y[ahead] - middle_y[i])
        tall = np.minimum(np.maximum(height[ahead], size / 2), max(height[i], size / 2))
        beside = (gap < 2.5 * size) & (apart < 0.55 * tall + 0.12 * np.clip(gap, 0, size))
        if beside.any():
            near = ahead[beside]
            nearest = near[np.argmin(gap[beside] + 2 * apart[beside])]
            group[group == group[nearest]] = group[i]
    lines = [np.flatnonzero(group == g) for g in set(group.tolist())]  # np.unique would import numpy.ma
    lines = merged(lines, middle_x, middle_y, size)
    lines.sort(key=lambda line: float(middle_y[line].mean()))
    return [[int(i) for i in line[np.argsort(middle_x[line])]] for line in lines]


def merged(
    lines: list[NDArray[np.intp]], x: NDArray[np.float64], y: NDArray[np.float64], size: float
) -> list[NDArray[np.intp]]:
    """The lines, as arrays of indices; those at the same height, allowing for their slope, are merged into one."""
    slope = usual_slope(lines, x, y)
    lines = sorted(lines, key=lambda line: -len(line))
    result: list[NDArray[np.intp]] = []
    for line in lines:
        level = float((y[line] - slope * x[line]).mean())
        for i, other in enumerate(result[:MOST_LINES]):
            near = other[np.argsort(np.abs(x[other] - x[line].mean()))[:3]]  # lines bend, so compare where they meet
            if abs(float((y[near] - slope * x[near]).mean()) - level) < 0.4 * size:
                result[i] = np.concatenate([other, line])
                break
        else:
            result.append(line)
    return result


def usual_slope(lines: list[NDArray[np.intp]], x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """The median slope, in pixels down per pixel to the right, of the lines with four digits or more; 0 if there are none."""
    slopes = [float(np.polyfit(x[line], y[line], 1)[0]) for line in lines if len(line) >= 4]
    return float(np.median(slopes)) if slopes else 0.0
