"""Tables and fields in the API: requests for them, responses that contain them, and the descriptions of both in OpenAPI."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import cv2
import numpy as np
from fastapi import Query, Request
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from mnistlab.errors import UserError, shown
from mnistlab.files import printable
from mnistlab.pictures.decode import FORMATS, decode
from mnistlab.reading.page import Page
from mnistlab.reading.sheets.layout import Anchor, Layout, layout_of
from mnistlab.reading.sheets.layout import Field as Place
from mnistlab.reading.sheets.register import corners_of
from mnistlab.serving import schemas
from mnistlab.serving.bodies import PICTURE, parts_of
from mnistlab.serving.patterns import is_quick
from mnistlab.serving.problems import Problem

__all__ = ["FIELD", "READ", "SHEET", "TABLE", "By", "Sent", "SheetReading", "corners_in", "told_page"]

TABLE = "Look for the largest ruled table and read its cells; if there is none, the whole picture is read."
FIELD = (
    "A field to read: NAME=x,y,width,height, as fractions of the picture. Only fields are read then. May be repeated."
)
MOST_FIELDS = 100
FORM: dict[str, Any] = {
    "schema": {
        "type": "object",
        "required": [PICTURE],
        "properties": {PICTURE: schemas.BINARY, "layout": {"type": "string"}, "form": schemas.BINARY},
    }
}

Corner = Annotated[list[float], Field(min_length=2, max_length=2)]


class ACell(BaseModel):
    """A cell of a table."""

    row: int = Field(description="The row of its top left corner, from 0.")
    column: int = Field(description="The column of its top left corner, from 0.")
    rows: int = Field(description="How many rows it spans; more than 1 if cells are merged.")
    columns: int
    text: str
    corners: list[Corner] = Field(description="Four, clockwise from the top left, in pixels.")
    digits: list[schemas.ADigit]


class ATable(BaseModel):
    """A table that was found."""

    rows: int
    columns: int
    cells: list[ACell]


class AField(BaseModel):
    """The content of a field."""

    text: str
    check: bool = Field(description="Whether a person should check the field.")
    why: list[str] = Field(
        description="The reasons to check it, in the language that Accept-Language asks for, en or fr."
    )
    corners: list[Corner]
    digits: list[schemas.ADigit]


class AnExpectation(BaseModel):
    """A field of a layout, with the keys that it has in the layout's file."""

    name: str
    box: tuple[float, float, float, float] = Field(description="x, y, width, height, as fractions of the sheet.")
    pattern: str | None = None
    range: tuple[float, float] | None = None
    check: str | None = None


class ALayout(BaseModel):
    """A layout, as the server understood it."""

    sheet: Anchor
    form: str | None = Field(
        description="The name of the picture of the empty form by which the fields are found, if there is one."
    )
    fields: list[AnExpectation]


class SheetReading(schemas.Reading):
    """The response of /read."""

    table: ATable | None = Field(default=None, description="Only if a table was asked for and found.")
    fields: dict[str, AField] | None = Field(default=None, description="By name; only with field or a layout.")
    sheet: list[Corner] | None = Field(
        default=None,
        description="Corners of the area to which the fields' fractions refer, clockwise from the top left, in pixels.",
    )
    layout: ALayout | None = Field(default=None, description="Only with field or a layout.")


READ: dict[str, Any] = {
    "summary": "Read the digits in a picture",
    "description": (
        f"{', '.join(kind.name for kind in FORMATS)}, upright or with EXIF; any number of digits in any number of lines."
        ' A multipart form may also have the parts "layout", a TOML file whose fields are read, and "form", the picture'
        " that the layout names."
    ),
    "response_model_exclude_unset": True,
    "responses": schemas.documents(*schemas.GATE, 404, 422),
    "openapi_extra": schemas.body({**schemas.PICTURE, "multipart/form-data": FORM}),
}


