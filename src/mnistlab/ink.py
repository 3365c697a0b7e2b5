"""From any picture of handwriting to its digits, each as MNIST's were made: the one preprocessing that there is.

    strength = find_ink(picture)            # paper out, ink in: uint8 (H, W), 0 paper to 255 ink
    pieces = find_pieces(strength)          # connected strokes, specks and rules gone
    image = normalise(piece)                # uint8 (28, 28), white on black, centred by mass

`Reader` decides with its network which pieces belong together or have to be cut apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.paper import (
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
    typical_size,
)
from mnistlab.rules import FAINT, rules_of, tilt, turn, without_rules

__all__ = ["SIDE", "Ink", "Piece", "cuts", "find_ink", "find_pieces", "join", "normalise"]

SIDE, BOX = 28, 20
"""MNIST's pictures are 28x28; the digit is scaled, keeping its aspect, into a 20x20 box (yann.lecun.org/exdb/mnist)."""
SMALL = 28
"""A picture of at most so many pixels a side is one digit; larger ones are searched."""
OVERVIEW = 1000
"""Pixels a side of the copy in which paper, rules and the size of what is written are looked for."""
TALL, THIN = 56, 2.5
"""Pixels: writing taller than that, of strokes wider than that, is made smaller; MNIST's is 20 tall. It saves time."""
GRAIN = 0.07
"""Paper noisier than this share of the ink's strength is smoothed."""
DARK = 48
"""Of 255: paper that has less of a colour is lightened before shares of its light are taken."""
WORK = 16_000_000
"""Pixels that are searched at most."""
LOW, HIGH = 0.30, 0.52
"""Of the typical ink: a pixel over LOW belongs to a stroke where the stroke has one over HIGH."""
SMALLEST, LARGEST = 7, 2600
"""Heights in pixels under and over which nothing is a digit."""
THICKEST_CUT = 0.6
"""Of a piece's height: touching digits do not hang together by more ink than that."""
MOST_PIECES = 2000
"""Of more pieces than that, the largest are looked at."""


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
    """uint8 (H, W): 1 where a rule was taken out of `strength`; None where there was none."""
    rule_level: float = 0.0
    """How strong the rules were, as `strength`."""

    def box_of(self, piece: Piece, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """x, y, width, height of the piece's ink in the picture of `size` (width, height), in its pixels."""
        y, x = np.nonzero(piece.strength > INK_LEVEL * LOW)
        points = np.stack([x + piece.x, y + piece.y, np.ones(len(x))])
        across, down = self.to_picture @ points
        half = np.abs(self.to_picture[:, :2]).sum(1) / 2 - 0.05
        left, right = int(np.floor(across.min() - half[0] + 0.5)), int(np.ceil(across.max() + half[0] + 0.5))
        top, bottom = int(np.floor(down.min() - half[1] + 0.5)), int(np.ceil(down.max() + half[1] + 0.5))
        left, top = max(0, min(left, size[0] - 1)), max(0, min(top, size[1] - 1))
        return left, top, max(1, min(right, size[0]) - left), max(1, min(bottom, size[1]) - top)


@dataclass(frozen=True)
class Piece:
    """Strokes that hang together, or that were put together: a digit, or a part of one, or several."""

    x: int
    y: int
    strength: Gray
    """uint8 (height, width): the ink of this piece alone, its top left corner at (x, y) of `Ink.strength`."""

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.strength.shape[1])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.strength.shape[0])

    @property
    def right(self) -> int:
        """The first column right of it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.y + self.height


# --- paper and ink -------------------------------------------------------------------------------------------------


def find_ink(picture: Gray) -> Ink:
    """The ink of a picture uint8 (H, W) or (H, W, 3): dark on light or light on dark, found out by itself; uneven light,
    shadows, the paper's colour and its rules are taken out, and a page that lies askew is turned level."""
    if dark_paper(picture):
        picture = 255 - picture
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


# --- pieces ----------------------------------------------------------------------------------------------------------


def find_pieces(ink: Ink) -> list[Piece]:
    """The strokes that hang together, without specks, dust, faint print from the back and what is no writing at all."""
    strength = ink.strength
    if ink.whole:
        everything = trimmed(Piece(0, 0, strength), 0, strength.shape[1])
        return [everything] if everything else []
    mask = (strength > INK_LEVEL * LOW).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count == 1:
        return []
    x, y, width, height, area = (stats[1:, i] for i in range(5))
    longest = np.maximum(width, height)
    size = typical_size(longest, area)
    if len(longest) > 200 and np.median(longest) < SMALLEST and size < 2.5 * SMALLEST:
        return []  # a page of dust
    keep = (longest >= max(SMALLEST, 0.1 * size)) & (longest <= min(LARGEST, 3.5 * size))
    # What goes from edge to edge is the edge of a shadow, of a table or of another sheet.
    across = (width >= 0.97 * strength.shape[1]) & (width > 8 * height)
    down = (height >= 0.97 * strength.shape[0]) & (height > 8 * width)
    numbers = np.flatnonzero(keep & ~across & ~down)
    if len(numbers) > MOST_PIECES:
        numbers = numbers[np.argsort(-longest[numbers])[:MOST_PIECES]]
    pieces = []
    for n in numbers:
        rows, columns = slice(y[n], y[n] + height[n]), slice(x[n], x[n] + width[n])
        own = np.where(labels[rows, columns] == n + 1, strength[rows, columns], 0).astype(np.uint8)
        if ink.rules is not None and left_of_a_rule(own, ink.rules[rows, columns], ink.rule_level):
            continue
        if own.max() >= INK_LEVEL * HIGH:
            pieces.append(Piece(int(x[n]), int(y[n]), own))
    return pieces


