"""How a hand draws the digits: strokes as points (x, y) in a box of width 0.6 and height 1."""

from __future__ import annotations

import math

Point = tuple[float, float]


def arc(x: float, y: float, across: float, down: float, first: float, last: float) -> list[Point]:
    """A piece of an ellipse around (x, y), from one angle to another in degrees, clockwise from the right."""
    steps = max(4, int(abs(last - first) / 15))
    angles = [math.radians(first + (last - first) * k / steps) for k in range(steps + 1)]
    return [(x + across * math.cos(a), y + down * math.sin(a)) for a in angles]


STROKES: dict[int, list[list[Point]]] = {
    0: [arc(0.3, 0.5, 0.27, 0.48, -80, 285)],
    1: [[(0.3, 0.03), (0.3, 0.3), (0.29, 0.6), (0.29, 0.98)]],
    2: [[*arc(0.3, 0.27, 0.25, 0.24, -170, 30), (0.3, 0.7), (0.06, 0.95), (0.3, 0.94), (0.57, 0.95)]],
    3: [[*arc(0.27, 0.26, 0.24, 0.22, -150, 80), *arc(0.26, 0.72, 0.28, 0.25, -80, 145)]],
    4: [[(0.17, 0.03), (0.1, 0.3), (0.04, 0.56), (0.3, 0.56), (0.58, 0.54)], [(0.43, 0.2), (0.42, 0.6), (0.41, 0.98)]],
    5: [
        [(0.16, 0.05), (0.13, 0.25), (0.1, 0.45), *arc(0.26, 0.68, 0.27, 0.26, -110, 140)],
        [(0.16, 0.05), (0.54, 0.04)],
    ],
    6: [[(0.42, 0.03), (0.25, 0.2), (0.1, 0.5), *arc(0.29, 0.72, 0.22, 0.24, -180, 180)]],
    7: [[(0.05, 0.06), (0.3, 0.05), (0.55, 0.06), (0.45, 0.35), (0.33, 0.65), (0.25, 0.98)]],
    8: [
        [
            *arc(0.3, 0.26, 0.2, 0.23, 0, -270)[::-1],
            *arc(0.3, 0.73, 0.25, 0.24, -90, 270),
            *arc(0.3, 0.26, 0.2, 0.23, 90, 0),
        ]
    ],
    9: [[*arc(0.28, 0.28, 0.22, 0.24, 0, -360), (0.5, 0.3), (0.48, 0.6), (0.42, 0.98)]],
}
