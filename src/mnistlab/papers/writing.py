"""Draw writing: handwritten or printed digits, numbers with separators, letters, crossings-out."""

from __future__ import annotations

import re
from collections.abc import Sequence

import cv2
import numpy as np

from mnistlab.papers.canvas import Canvas, Pen
from mnistlab.papers.glyphs import HEIGHT, Shape, of_text
from mnistlab.papers.joined import chain_of_zeros, tail, tie
from mnistlab.papers.style import Style
from mnistlab.pictures.fonts import font_files
from mnistlab.reading.finder import CLASSES, OTHER

__all__ = ["composed", "cross_out", "figure", "letter", "number", "scrawl", "separator"]

SEPARATORS = tuple(CLASSES[10:16])
LETTERS = "ABCDEFGHJKLMNPQRTUVWXYabcdefhkmnprtuvwxyäöüéèΔΣΩλμπφ€£&@#+=*<>"
"""Letters and signs that nobody takes for a digit when written alone."""
AROUND = "$#*=€£+x"
"""Signs that may be written close to a number, before or after it."""
LIKE_DIGITS = "OoIlSsZzBbgqGD|!"
"""Letters and signs that may be taken for digits when written alone, so detections of them do not count."""


def figure(
    random: np.random.Generator,
    canvas: Canvas,
    how: Style,
    shape: Shape,
    kind: int | None,
    at: tuple[float, float],
    high: float = 1.0,
) -> float:
    """Draw a shape in a style, centred at `at`, `high` times as high as usual. Returns the x at which the shape's ink ends."""
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
    """Write digits, separators and signs from x = `left`, on the baseline y = `base`, with gaps of `gap` times a digit's height.

    Returns the x at which the text would continue.
    """
    x = left
    slope = how.irregular * random.normal(0, 0.02)
    is_handwritten = how.irregular > 0
    tied = is_handwritten and gap < 0.2 and random.random() < 0.2
    pattern = "0{2,}|." if is_handwritten and gap < 0.2 and random.random() < 0.3 else "."
    after_digit = False
    for part in re.findall(pattern, text):
        if x > canvas.pixels.shape[1] + how.height:
            break
        follows, after_digit = after_digit, part.isdigit()
        foot = base + slope * (x - left)
        if len(part) > 1:
            x = chain_of_zeros(random, canvas, how, len(part), x, foot, gap)
            continue
        if part == " ":
            x += 0.6 * how.height
            continue
        if not after_digit:
            write = sign if part in AROUND else separator
            x = write(random, canvas, how, part, x, base) + max(gap, 0.05) * how.height
            continue
        shape = how.hand.shape(random, int(part))
        if shape is None:
            continue
        high = how.zeros if part == "0" else 1.0
        half = half_width(how, shape) * high
        foot += how.irregular * random.normal(0, 0.05) * how.height
        figure(random, canvas, how, shape, int(part), (x + half, foot - high * how.height / 2), high)
        if tied and follows:
            tie(random, canvas, how, (x - max(gap, 0) * how.height, x), foot, 0.3 * half, high)
        x += 2 * half + how.height * (gap + how.irregular * random.normal(0, 0.05))
    if is_handwritten and after_digit and random.random() < 0.06:
        tail(random, canvas, how, x - max(gap, 0) * how.height, base + slope * (x - left))
    return x


def separator(random: np.random.Generator, canvas: Canvas, how: Style, kind: str, left: float, base: float) -> float:
    """Write a separator, starting at x = `left`. Returns the x at which the separator ends."""
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
        right, lean = left + 0.12 * high, random.uniform(0, 0.45) * down
        bulge = random.uniform(0, 0.15) * down
        stroke = [[(right, top), (right - 0.35 * lean + bulge, top + 0.5 * down), (right - lean, top + down)]]
        end = max(x for x, _ in stroke[0]) + width / 2
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
    lines = [canvas.placed(line) for line in stroke]
    canvas.strokes(lines, width, how.pen, CLASSES.index(kind))
    return end


def sign(random: np.random.Generator, canvas: Canvas, how: Style, kind: str, left: float, base: float) -> float:
    """Write one of the signs in `AROUND`, starting at x = `left`. Returns the x at which the sign ends."""
    fonts = font_files()
    shape = of_text(kind, fonts[random.integers(len(fonts))])
    if shape is None:
        return left
    half = half_width(how, shape)
    high = random.uniform(0.6, 1.15)
    figure(random, canvas, how, shape, OTHER, (left + half, base - how.height / 2), high)
    return left + 2 * half


def letter(random: np.random.Generator, canvas: Canvas, how: Style, at: tuple[float, float]) -> None:
    """Write a single letter or sign; if it looks like a digit, detections of it do not count."""
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
            lines.append(canvas.placed([middle - step, middle + step]))
    else:
        points = np.array(at) + random.normal(0, 0.3, (int(random.integers(5, 14)), 2)) * how.height
        lines.append(canvas.placed(points))
    canvas.strokes(lines, max(1.0, how.line_width), how.pen, OTHER)


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
    canvas.strokes(lines, how.line_width, how.pen)


def composed(random: np.random.Generator) -> str:
    """A text as people write it: a number, an amount, a date, a percentage, or a few numbers."""
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
