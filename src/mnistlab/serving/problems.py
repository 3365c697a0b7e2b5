"""Errors over HTTP: RFC 9457 problem documents with the sentences that the command line has."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response

from mnistlab.errors import MnistlabError, UserError

__all__ = ["FRAMEWORKS", "MEDIA_TYPE", "SCHEMA", "Problem", "of_error", "response"]


logger = logging.getLogger("mnistlab.serving")

INTERNAL = "The server met an error of its own. Its log has the details under this request's id."
FRAMEWORKS = {
    404: "There is nothing at this address. The page is at /, the API's description at /docs.",
    405: "This address takes another method. See /docs.",
}
"""Sentences for what the framework itself finds."""
MEDIA_TYPE = "application/problem+json"
SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and how to mend it."},
        "request_id": {"type": "string", "description": "Also in the answer's X-Request-ID, and in the server's log."},
    },
}


class Problem(HTTPException):
    """An answer that is not what was asked for: `detail` is a sentence for a person."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)


def response(status: int, detail: str, request_id: str, headers: dict[str, str] | None = None) -> Response:
    """The problem as an answer; the log has it too, in a line."""
    said = "".join(letter if letter.isprintable() else " " for letter in detail)
    logger.log(
        logging.ERROR if status >= 500 and status != 503 else logging.INFO, "%s %d: %s", request_id, status, said
    )
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id,
    }
    return Response(orjson.dumps(content), status, dict(headers or {}), MEDIA_TYPE)


def of_error(error: Exception, request_id: str) -> Response:
    """What is answered where this was raised: what a person can mend in the words of the command line, the rest in none."""
    if isinstance(error, HTTPException):
        detail = error.detail if isinstance(error, Problem) else FRAMEWORKS.get(error.status_code, error.detail)
        return response(error.status_code, detail, request_id, dict(error.headers or {}))
    if isinstance(error, MnistlabError):
        return response(422 if isinstance(error, UserError) else 500, str(error), request_id)
    return response(500, INTERNAL, request_id)
