"""Draw what a part of a page may hold: lines of numbers, a grid, fields of a form, scattered digits, or nothing to find."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from mnistlab.papers.alphabet import Alphabet
from mnistlab.papers.canvas import Canvas, Pen
from mnistlab.papers.style import style
from mnistlab.papers.writing import composed, cross_out, figure, letter, number, scrawl
from mnistlab.pictures.fonts import font_files

__all__ = ["boxes", "grid", "lines", "nothing", "scattered"]

T = TypeVar("T")
WORDS = (
    "TOTAL", "Nom", "Date", "Amount", "No.", "Sudoku", "Grille", "Price", "Qty", "Sum", "Euro", "kg", "Name",
    "Score", "Ref.", "Points", "de", "la", "Jour", "Code", "Page", "solution", "level",
)  # fmt: skip
"""Words printed on forms."""


def lightness(canvas: Canvas) -> float:
    """The mean of the sheet's pixels, 0 to 255."""
    return float(canvas.pixels.mean())


def faint(random: np.random.Generator, canvas: Canvas) -> Pen:
    """A pen for printed lines, which may be as dark as ink, hardly visible, or anything in between."""
    return Pen(lightness(canvas) * random.uniform(0, 0.85), random.uniform(0.6, 1))


def lines(random: np.random.Generator, canvas: Canvas, alphabet: Alphabet, size: float) -> None:
    """Write one or more lines, each of one or two numbers, perhaps on ruled paper, perhaps after a printed word as on a form."""
    height, width = canvas.pixels.shape
    rows = int(random.integers(1, max(2, int(height / (1.5 * size)) + 1))) if random.random() < 0.6 else 1
    step = size * random.uniform(1.15, 2.2)
    first = (
        random.uniform(size, height - (rows - 1) * step) if rows * step < height else size * random.uniform(0.8, 1.3)
    )
    if random.random() < 0.45:
        rule(random, canvas, size, first, step)
    how = style(random, alphabet, size, lightness(canvas), printed=random.random() < 0.12)
    gap = float(random.choice([-0.18, -0.1, -0.02, 0.08, 0.3, 0.8], p=[0.06, 0.18, 0.25, 0.28, 0.15, 0.08]))
    for row in range(rows):
        base = first + row * step
        if base > height + size:
            break
        x = random.uniform(-0.3 * size, 0.5 * width)
        if random.random() < 0.15:
            word, font = anything(WORDS, random), anything(font_files(), random)
            canvas.words(word, font, 0.9 * size, (x, base - size), how.pen)
            x += 4 * size
        end = number(random, canvas, how, composed(random), x, base, gap)
        if random.random() < 0.12:
            letter(random, canvas, how, (end + size, base - size / 2))
        elif random.random() < 0.06:
            cross_out(random, canvas, how, (end + 0.8 * size, base - size / 2))
        elif end < 0.6 * width and random.random() < 0.6:
            number(random, canvas, how, composed(random), end + size * random.uniform(0.8, 2.5), base, gap)
    if random.random() < 0.1:
        scrawl(random, canvas, how)
    if random.random() < 0.12:
        side = random.choice([random.uniform(0, 4), width - random.uniform(0, 4)])
        canvas.line((side, -50), (side, height + 50), random.uniform(1, 5), faint(random, canvas))


def anything(values: Sequence[T], random: np.random.Generator) -> T:
    """One of the values, drawn at random; all are equally likely."""
    return values[int(random.integers(len(values)))]


def rule(random: np.random.Generator, canvas: Canvas, size: float, base: float, step: float) -> None:
    """Draw the rules of ruled or squared paper, or a line under the writing."""
    height, width = canvas.pixels.shape
    pen, thick = faint(random, canvas), random.uniform(0.6, 2.4)
    kind = random.random()
    if kind < 0.45:  # under each line of writing, or under just one
        below = random.uniform(-0.12, 0.35) * size
        for y in np.arange(base + below, height + step, step if random.random() < 0.6 else 1000):
            canvas.line((-60, y), (width + 60, y), thick, pen)
    else:
        distance = size * random.uniform(0.25, 1.2)
        light_pen = Pen(lightness(canvas) * random.uniform(0.45, 0.92), 1.0)
        ends = [
            ((-60, y), (width + 60, y)) for y in np.arange(-60 + random.uniform(0, distance), height + 60, distance)
        ]
        if kind > 0.65:
            ends += [
                ((x, -60), (x, height + 60)) for x in np.arange(-60 + random.uniform(0, distance), width + 60, distance)
            ]
        canvas.lines(ends, min(thick, 1.3), light_pen)


