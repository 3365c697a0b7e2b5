"""Pages of handwritten digits as people photograph and scan them: MNIST's digits on paper, everything drawn from a seed.

    page = make_page(7, images, labels)                        # uint8 (100, 28, 28) and their labels, on seed 7's page
    page = make_page(7, images, labels, without=("shadow",))   # the same page without its shadow
    page = make_page(7, images, labels, pen="pencil", tilt=8)  # the same page in pencil and more tilted

Each effect draws from its own generator, so that fixing or leaving out one does not change the others. Lengths are in
pixels of the picture, brightness is from 0 to 1.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]
Field = NDArray[np.float32]
"""float32 (height, width), one value per pixel."""
Box = tuple[int, int, int, int]
"""x, y, width, height."""


@dataclass(frozen=True)
class Pen:
    """What a pen leaves on paper."""

    colour: tuple[float, float, float]
    """How much of red, green and blue full ink reflects."""
    strength: float
    """How much of the paper full ink hides."""
    fading: float
    """By how much the ink thins along the stroke, at most."""
    grain: float
    """How much of the paper's grain stays white."""
    level: tuple[float, float]
    """Where the edge of the stroke is, as a fraction of MNIST's grey at its middle: low is thick."""


PENS = {
    "blue ballpoint": Pen((0.13, 0.19, 0.58), 0.92, 0.35, 0.10, (0.45, 0.62)),
    "black ballpoint": Pen((0.16, 0.16, 0.20), 0.90, 0.35, 0.10, (0.45, 0.62)),
    "black gel": Pen((0.07, 0.07, 0.09), 0.97, 0.08, 0.00, (0.32, 0.55)),
    "fineliner": Pen((0.10, 0.10, 0.14), 0.94, 0.15, 0.00, (0.70, 0.80)),
    "pencil": Pen((0.30, 0.30, 0.32), 0.78, 0.25, 0.45, (0.40, 0.60)),
    "red pen": Pen((0.78, 0.10, 0.13), 0.92, 0.25, 0.05, (0.36, 0.58)),
    "green pen": Pen((0.06, 0.44, 0.24), 0.92, 0.25, 0.05, (0.36, 0.58)),
    "thick marker": Pen((0.10, 0.10, 0.13), 0.97, 0.10, 0.00, (0.12, 0.22)),
    "chalk": Pen((0.93, 0.93, 0.89), 0.92, 0.25, 0.35, (0.25, 0.45)),
}
INK = {name: 1.0 for name in PENS if name != "chalk"} | {"blue ballpoint": 3.0, "pencil": 2.0}
"""How often each pen is chosen for paper, as weights."""

PAPERS = {
    "white": (0.96, 0.96, 0.95),
    "cream": (0.95, 0.91, 0.80),
    "recycled grey": (0.80, 0.79, 0.76),
    "yellow pad": (0.97, 0.93, 0.62),
    "light blue": (0.80, 0.88, 0.95),
    "pink": (0.97, 0.82, 0.84),
    "blackboard": (0.17, 0.23, 0.20),
}
SHEETS = dict.fromkeys(PAPERS, 1.0) | {"white": 4.0, "cream": 2.0}
RULINGS = {"plain": 3.0, "ruled": 2.0, "squared": 2.0, "seyes": 1.5, "dotted": 1.0}
"""seyes: French school paper, a strong line every four weak ones, with columns and a red margin."""
SIZES = ((1600, 1200), (1200, 1600), (2000, 1500), (1500, 2000), (2480, 3508))
"""Width and height; the last is A4 at 300 dpi."""
EFFECTS = (
    "jitter", "perspective", "texture", "stains", "show-through", "fading", "light", "shadow", "dust", "blur", "noise", "jpeg"
)  # fmt: skip


@dataclass(frozen=True)
class Page:
    """A picture of a page, and what is on it."""

    picture: NDArray[np.uint8]
    """(height, width, 3), RGB."""
    labels: list[int]
    """In reading order."""
    lines: list[str]
    """The labels as text, line by line."""
    boxes: list[Box]
    """The ink of each digit, in reading order."""
    drawn: dict[str, Any]
    """What the seed or the caller chose: paper, ruling, pen, height, tilt and so on."""

    @property
    def description(self) -> str:
        """What was drawn, in a line."""
        return ", ".join(f"{name} {value}" for name, value in self.drawn.items())


