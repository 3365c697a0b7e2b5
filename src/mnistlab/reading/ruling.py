"""Level a page, and remove the lines that are printed on it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.paper import INK_LEVEL, Gray, resized, stroke_width

__all__ = ["FAINT", "rules_of", "tilt", "turn", "without_rules"]


FAINT = 50
"""A pixel stands out from the paper if its value in `faint` (see `tilt`) is above this."""
FAINTER = 30
"""Several pixels in a row stand out if their mean is above this: less than `FAINT`, since rules, unlike noise, are continuous."""
PRINTED, WRITTEN = int(0.12 * INK_LEVEL), int(0.8 * INK_LEVEL)
"""Ink may belong to a rule if the mean strength along the rule is above the first number; pixels above the second are writing."""


def tilt(faint: Gray) -> float:
    """By how many degrees the page is rotated, judged by the rules or lines of digits on it; 0 if that is unclear.

    `faint`, uint8 (H, W), is above `FAINT` where something stands out from the paper.
    """
    small = resized(faint, min(1.0, 700 / max(faint.shape)))
    mask = np.where(small > FAINT, small, 0)
    if not shows_tilt((mask > 0).astype(np.uint8)):
        return 0.0
    height, width = mask.shape
    y, x = np.nonzero(mask)
    weight = mask[y, x].astype(np.float64)
    x, y = x - width / 2, y - height / 2

    def sharpness(degrees: float) -> float:
        a = np.deg2rad(degrees)
        rows = np.bincount((y * np.cos(a) - x * np.sin(a) + height + width).astype(np.intp), weight)
        return float((np.diff(rows) ** 2).sum())

    coarse = np.arange(-14, 14.1, 0.5)
    scores = np.array([sharpness(d) for d in coarse])
    best = float(coarse[scores.argmax()])
    if scores.max() < 1.3 * np.median(scores) or abs(best) > 13:  # nothing is level, or the steepest angle is best
        return 0.0
    fine = np.arange(best - 0.5, best + 0.51, 0.1)
    best = float(fine[np.argmax([sharpness(d) for d in fine])])
    return best if abs(best) >= 0.3 else 0.0


def shows_tilt(mask: Gray) -> bool:
    """Whether the mask has rules, or enough writing to show a tilt: one or two numbers may slope although the page does not."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    sizes = stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1)
    for n in np.flatnonzero(sizes >= 0.5 * max(mask.shape)):
        if sizes[n] >= 60 * stroke_width((labels == n + 1).astype(np.uint8)):
            return True
    return int((sizes >= 5).sum()) >= 12


def turn(strength: Gray, degrees: float) -> tuple[Gray, NDArray[Any]]:
    """The picture rotated by `degrees`, with nothing cut off; and the matrix (2, 3) that maps its points to the original's."""
    if degrees == 0:
        return strength, np.eye(2, 3)
    height, width = strength.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    new_width, new_height = int(width * cos + height * sin) + 1, int(width * sin + height * cos) + 1
    matrix[:, 2] += (new_width - width) / 2, (new_height - height) / 2
    turned = cv2.warpAffine(strength, matrix, (new_width, new_height), flags=cv2.INTER_LINEAR)
    return turned, cv2.invertAffineTransform(matrix)


def rules_of(faint: Gray) -> tuple[Gray, Gray]:
    """Where the horizontal and vertical rules of a level page are: uint8 (H, W) each, 0 or 1. `faint` is as in `tilt`."""
    return level_rules(faint), cv2.transpose(level_rules(cv2.transpose(faint)))


