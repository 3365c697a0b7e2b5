"""Convert pixels of any type to 8 bits, grey or RGB; transparent ones become paper."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import UserError
from mnistlab.messages.sentences import Clause

__all__ = ["check_size", "of_array", "plain", "strips"]

MOST_PIXELS = 80_000_000
"""The most pixels that a picture may have: an A4 page at 600 dpi has 35 million, a phone's photo 12 to 50 million."""
LONGEST_SIDE = 30_000
"""The most pixels per side: some decoders allocate many rows at once, and OpenCV cannot rotate pictures with sides longer than
32,767 pixels."""
HAIR = 0.01
"""How far a value may lie outside its range, as a share of the range: resampling overshoots a little."""
FEW = 16
"""If a computed picture's largest value is above 1 but not above `FEW`, that value is taken for white."""
STRIP = 2_000_000
"""How many pixels are converted at a time, so that little extra memory is needed."""


def check_size(size: tuple[int, int], name: str | Clause) -> None:
    """Raise `UserError` if a picture of this width and height is empty or too large; messages call the picture `name`."""
    width, height = size
    if width * height == 0:
        raise UserError("pictures.no_pixels", name=name, width=width, height=height)
    if width * height > MOST_PIXELS or max(size) > LONGEST_SIDE:
        raise UserError(
            "pictures.too_large",
            name=name,
            width=width,
            height=height,
            most_pixels=MOST_PIXELS // 1000000,
            longest_side=LONGEST_SIDE,
        )


def strips(height: int, width: int) -> Iterator[slice]:
    """Slices that together cover all rows, each small enough that converting its rows takes little memory."""
    step = max(1, STRIP // width)
    return (slice(top, min(top + step, height)) for top in range(0, height, step))


def of_array(array: NDArray[Any], name: str | Clause, *, computed: bool = False) -> NDArray[np.uint8]:
    """The array in 8 bits, grey or RGB; if it has an alpha channel, it is blended with paper.

    An array that was `computed` by a program may be a mask of 0 and 1 in bytes, or have only a few greys; in both cases,
    its highest value becomes white. In a file, by contrast, low values do mean dark pixels.
    """
    if array.ndim == 3 and array.shape[0] == 1 and array.shape[2] not in (1, 3, 4):
        array = array[0]
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise UserError("pictures.array_of_other_shape", array_shape=array.shape)
    check_size((array.shape[1], array.shape[0]), name)
    is_mask = computed and array.dtype == np.uint8 and int(array.max()) == 1
    values = array if array.dtype == np.uint8 and not is_mask else in_8_bits(array, name, computed=computed)
    return on_paper(values) if values.ndim == 3 and values.shape[2] == 4 else values


def in_8_bits(array: NDArray[Any], name: str | Clause, *, computed: bool) -> NDArray[np.uint8]:
    """The values as uint8. The smallest usual range that holds them, give or take a `HAIR` of that range, becomes 0 to 255.

    If they are `computed`, and the highest is above 1 but no more than `FEW`, the scale makes the highest value white.
    """
    kind = array.dtype.kind
    if kind not in "buif":
        raise UserError("pictures.pixels_of_other_type", array_dtype=array.dtype)
    low, high = float(array.min()), float(array.max())
    if not np.isfinite([low, high]).all():  # any NaN becomes both the smallest and the largest value
        raise UserError("pictures.pixels_not_finite", name=name)
    whole = (1, 255, 4095, 65535) if computed else (255, 4095, 65535)  # 12-bit values come in 16 bits
    ranges: tuple[int, ...] = {"b": (1,), "f": (1, 255, 65535)}.get(kind, whole)
    top: float = next((r for r in ranges if high <= r * (1 + HAIR)), high)
    if low < -HAIR * top:
        raise UserError("pictures.pixels_out_of_range", name=name, low=low)
    if computed and 1 + HAIR < high <= FEW:
        top = high
        warnings.warn(str(Clause("pictures.few_values", name=name, high=high)), stacklevel=2)
    values = np.empty(array.shape, np.uint8)
    for rows in strips(*array.shape[:2]):
        values[rows] = np.clip(array[rows] * (255 / top) + 0.5, 0, 255)
    return values


def on_paper(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGBA pixels blended with paper: white paper, or black paper if the ink is light."""
    height, width = values.shape[:2]
    step = 1 + int((height * width / STRIP) ** 0.5)
    some = values[::step, ::step].astype(np.float32)
    alpha, light = some[..., 3] / 255, some[..., :3].mean(2)
    ink = max(float(alpha.sum()), 1e-6)
    is_light = (light * alpha).sum() > 150 * ink and alpha.mean() < 0.6
    if (
        is_light and alpha[light < 100].sum() > 0.003 * ink
    ):  # is it dark writing on a cut-out sheet, or light writing with dark corrections?
        is_light = thin((alpha > 0.5) & (light >= 100))
    paper = np.float32(0 if is_light else 255)
    result = np.empty((height, width, 3), np.uint8)
    for rows in strips(height, width):
        opaque = values[rows, :, 3:].astype(np.float32) / 255
        result[rows] = paper + opaque * (values[rows, :, :3] - paper) + np.float32(0.5)
    return result


def thin(mask: NDArray[np.bool_]) -> bool:
    """Whether the mask consists of thin strokes rather than of sheets of paper."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    return bool(depth.max() < 0.2 * min(len(rows), len(columns)))


def plain(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture, turned into a grey one if all its channels are equal."""
    if picture.ndim == 3:
        coarse = picture[::7, ::7]
        if (coarse[..., 0] == coarse[..., 1]).all() and (coarse[..., 1] == coarse[..., 2]).all():
            red, green, blue = picture[..., 0], picture[..., 1], picture[..., 2]
            if np.array_equal(red, green) and np.array_equal(green, blue):
                picture = red
    return np.ascontiguousarray(picture)
