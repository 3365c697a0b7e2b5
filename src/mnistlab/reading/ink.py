"""The ink in any picture of handwriting, with lighting, paper, rules and tilt removed.

    ink = find_ink(picture).strength        # uint8 (H, W), from 0 for paper to 255 for ink

Pieces of ink are found in pieces.py, assembled into digits in assembly.py, and put into MNIST's form in mnist_form.py.
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
"""A picture of at most this many pixels per side is taken for one digit; larger ones are searched for digits."""
OVERVIEW = 1000
"""To determine the paper, the rules and the size of the writing, a copy with at most this many pixels per side is used."""
TALL, THIN = 56, 2.5
"""Writing taller than `TALL`, with strokes wider than `THIN`, in pixels, is shrunk to save time; MNIST's digits are 20 high."""
GRAIN = 0.07
"""Paper whose noise is above this share of the ink's strength is smoothed."""
DARK = 48
"""If a colour channel of the paper, 0 to 255, is below this, the picture is lightened before ink and paper are compared."""
WORK = 16_000_000
"""The copy of a picture that is searched for digits has at most this many pixels."""
LOW, HIGH = 0.30, 0.52
"""Shares of the typical ink: a pixel above LOW belongs to a stroke if the stroke has a pixel above HIGH."""


class Strokes(NamedTuple):
    """The connected strokes of a page's ink."""

    labels: NDArray[np.int32]
    """int32 (H, W): the number of the component at each pixel, from 1; 0 at pixels outside all components."""
    boxes: NDArray[np.int32]
    """int32 (N, 4): x, y, width and height of each component, starting with number 1."""
    areas: NDArray[np.int32]
    """int32 (N, 1): how many pixels each component has."""


@dataclass(frozen=True)
class Ink:
    """How much ink there is at each pixel."""

    strength: Gray
    """uint8 (H, W), upright and level: 0 paper, `INK_LEVEL` the page's typical ink."""
    to_picture: NDArray[np.float64]
    """float64 (2, 3): maps a point (x, y, 1) of `strength` to pixels of the picture."""
    whole: bool = False
    """Whether the picture as a whole is one digit, however many strokes it has."""
    rules: Gray | None = None
    """uint8 (H, W): 1 where a rule was removed from `strength`; None or all 0 if no rule was removed."""
    rule_level: float = 0.0
    """How strong the rules (lines printed on the paper) were, on the scale of `strength`; 0 if there were none."""
    on_dark: bool = False
    """Whether the ink was lighter than its paper."""

    @functools.cached_property
    def strokes(self) -> Strokes:
        """The connected strokes, including specks."""
        mask = (self.strength > INK_LEVEL * LOW).astype(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        return Strokes(np.asarray(labels, np.int32), *np.split(np.asarray(stats[1:], np.int32), [4], axis=1))

    @functools.cached_property
    def pen(self) -> float:
        """The usual width of strokes in pixels."""
        return stroke_width((self.strength > INK_LEVEL * LOW).astype(np.uint8))

    @functools.cached_property
    def finest(self) -> float:
        """The width in pixels of the finest stroke or speck, when each is measured where it is widest; 0 if there is none."""
        depth = cv2.distanceTransform((self.strength > INK_LEVEL * LOW).astype(np.uint8), cv2.DIST_L2, 3)
        deepest = np.zeros(len(self.strokes.areas) + 1, np.float32)
        inked = depth > 0
        np.maximum.at(deepest, self.strokes.labels[inked], depth[inked])
        return 2 * float(deepest[1:].min(initial=np.inf)) - 1 if len(deepest) > 1 else 0.0

    def of_stroke(self, number: int) -> Gray:
        """Only the ink of component `number`, counted from 1, cropped to the component's box: uint8 (h, w)."""
        x, y, width, height = self.strokes.boxes[number - 1]
        part = (slice(y, y + height), slice(x, x + width))
        return np.where(self.strokes.labels[part] == number, self.strength[part], 0).astype(np.uint8)


def find_ink(picture: Gray) -> Ink:
    """The ink of a picture, uint8 (H, W) or (H, W, 3); it may be dark on light paper or light on dark paper. Uneven light,
    shadows, and the paper's colour and rules are removed, and a tilted page is levelled."""
    on_dark = dark_paper(picture)
    return replace(dark_ink(255 - picture if on_dark else picture), on_dark=on_dark)


def dark_ink(picture: Gray) -> Ink:
    """Like `find_ink`, but for a picture whose ink is darker than its paper."""
    picture = picture.reshape(*picture.shape[:2], -1)
    longest = max(picture.shape[:2])
    if longest <= SMALL:
        large = resized(picture, scale := float(np.ceil(160 / longest)))
        paper = lightest(large)
        look = look_at(*missing_light(large, paper))
        return Ink(look.strength(large, paper), scaled(np.eye(2, 3), scale), whole=True)

    view = resized(picture, shrink := min(1.0, OVERVIEW / longest))
    ground = paper_colour(view)
    if ground.min() < DARK:  # the paper reflects almost nothing of one colour: shares of so little light would be noise
        picture, view, ground = lifted(picture), lifted(view), lifted(ground)
    missing, empty, noise = missing_light(view, ground)
    faint = (np.clip((missing.mean(2) - empty) / max(3 * noise, 0.03), 0, 4) * FAINT).astype(np.uint8)
    level, turned = turn(faint, angle := tilt(faint))
    across, down = rules_of(level)
    ruled = bool(across.any() or down.any())
    printed: Gray | None = None
    if ruled:  # leave the rules out, because they may have more ink than the writing
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
    """Whether the page has hardly any ink except its rules, and none that is much darker than the rules."""
    if look.typical == 0:
        return True
    ink = missing @ look.weights - look.empty
    beside = printed == 0
    share = float((ink[beside] > 0.4 * look.typical).mean())
    return share < 0.002 and look.typical < 1.3 * float(np.quantile(ink[~beside], 0.95))


def lifted(picture: Gray) -> Gray:
    """The picture with black lifted to dark grey, and white left as it is."""
    return cv2.convertScaleAbs(picture, alpha=1 - DARK / 255, beta=DARK).reshape(picture.shape)


def working_scale(look: Look, shrink: float, shape: tuple[int, ...]) -> float:
    """The scale at which the picture is searched for digits."""
    height, width = shape[0], shape[1]
    if max(height, width) <= 160:  # strokes are only a pixel or two wide: enlarging turns them into smooth curves
        return float(np.ceil(160 / max(height, width)))
    most = float(min(1.0, (WORK / (height * width)) ** 0.5))
    if look.size == 0:
        return most
    enough = max(TALL * shrink / look.size, THIN * shrink / look.stroke, 160 / max(height, width))
    return float(min(most, enough))


def scaled(matrix: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """The matrix (2, 3) that maps points to the picture, if `matrix` maps them to the picture scaled by `scale`."""
    result = matrix / scale
    result[:, 2] += 0.5 / scale - 0.5  # coordinates are those of pixel centres
    return result