def generator(seed: int, what: str) -> np.random.Generator:
    """The generator of one effect of one page."""
    return np.random.default_rng([seed, *what.encode()])


def choose(rng: np.random.Generator, weights: dict[str, float]) -> str:
    """One of the names, drawn with these weights."""
    chances = np.array(list(weights.values()))
    return list(weights)[int(rng.choice(len(weights), p=chances / chances.sum()))]


def clouds(rng: np.random.Generator, size: tuple[int, int], scale: float, stretch: float = 1) -> Field:
    """Smooth noise (height, width): mean 0, standard deviation about 1, bumps of `scale` pixels, wider by `stretch`."""
    grid = rng.standard_normal([int(size[0] / scale) + 4, int(size[1] / scale / stretch) + 4], dtype=np.float32)
    matrix = np.array([[scale * stretch, 0, -1.5 * scale * stretch], [0, scale, -1.5 * scale]])
    flags = cv2.INTER_CUBIC
    return np.asarray(cv2.warpAffine(grid, matrix, (size[1], size[0]), flags=flags, borderMode=cv2.BORDER_REFLECT))


def make_page(
    seed: int,
    images: NDArray[np.uint8],
    labels: Sequence[int] | Array,
    *,
    size: tuple[int, int] | None = None,
    paper: str | None = None,
    ruling: str | None = None,
    pen: str | None = None,
    height: float | None = None,
    tilt: float | None = None,
    per_line: int = 10,
    without: Collection[str] = (),
) -> Page:
    """Write the digits `images`, uint8 (N, 28, 28), on the page that the seed draws.

    Given values are not drawn at random: `size` as (width, height), `height` of the digits in pixels (they shrink if they do not
    fit), `tilt` in degrees, clockwise. `without` names EFFECTS to leave out; all of them and tilt 0 make a clean page.
    """
    if unknown := set(without) - set(EFFECTS):
        raise ValueError(f"no such effects: {', '.join(sorted(unknown))}")
    has = {name: name not in without for name in EFFECTS}
    rng = generator(seed, "page")
    drawn_size = SIZES[int(rng.choice(len(SIZES), p=[0.25, 0.2, 0.2, 0.15, 0.2]))]
    drawn_paper, drawn_ruling, drawn_pen = choose(rng, SHEETS), choose(rng, RULINGS), choose(rng, INK)
    drawn_height, drawn_tilt = rng.uniform(), rng.uniform(-10, 10)
    width, length = size or drawn_size
    paper = paper or drawn_paper
    board = paper == "blackboard"
    ruling = ruling or ("plain" if board else drawn_ruling)
    pen = pen or ("chalk" if board else drawn_pen)
    tilt = drawn_tilt if tilt is None else tilt

    rows = [range(start, min(start + per_line, len(images))) for start in range(0, len(images), per_line)]
    places, pitch, block = lay_out(generator(seed, "layout"), images, rows, ruling, has["jitter"])
    to_picture, fitting = camera(generator(seed, "camera"), (width, length), block, tilt, has["perspective"])
    if height is None:
        least, most = max(25.0, fitting / 3), max(25.0, min(150.0, fitting))
        height = float(least * (most / least) ** drawn_height)
    height = min(height, fitting)
    shift = free_room(generator(seed, "shift"), (width, length), to_picture, block, height)
    to_page = np.array([[height, 0, shift[0]], [0, height, shift[1]], [0, 0, 1]])
    ink, boxes = write(generator(seed, "pen"), images, places, to_picture @ to_page, (length, width), PENS[pen])

    sheet = make_sheet(seed, PAPERS[paper], (length, width), height, has["texture"], has["stains"], board)
    if ruling != "plain":
        print_ruling(generator(seed, "ruling"), sheet, ruling, to_picture @ to_page, pitch, block, height)
    if has["show-through"] and not board:
        show_through(generator(seed, "show-through"), sheet, ink, to_picture, height, shift[0] + block[0] * height / 2)
    put_ink(generator(seed, "ink"), sheet, ink, PENS[pen], height, has["fading"])
    if has["dust"]:
        add_dust(generator(seed, "dust"), sheet, height, board)
    darkest = add_light(seed, sheet, has["light"], has["shadow"])
    blur = take_picture(seed, sheet, height, has["blur"], has["noise"])
    picture = np.clip(sheet * 255 + 0.5, 0, 255).astype(np.uint8)
    quality = int(generator(seed, "jpeg").integers(60, 96))
    if has["jpeg"]:
        stored = io.BytesIO()
        Image.fromarray(picture).save(stored, "JPEG", quality=quality)
        picture = np.asarray(Image.open(stored)).copy()
    lines = ["".join(str(int(labels[i])) for i in row) for row in rows]
    drawn = {
        "paper": paper, "ruling": ruling, "pen": pen, "size": f"{width}x{length}", "height": round(height),
        "tilt": round(tilt, 1), "darkest": round(darkest, 2), "blur": round(blur, 1),
        "jpeg": quality if has["jpeg"] else None,
    }  # fmt: skip
    return Page(picture, [int(label) for label in labels], lines, boxes, drawn)


