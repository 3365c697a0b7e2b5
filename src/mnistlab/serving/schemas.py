"""Responses of the API, and parts of the API's description (OpenAPI)."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from pydantic import BaseModel, Field

from mnistlab.pictures.decode import FORMATS
from mnistlab.serving.problems import MEDIA_TYPE

VERSION = metadata.version("mnistlab")
DESCRIPTION = (
    "Reads handwritten digits in photos, scans and drawings. Nothing that is sent is kept."
    " If the server was started with a token, send it as `Authorization: Bearer TOKEN`."
)
MODEL = "The id of a model listed in /api/v1/models; by default, the first one."
DETAIL = "Also return, for each digit, all probabilities and the 28x28 image that the network saw."
PARTS = "Which parts: layers, why, or both, separated by a comma."
DIGIT = "Which digit to explain if the picture has several: its number in reading order, from 0."
PICTURES = tuple(kind.media_type for kind in FORMATS)


class ADigit(BaseModel):
    """One digit, as in the response of /read."""

    value: int | str = Field(description="The digit, or the name of the class if the model has other classes.")
    probability: float = Field(ge=0, le=1, description="The calibrated probability of that value, never rounded to 1.")
    box: tuple[int, int, int, int] = Field(description="x, y, width, height in the upright picture, in pixels.")
    accepted: bool = Field(description="Whether the probability reaches the model's threshold.")
    probabilities: list[float] | None = Field(
        default=None, description="The probability of each class; only with detail."
    )
    image: str | None = Field(
        default=None, description="784 bytes in base64, row by row, ink 255 on 0; only with detail."
    )


class ASeparator(BaseModel):
    """A separator, as in the response of /read."""

    value: str = Field(description='One of . , - / % : or "?" for a stroke that cannot be read.')
    probability: float = Field(ge=0, le=1, description="The network's probability; not calibrated.")
    box: tuple[int, int, int, int] = Field(description="x, y, width, height, as for a digit.")
    accepted: bool = Field(description='Whether it appears in the text as itself, not as "?".')


class ALine(BaseModel):
    """A line of digits."""

    text: str = Field(description="Digits and separators, from left to right.")
    digits: list[ADigit]
    separators: list[ASeparator]


class Reading(BaseModel):
    """What every response of /read contains."""

    model: str
    text: str = Field(description='Line by line, with "?" for marks that are not accepted; empty if nothing was found.')
    size: tuple[int, int] = Field(description="Width and height of the upright picture, in pixels.")
    lines: list[ALine]
    milliseconds: float


class Classes(BaseModel):
    """The response of /classify."""

    model: str
    values: list[int | str]
    probabilities: list[list[float]] = Field(description="One row per image: (N, classes).")
    accepted: list[bool]


class AModel(BaseModel):
    """One model, as in the response of /models."""

    id: str
    title: str
    classes: list[str]
    threshold: float
    dataset: str | None
    recipe: str | None
    created: str | None
    bytes: int


class Models(BaseModel):
    """The response of /models; the first model is used if a request names none."""

    models: list[AModel]


class Status(BaseModel):
    """The response of /healthz and /readyz."""

    status: str


PROBLEMS = {
    401: "The token is missing or wrong.",
    403: "The request came from a page of another site.",
    404: "There is no such model or training run.",
    408: "The body arrived too slowly.",
    413: "The body is too large.",
    421: "The server was called by a name that it does not answer to.",
    422: "The body or a parameter cannot be used; the detail says why.",
    503: "The server is busy; try again after Retry-After seconds.",
}


def documents(*numbers: int) -> dict[int | str, dict[str, Any]]:
    """The problems with which an endpoint may answer, by status, for the API's description."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {number: {"description": PROBLEMS[number], "content": {MEDIA_TYPE: schema}} for number in numbers}


def one(key: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a JSON object whose only property is called `key` and is described by `schema`."""
    return {"schema": {"type": "object", "required": [key], "properties": {key: schema}}}


GATE = (401, 403, 408, 413, 421, 503)
BINARY = {"type": "string", "format": "binary"}
PICTURE: dict[str, Any] = {
    **{kind: {"schema": BINARY} for kind in (*PICTURES, "application/octet-stream")},
    "multipart/form-data": one("file", BINARY),
}
ROW = {"type": "array", "minItems": 28, "maxItems": 28, "items": {"type": "integer", "minimum": 0, "maximum": 255}}
PIXEL_ROWS = {**ROW, "items": ROW}


def body(content: dict[str, Any]) -> dict[str, Any]:
    """The description of a request body that may have any of the media types in `content`."""
    return {"requestBody": {"required": True, "content": content}}


CLASSIFY: dict[str, Any] = {
    "summary": "Classify 28x28 images",
    "description": "Up to 4,096 images in MNIST's form, ink 255 on 0, centred: 784 bytes each, or JSON.",
    "response_model": Classes,
    "responses": documents(*GATE, 404, 422),
    "openapi_extra": {
        "parameters": [{"name": "model", "in": "query", "description": MODEL, "schema": {"type": "string"}}],
        **body(
            {
                "application/octet-stream": {"schema": BINARY},
                "application/json": one("images", {"type": "array", "maxItems": 4096, "items": PIXEL_ROWS}),
            }
        ),
    },
}
MODELS: dict[str, Any] = {"summary": "List the models", "responses": documents(401, 403, 421, 503)}
HEALTH: dict[str, Any] = {"summary": "Whether the server is alive", "responses": documents(421, 503)}
READY: dict[str, Any] = {"summary": "Whether the models are loaded", "responses": documents(421, 503)}
METRICS: dict[str, Any] = {
    "summary": "Figures for Prometheus",
    "responses": {
        200: {"description": "Prometheus' text format", "content": {"text/plain": {}}},
        **documents(401, 403, 421, 503),
    },
}
