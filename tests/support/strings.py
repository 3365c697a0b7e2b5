"""Numbers as people write them, with points, commas, dashes and so on between the digits, by one hand and one pen per picture.

picture, lines = write(random, hands, separators=True)    # uint8 (H, W, 3), and the text of each line from the top

Without separators there are specks of dirt instead, on the writing and around it. This module shares no code with training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Ink = NDArray[np.uint8]
Random = np.random.Generator
Hand = dict[int, list[Ink]]
"""Images uint8 (28, 28) of one writer, by digit."""
Point = tuple[float, float]
FINE = 8
"""OpenCV's lines are drawn to an eighth of a pixel."""


def hands_of(images: NDArray[Any], labels: NDArray[Any], writers: NDArray[Any]) -> list[Hand]:
    """The hands of those writers who wrote all ten digits."""
    found: dict[int, Hand] = {}
    for image, label, writer in zip(images, labels.tolist(), writers.tolist(), strict=True):
        found.setdefault(writer, {}).setdefault(label, []).append(image)
    return [hand for hand in found.values() if len(hand) == 10]


def composed(random: Random) -> str:
    """A number with something beside or between its digits: 3.14, -5, 24/12, 1,234, 12.50, 50%, 7:05, 12.-"""

    def digits(least: int, most: int) -> str:
        return "".join(str(digit) for digit in random.integers(0, 10, int(random.integers(least, most + 1))))

    kinds = (
        lambda: f"{digits(1, 3)}.{digits(1, 3)}",
        lambda: f"-{digits(1, 4)}",
        lambda: f"{digits(1, 2)}/{digits(1, 2)}",
        lambda: f"{digits(1, 3)},{digits(3, 3)}",
        lambda: f"{digits(1, 3)},{digits(2, 2)}",
        lambda: f"{digits(1, 3)}%",
        lambda: f"{digits(1, 2)}:{digits(2, 2)}",
        lambda: f"-{digits(1, 2)}.{digits(1, 2)}",
        lambda: f"{digits(1, 2)}.{digits(1, 2)}.{digits(2, 4)}",
        lambda: f"{digits(2, 4)}-{digits(1, 2)}",
        lambda: f"{digits(1, 2)}/{digits(1, 2)}/{digits(2, 2)}",
        lambda: f"{digits(1, 3)}.-",
    )
    return kinds[random.integers(len(kinds))]()