def save(page: Page, path: Path, format: str = "PNG") -> None:  # noqa: A002 - Pillow's word
    """Write the picture; format is one of Pillow's: PNG, JPEG, WEBP, BMP, TIFF, GIF."""
    options: dict[str, Any] = {"quality": 92} if format in ("JPEG", "WEBP") else {}
    Image.fromarray(page.picture).save(path, format, dpi=(300, 300), **options)


# Where everything is. First in units of the digits' height, from the top left of the text.


@dataclass(frozen=True)
class Place:
    """Where a digit's ink goes, in units of the digits' height."""

    x: float
    y: float
    scale: float
    """Units per pixel of the 28x28 image."""
    left: int
    """The ink's left edge in the 28x28 image."""
    top: int


def lay_out(
    rng: np.random.Generator, images: Array, rows: list[range], ruling: str, is_jittered: bool
) -> tuple[list[Place], float, tuple[float, float]]:
    """The place of each digit, the spacing of the ruling, and the width and height of all."""
    wobble = 1.0 if is_jittered else 0.0
    cell = float(rng.uniform(0.6, 1.1) if ruling in ("squared", "dotted") else rng.uniform(1.55, 2.2))
    pitch = cell * int(np.ceil(1.5 / cell)) if ruling in ("squared", "dotted") else cell
    gap, slope = float(rng.uniform(0.35, 0.8)), wobble * float(rng.normal(0, 0.004))
    places, widest = [], 0.0
    for number, row in enumerate(rows):
        base = number * pitch + 1.1 + wobble * (0.0 if ruling != "plain" else float(rng.normal(0, 0.03)))
        x = wobble * abs(float(rng.normal(0, 0.25)))
        lean = slope + wobble * float(rng.normal(0, 0.004))
        for index in row:
            on = np.argwhere(images[index] > 50)
            (top, left), (bottom, right) = (on.min(0), on.max(0) + 1) if len(on) else ((4, 4), (24, 24))
            wanted = 1 + wobble * float(np.clip(rng.normal(0, 0.07), -0.15, 0.15))
            scale = min(wanted / (bottom - top), 1.05 * wanted / (right - left))
            y = base + lean * x + wobble * float(rng.normal(0, 0.025)) - scale * (bottom - top)
            places.append(Place(x, y, scale, int(left), int(top)))
            x += scale * (right - left) + gap * (1 + wobble * float(np.clip(rng.normal(0, 0.25), -0.3, 0.6)))
        widest = max(widest, x - gap)
    return places, cell, (widest, pitch * (len(rows) - 1) + 1.2)


