"""Report errors to HTTP clients in problem documents (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from mnistlab.errors import MnistlabError, UserError
from mnistlab.messages.sentences import LANGUAGES, Clause

__all__ = ["MEDIA_TYPE", "Document", "Problem", "language_of", "of_error", "reason_of", "response"]


logger = logging.getLogger("mnistlab.serving")

FRAMEWORKS = {404: "serving.nothing_here", 405: "serving.other_method"}
"""The key of the message for errors that the web framework itself raises, by the status of the error."""
NEEDS = {
    "int_parsing": "serving.needs_whole_number", "greater_than_equal": "serving.needs_at_least",
    "bool_parsing": "serving.needs_true_or_false", "literal_error": "serving.needs_one_of",
    "string_pattern_mismatch": "serving.needs_match",
}  # fmt: skip
"""The key of the clause for what the web framework finds wrong with a parameter, by the framework's name for the error."""
MEDIA_TYPE = "application/problem+json"


class Document(BaseModel):
    """A problem document (RFC 9457), which says what went wrong."""

    type: Literal["about:blank"]
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What is wrong, and how to fix it.")
    request_id: str = Field(description="Also in the response's X-Request-ID, and in the server's log.")


class Problem(HTTPException):
    """An error that is answered with a problem document.

    Like `MnistlabError`, it has the key of a message, values and, optionally, the key of another message whose remedy applies.
    Its `detail` is the message as the command line words it, because the server is started from the command line. The document's
    title is HTTP's name for the status.
    """

    def __init__(
        self,
        status: int,
        key: str,
        /,
        *,
        remedy: str | None = None,
        headers: dict[str, str] | None = None,
        **values: Any,
    ) -> None:
        self.error = MnistlabError(key, remedy=remedy, **values)
        super().__init__(status, self.error.for_command_line(), headers)


def response(status: int, detail: str, request_id: str, headers: dict[str, str] | None = None) -> Response:
    """A response with a problem document, whose detail is also logged, on one line."""
    said = "".join(letter if letter.isprintable() else " " for letter in detail)
    logger.log(
        logging.ERROR if status >= 500 and status != 503 else logging.INFO, "%s %d: %s", request_id, status, said
    )
    content = Document(
        type="about:blank", title=HTTPStatus(status).phrase, status=status, detail=detail, request_id=request_id
    )
    return Response(content.model_dump_json(), status, dict(headers or {}), MEDIA_TYPE)


def reason_of(wrong: Mapping[str, Any]) -> Clause | str:
    """What is wrong with a parameter, from an entry of FastAPI's `RequestValidationError.errors()`.

    If the kind of error is not in `NEEDS`, the words are FastAPI's own, in English.
    """
    if wrong["type"] not in NEEDS:
        return str(wrong["msg"])
    values = {name: str(value).replace(" or ", ", ") for name, value in wrong.get("ctx", {}).items()}
    return Clause(NEEDS[wrong["type"]], **values)


def of_error(error: Exception, request_id: str, language: str = "en", root: str = "") -> Response:
    """The response to an error: the error's own message if that error was foreseen, otherwise a general one without details.

    `root` is the path under which proxies publish the server.
    """
    if isinstance(error, Problem):
        detail = error.error.for_command_line(language)
        return response(error.status_code, detail, request_id, dict(error.headers or {}))
    if isinstance(error, HTTPException):
        if error.status_code in FRAMEWORKS:
            headers = dict(error.headers or {})
            own = Problem(error.status_code, FRAMEWORKS[error.status_code], headers=headers, root=root)
            return of_error(own, request_id, language)
        return response(error.status_code, error.detail, request_id, dict(error.headers or {}))
    if isinstance(error, MnistlabError):
        error.language = error.language or language
        return response(422 if isinstance(error, UserError) else 500, str(error), request_id)
    return of_error(Problem(500, "serving.internal_error"), request_id, language)


def language_of(scope: Scope) -> str:
    """The language, one of `LANGUAGES`, that a request's Accept-Language names first; English if it names none of them."""
    asked = dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1").lower()
    wishes = (part.partition(";")[0].strip().partition("-")[0] for part in asked.split(","))
    return next((wish for wish in wishes if wish in LANGUAGES), "en")