def enlarged(image: Ink, height: float) -> Ink:
    """The ink of a digit as it was written, uint8, 255 on 0, that many pixels high, with an edge as sharp as a pen's."""
    rows, columns = np.flatnonzero((image > 100).any(1)), np.flatnonzero((image > 100).any(0))
    part = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = height / part.shape[0]
    size = max(2, round(scale * part.shape[1])), max(2, round(height))
    large = cv2.resize(part, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(large, (0, 0), max(0.3, 0.25 * scale)).astype(np.float32)
    return np.asarray(np.clip((smooth - 110) * max(1.0, scale / 2) + 110, 0, 255), np.uint8)


def width_of_pen(hand: Hand, height: float) -> float:
    """The usual stroke width of a hand in pixels, for digits that many pixels high."""
    deepest = []
    for images in hand.values():
        mask = np.pad((enlarged(images[0], 64) > 128).astype(np.uint8), 1)
        depth = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
        deepest.append(float(np.quantile(depth[depth > 0], 0.9)))
    return 2 * float(np.median(deepest)) * height / 64


class Line:
    """A sheet of ink, 255 on 0, with room around, on which a line is written from the left."""

    def __init__(self, random: Random, height: float, stroke: float, long: int) -> None:
        self.random, self.height, self.stroke = random, height, stroke
        self.ink = np.zeros((round(2.4 * height), round((2.5 * long + 2) * height)), np.uint8)
        self.x, self.base = 0.6 * height, 1.7 * height
        self.gap = random.uniform(0.1, 0.35) * height

    def up(self, share: float, spread: float = 0.04) -> float:
        """The row at about that many heights above the line."""
        return self.base - (share + self.random.normal(0, spread)) * self.height

    def digit(self, image: Ink) -> None:
        """Write a digit, a little higher or lower, and larger or smaller, than the others."""
        ink = enlarged(image, self.height * self.random.uniform(0.92, 1.08))
        top, left = round(self.up(0, 0.03) - ink.shape[0]), round(self.x)
        part = self.ink[top : top + ink.shape[0], left : left + ink.shape[1]]
        np.maximum(part, ink, out=part)
        self.x += ink.shape[1] + self.gap * self.random.uniform(0.8, 1.2)

    def line(self, points: Sequence[Point], thick: float = 1.0) -> None:
        """Draw a stroke of the pen."""
        at = np.round(np.array(points) * FINE).astype(np.int32)
        cv2.polylines(self.ink, [at], False, 255, max(1, round(self.stroke * thick)), cv2.LINE_AA, 3)

    def bent(self, start: Point, end: Point, by: float) -> list[Point]:
        """A stroke between two points that is not quite straight; `by` in heights."""
        (x0, y0), (x1, y1) = start, end
        off = self.random.normal(0, by) * self.height
        t = np.linspace(0, 1, 9)
        bow = 4 * t * (1 - t) * off
        return list(zip((x0 + t * (x1 - x0)).tolist(), (y0 + t * (y1 - y0) + bow).tolist(), strict=True))

    def dot(self, x: float, y: float) -> None:
        """Draw a point as a pen makes it, rarely quite round."""
        radius = max(0.7, self.stroke * self.random.uniform(0.5, 0.8))
        axes = round(radius * FINE), round(radius * self.random.uniform(0.8, 1.25) * FINE)
        at = round(x * FINE), round(y * FINE)
        cv2.ellipse(self.ink, at, axes, float(self.random.uniform(0, 180)), 0, 360, 255, -1, cv2.LINE_AA, 3)

    def separator(self, kind: str) -> None:
        """Write a separator."""
        random, height, x = self.random, self.height, self.x
        if kind == ".":
            self.dot(x + 0.06 * height, self.up(0.03, 0.02))
            width = 0.12
        elif kind == ":":
            self.dot(x + 0.06 * height, self.up(0.12))
            self.dot(x + (0.06 + random.normal(0, 0.02)) * height, self.up(0.6))
            width = 0.12
        elif kind == ",":
            start = (x + 0.16 * height, self.up(0.05, 0.02))
            self.line(self.bent(start, (x + random.uniform(0, 0.1) * height, self.up(-0.2)), 0.02))
            width = 0.2
        elif kind == "-":
            width = random.uniform(0.35, 0.7)
            level = random.uniform(0.38, 0.58)
            self.line(self.bent((x, self.up(level)), (x + width * height, self.up(level)), 0.02))
        elif kind == "/":
            width = random.uniform(0.35, 0.65)
            self.line(self.bent((x, self.up(-0.12)), (x + width * height, self.up(1.1)), 0.02))
        else:
            width = random.uniform(0.6, 0.85)
            self.line(self.bent((x + 0.05 * height, self.up(0)), (x + (width - 0.05) * height, self.up(1)), 0.02))
            for across, level in ((0.14, 0.82), (width - 0.12, 0.16)):
                self.ring(x + across * height, self.up(level, 0.02), random.uniform(0.1, 0.15) * height)
        self.x += width * height + self.gap * random.uniform(0.8, 1.2)

    def ring(self, x: float, y: float, radius: float) -> None:
        """Draw a small circle, which may not quite close."""
        angles = np.linspace(0, 2 * np.pi * self.random.uniform(0.93, 1.05), 24)
        self.line(list(zip(x + radius * np.cos(angles), y + 1.15 * radius * np.sin(angles), strict=True)), 0.85)

    def speck(self) -> None:
        """Add a bit of dirt anywhere, smaller than an intended point."""
        x, y = self.random.uniform(0.1, 1, 2) * (self.x, self.ink.shape[0] - 1)
        radius = max(0.5, self.stroke * self.random.uniform(0.1, 0.4))
        at = round(x * FINE), round(y * FINE)
        cv2.circle(self.ink, at, round(radius * FINE), int(self.random.uniform(90, 255)), -1, cv2.LINE_AA, 3)


def write(random: Random, hands: Sequence[Hand], *, separators: bool, lines: int = 1) -> tuple[Ink, list[str]]:
    """A picture of some lines by one hand, RGB uint8 (H, W, 3), and the text of each."""
    hand = hands[int(random.integers(len(hands)))]
    height = random.uniform(24, 80)
    stroke = width_of_pen(hand, height)
    rows, texts = [], []
    for _ in range(lines):
        text = (
            composed(random) if separators else "".join(str(d) for d in random.integers(0, 10, random.integers(2, 9)))
        )
        row = Line(random, height, stroke, len(text))
        for character in text:
            if character.isdigit():
                row.digit(hand[int(character)][random.integers(len(hand[int(character)]))])
            else:
                row.separator(character)
        for _ in range(0 if separators else int(random.integers(1, 6))):
            row.speck()
        rows.append(row.ink[:, : round(row.x + 0.6 * height)])
        texts.append(text)
    width = max(row.shape[1] for row in rows)
    ink = np.vstack([np.pad(row, ((0, 0), (0, width - row.shape[1]))) for row in rows])
    return on_paper(random, ink, height), texts


def on_paper(random: Random, ink: Ink, height: float) -> Ink:
    """Ink 255 on 0 as a photo or a scan of it: paper, light, tilt, blur, grain and JPEG."""
    high, wide = ink.shape
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), float(random.normal(0, 1)), 1)
    cover = cv2.warpAffine(ink, turn, (wide, high)).astype(np.float32)[..., None] / 255 * random.uniform(0.75, 1)
    paper = np.array(random.uniform(190, 252) * random.uniform(0.94, 1, 3), np.float32)
    colour = paper * random.uniform(0.05, 0.45, 3).astype(np.float32)
    sheet: Any = np.broadcast_to(paper, (high, wide, 3)).copy()
    if random.random() < 0.25:  # ruled
        for y in np.arange(random.uniform(0, height), high, height * random.uniform(0.9, 2)):
            cv2.line(sheet, (0, round(y)), (wide, round(y)), tuple((0.8 * paper).tolist()), 1)
    light = np.linspace(random.uniform(0.75, 1), random.uniform(0.75, 1), wide, dtype=np.float32)[None, :, None]
    sheet = (sheet + (colour - sheet) * cover) * light
    sheet = cv2.GaussianBlur(sheet, (0, 0), random.uniform(0.3, 0.02 * height + 0.3))
    sheet += random.normal(0, random.uniform(0.5, 5), sheet.shape).astype(np.float32)
    seen = np.clip(sheet, 0, 255).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(70, 96))]
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", seen, quality)[1], cv2.IMREAD_COLOR), np.uint8)