def camera(
    rng: np.random.Generator, size: tuple[int, int], block: tuple[float, float], tilt: float, is_oblique: bool
) -> tuple[Array, float]:
    """The matrix from the page's pixels (0, 0 in the middle) to the picture's, and the largest height that fits."""
    width, height = size
    angle = np.radians(tilt)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    lean = rng.uniform(-0.05, 0.05, 2) if is_oblique else np.zeros(2)
    oblique = np.array([[1, 0, 0], [0, 1, 0], [lean[0] / width, lean[1] / height, 1]])
    middle = np.array([[1, 0, width / 2], [0, 1, height / 2], [0, 0, 1]])
    matrix = middle @ oblique @ turn
    corners = project(turn, np.array([(x * block[0], y * block[1]) for x in (-0.5, 0.5) for y in (-0.5, 0.5)]))
    half = np.abs(corners).max(0) + 0.4
    return matrix, float(0.92 * min(width / 2 / half[0], height / 2 / half[1]))


def free_room(
    rng: np.random.Generator, size: tuple[int, int], to_picture: Array, block: tuple[float, float], height: float
) -> tuple[float, float]:
    """Where the text's top left corner goes on the page, so that all of it is visible."""
    best = (-height * block[0] / 2, -height * block[1] / 2)
    for _ in range(40):
        move = rng.uniform(-0.5, 0.5, 2) * size
        shift = best[0] + float(move[0]), best[1] + float(move[1])
        corners = [(shift[0] + x * block[0] * height, shift[1] + y * block[1] * height) for x in (0, 1) for y in (0, 1)]
        seen = project(to_picture, np.array(corners))
        if (seen > 0.35 * height).all() and (seen < np.array(size) - 0.35 * height).all():
            return shift
    return best


def project(matrix: Array, points: Array) -> Array:
    """The points (N, 2), transformed by a 3x3 matrix."""
    moved = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(moved[:, :2] / moved[:, 2:])


def write(
    rng: np.random.Generator, images: Array, places: list[Place], matrix: Array, size: tuple[int, int], pen: Pen
) -> tuple[Field, list[Box]]:
    """How much of each pixel ink covers, 0 to 1, and each digit's box.

    MNIST's grey values are enlarged smoothly to about their size in the picture. Then the edge of each stroke is redrawn where
    they reach a certain level, as crisp as that size allows. The level is relative to the grey in the middle of the stroke, so
    that faint strokes are kept, but never so low that MNIST's own noise shows.
    """
    ink: Field = np.zeros(size, np.float32)
    boxes = []
    level = float(rng.uniform(*pen.level))
    for image, place in zip(images, places, strict=True):
        to_picture = matrix @ np.array(
            [
                [place.scale, 0, place.x - place.left * place.scale],
                [0, place.scale, place.y - place.top * place.scale],
                [0, 0, 1],
            ]
        )
        corners = project(to_picture, np.array([(0, 0), (28, 0), (0, 28), (28, 28)]))
        (x0, y0), (x1, y1) = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int) + 1
        scale = float(np.hypot(*(corners[1] - corners[0])) / 28)
        fine = max(2, round(scale))
        enlarged = cv2.resize(image.astype(np.float32) / 255, None, fx=fine, fy=fine, interpolation=cv2.INTER_CUBIC)
        enlarged = cv2.GaussianBlur(enlarged, (0, 0), 0.5 * fine)
        around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * fine + 1, 2 * fine + 1))
        enlarged /= np.maximum(
            cv2.GaussianBlur(cv2.dilate(enlarged, around), (0, 0), 0.5 * fine), min(0.9, 0.22 / level)
        )
        to_roi = np.array([[1, 0, -x0], [0, 1, -y0], [0, 0, 1]]) @ to_picture @ np.diag([1 / fine, 1 / fine, 1.0])
        wide, high = int(x1 - x0), int(y1 - y0)
        grey = cv2.warpPerspective(enlarged, to_roi, (wide, high), flags=cv2.INTER_LINEAR)
        cover = np.clip((grey - level) / min(0.6, 0.55 / scale) + 0.5, 0, 1)
        cover[grey < 0.04] = 0
        top, left, bottom, right = max(0, y0), max(0, x0), min(size[0], y1), min(size[1], x1)
        seen = cover[top - y0 : bottom - y0, left - x0 : right - x0]
        np.maximum(ink[top:bottom, left:right], seen, out=ink[top:bottom, left:right])
        on = np.argwhere(seen > 0.5)
        if len(on) == 0:
            on = np.argwhere(seen > 0) if (seen > 0).any() else np.zeros((1, 2), int)
        (y, x), (y_end, x_end) = on.min(0), on.max(0) + 1
        boxes.append((int(left + x), int(top + y), int(x_end - x), int(y_end - y)))
    return ink, boxes


