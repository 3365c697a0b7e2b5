"""From any picture of handwriting to its digits, each as MNIST's were made: the one preprocessing that there is.

    strength = find_ink(picture)            # paper out, ink in: uint8 (H, W), 0 paper to 255 ink
    pieces = find_pieces(strength)          # connected strokes, specks and rules gone
    image = normalise(piece)                # uint8 (28, 28), white on black, centred by mass

`Reader` decides with its network which pieces belong together or have to be cut apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["SIDE", "Ink", "Piece", "cuts", "find_ink", "find_pieces", "join", "normalise"]

Gray: TypeAlias = NDArray[Any]
"""uint8 (H, W); OpenCV does not say of which type its results are."""

SIDE, BOX = 28, 20
"""MNIST's pictures are 28x28; the digit is scaled, keeping its aspect, into a 20x20 box (yann.lecun.org/exdb/mnist)."""
SMALL = 28
"""A picture of at most so many pixels a side is one digit; larger ones are searched."""
WORK = 16_000_000
"""A larger picture, in pixels, is made smaller before it is searched."""
INK_LEVEL = 220
"""Where a page's typical ink lies in `Ink.strength`; what is darker still goes on to 255."""
LOW, HIGH = 0.30, 0.52
"""Of the typical ink: a pixel over LOW belongs to a stroke where the stroke has one over HIGH."""
SMALLEST, LARGEST = 6, 2600
"""Heights in pixels under and over which nothing is a digit."""
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

    @property
    def middle(self) -> tuple[float, float]:
        """Of its box."""
        return self.x + self.width / 2, self.y + self.height / 2


# --- paper and ink -------------------------------------------------------------------------------------------------


def find_ink(picture: Gray) -> Ink:
    """The ink of a picture uint8 (H, W) or (H, W, 3): dark on light or light on dark, found out by itself; uneven light,
    shadows, the paper's colour and its rules are taken out, and a page that lies askew is turned level."""
    height, width = picture.shape[:2]
    scale = 1.0
    if max(height, width) <= 160:  # strokes of a pixel or two: smooth curves are easier to follow
        scale = float(np.ceil(160 / max(height, width)))
    elif height * width > WORK:
        scale = (WORK / (height * width)) ** 0.5
    if dark_paper(picture):
        picture = 255 - picture
    whole = max(height, width) <= SMALL
    if scale != 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    colours = picture[..., None] if picture.ndim == 2 else picture
    paper = lightest(colours) if whole else paper_colour(colours)
    view = survey(colours, paper, page=not whole)
    strength = view.strength(colours, paper)
    strength, turned = turn(strength, view.tilt)
    rules = None
    if not whole:
        strength, rules = without_rules(strength)
    back = turned / scale
    back[:, 2] += 0.5 / scale - 0.5  # coordinates are of pixels' centres
    return Ink(strength, back, whole, rules)


