"""Draw writing: handwritten or printed digits, numbers with separators, letters, crossings-out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mnistlab.papers.alphabet import Alphabet, Hand
from mnistlab.papers.canvas import Canvas, Pen
from mnistlab.papers.glyphs import HEIGHT, Shape, font_files, of_text
from mnistlab.reading.finder import CLASSES, OTHER

__all__ = ["Style", "cross_out", "figure", "number", "scrawl", "separator", "style"]

SEPARATORS = tuple(CLASSES[10:16])
LETTERS = "ABCDEFGHJKLMNPQRTUVWXYabcdefhkmnprtuvwxyäöüéèΔΣΩλμπφ€£&@#+=*<>"
"""Letters and signs that nobody takes for a digit when written alone."""
AROUND = "$#*=€£+x"
"""Signs that may be written close to a number, before or after it."""
LIKE_DIGITS = "OoIlSsZzBbgqGD|!"
"""Letters and signs that may be taken for digits when written alone, so they do not count."""


@dataclass(frozen=True)
class Style:
    """How somebody writes: in which hand, with which pen, how slanted, how wide, how irregularly."""

    hand: Hand
    pen: Pen
    height: float
    """The height of a digit, in pixels."""
    slant: float
    aspect: float
    irregular: float
    """How much sizes and positions vary: 0 for print, 0.7 to 2.2 for handwriting."""
    zeros: float = 1.0
    """The height of zeros, as a share of the other digits'."""


def style(random: np.random.Generator, alphabet: Alphabet, height: float, paper: float, printed: bool) -> Style:
    """A random style, handwritten or printed, for digits `height` pixels high on paper of lightness `paper`, 0 to 255."""
    images = alphabet.by_hand[random.integers(len(alphabet.by_hand))]
    font = None
    if printed:
        fonts = font_files()
        font = fonts[random.integers(len(fonts))]
    colour = random.uniform(0, 0.5) * paper if random.random() < 0.75 else random.uniform(0.4, 0.8) * paper
    cover = random.uniform(0.75, 1) if random.random() < 0.8 else random.uniform(0.5, 1)
    radius, bolder = None, float(random.normal(0, 0.3))
    if not printed and random.random() < 0.6:  # a pen of one width: a pencil, a ball-point, a felt-tip
        radius = float(np.clip(height * np.exp(random.normal(np.log(0.045), 0.45)), 0.45, 0.12 * height))
    slant = 0.0 if printed else float(random.normal(0.06, 0.24))
    aspect = float(np.exp(random.normal(0, 0.13)))
    irregular = 0.0 if printed else float(random.choice([0.7, 1.4, 2.2], p=[0.5, 0.3, 0.2]))
    zeros = random.uniform(0.55, 1) if not printed and random.random() < 0.35 else 1.0
    hand = Hand(alphabet, images, font, not printed and random.random() < 0.5)
    return Style(hand, Pen(colour, cover, radius, bolder), height, slant, aspect, irregular, zeros)


def figure(
    random: np.random.Generator,
    canvas: Canvas,
    how: Style,
    shape: Shape,
    kind: int | None,
    at: tuple[float, float],
    high: float = 1.0,
) -> float:
    """Draw a shape in a style, centred at `at`, `high` times as high as usual. Returns the x at which its ink ends."""
    height = how.height * high * float(np.exp(how.irregular * random.normal(0, 0.08)))
    scale = height / shape.height
    if shape.height < 0.45 * HEIGHT:  # a horizontal stroke is as long as a digit is high
        scale = how.height * high / HEIGHT
    wide = scale * how.aspect * float(np.exp(how.irregular * random.normal(0, 0.06)))
    slant = how.slant + how.irregular * random.normal(0, 0.05)
    size = np.array([[wide, -slant * scale], [0.0, scale]])
    tilt = how.irregular * random.normal(0, 0.06)
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    pen = how.pen
    if pen.radius is None and pen.bolder < 0:  # strokes must not vanish
        pen = Pen(pen.colour, pen.cover, None, max(pen.bolder, 0.4 - shape.thickness * scale))
    return canvas.glyph(shape, kind, at, turn @ size, pen)


def half_width(how: Style, shape: Shape) -> float:
    """About half the width, in pixels, of the shape in this style."""
    return how.height / max(shape.height, 0.6 * HEIGHT) * how.aspect * shape.width / 2


