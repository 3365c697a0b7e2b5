"""Turn a table found in a picture into a layout for more sheets of the same kind: each cell becomes a field."""

from __future__ import annotations

import json

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import UserError
from mnistlab.reading.paper import Gray
from mnistlab.reading.sheets.layout import Anchor, Field, Layout
from mnistlab.reading.sheets.register import Placed, corners_of
from mnistlab.reading.sheets.table import Table

__all__ = ["layout_from_table", "to_toml"]

ASTRAY = 0.02
"""How far, as a share of the sheet's sides, a cell may lie outside what is taken for the sheet."""


def layout_from_table(table: Table, picture: Gray) -> Layout:
    """A layout with a field for each cell, named as in a spreadsheet: A1, B1, and so on.

    The fields' boxes are fractions of the largest frame (usually the table's own) in the picture, uint8 (H, W) or (H, W, 3).
    If no frame surrounds the table, they are fractions of the sheet of paper, if that is found, or else of the whole picture.

    Raises `UserError` if there are more cells than a layout may have fields.
    """
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture
    cells = np.array([cell.corners for cell in table.cells], np.float64)
    names = [f"{column_name(cell.column)}{cell.row + 1}" for cell in table.cells]
    anchor, boxes = placed(cells, gray)
    fields = tuple(Field(name, (x, y, w, h)) for name, (x, y, w, h) in zip(names, boxes.tolist(), strict=True))
    return Layout(fields, anchor)


def placed(cells: NDArray[np.float64], gray: Gray) -> tuple[Anchor, NDArray[np.float64]]:
    """What the cells' boxes are fractions of, and these boxes, float64 (N, 4); `cells` holds the cells' corners, (N, 4, 2)."""
    anchors: tuple[Anchor, ...] = ("frame", "corners", "picture")
    for anchor in anchors:
        try:
            to_sheet = np.linalg.inv(Placed.by_corners(corners_of(anchor, gray)).matrix)
        except (UserError, np.linalg.LinAlgError):
            continue
        corners = cv2.perspectiveTransform(cells.reshape(1, -1, 2), to_sheet).reshape(-1, 4, 2)
        if anchor == "picture" or (corners.min() > -ASTRAY and corners.max() < 1 + ASTRAY):
            break
    left, top = corners[:, (0, 3), 0].mean(1), corners[:, (0, 1), 1].mean(1)
    right, bottom = corners[:, (1, 2), 0].mean(1), corners[:, (2, 3), 1].mean(1)
    ends = np.clip(np.stack([left, top, right, bottom], 1), 0, 1).round(4)
    return anchor, np.concatenate([ends[:, :2], ends[:, 2:] - ends[:, :2]], 1).round(4)


def column_name(column: int) -> str:
    """The name of a column, counted from 0: A, B, ..., Z, AA, ..."""
    name = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        name = chr(ord("A") + letter) + name
    return name


def to_toml(layout: Layout) -> str:
    """The text of a file that `read_layout` reads as `layout`; the form's picture, if any, is called `form_name` in it."""
    form = layout.form is not None
    lines = [f"form = {toml_text(layout.form_name)}" if form else f'sheet = "{layout.sheet}"']
    for field in layout.fields:
        lines += ["", "[[field]]", f"name = {toml_text(field.name)}", f"box = {list(field.box)}"]
        if field.pattern is not None:
            lines.append(f"pattern = {toml_text(field.pattern)}")
        if field.range is not None:
            lines.append(f"range = {list(field.range)}")
        if field.check is not None:
            lines.append(f'check = "{field.check}"')
    return "\n".join(lines) + "\n"


def toml_text(text: str) -> str:
    """A text in quotes for TOML, in which the same characters must be escaped as in JSON, and also U+007F."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
