"""The outline of a form in a picture: the largest frame of lines, or the edge of the sheet of paper."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.paper import Gray, resized
from mnistlab.reading.sheets.grid import both_ways
from mnistlab.reading.sheets.level import Lines, gathered, level_sheet, on_level_sheet
from mnistlab.reading.sheets.lines import darker

__all__ = ["frame_of", "sheet_of"]

Points = NDArray[np.float64]
WORK = 1200
"""Before lines are searched for, the picture is scaled down so that its longer side has at most this many pixels."""
SHARE_OF_PICTURE = 0.2
"""The least share of the picture that a sheet or a frame covers."""
REACH = 0.02
"""A side of a frame may end short of the side that it should meet, by at most this share of the picture's longer side."""


def frame_of(gray: Gray) -> Points | None:
    """The corners of the largest frame of lines, float64 (4, 2), clockwise from the top left one; None if none is big enough."""
    shrink = min(1.0, WORK / max(gray.shape))
    dark = darker(resized(gray, shrink))
    level, upright = both_ways(dark)
    if len(level.slope) < 2 or len(upright.slope) < 2:
        return None
    matrix, side = level_sheet(level, upright, dark.shape), float(max(dark.shape))
    across, down = (
        gathered(*on_level_sheet(level, matrix, False), side),
        gathered(*on_level_sheet(upright, matrix, True), side),
    )
    box = largest_box(across, down, REACH * side)
    if box is None or (box[2] - box[0]) * (box[3] - box[1]) < SHARE_OF_PICTURE * dark.size:
        return None
    left, top, right, bottom = box
    ends = np.array([[(left, top), (right, top), (right, bottom), (left, bottom)]], np.float64)
    return np.asarray((cv2.perspectiveTransform(ends, np.linalg.inv(matrix))[0] + 0.5) / shrink - 0.5)


def largest_box(across: Lines, down: Lines, reach: float) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom of the largest box whose sides are lines that meet; None if there is none."""
    if len(across.at) < 2 or len(down.at) < 2:
        return None
    meets = (
        np.array([down.covering(y, reach) for y in across.at])
        & np.array([across.covering(x, reach) for x in down.at]).T
    )
    best, found = 0.0, None
    for top in range(len(across.at)):
        for bottom in range(top + 1, len(across.at)):
            both = np.flatnonzero(meets[top] & meets[bottom])
            if len(both) > 1:
                box = (
                    float(down.at[both[0]]),
                    float(across.at[top]),
                    float(down.at[both[-1]]),
                    float(across.at[bottom]),
                )
                if (area := (box[2] - box[0]) * (box[3] - box[1])) > best:
                    best, found = area, box
    return found


def sheet_of(gray: Gray) -> Points | None:
    """The corners of the sheet of paper, float64 (4, 2), clockwise from the top left one; None if no sheet is found.

    The sheet must be lighter than what it lies on.
    """
    shrink = min(1.0, 800 / max(gray.shape))
    small = cv2.medianBlur(resized(gray, shrink), 9)
    filled = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8))  # writing is not an edge
    _, light = cv2.threshold(filled, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    outlines, _ = cv2.findContours(light, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return None
    hull = cv2.convexHull(max(outlines, key=cv2.contourArea))
    area = cv2.contourArea(hull)
    if area < SHARE_OF_PICTURE * small.size or area > 0.98 * small.size:
        return None
    for slack in np.arange(0.01, 0.12, 0.005):
        corners = cv2.approxPolyDP(hull, float(slack) * cv2.arcLength(hull, True), True)[:, 0]
        if len(corners) == 4:
            if cv2.contourArea(corners) < 0.9 * area:
                return None
            sides = straightened(hull[:, 0].astype(np.float64), corners.astype(np.float64))
            return np.asarray((in_order(sides) + 0.5) / shrink - 0.5)
    return None


def straightened(hull: Points, corners: Points) -> Points:
    """The corners where straight lines along the sheet's sides meet, so that rounded or torn corners hardly matter."""
    lines = []
    for one, other in zip(corners, np.roll(corners, -1, 0), strict=True):
        way = other - one
        length = float(np.linalg.norm(way))
        dense = one + np.linspace(0, 1, 200)[:, None] * way
        near = np.array([hull[np.argmin(np.abs(hull - point).sum(1))] for point in dense[20:-20]])
        kept = near[np.abs(np.cross(np.append(way, 0) / length, np.c_[near - one, np.zeros(len(near))])[:, 2]) < 4]
        if len(kept) < 2 or np.ptp(kept, 0).max() < 0.3 * length:
            kept = np.stack([one, other])
        vx, vy, x, y = cv2.fitLine(kept.astype(np.float32), cv2.DIST_HUBER, 0, 0.01, 0.01).ravel().tolist()
        lines.append(np.cross((x, y, 1.0), (x + vx, y + vy, 1.0)))
    meeting = [np.cross(lines[n - 1], lines[n]) for n in range(4)]
    return np.array([point[:2] / point[2] for point in meeting])


def in_order(corners: Points) -> Points:
    """The corners, clockwise from the top left one."""
    middle = corners.mean(0)
    turned = corners[np.argsort(np.arctan2(*(corners - middle).T[::-1]))]
    return np.roll(turned, -int(turned.sum(1).argmin()), 0)
