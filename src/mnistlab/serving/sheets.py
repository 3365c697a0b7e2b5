"""Tables and fields in the API: what may be asked, what is answered, and how it is described."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

from mnistlab.errors import UserError
from mnistlab.reading.sheets.layout import Field as Place
from mnistlab.reading.sheets.layout import Layout
from mnistlab.serving import schemas
from mnistlab.serving.problems import Problem

__all__ = ["FIELD", "READ", "TABLE", "reading_options"]

TABLE = "Look for the largest table of lines and read its cells; all of the picture is read where there is none."
FIELD = (
    "A place to read, as NAME=x,y,width,height in fractions of the picture; only such places are read. May be repeated."
)
MOST_FIELDS = 100

Corner = tuple[float, float]


class ACell(BaseModel):
    """A cell of a table."""

    row: int = Field(description="From 0.")
    column: int = Field(description="From 0.")
    rows: int = Field(description="How many it takes; more than 1 where cells are merged.")
    columns: int
    text: str
    corners: list[Corner] = Field(description="Four, clockwise from the top left one, in pixels.")
    digits: list[schemas.ADigit]


class ATable(BaseModel):
    """A table that was found."""

    rows: int
    columns: int
    cells: list[ACell]


class AField(BaseModel):
    """What stands in a field."""

    text: str
    check: bool = Field(description="Whether a person should look at it.")
    why: list[str]
    corners: list[Corner]
    digits: list[schemas.ADigit]


class SheetReading(schemas.Reading):
    """The answer of /read."""

    table: ATable | None = Field(default=None, description="With table only, and where there is one.")
    fields: dict[str, AField] | None = Field(default=None, description="By name; with field only.")


READ: dict[str, Any] = {
    **schemas.READ,
    "responses": {**schemas.READ["responses"], 200: {"model": SheetReading}},
}


def reading_options(table: bool, fields: Sequence[str]) -> dict[str, Any]:
    """Those of `Reader.read` that a request asks for. Raises `Problem` where they cannot be meant."""
    if not fields:
        return {"table": True} if table else {}
    if table:
        raise Problem(422, "reading.table_and_layout")
    if len(fields) > MOST_FIELDS:
        raise Problem(422, "reading.layout_of_many", count=len(fields), most=MOST_FIELDS)
    try:
        return {"layout": Layout(tuple(map(Place.of_text, fields)))}
    except UserError as error:
        raise Problem(422, error.key, **error.values) from None