# The paper, its lines and the ink. A sheet is float32 (height, width, 3), 0 to 1, changed in place.


def make_sheet(
    seed: int, colour: tuple[float, float, float], size: tuple[int, int], height: float, is_textured: bool, is_stained: bool,
    is_board: bool,
) -> Array:  # fmt: skip
    """Paper with its fibres, or a board with what the sponge left."""
    shade: Field = np.ones(size, np.float32)
    if is_textured:
        rng = generator(seed, "texture")
        fine = float(rng.uniform(0.004, 0.013))
        shade += (
            fine * clouds(rng, size, 1.7, 1.5) + 0.6 * fine * clouds(rng, size, 7) + 0.5 * fine * clouds(rng, size, 25)
        )
    if is_stained:
        rng = generator(seed, "stains")
        shade += float(rng.uniform(0.005, 0.02)) * clouds(rng, size, max(size) / 5)
        if is_board:
            shade += 0.06 * clouds(rng, size, max(size) / 12, 2) + 0.025 * clouds(rng, size, height * 0.4, 8)
        elif rng.uniform() < 0.3:  # something was spilt
            spot = clouds(rng, size, max(size) / 7)
            shade -= float(rng.uniform(0.02, 0.06)) / (1 + np.exp(-12 * (spot - 1.3)))
    sheet = shade[..., None] * np.array(colour, np.float32)
    if is_textured and colour == PAPERS["recycled grey"]:
        rng = generator(seed, "fibres")
        for _ in range(int(size[0] * size[1] / 12_000)):
            start = rng.uniform((0, 0), (size[1], size[0]))
            stroke(rng, sheet, start, float(rng.uniform(3, 9)), 1, float(rng.uniform(-0.12, 0.08)))
    return sheet


def print_ruling(
    rng: np.random.Generator,
    sheet: Array,
    ruling: str,
    matrix: Array,
    pitch: float,
    block: tuple[float, float],
    height: float,
) -> None:
    """Print the lines. They pass below the digits and through them."""
    size = sheet.shape[:2]
    back = np.linalg.inv(matrix).astype(np.float32)
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    depth = back[2, 0] * x + back[2, 1] * y + back[2, 2]
    across = (back[0, 0] * x + back[0, 1] * y + back[0, 2]) / depth
    down = (back[1, 0] * x + back[1, 1] * y + back[1, 2]) / depth
    blue, grey, violet = (0.45, 0.62, 0.85), (0.58, 0.60, 0.62), (0.60, 0.52, 0.78)
    colour = [blue, grey, violet][int(rng.integers(3))]
    thick = max(1.0, height * float(rng.uniform(0.012, 0.030)))
    strength = float(rng.uniform(0.35, 0.8))
    base = 1.1 + float(rng.uniform(-0.06, 0.12))
    if ruling in ("squared", "dotted"):
        base += float(rng.uniform(0, 0.15))

    def lines(where: Array, start: float, every: float, width: float) -> Array:
        distance = np.abs(
            (where - np.float32(start) + np.float32(every / 2)) % np.float32(every) - np.float32(every / 2)
        )
        return np.asarray(np.clip(width / 2 + 0.5 - distance * np.float32(height), 0, 1))

    def put(cover: Array, colour: tuple[float, float, float], strength: float) -> None:
        sheet[...] *= 1 - (strength * cover)[..., None] * (1 - np.array(colour, np.float32))

    if ruling == "ruled":
        put(lines(down, base, pitch, thick), colour, strength)
    elif ruling == "squared":
        put(np.maximum(lines(down, base, pitch, thick), lines(across, 0.3, pitch, thick)), colour, strength)
    elif ruling == "dotted":
        big = max(2.2, 2.5 * thick)
        put(np.minimum(lines(down, base, pitch, big), lines(across, 0.3, pitch, big)), grey, min(1, 1.3 * strength))
    else:
        put(lines(down, base, pitch / 4, 0.8 * thick), blue, 0.6 * strength)
        put(np.maximum(lines(down, base, pitch, 1.2 * thick), lines(across, 0.3, pitch, 1.2 * thick)), violet, strength)
    if ruling == "seyes" or (ruling == "ruled" and rng.uniform() < 0.4):
        margin = -float(rng.uniform(0.25, 0.7))
        put(lines(across, margin, 1e4, 1.5 * thick), (0.90, 0.35, 0.42), 0.85)


