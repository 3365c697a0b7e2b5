"""Errors over HTTP: RFC 9457 problem documents with the sentences that the command line has."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response

__all__ = ["MEDIA_TYPE", "SCHEMA", "Problem", "response"]

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
    """The problem as an answer."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id,
    }
    return Response(orjson.dumps(content), status, dict(headers or {}), MEDIA_TYPE)
