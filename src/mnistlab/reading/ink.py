"""The ink in any picture of handwriting: light, paper, rules and tilt taken out.

    ink = find_ink(picture)                 # paper out, ink in: uint8 (H, W), 0 paper to 255 ink

Its pieces are found in pieces.py, put together to digits in assembly.py, and each made as MNIST's are in mnist_form.py.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.paper import (
    INK_LEVEL,
    Gray,
    Look,
    dark_paper,
    lightest,
    look_at,
    missing_light,
    paper_colour,
    resized,
    stroke_width,
)
from mnistlab.reading.ruling import FAINT, rules_of, tilt, turn, without_rules

__all__ = ["HIGH", "LOW", "Ink", "Strokes", "find_ink"]

SMALL = 28
"""A picture of at most so many pixels a side is one digit; larger ones are searched."""
OVERVIEW = 1000
"""Pixels a side of the copy in which paper, rules and the size of what is written are looked for."""
TALL, THIN = 56, 2.5
"""Pixels: writing taller than that, of strokes wider than that, is made smaller; MNIST's is 20 tall. It saves time."""
GRAIN = 0.07
"""Paper noisier than this share of the ink's strength is smoothed."""
DARK = 48
"""Paper that has less of a colour than this, of 255, is lightened before shares of its light are taken."""
WORK = 16_000_000
"""Pixels that are searched at most."""
LOW, HIGH = 0.30, 0.52
"""Shares of the typical ink: a pixel over LOW belongs to a stroke where the stroke has one over HIGH."""


class Strokes(NamedTuple):
    """What hangs together of a page's ink."""

    labels: NDArray[np.int32]
    """int32 (H, W): the number of the strokes at each pixel, from 1; 0 where there are none."""
    boxes: NDArray[np.int32]
    """int32 (N, 4): x, y, width, height of each, that of number 1 first."""
    areas: NDArray[np.int32]
    """int32 (N, 1): how many pixels each has."""


