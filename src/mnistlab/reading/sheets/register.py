"""Find a form in a picture: by a picture of the empty form, by the form's frame or by the sheet's corners.

If the layout asks for none of these, the whole picture is taken as the form.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import UserError
from mnistlab.messages.sentences import Clause
from mnistlab.reading.paper import Gray, resized
from mnistlab.reading.sheets.layout import Anchor, Layout
from mnistlab.reading.sheets.lines import darker
from mnistlab.reading.sheets.outline import frame_of, sheet_of

__all__ = ["Placed", "corners_of", "register"]

Points = NDArray[np.float64]
WORK = 1200
"""The greatest length, in pixels, of the longer side of the copies in which forms are compared."""
FEATURES = 3000
ALIKE = 0.8
"""Two features match if their distance is below this share of the distance to the next best match."""
FEWEST = 12
"""How many features must agree on where the form lies."""
PATCH, WINDOW, EVERY = 40, 14, 60
"""In pixels: the side of a square, how far from its expected place the square is searched for, and twice the distance between the
top left corners of neighbouring squares."""
LIKE = 0.6
"""A square of the form and a square of the picture match if their correlation is at least this."""
FITS = 0.5
"""The least share of the squares of the form that must be found in the picture."""


@dataclass(frozen=True)
class Placed:
    """Where a form is in a picture, and how large the form is there."""

    matrix: Points
    """float64 (3, 3): maps points given as fractions of the form to pixels of the picture."""
    size: tuple[float, float]
    """The form's approximate width and height in pixels of the picture."""

    @property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """The form's four corners, in pixels of the picture, clockwise from the top left one."""
        return self.in_picture((0.0, 0.0, 1.0, 1.0))

    def in_picture(self, box: Sequence[float]) -> tuple[tuple[float, float], ...]:
        """The four corners, in pixels of the picture, of a box (x, y, width, height) given as fractions of the form."""
        x, y, width, height = box
        ends = np.array([[(x, y), (x + width, y), (x + width, y + height), (x, y + height)]], np.float64)
        return tuple((float(a), float(b)) for a, b in cv2.perspectiveTransform(ends, self.matrix)[0])

    @classmethod
    def by_corners(cls, corners: Points) -> Placed:
        """The form, given its corners in the picture, float64 (4, 2), clockwise from the top left one."""
        unit = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)
        matrix = cv2.getPerspectiveTransform(unit, corners.astype(np.float32))
        sides = np.linalg.norm(np.roll(corners, -1, 0) - corners, axis=1)
        return cls(np.asarray(matrix), (float(sides[::2].mean()), float(sides[1::2].mean())))


def register(layout: Layout, gray: Gray) -> Placed:
    """Where the layout's form is in a picture, uint8 (H, W).

    Raises `UserError` if the form is not found, or if the picture shows another form.
    """
    if layout.form is not None:
        return by_form(layout.form, gray, layout.form_name)
    return Placed.by_corners(corners_of(layout.sheet, gray))


def corners_of(anchor: Anchor, gray: Gray) -> Points:
    """The corners of a picture, uint8 (H, W), or of the frame or sheet in it: float64 (4, 2), clockwise from the top left one.

    Raises `UserError` if the frame or sheet is asked for but not found.
    """
    height, width = gray.shape
    if anchor == "picture":
        return np.array([(-0.5, -0.5), (width - 0.5, -0.5), (width - 0.5, height - 0.5), (-0.5, height - 0.5)])
    corners = frame_of(gray) if anchor == "frame" else sheet_of(gray)
    if corners is None:
        key = "reading.no_frame" if anchor == "frame" else "reading.no_corners"
        raise UserError(key, picture=Clause("names.picture"))
    return corners