def show_through(
    rng: np.random.Generator, sheet: Array, ink: Field, to_picture: Array, height: float, middle: float
) -> None:
    """Let writing on the back show through: this page's digits, mirrored, shifted and softened by the paper."""
    mirror = np.array(
        [[-1, 0, 2 * middle + rng.uniform(-3, 3) * height], [0, 1, rng.uniform(0.4, 1.2) * height], [0, 0, 1]]
    )
    matrix = to_picture @ mirror @ np.linalg.inv(to_picture)
    back = cv2.warpPerspective(ink, matrix, (ink.shape[1], ink.shape[0]), flags=cv2.INTER_LINEAR)
    back = cv2.GaussianBlur(back, (0, 0), max(1.2, 0.045 * height))
    sheet *= 1 - (float(rng.uniform(0.0, 0.13)) * back)[..., None]


def put_ink(rng: np.random.Generator, sheet: Array, ink: Field, pen: Pen, height: float, is_fading: bool) -> None:
    """Let the ink cover the paper, thinner here and there."""
    cover = ink * np.float32(pen.strength)
    if is_fading:
        along = clouds(rng, ink.shape, max(2.0, height * 0.12))
        pressure = clouds(rng, ink.shape, height * 1.5)
        cover *= 1 - pen.fading * np.clip(0.35 + 0.35 * along + 0.2 * pressure, 0, 1)
        if pen.grain:
            grain = clouds(rng, ink.shape, max(1.2, height * 0.018))
            cover *= 1 - pen.grain * np.clip(0.3 + 0.6 * grain, 0, 1)
    sheet *= 1 - cover[..., None]
    sheet += cover[..., None] * np.array(pen.colour, np.float32)