def level_rules(faint: Gray) -> Gray:
    """Where there are long thin horizontal lines: uint8 (H, W), 0 or 1."""
    width = faint.shape[1]
    nothing = np.zeros(faint.shape, np.uint8)
    length, most = max(40, width // 10), most_thickness(faint)
    if length > width:
        return nothing
    along = cv2.blur(faint, (max(3, length // 20), 1))  # noise has gaps, rules do not
    mask = (along > FAINTER).astype(np.uint8)
    long = dark_along(mask, length)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(long)
    spans, areas = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_AREA]
    thick = np.maximum(areas / np.maximum(spans, 1) - 2, 1)
    rule = (spans >= 25 * thick) & (thick <= most)
    # A row of small digits is long as well; but a rule is thin and, for most of its length, darker than what is above and below.
    number = labels[long > 0]
    inked = np.bincount(number, mask[long > 0], count)
    rule &= np.bincount(number, thin(along, most, FAINTER)[long > 0], count) >= 0.4 * np.maximum(inked, 1)
    rule[0] = False
    # A 1 is long and thin too: paper is ruled only if a line goes all the way across, or if there are many long lines.
    if not ((spans[rule] >= 0.8 * width).any() or (spans[rule] >= 0.25 * max(faint.shape)).sum() >= 6):
        return nothing
    return filled_along(rule[labels].astype(np.uint8), length)


def most_thickness(page: Gray) -> int:
    """The maximum thickness of a rule, in pixels."""
    height, width = page.shape
    return max(3, int(max(height, width)) // 200)


def thin(along: Gray, most: int, threshold: float) -> Gray:
    """Where a pixel is darker than what is above and below it: uint8 (H, W), 0 or 1."""
    top = cv2.morphologyEx(along, cv2.MORPH_TOPHAT, np.ones((2 * most + 3, 1), np.uint8))
    return (top > threshold).astype(np.uint8)


def dark_along(mask: Gray, length: int) -> Gray:
    """Where the mask, a pixel thicker above and below, has unbroken rows of at least `length` pixels: uint8 (H, W), 0 or 1."""
    loose = cv2.dilate(mask.astype(np.uint8), np.ones((3, 1), np.uint8))  # rules are not quite straight
    return grown(1 - grown(1 - loose, length), length)


def grown(mask: Gray, length: int) -> Gray:
    """The mask (0 or 1) extended by half of `length` to the left and right; sums make this equally quick for all lengths."""
    sums = cv2.boxFilter(mask, -1, (length | 1, 1), normalize=False, borderType=cv2.BORDER_CONSTANT)  # at most 255
    return (sums > 0).view(np.uint8)


def filled_along(mask: Gray, length: int) -> Gray:
    """The mask, with horizontal gaps of up to `length` pixels filled, because a rule continues behind a digit."""
    return 1 - grown(1 - grown(mask, length), length)


def without_rules(strength: Gray, across: Gray, down: Gray) -> tuple[Gray, Gray]:
    """The strength of ink, uint8 (H, W), without the rules that `rules_of` found in a smaller copy, but with the strokes that
    cross them; and where the rules were, uint8 (H, W), 0 or 1."""
    level, first = without_level(strength, across)
    upright, second = without_level(cv2.transpose(level), cv2.transpose(down))
    return cv2.transpose(upright), first | cv2.transpose(second)


def without_level(strength: Gray, about: Gray) -> tuple[Gray, Gray]:
    """Like `without_rules`, but only for horizontal rules; the mask `about`, of any size, says roughly where they are."""
    height, width = strength.shape
    if not about.any():
        return strength, np.zeros(strength.shape, np.uint8)
    length = max(40, width // 10)
    near = cv2.resize(about, (width, height), interpolation=cv2.INTER_NEAREST)
    slack = 2 * int(np.ceil(height / len(about))) + 1
    near = cv2.dilate(near, np.ones((slack, 1), np.uint8))
    along = cv2.blur(strength, (max(3, length // 20), 1))
    found = dark_along(along > PRINTED, length // 2) & near
    rules = cv2.dilate(filled_along(found, length) & near, np.ones((3, 1), np.uint8))  # their edges are soft
    if not rules.any():
        return strength, rules
    # How dark the rule is without the strokes that cross it; and what remains where strokes continue above or below it.
    alone = found & (along > PRINTED) & (strength < WRITTEN)
    window = (width // 3 | 1, 3)
    weight = cv2.boxFilter(alone, cv2.CV_32F, window, normalize=False)
    total = cv2.boxFilter(strength * alone, cv2.CV_32F, window, normalize=False)
    thick = usual_thickness(found)
    opened = cv2.morphologyEx(strength, cv2.MORPH_OPEN, np.ones((2 * (thick // 2 + 1) + 1, 1), np.uint8))
    at = np.flatnonzero(rules)  # all other pixels stay as they are
    ink, dark = strength.ravel()[at], total.ravel()[at] / np.maximum(weight.ravel()[at], 1)
    bare = strength.copy()
    bare.ravel()[at] = np.maximum(opened.ravel()[at], np.where(ink > 1.8 * dark + 20, ink, 0))
    return bare, rules


def usual_thickness(found: Gray) -> int:
    """The usual thickness of the rules, in pixels: the number of their pixels, divided by the length of their upper edges."""
    edges = int(np.count_nonzero(found[1:] > found[:-1]))
    return int(np.ceil(int(np.count_nonzero(found)) / max(1, edges)))