def left_of_a_rule(own: Gray, rules: Gray, level: float) -> bool:
    """Whether a piece lies where rules were, and is no darker than they."""
    inked = own[own > 0]
    return bool((rules & (own > 0)).sum() > 0.8 * len(inked) and np.quantile(inked, 0.75) < 1.5 * level)


def join(first: Piece, second: Piece) -> Piece:
    """Both as one."""
    x, y = min(first.x, second.x), min(first.y, second.y)
    both = np.zeros((max(first.bottom, second.bottom) - y, max(first.right, second.right) - x), np.uint8)
    for piece in (first, second):
        part = both[piece.y - y : piece.bottom - y, piece.x - x : piece.right - x]
        np.maximum(part, piece.strength, out=part)
    return Piece(x, y, both)


def cuts(piece: Piece, most: int = 6) -> list[tuple[Piece, Piece]]:
    """Ways to cut a piece into a left and a right one, where its strokes are thinnest, the best first."""
    mask = piece.strength > INK_LEVEL * LOW
    columns = mask.sum(0).astype(np.float32)
    width, height = piece.width, piece.height
    low, high = int(0.2 * width), int(0.8 * width)
    if high - low < 3:
        return []
    smooth = np.convolve(columns, np.ones(3) / 3, "same")
    chosen: list[int] = []
    for column in low + np.argsort(smooth[low:high], kind="stable"):
        if smooth[column] > THICKEST_CUT * height:  # a blot, and no two digits that touch
            break
        if all(abs(int(column) - c) >= max(2, 0.08 * height) for c in chosen):
            chosen.append(int(column))
        if len(chosen) == most:
            break
    found = []
    for column in chosen:
        left, right = trimmed(piece, 0, column), trimmed(piece, column, width)
        if left is not None and right is not None:
            found.append((left, right))
    return found


def trimmed(piece: Piece, left: int, right: int) -> Piece | None:
    """The columns from `left` to before `right`, without empty rows and columns; None where there is no ink."""
    part = piece.strength[:, left:right]
    mask = part > INK_LEVEL * LOW
    if not mask.any():
        return None
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, first = int(rows[0]), int(columns[0])
    cut = part[top : rows[-1] + 1, first : columns[-1] + 1]
    return Piece(piece.x + left + first, piece.y + top, cut)


# --- as MNIST was made -----------------------------------------------------------------------------------------------

THINNEST, THICKEST = 1.6, 4.6
"""Widths of strokes, in pixels of the 20x20 box, that are left as they are."""
DETAIL = 100
"""Pixels to which a larger piece is brought before its strokes are looked at."""


def normalise(piece: Piece) -> Gray:
    """The piece as MNIST's digits were made: uint8 (28, 28), ink 255 on 0, scaled with its aspect kept into a 20x20 box,
    anti-aliased, its centre of mass in the middle; strokes far from MNIST's width are brought near it."""
    strength = piece.strength
    longest = max(strength.shape)
    strength = resized(strength, DETAIL / longest if longest > DETAIL else max(1.0, 2 * BOX / longest))
    strength = full_contrast(strength)
    strength = usual_width(strength)
    scale = BOX / max(strength.shape)
    size = (max(1, round(strength.shape[1] * scale)), max(1, round(strength.shape[0] * scale)))
    small = cv2.resize(strength, size, interpolation=cv2.INTER_AREA)
    return centred(full_contrast(small))


def full_contrast(strength: Gray) -> Gray:
    """Its ink at 255."""
    inked = strength[strength > 40]
    top = float(np.quantile(inked, 0.9)) if len(inked) else 255.0
    return cv2.convertScaleAbs(strength, alpha=255 / max(top, 40))


def usual_width(strength: Gray) -> Gray:
    """Strokes thinner than `THINNEST` thickened to it, thicker than `THICKEST` thinned."""
    mask = (strength > 100).astype(np.uint8)
    if not mask.any():
        return strength
    width = stroke_width(mask)
    unit = max(strength.shape) / BOX  # pixels here per pixel there
    if width < THINNEST * unit:
        change = THINNEST * unit - width
        radius = int(np.ceil(change / 2))
        padded = cv2.copyMakeBorder(strength, radius, radius, radius, radius, cv2.BORDER_CONSTANT, value=0)
        return cv2.dilate(padded, disc(radius))
    if width > THICKEST * unit:
        radius = int((width - THICKEST * unit) / 2)
        if radius:
            padded = cv2.copyMakeBorder(strength, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
            thinner = cv2.erode(padded, disc(radius))
            rows, columns = np.flatnonzero((thinner > 60).any(1)), np.flatnonzero((thinner > 60).any(0))
            if len(rows) and len(columns):
                return np.ascontiguousarray(thinner[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    return strength


def disc(radius: int) -> Gray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def centred(small: Gray) -> Gray:
    """In the middle of 28x28 by its centre of mass, as far as it fits."""
    height, width = small.shape
    mass = small.astype(np.float64)
    total = mass.sum()
    if total == 0:
        return np.zeros((SIDE, SIDE), np.uint8)
    middle_y = (mass.sum(1) @ np.arange(height)) / total
    middle_x = (mass.sum(0) @ np.arange(width)) / total
    top = int(np.clip(round(SIDE / 2 - middle_y), 0, SIDE - height))  # MNIST's lie at pixel (14, 14), counted from 0
    left = int(np.clip(round(SIDE / 2 - middle_x), 0, SIDE - width))
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[top : top + height, left : left + width] = small
    return image