def number(
    random: np.random.Generator, canvas: Canvas, how: Style, text: str, left: float, base: float, gap: float
) -> float:
    """Write digits, separators and signs from `left` on, with their baseline at `base` and `gap` digit heights between them.

    Returns the x at which the text ends.
    """
    x = left
    slope = how.irregular * random.normal(0, 0.02)
    tied = how.irregular > 0 and gap < 0.2 and random.random() < 0.1
    for character in text:
        if character == " ":
            x += 0.6 * how.height
            continue
        if character in AROUND:
            x = sign(random, canvas, how, character, x, base) + max(gap, 0.05) * how.height
            continue
        if not character.isdigit():
            x = separator(random, canvas, how, character, x, base) + max(gap, 0.05) * how.height
            continue
        shape = how.hand.shape(random, int(character))
        if shape is None:
            continue
        high = how.zeros if character == "0" else 1.0
        half = half_width(how, shape) * high
        drift = how.irregular * random.normal(0, 0.05) * how.height
        foot = base + slope * (x - left) + drift
        figure(random, canvas, how, shape, int(character), (x + half, foot - high * how.height / 2), high)
        if tied and x > left:  # the pen did not leave the paper
            up = foot - random.uniform(0.3, 0.95) * high * how.height
            ends = [canvas.place(x - max(gap, 0) * how.height - 0.3 * half, up), canvas.place(x + 0.3 * half, up)]
            canvas.strokes([np.array(ends)], max(0.8, 2 * (how.pen.radius or 0.04 * how.height)), how.pen)
        x += 2 * half + how.height * (gap + how.irregular * random.normal(0, 0.05))
        if x > canvas.pixels.shape[1] + how.height:
            break
    return x


def separator(random: np.random.Generator, canvas: Canvas, how: Style, kind: str, left: float, base: float) -> float:
    """Write a separator from `left` on. Returns the x at which it ends."""
    high = how.height
    width = 2 * how.pen.radius if how.pen.radius else max(1.2, 0.1 * high)
    stroke: list[list[tuple[float, float]]]
    if kind in ".:":
        dot = max(width, 0.08 * high) * random.uniform(0.9, 1.5)
        heights = (0.0,) if kind == "." else (0.12 * high, 0.55 * high)
        stroke = [
            [(left + dot / 2, base - up - dot / 2), (left + dot / 2 + 0.3, base - up - dot / 2)] for up in heights
        ]
        width, end = dot, left + dot
    elif kind == ",":
        down = random.uniform(0.12, 0.3 if random.random() < 0.7 else 0.6) * high
        top = base - random.uniform(0, 0.15) * high if random.random() < 0.8 else base - random.uniform(0.8, 1.1) * high
        stroke = [[(left + 0.12 * high, top), (left + 0.12 * high - random.uniform(0, 0.45) * down, top + down)]]
        end = left + 0.15 * high
    elif kind == "-":
        long, up = random.uniform(0.25, 0.9) * high, random.uniform(0.3, 0.6) * high
        stroke = [[(left, base - up), (left + long, base - up + random.normal(0, 0.05) * high)]]
        end = left + long
    elif kind == "/":
        lean = random.uniform(0.25, 0.6) * high
        stroke = [
            [(left, base + random.uniform(0, 0.2) * high), (left + lean, base - random.uniform(0.9, 1.25) * high)]
        ]
        end = left + lean
    else:
        angles = np.linspace(0, 2 * np.pi, 12)
        ring = np.column_stack([np.cos(angles), np.sin(angles)]) * high * random.uniform(0.1, 0.17)
        wide = high * random.uniform(0.55, 0.8)
        first = ring + np.array([left + 0.15 * high, base - 0.78 * high])
        second = ring + np.array([left + wide - 0.1 * high, base - 0.2 * high])
        bar = [(left + 0.1 * wide, base), (left + 0.9 * wide, base - high)]
        stroke = [list(map(tuple, first)), list(map(tuple, second)), bar]
        end = left + wide
    lines = [np.array([canvas.place(*point) for point in line]) for line in stroke]
    canvas.strokes(lines, width, how.pen, CLASSES.index(kind))
    return end