def grid(random: np.random.Generator, canvas: Canvas, alphabet: Alphabet, size: float) -> None:
    """Draw a grid of cells, each empty or with a digit or a short number: a sudoku, a table, squared paper."""
    height, width = canvas.pixels.shape
    cell_h = size * random.uniform(1.12, 2.6)
    cell_w = cell_h * random.uniform(0.85, 1.15) if random.random() < 0.7 else cell_h * random.uniform(1.2, 3)
    pen, thin = faint(random, canvas), random.uniform(0.6, 2.2)
    bold = thin * random.uniform(1, 2.8)
    left, top = random.uniform(-cell_w, 0.6 * width), random.uniform(-cell_h, 0.5 * height)
    if random.random() < 0.6:
        left, top = random.uniform(-2 * cell_w, 0), random.uniform(-2 * cell_h, 0)
    columns, rows = int(random.integers(2, 14)), int(random.integers(2, 12))
    group = int(random.choice([1, 3, 3, 3, 5]))
    full = random.uniform(0.2, 1)
    hand = style(random, alphabet, size, lightness(canvas), printed=False)
    print_ = style(random, alphabet, size * random.uniform(0.9, 1.3), lightness(canvas), printed=True)
    share = random.choice([0.0, 0.4, 1.0], p=[0.35, 0.4, 0.25])
    several = random.random() < 0.5 and cell_w > 1.6 * size
    if random.random() < 0.25:
        shade(random, canvas, (left, top, cell_w, cell_h), (rows, columns))
    for row in range(rows):
        for column in range(columns):
            x, y = left + (column + 0.5) * cell_w, top + (row + 0.5) * cell_h
            px, py = canvas.place(x, y)
            if not (-size < px < width + size and -size < py < height + size) or random.random() > full:
                continue
            how = print_ if random.random() < share else hand
            wander = (0.5 * (cell_w - 0.62 * how.height), 0.5 * max(0.0, cell_h - how.height))
            x += how.irregular * random.uniform(-0.55, 0.55) * wander[0]
            y += how.irregular * random.uniform(-0.8, 0.8) * wander[1]
            if several:
                text = "".join(str(d) for d in random.integers(0, 10, int(random.integers(1, 4))))
                number(random, canvas, how, text, x - 0.3 * len(text) * size, y + how.height / 2, 0.05)
            elif random.random() < 0.03:
                cross_out(random, canvas, how, (x, y))
            elif (shape := how.hand.shape(random, digit := int(random.integers(10)))) is not None:
                figure(random, canvas, how, shape, digit, (x, y), random.uniform(0.8, 1.1) if how.irregular else 1.0)
    right, bottom = left + columns * cell_w, top + rows * cell_h
    for is_bold in (False, True):
        level = [top + row * cell_h for row in range(rows + 1) if (row % group == 0) == is_bold]
        upright = [left + column * cell_w for column in range(columns + 1) if (column % group == 0) == is_bold]
        ends = [((left, y), (right, y)) for y in level] + [((x, top), (x, bottom)) for x in upright]
        canvas.lines(ends, bold if is_bold else thin, pen)
    if bottom < height - size and random.random() < 0.5:
        words(random, canvas, size * random.uniform(0.5, 1), bottom + 0.3 * size)


def shade(
    random: np.random.Generator, canvas: Canvas, cell: tuple[float, float, float, float], size: tuple[int, int]
) -> None:
    """Darken some of a grid's cells. `cell` is the first cell's left, top, width and height; `size` is (rows, columns)."""
    left, top, wide, high = cell
    pen = Pen(lightness(canvas) * random.uniform(0.45, 0.92), random.uniform(0.6, 1))
    rows, columns = random.integers(1, 4, 2)
    for row in range(int(random.integers(0, rows)), size[0], int(rows + random.integers(0, 2))):
        for column in range(int(random.integers(0, columns)), size[1], int(columns + random.integers(0, 2))):
            x, y = left + column * wide, top + row * high
            canvas.fill([(x, y), (x + wide, y), (x + wide, y + high), (x, y + high)], pen)