def by_form(form: Gray, gray: Gray, name: str) -> Placed:
    """Where the form is in the picture `gray`, found by means of `form`, a picture of the empty form."""
    if form.ndim == 3:
        form = cv2.cvtColor(form, cv2.COLOR_RGB2GRAY)
    scales = [min(1.0, WORK / max(picture.shape)) for picture in (form, gray)]
    small, seen = (resized(picture, scale) for picture, scale in zip((form, gray), scales, strict=True))
    matrix, agreed = roughly(small, seen)
    said: dict[str, Any] = {"picture": Clause("names.picture"), "form": f" {name}" if name else ""}
    if matrix is None:
        raise UserError("reading.form_not_found", agreed=agreed, fewest=FEWEST, **said)
    matrix, share = exactly(small, seen, matrix)
    if share < FITS:
        raise UserError("reading.form_misfits", share=math.floor(100 * share), **said)
    height, width = small.shape
    own = np.diag([width, height, 1.0])
    own[:2, 2] = -0.5
    larger = np.diag([1 / scales[1], 1 / scales[1], 1.0])
    larger[:2, 2] = 0.5 / scales[1] - 0.5
    whole = larger @ matrix @ own
    ends = np.array(Placed(whole, (0.0, 0.0)).corners)
    return Placed(whole, Placed.by_corners(ends).size)


def roughly(form: Gray, seen: Gray) -> tuple[Points | None, int]:
    """The matrix (3, 3) from the form's pixels to the picture's (None if too few features agree), and how many features agree."""
    finder = cv2.SIFT.create(nfeatures=FEATURES)
    (own, first), (theirs, second) = finder.detectAndCompute(form, None), finder.detectAndCompute(seen, None)
    if first is None or second is None or len(own) < 4 or len(theirs) < 4:
        return None, 0
    pairs = [pair for pair in cv2.BFMatcher().knnMatch(first, second, 2) if len(pair) == 2]
    good = [one for one, other in pairs if one.distance < ALIKE * other.distance]
    if len(good) < 4:
        return None, len(good)
    source = np.array([own[match.queryIdx].pt for match in good], np.float64)
    target = np.array([theirs[match.trainIdx].pt for match in good], np.float64)
    matrix, inliers = cv2.findHomography(source, target, cv2.USAC_MAGSAC, 4.0, maxIters=5000, confidence=0.9999)
    agreed = 0 if inliers is None else int(inliers.sum())
    if matrix is None or agreed < FEWEST:
        return None, agreed
    return np.asarray(matrix, np.float64), agreed


def exactly(form: Gray, seen: Gray, matrix: Points) -> tuple[Points, float]:
    """The matrix, refined by finding square pieces of the form near their expected places, and the share of the pieces found."""
    height, width = form.shape
    share = 0.0
    own = darker(form)
    for _ in range(2):
        moved = cv2.warpPerspective(
            seen,
            matrix,
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        dark = darker(moved)
        source, target, count = [], [], 0
        for y, x in squares(own):
            patch = own[y : y + PATCH, x : x + PATCH]
            around = dark[y - WINDOW : y + PATCH + WINDOW, x - WINDOW : x + PATCH + WINDOW]
            count += 1
            alike = cv2.matchTemplate(around, patch, cv2.TM_CCOEFF_NORMED)
            _, best, _, (dx, dy) = cv2.minMaxLoc(alike)
            if best >= LIKE:
                source.append((x + PATCH / 2, y + PATCH / 2))
                target.append((x + PATCH / 2 + dx - WINDOW, y + PATCH / 2 + dy - WINDOW))
        share = len(source) / max(1, count)
        if len(source) < 4:
            return matrix, share
        better: Any
        better, _ = cv2.findHomography(np.array(source), np.array(target), cv2.USAC_MAGSAC, 2.0)
        if better is None:
            return matrix, share
        matrix = matrix @ np.asarray(better, np.float64)
    return matrix, share


def squares(dark: NDArray[np.float32]) -> list[tuple[int, int]]:
    """The top left corners (y, x) of the squares of a form in which the print varies both across and down."""
    inked = (dark > 1.5).astype(np.float32)
    height, width = dark.shape
    found = []
    for y in range(WINDOW, height - PATCH - WINDOW, EVERY // 2):
        for x in range(WINDOW, width - PATCH - WINDOW, EVERY // 2):
            part = inked[y : y + PATCH, x : x + PATCH]
            if 0.05 < part.mean() < 0.6 and part.mean(0).std() > 0.08 and part.mean(1).std() > 0.08:
                found.append((y, x))
    return found
