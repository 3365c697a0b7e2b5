"""Single fields of a form, as they are printed: in a frame, in boxes for each digit, or on a comb. Shares no code with training.

field = ruled_field(random, hand, "4071", kind="comb", tilt=1.5, beyond=6)
field.picture       # uint8 (H, W)
field.box           # x, y, width and height, as fractions of the picture, `beyond` pixels larger than the field on each side
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tests.support.forms import Hand, Picture, Random
from tests.support.sheets import natural, stamp

KINDS = ("frame", "boxes", "boxes apart", "comb")
CELL, HIGH = 46, 60
"""Width and height of a cell, in pixels."""
APART = 10
"""The pixels between boxes that do not touch."""


@dataclass(frozen=True)
class RuledField:
    """A picture with one field, and where the field is."""

    picture: Picture
    box: tuple[float, float, float, float]


def ruled_field(
    random: Random,
    hand: Hand,
    text: str,
    *,
    kind: str,
    tilt: float = 0.0,
    beyond: int = 0,
    line: int = 2,
    shade: float = 60.0,
) -> RuledField:
    """A field of one of the `KINDS`, with a digit in each cell, rotated by `tilt` degrees.

    Its lines are `line` pixels wide and have the lightness `shade`, 0 to 255.
    """
    apart = APART if kind == "boxes apart" else 0
    wide = len(text) * (CELL + apart) - apart
    x, y, margin = 60, 90, 60
    sheet = np.full((HIGH + 200, wide + 2 * margin), 245, np.float32)
    lefts = [x + n * (CELL + apart) for n in range(len(text))]
    if kind == "frame":
        cv2.rectangle(sheet, (x, y), (x + wide, y + HIGH), shade, line)
    for left in lefts if kind != "frame" else ():
        if kind == "comb":
            ends = [(left, y + HIGH // 2), (left, y + HIGH), (left + CELL, y + HIGH), (left + CELL, y + HIGH // 2)]
            cv2.polylines(sheet, [np.array(ends)], False, shade, line)
        else:
            cv2.rectangle(sheet, (left, y), (left + CELL, y + HIGH), shade, line)
    for image, left in zip(hand.write(random, text), lefts, strict=True):
        high = float(random.uniform(30, 41))
        width = min(high * natural(image), CELL - 8.0)
        aside, down = random.normal(0, 1.5, 2)
        stamp(sheet, image, (left + (CELL - width) / 2 + aside, y + (HIGH - high) / 2 + down, width, high), 40, 0)
    turn = cv2.getRotationMatrix2D((x + wide / 2, y + HIGH / 2), tilt, 1)
    turned = cv2.warpAffine(sheet, turn, sheet.shape[::-1], borderValue=245) + random.normal(0, 2, sheet.shape)
    high, long = sheet.shape
    box = ((x - beyond) / long, (y - beyond) / high, (wide + 2 * beyond) / long, (HIGH + 2 * beyond) / high)
    return RuledField(np.clip(turned, 0, 255).astype(np.uint8), box)