class Corners(BaseModel):
    """The response of /sheet."""

    by: Anchor
    size: Annotated[list[int], Field(min_length=2, max_length=2)] = Field(
        description="Width and height of the upright picture, in pixels."
    )
    corners: list[Corner] = Field(description="Four, clockwise from the top left, in pixels.")


By = Annotated[
    Anchor, Query(description="What to find: the largest ruled frame, the sheet of paper, or the picture itself.")
]
SHEET: dict[str, Any] = {
    "summary": "Find a sheet in a picture",
    "description": "Where the area of a layout's fields lies: a frame, or a sheet of paper on a darker background.",
    "responses": schemas.documents(*schemas.GATE, 422),
    "openapi_extra": schemas.body(schemas.PICTURE),
}


@dataclass(frozen=True)
class Sent:
    """A picture that a client sent, and what to look for in it."""

    picture: bytes
    table: bool = False
    places: tuple[Place, ...] = ()
    layout: bytes | None = None
    """The layout, as the content of a TOML file."""
    form: bytes | None = None
    """The empty form's picture, which the layout names."""

    @classmethod
    async def of(cls, request: Request, table: bool, fields: Sequence[str]) -> Sent:
        """Make a `Sent` from a request. Raises `UserError` or `Problem` if the request makes no sense."""
        places = places_of(fields)
        parts = await parts_of(request, "layout", "form")
        if table and (places or "layout" in parts):
            raise UserError("reading.table_and_layout")
        return cls(parts[PICTURE], table, places, parts.get("layout"), parts.get("form"))

    def options(self) -> dict[str, Any]:
        """The optional arguments for `Reader.read`. Raises `UserError` or `Problem` if the layout makes no sense."""
        if self.layout is not None:
            layout = layout_of(self.layout, "layout.toml", self.read_form, more=self.places)
            if slow := [field for field in layout.fields if field.pattern and not is_quick(field.pattern)]:
                pattern = printable(str(slow[0].pattern))
                raise Problem(422, "serving.pattern_too_slow", name=slow[0].name, pattern=pattern)
            return {"layout": layout}
        if self.places:
            return {"layout": Layout(self.places)}
        return {"table": True} if self.table else {}

    def read_form(self, name: str) -> tuple[NDArray[np.uint8], str]:
        """The picture of the empty form, and the picture's name for messages.

        Raises `Problem` if the client sent no form, and `UserError` if the form cannot be read as a picture.
        """
        if self.form is None:
            raise Problem(422, "serving.form_not_sent", name=shown(name))
        return decode(self.form), printable(name)


def places_of(fields: Sequence[str]) -> tuple[Place, ...]:
    """The fields that a request asks for. Raises `UserError` if there are too many fields, or if they make no sense."""
    if len(fields) > MOST_FIELDS:
        raise UserError("reading.layout_of_many", count=len(fields), most=MOST_FIELDS)
    places = tuple(map(Place.of_text, fields))
    if places:
        Layout(places)
    return places


def told_page(page: Page, layout: Layout | None, language: str) -> dict[str, Any]:
    """What the response of /read says of the page: its text and lines and, if asked for, a table, or fields and their layout."""
    told = page.to_dict()
    for entry in page.entries:
        told["fields"][entry.name]["why"] = [reason.said(language) for reason in entry.reasons]
    if layout is not None:
        fields = [{key: value for key, value in vars(field).items() if value is not None} for field in layout.fields]
        told["layout"] = {"sheet": layout.sheet, "form": layout.form_name or None, "fields": fields}
    return told


def corners_in(picture: bytes, by: Anchor, raise_if_cancelled: Callable[[], None]) -> Corners:
    """The response of /sheet.

    Raises `UserError` if the picture cannot be read, or if the frame or sheet that `by` names is not in the picture.
    """
    seen = decode(picture)
    gray = np.asarray(cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY) if seen.ndim == 3 else seen, np.uint8)
    raise_if_cancelled()
    corners = [[round(x, 1), round(y, 1)] for x, y in corners_of(by, gray).tolist()]
    return Corners(by=by, size=list(gray.shape[::-1]), corners=corners)