def sign(random: np.random.Generator, canvas: Canvas, how: Style, kind: str, left: float, base: float) -> float:
    """Write one of `AROUND` from `left` on. Returns the x at which it ends."""
    fonts = font_files()
    shape = of_text(kind, fonts[random.integers(len(fonts))])
    if shape is None:
        return left
    half = half_width(how, shape)
    high = random.uniform(0.6, 1.15)
    figure(random, canvas, how, shape, OTHER, (left + half, base - how.height / 2), high)
    return left + 2 * half


def letter(random: np.random.Generator, canvas: Canvas, how: Style, at: tuple[float, float]) -> None:
    """Write a single letter or sign; one that looks like a digit does not count."""
    fonts = font_files()
    alike = random.random() < 0.2
    letters = LIKE_DIGITS if alike else LETTERS
    shape = of_text(letters[random.integers(len(letters))], fonts[random.integers(len(fonts))])
    if shape is not None:
        figure(random, canvas, how, shape, None if alike else OTHER, at)


def cross_out(random: np.random.Generator, canvas: Canvas, how: Style, at: tuple[float, float]) -> None:
    """Draw a crossed-out digit, or a scribble."""
    lines = []
    if random.random() < 0.6:
        shape = how.hand.shape(random, int(random.integers(10)))
        if shape is not None:
            figure(random, canvas, how, shape, None, at)
        for _ in range(random.integers(1, 4)):
            angle, long = random.uniform(-0.9, 0.9), random.uniform(0.45, 0.8) * how.height
            step = np.array([np.cos(angle), np.sin(angle)]) * long
            middle = np.array(at) + random.normal(0, 0.08 * how.height, 2)
            lines.append(np.array([canvas.place(*(middle - step)), canvas.place(*(middle + step))]))
    else:
        points = np.array(at) + random.normal(0, 0.3, (int(random.integers(5, 14)), 2)) * how.height
        lines.append(np.array([canvas.place(*point) for point in points]))
    canvas.strokes(lines, max(1.0, 2 * (how.pen.radius or 0.05 * how.height)), how.pen, OTHER)


def scrawl(random: np.random.Generator, canvas: Canvas, how: Style) -> None:
    """Draw smooth strokes with nothing to read: part of a signature, a word or a drawing."""
    height, width = canvas.pixels.shape
    lines = []
    for _ in range(int(random.integers(1, 4))):
        knots = np.cumsum(random.normal(0, 0.9 * how.height, (int(random.integers(3, 7)), 2)), axis=0)
        fine = np.linspace(0, len(knots) - 1, 8 * len(knots))
        smooth = np.column_stack([np.interp(fine, np.arange(len(knots)), knots[:, axis]) for axis in (0, 1)])
        smooth = np.asarray(cv2.blur(smooth, (1, 7), borderType=cv2.BORDER_REPLICATE), np.float64)
        lines.append(smooth + random.uniform((0, 0), (width, height)))
    canvas.strokes(lines, max(0.8, 2 * (how.pen.radius or 0.05 * how.height)), how.pen)


def composed(random: np.random.Generator) -> str:
    """A text as people write it: a number, an amount, a date, a percentage, a few numbers."""
    digits = "".join(str(d) for d in random.integers(0, 10, int(random.integers(1, 9))))
    if len(digits) > 1 and random.random() < 0.3:  # round numbers are written more often than others
        digits = digits[: int(random.integers(1, len(digits)))].ljust(len(digits), "0")
    kind = random.random()
    if kind < 0.14 and len(digits) > 3:  # groups of thousands
        mark, digits = ".,' "[int(random.integers(4))], f"{int(digits):,}"
        return digits.replace(",", "," if mark == "'" else mark)
    if kind < 0.3:
        before: str = AROUND[int(random.integers(len(AROUND)))] * int(random.random() < 0.6)
        after: str = (*AROUND, "//", ".-", "--", "##", "")[int(random.integers(len(AROUND) + 5))]
        return before + digits + after
    if kind < 0.6 or len(digits) < 3:
        return digits
    if kind < 0.78:
        marks: Sequence[str] = SEPARATORS
        place = int(random.integers(1, len(digits)))
        return digits[:place] + marks[int(random.integers(len(marks)))] + digits[place:]
    if kind < 0.87:
        return "-" * int(random.integers(0, 2)) + digits + (".-", ",-", "%", "-")[random.integers(4)]
    return f"{digits[:2]} {digits[2:5]} {digits[5:]}"
