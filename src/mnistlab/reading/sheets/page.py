"""Read a sheet as a page: its table, or the fields of a form."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mnistlab.reading.page import Line, Page
from mnistlab.reading.paper import Gray

if TYPE_CHECKING:
    from mnistlab.reading.reader import Reader
    from mnistlab.reading.sheets.layout import Layout

__all__ = ["sheet_of"]


def sheet_of(
    reader: Reader, picture: Gray, layout: Layout | None, raise_if_cancelled: Callable[[], None]
) -> Page | None:
    """The fields of the form in a picture, uint8 (H, W) or (H, W, 3), as a page.

    Without a layout, it is the picture's table that becomes a page; None if there is no table.
    """
    size = (picture.shape[1], picture.shape[0])
    if layout is not None:
        from mnistlab.reading.sheets.fields import read_fields

        entries, corners = read_fields(reader, picture, layout, raise_if_cancelled)
        lines = tuple(Line(entry.digits) for entry in entries if entry.digits)
        return Page(lines, size, entries=entries, sheet=corners)
    from mnistlab.reading.sheets.table import read_table

    found = read_table(reader, picture, raise_if_cancelled)
    return None if found is None else Page(tuple(Line(row) for row in found.by_row if row), size, table=found)