def dark_paper(picture: Gray) -> bool:
    """Whether the ink is the lighter of the two. Paper is what surrounds strokes, strokes are thin."""
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture
    side = max(gray.shape)
    if side > 256:
        size = (max(1, round(gray.shape[1] * 256 / side)), max(1, round(gray.shape[0] * 256 / side)))
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    values = gray.astype(np.float32)
    if side > 64:  # a page: strokes are what stands out from its surroundings
        k = max(3, min(gray.shape) // 4 | 1)
        around = cv2.medianBlur(cv2.copyMakeBorder(gray, k, k, k, k, cv2.BORDER_REFLECT), k)[k:-k, k:-k]
        apart = values - around
        dark, light = float((np.minimum(apart, 0) ** 2).mean()), float((np.maximum(apart, 0) ** 2).mean())
        if max(dark, light) > 2 * min(dark, light):
            return light > dark
    threshold, mask = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    del threshold
    light_share = float((mask > 0).mean())
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    light_border = float((border > 0).mean())
    # the lighter side is the ink where it is the rarer, thinner and less often at the edge
    votes = (0.5 - light_share) + (0.5 - light_border) * 0.5
    return votes > 0


@dataclass(frozen=True)
class Survey:
    """What a smaller copy of the picture tells of its ink."""

    weights: NDArray[np.float64]
    """(C,), sum 1: how much each colour channel says of the ink."""
    empty: float
    """The share of light that is missing where there is only paper, about 0."""
    typical: float
    """The further share that the page's typical ink takes; 0 where there is none."""
    tilt: float
    """Degrees that the page is turned."""

    def strength(self, picture: Gray, paper: Gray) -> Gray:
        """uint8 (H, W): 0 paper, `INK_LEVEL` the typical ink."""
        if self.typical == 0:
            return np.zeros(picture.shape[:2], np.uint8)
        quotient = cv2.divide(picture, paper, scale=200.0, dtype=cv2.CV_8U).reshape(picture.shape)
        gain = INK_LEVEL / self.typical / 200
        matrix = np.append(-self.weights * gain, 200 * gain * (1 - self.empty)).astype(np.float32)[None]
        return np.ascontiguousarray(cv2.transform(quotient, matrix)).reshape(picture.shape[:2])


def survey(picture: Gray, paper: Gray, page: bool) -> Survey:
    """Look at a smaller copy: how noisy the paper is, how it is turned, what colour and strength the ink has."""
    shrink = min(1.0, 1000 / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * shrink)), max(1, round(picture.shape[0] * shrink)))
    shape = (size[1], size[0], picture.shape[2])
    small, ground = (cv2.resize(p, size, interpolation=cv2.INTER_AREA).reshape(shape) for p in (picture, paper))
    missing = 1 - small / np.maximum(ground, 1).astype(np.float32)
    total = missing.mean(2)
    # The brightest quarter is paper wherever ink covers less than most of it: its spread is the paper's noise.
    brightest, brighter = np.quantile(total, (0.05, 0.25))
    noise = float(brighter - brightest) / 0.97  # these quantiles of a normal distribution are 0.97 deviations apart
    empty = float(brighter) + 0.67 * noise
    angle, inked = 0.0, total > empty + max(5 * noise, 0.06)
    if page:
        faint = (np.clip((total - empty) / max(3 * noise, 0.03), 0, 4) * 50).astype(np.uint8)  # 50 stands out
        angle = tilt(faint)
        level, back = turn(faint, angle)
        rules = rules_of(level, 50)
        if rules.any():  # they may be more than the ink: look past them
            on_page = cv2.warpAffine(rules, back, size, flags=cv2.INTER_NEAREST)
            inked &= cv2.dilate(on_page, np.ones((3, 3), np.uint8)) == 0
    if not inked.any():
        return Survey(np.full(shape[2], 1 / shape[2]), empty, 0.0, 0.0)
    dark = inked & (total >= np.quantile(total[inked], 0.7))
    colour = np.maximum(
        missing[dark].mean(0) - empty, 1e-3
    )  # light from a channel counts by what the ink takes from it
    weights = (colour / colour.sum()).astype(np.float64)
    typical = float(np.quantile(missing[inked] @ weights, 0.9)) - empty
    return Survey(weights, empty, max(typical, 0.01), angle)


def lightest(picture: Gray) -> Gray:
    """Paper of the lightest colour that the picture has."""
    colour = np.quantile(picture.reshape(-1, picture.shape[2]), 0.98, axis=0)
    return np.broadcast_to(np.maximum(colour, 1).astype(np.uint8), picture.shape).copy()


def paper_colour(picture: Gray) -> Gray:
    """What each pixel would be without ink: uint8 (H, W, C)."""
    height, width, channels = picture.shape
    shrink = min(1.0, 640 / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], channels)
    side = int(1.5 * filling_side(small.min(2))) + 2
    ground = cv2.GaussianBlur(closed(small, side | 1), (0, 0), 1.0).reshape(small.shape)
    return cv2.resize(np.maximum(ground, 1), (width, height), interpolation=cv2.INTER_LINEAR).reshape(picture.shape)