def stroke(rng: np.random.Generator, sheet: Array, start: Array, length: float, thickness: int, change: float) -> None:
    """Draw a short curved fibre or hair, lighter or darker by `change`."""
    angle, bend = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.3)
    angles = angle + bend * np.arange(5)
    points = start + np.vstack([(0, 0), np.cumsum(np.column_stack([np.cos(angles), np.sin(angles)]), 0) * length / 5])
    low = np.maximum(np.floor(points.min(0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(points.max(0)).astype(int) + 3, (sheet.shape[1], sheet.shape[0]))
    if (high <= low).any():
        return
    patch = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    at = np.round((points - low) * 16).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(patch, [at], False, (255,), thickness, cv2.LINE_AA, 4)
    sheet[low[1] : high[1], low[0] : high[0]] *= 1 + change * (patch.astype(np.float32) / 255)[..., None]


def add_dust(rng: np.random.Generator, sheet: Array, height: float, is_board: bool) -> None:
    """Add specks, and perhaps a hair or two, which are far smaller or thinner than a digit."""
    size = np.array(sheet.shape[1::-1])
    for _ in range(int(rng.integers(10, 90))):
        radius = float(rng.uniform(0.4, max(1.0, 0.022 * height)))
        x, y = rng.uniform((0, 0), size)
        left, top = int(x) - 4, int(y) - 4
        patch = np.zeros((9, 9), np.uint8)
        cv2.circle(
            patch, (round((x - left) * 16), round((y - top) * 16)), round(radius * 16), (255,), -1, cv2.LINE_AA, 4
        )
        part = sheet[max(0, top) : top + 9, max(0, left) : left + 9]
        cover = patch[max(0, -top) :, max(0, -left) :][: part.shape[0], : part.shape[1], None].astype(np.float32) / 255
        change = float(rng.uniform(0.3, 1.5)) if is_board else -float(rng.uniform(0.15, 0.7))
        part *= 1 + change * cover
    for _ in range(int(rng.integers(0, 3))):
        hair = float(rng.uniform(0.5, 1.2)) * height
        stroke(rng, sheet, rng.uniform((0, 0), size), hair, 1, -float(rng.uniform(0.1, 0.3)))


# The light and the camera.


def add_light(seed: int, sheet: Array, is_uneven: bool, is_shaded: bool) -> float:
    """Add tinted light from one side, a vignette, and the shadow of a hand, an arm or the phone; returns the lowest light."""
    size = sheet.shape[:2]
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    x, y = x / size[1] - 0.5, y / size[0] - 0.5
    light: Field = np.ones(size, np.float32)
    tint = np.ones(3, np.float32)
    if is_uneven:
        rng = generator(seed, "light")
        angle = rng.uniform(0, 2 * np.pi)
        light -= np.float32(rng.uniform(0, 0.25)) * (
            0.5 + 0.7 * (np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y)
        )
        light -= np.float32(rng.uniform(0, 0.3)) * (x * x + y * y)
        light *= np.float32(rng.uniform(0.88, 1.02))
        warm = rng.uniform(-0.07, 0.07)
        tint = np.array([1 + warm, 1, 1 - warm], np.float32)
    rng = generator(seed, "shadow")
    if is_shaded and rng.uniform() < 0.75:
        angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(-0.1, 0.35)
        outline = clouds(rng, size, max(size) / float(rng.uniform(2.5, 5))) * float(rng.uniform(0.01, 0.07))
        inside = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y - np.float32(offset) + outline
        softness = np.exp(
            rng.uniform(np.log(0.002), np.log(0.08))
        )  # of the picture's side: from a few pixels to the width of a hand
        shadow = 1 / (1 + np.exp(np.clip(-inside / np.float32(softness), -30, 30)))
        light *= 1 - np.float32(rng.uniform(0.2, 0.5)) * shadow
    low = float(light.min())
    if low < 0.45:
        light = 1 - (1 - light) * np.float32(0.55 / (1 - low))
    sheet *= light[..., None] * tint
    return float(light.min())


def take_picture(seed: int, sheet: Array, height: float, is_blurred: bool, is_noisy: bool) -> float:
    """Add the flaws of lens, hand and sensor; returns the blur's standard deviation in pixels."""
    sigma = 0.0
    if is_blurred:
        rng = generator(seed, "blur")
        sigma = float(rng.uniform(0.3, 0.55 + 0.012 * height))
        cv2.GaussianBlur(sheet, (0, 0), sigma, dst=sheet)
        if rng.uniform() < 0.25:  # the hand moved
            length, angle = float(rng.uniform(0.02, 0.05)) * height, float(rng.uniform(0, 2 * np.pi))
            kernel = np.zeros((15, 15), np.uint8)
            ends = [
                np.round(16 * (7 + s * length / 2 * np.array([np.cos(angle), np.sin(angle)]))).astype(int)
                for s in (-1, 1)
            ]
            cv2.line(kernel, ends[0].tolist(), ends[1].tolist(), (255,), 1, cv2.LINE_AA, 4)
            cv2.filter2D(sheet, -1, kernel.astype(np.float32) / max(1, int(kernel.sum())), dst=sheet)
    if is_noisy:
        rng = generator(seed, "noise")
        photons, readout = float(rng.uniform(0.0, 0.03)), float(rng.uniform(0.002, 0.012))
        grain = rng.standard_normal(sheet.shape, dtype=np.float32)
        if rng.uniform() < 0.6:  # colours are worked out from neighbours
            grain = cv2.GaussianBlur(grain, (0, 0), 0.6) * 1.8
        sheet += grain * np.sqrt(photons**2 * np.clip(sheet, 0, 1) + readout**2)
    return sigma
