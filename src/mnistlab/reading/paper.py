"""Paper: its colour under uneven light and shadows, its noise, and the colour and strength of the ink on it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["INK_LEVEL", "Gray", "Look", "dark_paper", "lightest", "look_at", "paper_colour", "resized", "stroke_width"]


Gray: TypeAlias = NDArray[Any]
"""uint8 (H, W) or (H, W, C); the declared type is `Any` because OpenCV does not declare the type of its results."""

INK_LEVEL = 220
"""The strength, on a scale from 0 to 255, that a page's typical ink is given; darker ink gets a higher one, up to 255."""


LEVELS = 200.0
"""The 8-bit value that stands for all of the paper's light (a share of 1); the largest share in 8 bits is thus 1.275."""
FAINTEST = 0.11
"""Ink absorbs at least this share of the paper's light; what absorbs less is a stain, a shadow or the paper's own texture."""
DUST = 6
"""Pieces of ink shorter than this many pixels say nothing about the size of the writing, unless all are that short."""


def resized(picture: Gray, scale: float) -> Gray:
    """The picture smoothly scaled by `scale`; the number of the array's dimensions stays the same."""
    if scale == 1:
        return picture
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    result = cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    return result.reshape(size[1], size[0], *picture.shape[2:])


def dark_paper(picture: Gray) -> bool:
    """Whether the ink is lighter than the paper; ink is recognised by being thin and surrounded by paper."""
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture
    gray = resized(gray, min(1.0, 256 / max(gray.shape)))
    if max(gray.shape) > 64:  # a page: strokes stand out from their surroundings
        k = max(3, min(gray.shape) // 4 | 1)
        reach = k // 2  # how far the median looks
        framed = cv2.copyMakeBorder(gray, reach, reach, reach, reach, cv2.BORDER_REFLECT)
        around = cv2.medianBlur(framed, k)[reach:-reach, reach:-reach]
        apart = gray.astype(np.float32) - around
        dark, light = float((np.minimum(apart, 0) ** 2).mean()), float((np.maximum(apart, 0) ** 2).mean())
        if max(dark, light) > 2 * min(dark, light):
            return light > dark
    _, mask = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    light_share = float((mask > 0).mean())
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    light_border = float((border > 0).mean())
    # Ink is light if light pixels are rarer than dark ones, above all at the picture's edge.
    return (0.5 - light_share) + 0.5 * (0.5 - light_border) > 0


@dataclass(frozen=True)
class Look:
    """What a small copy of a picture reveals about its ink."""

    weights: NDArray[np.float64]
    """float64 (C,): each colour channel's weight, negative in a channel where ink is lighter than paper. Magnitudes sum to 1."""
    empty: float
    """The share of light that is missing where there is only paper, about 0."""
    typical: float
    """The share of light that typical ink absorbs in addition to `empty`; 0 if there is no ink."""
    size: float
    """The usual length of a piece of the writing, in pixels (see `typical_size`); 0 if there is no writing."""
    stroke: float
    """The usual width of the writing's strokes, in pixels; 0 if there are no strokes."""

    def strength(self, picture: Gray, paper: Gray) -> Gray:
        """How much ink each pixel has, uint8 (H, W), given the picture and its paper's colour, both uint8 (H, W, C)."""
        if self.typical == 0:
            return np.zeros(picture.shape[:2], np.uint8)
        quotient = cv2.divide(picture, paper, scale=LEVELS, dtype=cv2.CV_8U).reshape(picture.shape)
        gain = INK_LEVEL / self.typical / LEVELS
        matrix = np.append(-self.weights * gain, LEVELS * gain * (self.weights.sum() - self.empty)).astype(np.float32)[
            None
        ]
        return np.ascontiguousarray(cv2.transform(quotient, matrix)).reshape(picture.shape[:2])


def missing_light(picture: Gray, paper: Gray) -> tuple[NDArray[np.float32], float, float]:
    """The share of the paper's light that is missing at each pixel, float32 (H, W, C).

    Also returns the mean and the noise of this share where there is only paper.
    """
    missing: NDArray[np.float32] = 1 - np.divide(picture, np.maximum(paper, 1), dtype=np.float32)
    np.maximum(missing, 1 - 255 / LEVELS, out=missing)  # `Look.strength` has the same limit
    # The brightest quarter is paper unless ink covers most of the picture, so its spread is the paper's noise.
    brightest, brighter = np.quantile(missing.mean(2), (0.05, 0.25))
    # These quantiles of a normal distribution are 0.97 standard deviations apart.
    noise = float(brighter - brightest) / 0.97
    return missing, float(brighter) + 0.67 * noise, noise


def look_at(missing: NDArray[np.float32], empty: float, noise: float, hidden: Gray | None = None) -> Look:
    """What the ink is like, from the result of `missing_light`, leaving out the pixels that are not 0 in `hidden`."""
    total = missing.mean(2)
    inked = total > empty + max(5 * noise, 0.06)
    if hidden is not None:
        inked &= hidden == 0
    if not inked.any():
        channels = missing.shape[2]
        return Look(np.full(channels, 1 / channels), empty, 0.0, 0.0, 0.0)
    dark = inked & (total >= np.quantile(total[inked], 0.7))
    # A channel counts in proportion to the share of its light that the ink absorbs.
    colour = missing[dark].mean(0).astype(np.float64) - empty
    weights = colour / max(np.abs(colour).sum(), 1e-6)
    typical = max(float(np.quantile(missing[inked] @ weights, 0.9)) - empty, 0.01)
    if typical < max(FAINTEST, 8 * noise):  # stains, shadows and the paper's own texture
        return Look(weights, empty, 0.0, 0.0, 0.0)
    strong = ((missing @ weights - empty) > 0.4 * typical).astype(np.uint8)
    if hidden is not None:
        strong[hidden > 0] = 0
    _, _, stats, _ = cv2.connectedComponentsWithStats(strong, connectivity=8)
    if len(stats) == 1:
        return Look(weights, empty, typical, 0.0, 0.0)
    longest = stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1)
    return Look(weights, empty, typical, typical_size(longest, stats[1:, cv2.CC_STAT_AREA]), stroke_width(strong))