def closed(picture: Gray, side: int) -> Gray:
    """What is dark and narrower than `side` pixels filled with what surrounds it; the edges of wider shadows stay."""
    frame = side  # outside, the picture goes on as it is at its edge
    framed = cv2.copyMakeBorder(picture, frame, frame, frame, frame, cv2.BORDER_REPLICATE)
    result = cv2.morphologyEx(framed, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    return result[frame:-frame, frame:-frame].reshape(picture.shape)


def filling_side(gray: Gray) -> int:
    """The smallest side of a square that fits into no stroke: from there on, larger ones fill hardly more ink in."""
    shrink = min(1.0, 320 / max(gray.shape))
    small = cv2.resize(gray, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    sides = [k for k in (3, 5, 7, 11, 15, 21, 31, 43, 61, 85, 121) if k < max(small.shape)]
    filled = []
    for k in sides:
        black = closed(small, k).astype(np.float32) - small
        filled.append(float(black[black > 20].sum()))
    for i, k in enumerate(sides):
        larger = [f for f, other in zip(filled, sides, strict=True) if k < other <= 2.2 * k]
        if filled[i] > 0 and all(filled[i] >= 0.85 * f for f in larger):
            return int(max(1, round(k / shrink)))
    return int(max(1, round((sides[-1] if sides else 3) / shrink)))


def stroke_width(mask: Gray) -> float:
    """The usual width of a mask's strokes in pixels: twice the distance from their middle to their edge."""
    framed = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, 3)
    ridge = depth[(depth > 0) & (depth >= cv2.dilate(depth, np.ones((3, 3), np.uint8)) - 1e-3)]
    return max(1.0, 2 * float(np.median(ridge)) - 0.6) if len(ridge) else 1.0


# --- the page: level, without its rules ------------------------------------------------------------------------------


def tilt(faint: Gray) -> float:
    """By how many degrees the page is turned, seen from the rules or lines of digits on it; 0 where that is unclear.

    `faint` is over 50 where something stands out from the paper.
    """
    shrink = min(1.0, 700 / max(faint.shape))
    small = cv2.resize(faint, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    mask = np.where(small > 50, small, 0)
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
    if scores.max() < 1.3 * np.median(scores):
        return 0.0
    fine = np.arange(best - 0.5, best + 0.51, 0.1)
    best = float(fine[np.argmax([sharpness(d) for d in fine])])
    return best if abs(best) >= 0.3 else 0.0


def shows_tilt(mask: Gray) -> bool:
    """Whether there are rules, or more than a number or two, whose slope need not be the page's."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    sizes = stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1)
    for n in np.flatnonzero(sizes >= 0.5 * max(mask.shape)):
        if sizes[n] >= 60 * stroke_width((labels == n + 1).astype(np.uint8)):
            return True
    return int((sizes >= 5).sum()) >= 12


def turn(strength: Gray, degrees: float) -> tuple[Gray, NDArray[Any]]:
    """Turned level, nothing cut off; and where its points lie in the untouched one, (2, 3)."""
    if degrees == 0:
        return strength, np.eye(2, 3)
    height, width = strength.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    new_width, new_height = int(width * cos + height * sin) + 1, int(width * sin + height * cos) + 1
    matrix[:, 2] += (new_width - width) / 2, (new_height - height) / 2
    turned = cv2.warpAffine(strength, matrix, (new_width, new_height), flags=cv2.INTER_LINEAR)
    return turned, cv2.invertAffineTransform(matrix)


def without_rules(strength: Gray) -> tuple[Gray, Gray | None]:
    """Ruled, squared and margin lines taken out, strokes that cross them left; and where they were."""
    level, across = without_horizontal(strength)
    upright, down = without_horizontal(np.ascontiguousarray(level.T))
    if across is None and down is None:
        return strength, None
    rules = np.zeros(strength.shape, np.uint8)
    if across is not None:
        rules |= across
    if down is not None:
        rules |= down.T
    return np.ascontiguousarray(upright.T), rules


def rules_of(strength: Gray, threshold: float) -> Gray:
    """Where rules are, both ways: uint8 (H, W), 0 or 1."""
    across, _ = horizontal_rules(strength, threshold)
    down, _ = horizontal_rules(np.ascontiguousarray(strength.T), threshold)
    return ((across > 0) | (down.T > 0)).astype(np.uint8)


def horizontal_rules(strength: Gray, threshold: float) -> tuple[NDArray[np.int32], int]:
    """Where long thin level lines are, int32 (H, W), a number for each, 0 elsewhere; and their usual thickness in pixels."""
    height, width = strength.shape
    nothing = np.zeros(strength.shape, np.int32)
    length = max(40, width // 10)
    if length > width:
        return nothing, 0
    most = max(3, max(height, width) // 200)
    along = cv2.blur(strength, (max(3, length // 20), 1))  # noise has gaps, rules go on
    mask = (along > threshold).astype(np.uint8)
    loose = cv2.dilate(mask, np.ones((3, 1), np.uint8))  # rules are not quite straight
    long = cv2.morphologyEx(loose, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(long)
    if count == 1:
        return nothing, 0
    spans, areas = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_AREA]
    thick = np.maximum(areas / np.maximum(spans, 1) - 2, 1)
    rule = (spans >= 25 * thick) & (thick <= most)
    # A row of small digits is long as well; but a rule is thin, and dark against what is above and below, along most of it.
    thin = cv2.morphologyEx(along, cv2.MORPH_TOPHAT, np.ones((2 * most + 3, 1), np.uint8)) > threshold
    place = np.flatnonzero(labels)
    number = labels.reshape(-1)[place]
    inked = np.bincount(number, mask.reshape(-1)[place], count)
    rule &= np.bincount(number, thin.reshape(-1)[place], count) >= 0.4 * np.maximum(inked, 1)
    rule[0] = False
    if not rule.any():
        return nothing, 0
    numbers = np.where(rule, np.arange(count), 0).astype(np.uint16)  # far fewer than 65,536 are so long
    wider = cv2.dilate(numbers[labels], np.ones((3, 1), np.uint8))  # their edges are soft
    gaps = cv2.morphologyEx(wider, cv2.MORPH_CLOSE, np.ones((1, length | 1), np.uint8))  # behind a digit it goes on
    return gaps.astype(np.int32), int(np.ceil(np.median(thick[rule])))


def without_horizontal(strength: Gray) -> tuple[Gray, Gray | None]:
    rules, thick = horizontal_rules(strength, INK_LEVEL * 0.12)
    if not thick:
        return strength, None
    tall = 2 * (thick // 2 + 1) + 1
    opened = cv2.morphologyEx(strength, cv2.MORPH_OPEN, np.ones((tall, 1), np.uint8))
    place = np.flatnonzero(rules)
    number, own = rules.reshape(-1)[place], strength.reshape(-1)[place]
    level = np.bincount(number, own) / np.maximum(np.bincount(number), 1)  # how dark each is
    crossing = np.where(own > 1.8 * level[number] + 20, own, 0)
    result = strength.copy()
    result.reshape(-1)[place] = np.maximum(opened.reshape(-1)[place], crossing)
    return result, (rules > 0).astype(np.uint8)


# --- pieces ----------------------------------------------------------------------------------------------------------


def find_pieces(ink: Ink) -> list[Piece]:
    """The strokes that hang together, without specks, dust, faint print from the back and what is no writing at all."""
    strength = ink.strength
    if ink.whole:
        return whole_piece(strength)
    mask = (strength > INK_LEVEL * LOW).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count == 1:
        return []
    x, y, width, height, area = (stats[1:, i] for i in range(5))
    longest = np.maximum(width, height)
    size = typical_size(longest, area)
    keep = (longest >= max(SMALLEST, 0.1 * size)) & (longest <= min(LARGEST, 3.5 * size))
    numbers = np.flatnonzero(keep)
    if len(numbers) > MOST_PIECES:
        numbers = numbers[np.argsort(-longest[numbers])[:MOST_PIECES]]
    pieces = []
    for n in numbers:
        rows, columns = slice(y[n], y[n] + height[n]), slice(x[n], x[n] + width[n])
        own = np.where(labels[rows, columns] == n + 1, strength[rows, columns], 0).astype(np.uint8)
        if ink.rules is not None and (ink.rules[rows, columns] & (own > 0)).sum() > 0.8 * area[n]:
            continue  # what is left of a rule
        if own.max() >= INK_LEVEL * HIGH:
            pieces.append(Piece(int(x[n]), int(y[n]), own))
    return pieces


def typical_size(longest: Gray, area: Gray) -> float:
    """The size in pixels that most of the ink has; larger pieces count for more, for dust and dots are many."""
    if (large := longest >= SMALLEST).any():
        longest, area = longest[large], area[large]
    order = np.argsort(longest)
    share = np.cumsum(area[order].astype(np.float64) ** 1.5)
    return float(longest[order][np.searchsorted(share, share[-1] / 2)])


def whole_piece(strength: Gray) -> list[Piece]:
    mask = strength > INK_LEVEL * LOW
    if not mask.any():
        return []
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    return [Piece(int(left), int(top), strength[top:bottom, left:right])]


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
    if longest > DETAIL:
        scale = DETAIL / longest
        size = (max(1, round(strength.shape[1] * scale)), max(1, round(strength.shape[0] * scale)))
        strength = cv2.resize(strength, size, interpolation=cv2.INTER_AREA)
    elif longest < 2 * BOX:
        scale = 2 * BOX / longest
        size = (max(1, round(strength.shape[1] * scale)), max(1, round(strength.shape[0] * scale)))
        strength = cv2.resize(strength, size, interpolation=cv2.INTER_CUBIC)
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