def boxes(random: np.random.Generator, canvas: Canvas, alphabet: Alphabet, size: float) -> None:
    """Draw fields of a form: a frame or a line for a number, or a frame for each digit, perhaps with a label to the left."""
    height, width = canvas.pixels.shape
    y = random.uniform(0, 0.5 * size)
    how = style(random, alphabet, size, lightness(canvas), printed=random.random() < 0.1)
    while y < height:
        pen, thick = faint(random, canvas), random.uniform(0.7, 3)
        margin = size * random.uniform(0.08, 0.5)
        text = "".join(str(d) for d in random.integers(0, 10, int(random.integers(1, 8))))
        x = random.uniform(0, 0.5 * width)
        if random.random() < 0.4:
            label, font = anything(WORDS, random), anything(font_files(), random)
            canvas.words(label, font, size * random.uniform(0.4, 1), (x - 3 * size, y), pen)
        top, bottom = y, y + size + 2 * margin
        each = size * random.uniform(0.8, 1.5)
        if random.random() < 0.55:  # a box per digit
            apart = random.choice([0.0, 0.0, size * random.uniform(0.05, 0.3)])
            for character in text:
                frame(canvas, x, top, x + each, bottom, thick, pen)
                shape = how.hand.shape(random, int(character))
                if shape is not None and random.random() < 0.9:
                    aside, down = random.normal(0, 0.05) * size, random.normal(0, 0.06) * size
                    at = (x + each / 2 + aside, (top + bottom) / 2 + down)
                    figure(random, canvas, how, shape, int(character), at, random.uniform(0.75, 1))
                x += each + apart
        else:
            end = number(random, canvas, how, text, x + margin, bottom - margin, random.uniform(-0.08, 0.25))
            if random.random() < 0.8:
                frame(canvas, x, top, end + margin * random.uniform(0.5, 4), bottom, thick, pen)
            else:
                canvas.line((x, bottom), (end + margin, bottom), thick, pen)
        y = bottom + size * random.uniform(0.2, 1.5)


def frame(canvas: Canvas, left: float, top: float, right: float, bottom: float, thick: float, pen: Pen) -> None:
    """Draw the four sides of a box on the level sheet."""
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    canvas.strokes([canvas.placed(corners)], thick, pen)


def scattered(random: np.random.Generator, canvas: Canvas, alphabet: Alphabet, size: float) -> None:
    """Draw digits, letters, crossings-out and spots of various sizes at random places."""
    height, width = canvas.pixels.shape
    if random.random() < 0.3:
        rule(random, canvas, size, random.uniform(0, height), 1.5 * size)
    taken: list[tuple[float, float, float]] = []
    for _ in range(int(random.integers(2, 14))):
        own = float(size * np.exp(np.clip(random.normal(0, 0.25), -0.4, 0.4)))
        how = style(random, alphabet, own, lightness(canvas), printed=random.random() < 0.15)
        x, y = random.uniform(0, width), random.uniform(0, height)
        if any(math.hypot(x - a, y - b) < 0.55 * (own + c) for a, b, c in taken):
            continue
        taken.append((x, y, own))
        what = random.random()
        if what < 0.05:
            blob(random, canvas, own)
        elif what < 0.2:
            letter(random, canvas, how, (x, y))
        elif what < 0.28:
            cross_out(random, canvas, how, (x, y))
        elif (shape := how.hand.shape(random, digit := int(random.integers(10)))) is not None:
            figure(random, canvas, how, shape, digit, (x, y))


def nothing(random: np.random.Generator, canvas: Canvas, alphabet: Alphabet, size: float) -> None:
    """Draw text, lines and spots, or leave the paper bare, so that there is nothing to find."""
    height, width = canvas.pixels.shape
    if random.random() < 0.6:
        for y in np.arange(random.uniform(-size, size), height, size * random.uniform(1, 2)):
            words(random, canvas, size * random.uniform(0.6, 1.2), float(y))
    for _ in range(int(random.integers(0, 5))):
        ends = random.uniform(-40, 40 + max(height, width), (2, 2))
        canvas.line(tuple(ends[0]), tuple(ends[1]), random.uniform(0.7, 6), faint(random, canvas))
    if random.random() < 0.4:
        for _ in range(int(random.integers(1, 12))):
            blob(random, canvas, size)


def blob(random: np.random.Generator, canvas: Canvas, size: float) -> None:
    """Draw a filled ellipse or polygon: a spot, a button, a corner of something."""
    height, width = canvas.pixels.shape
    middle = random.uniform((0, 0), (width, height))
    corners = int(random.choice([3, 4, 5, 24]))
    angles = np.sort(random.uniform(0, 2 * math.pi, corners)) if corners < 9 else np.linspace(0, 2 * math.pi, corners)
    points = middle + np.column_stack([np.cos(angles), np.sin(angles)]) * size * random.uniform(0.15, 1.5, 2)
    canvas.polygon(points, Pen(lightness(canvas) * random.uniform(0, 0.9), random.uniform(0.5, 1)))


def words(random: np.random.Generator, canvas: Canvas, size: float, top: float) -> None:
    """Draw a line of printed text."""
    text = " ".join(WORDS[n] for n in random.integers(0, len(WORDS), 6))
    pen = Pen(lightness(canvas) * random.uniform(0, 0.7), random.uniform(0.7, 1))
    canvas.words(text, anything(font_files(), random), max(size, 6), (random.uniform(-100, 60), top), pen)