@dataclass(frozen=True)
class Ink:
    """How much ink there is at each pixel."""

    strength: Gray
    """uint8 (H, W), upright and level: 0 paper, `INK_LEVEL` the page's typical ink."""
    to_picture: NDArray[np.float64]
    """(2, 3): where a point (x, y, 1) of `strength` lies in the picture, in its pixels."""
    whole: bool = False
    """The picture is one digit, whatever its strokes."""
    rules: Gray | None = None
    """uint8 (H, W): 1 where a rule was taken out of `strength`; None if there was none."""
    rule_level: float = 0.0
    """How strong the rules were, as `strength`."""
    on_dark: bool = False
    """Whether the ink was lighter than its paper."""

    @functools.cached_property
    def strokes(self) -> Strokes:
        """The strokes that hang together, specks too."""
        mask = (self.strength > INK_LEVEL * LOW).astype(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        return Strokes(np.asarray(labels, np.int32), *np.split(np.asarray(stats[1:], np.int32), [4], axis=1))

    @functools.cached_property
    def pen(self) -> float:
        """The usual width of strokes in pixels."""
        return stroke_width((self.strength > INK_LEVEL * LOW).astype(np.uint8))

    @functools.cached_property
    def finest(self) -> float:
        """How wide the finest of the strokes is, specks among them, at its widest place in pixels; 0 where there is none."""
        depth = cv2.distanceTransform((self.strength > INK_LEVEL * LOW).astype(np.uint8), cv2.DIST_L2, 3)
        deepest = np.zeros(len(self.strokes.areas) + 1, np.float32)
        inked = depth > 0
        np.maximum.at(deepest, self.strokes.labels[inked], depth[inked])
        return 2 * float(deepest[1:].min(initial=np.inf)) - 1 if len(deepest) > 1 else 0.0

    def of_stroke(self, number: int) -> Gray:
        """The ink of the strokes of that number alone, uint8 (h, w), in their box."""
        x, y, width, height = self.strokes.boxes[number - 1]
        part = (slice(y, y + height), slice(x, x + width))
        return np.where(self.strokes.labels[part] == number, self.strength[part], 0).astype(np.uint8)


def find_ink(picture: Gray) -> Ink:
    """The ink of a picture uint8 (H, W) or (H, W, 3): dark on light or light on dark, found out by itself; uneven light,
    shadows, the paper's colour and its rules are taken out, and a page that lies askew is turned level."""
    on_dark = dark_paper(picture)
    return replace(dark_ink(255 - picture if on_dark else picture), on_dark=on_dark)


def dark_ink(picture: Gray) -> Ink:
    """As `find_ink`, of a picture whose ink is darker than its paper."""
    picture = picture.reshape(*picture.shape[:2], -1)
    longest = max(picture.shape[:2])
    if longest <= SMALL:
        large = resized(picture, scale := float(np.ceil(160 / longest)))
        paper = lightest(large)
        look = look_at(*missing_light(large, paper))
        return Ink(look.strength(large, paper), scaled(np.eye(2, 3), scale), whole=True)

    view = resized(picture, shrink := min(1.0, OVERVIEW / longest))
    ground = paper_colour(view)
    if ground.min() < DARK:  # a colour of which the paper has next to nothing: shares of that would be noise
        picture, view, ground = lifted(picture), lifted(view), lifted(ground)
    missing, empty, noise = missing_light(view, ground)
    faint = (np.clip((missing.mean(2) - empty) / max(3 * noise, 0.03), 0, 4) * FAINT).astype(np.uint8)
    level, turned = turn(faint, angle := tilt(faint))
    across, down = rules_of(level)
    ruled = bool(across.any() or down.any())
    printed: Gray | None = None
    if ruled:  # rules may be more than the ink is: look past them
        both: Gray = across | down
        printed = cv2.warpAffine(both, turned, view.shape[1::-1], flags=cv2.INTER_NEAREST)
        printed = cv2.dilate(printed, np.ones((3, 3), np.uint8))
    look = look_at(missing, empty, noise, printed)
    if printed is not None and only_rules(look, missing, printed):
        return Ink(np.zeros(picture.shape[:2], np.uint8), np.eye(2, 3))

    large = resized(picture, scale := working_scale(look, shrink, picture.shape))
    paper = cv2.resize(ground, large.shape[1::-1], interpolation=cv2.INTER_LINEAR).reshape(large.shape)
    strength, turned = turn(look.strength(large, paper), angle)
    if look.typical and noise * max(1.0, scale / shrink) > GRAIN * look.typical:
        strength = cv2.GaussianBlur(strength, (0, 0), 1.0)
    rules, rule_level = None, 0.0
    if ruled:
        bare, rules = without_rules(strength, across, down)
        if rules.any():
            rule_level = float(np.median(strength[rules > 0]))
            rules = cv2.dilate(rules, np.ones((3, 3), np.uint8))
        strength = bare
    return Ink(strength, scaled(turned, scale), rules=rules, rule_level=rule_level)


def only_rules(look: Look, missing: NDArray[np.float32], printed: Gray) -> bool:
    """Whether what there is beside the rules is next to nothing, and no darker than they."""
    if look.typical == 0:
        return True
    ink = missing @ look.weights - look.empty
    beside = printed == 0
    share = float((ink[beside] > 0.4 * look.typical).mean())
    return share < 0.002 and look.typical < 1.3 * float(np.quantile(ink[~beside], 0.95))


def lifted(picture: Gray) -> Gray:
    """Black made dark grey, white left white."""
    return cv2.convertScaleAbs(picture, alpha=1 - DARK / 255, beta=DARK).reshape(picture.shape)


def working_scale(look: Look, shrink: float, shape: tuple[int, ...]) -> float:
    """How many times as large as it is the picture is searched."""
    height, width = shape[0], shape[1]
    if max(height, width) <= 160:  # strokes of a pixel or two: smooth curves are easier to follow
        return float(np.ceil(160 / max(height, width)))
    most = float(min(1.0, (WORK / (height * width)) ** 0.5))
    if look.size == 0:
        return most
    enough = max(TALL * shrink / look.size, THIN * shrink / look.stroke, 160 / max(height, width))
    return float(min(most, enough))


def scaled(matrix: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """What `matrix` (2, 3) gives, in the pixels of a picture that was made `scale` times as large."""
    result = matrix / scale
    result[:, 2] += 0.5 / scale - 0.5  # coordinates are of pixels' centres
    return result