def typical_size(longest: Gray, area: Gray) -> float:
    """The usual length of a piece of ink, in pixels; larger pieces count for more, because dust and dots are numerous."""
    if (large := longest >= DUST).any():
        longest, area = longest[large], area[large]
    order = np.argsort(longest)
    share = np.cumsum(area[order].astype(np.float64) ** 1.5)
    return float(longest[order][np.searchsorted(share, share[-1] / 2)])


def lightest(picture: Gray) -> Gray:
    """Blank paper: an array of the picture's shape, filled with the picture's lightest colour."""
    colour = np.quantile(picture.reshape(-1, picture.shape[2]), 0.98, axis=0)
    return np.broadcast_to(np.maximum(colour, 1).astype(np.uint8), picture.shape).copy()


def paper_colour(picture: Gray) -> Gray:
    """The colour that each pixel would have without ink: uint8 (H, W, C)."""
    height, width, _ = picture.shape
    small = resized(picture, min(1.0, 640 / max(height, width)))
    gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY) if small.shape[2] == 3 else small[..., 0]
    side = (int(1.5 * filling_side(gray)) + 2) | 1
    ground: Gray = closed(small, side)
    if small.shape[2] == 3:  # in one channel, ink may be lighter than paper; that ink is then still in `ground`
        around = closed(gray, side)
        ink: Gray = (around.astype(np.float32) - gray > 0.1 * around).astype(np.uint8)
        if ink.any():
            ink = cv2.dilate(ink, np.ones((5, 5), np.uint8))
            weight = cv2.GaussianBlur((1 - ink).astype(np.float32), (0, 0), side / 2)[..., None]
            near = cv2.GaussianBlur(ground.astype(np.float32) * (1 - ink[..., None]), (0, 0), side / 2)
            ground = np.where((ink[..., None] > 0) & (weight > 0.05), near / np.maximum(weight, 0.05), ground)
    ground = cv2.GaussianBlur(ground.astype(np.uint8), (0, 0), 1.0).reshape(small.shape)
    return cv2.resize(np.maximum(ground, 1), (width, height), interpolation=cv2.INTER_LINEAR).reshape(picture.shape)


def closed(picture: Gray, side: int) -> Gray:
    """Fill dark areas narrower than `side` pixels with the colour around them; the edges of wider dark areas stay as they are."""
    frame = side  # outside, the picture's edge is repeated
    framed = cv2.copyMakeBorder(picture, frame, frame, frame, frame, cv2.BORDER_REPLICATE)
    result = cv2.morphologyEx(framed, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    return result[frame:-frame, frame:-frame].reshape(picture.shape)


def filling_side(gray: Gray) -> int:
    """The smallest `side`, in pixels, with which `closed` fills strokes completely: a larger side fills hardly any more ink."""
    shrink = min(1.0, 320 / max(gray.shape))
    small = resized(gray, shrink)
    sides = [k for k in (3, 5, 7, 11, 15, 21, 31, 43, 61, 85, 121) if k < max(small.shape)]

    @functools.cache
    def filled(k: int) -> float:
        black = closed(small, k).astype(np.float32) - small
        return float(black[black > 20].sum())

    for k in sides:
        if filled(k) > 0 and all(filled(k) >= 0.85 * filled(other) for other in sides if k < other <= 2.2 * k):
            return int(max(1, round(k / shrink)))
    return int(max(1, round((sides[-1] if sides else 3) / shrink)))


def stroke_width(mask: Gray) -> float:
    """The usual stroke width of a mask in pixels: twice the distance from the middle of strokes to their edge."""
    framed = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, 3)
    ridge = depth[(depth > 0) & (depth >= cv2.dilate(depth, np.ones((3, 3), np.uint8)) - 1e-3)]
    return max(1.0, 2 * float(np.median(ridge)) - 0.6) if len(ridge) else 1.0
