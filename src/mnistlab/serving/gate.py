"""The gate for requests and responses: it checks client, body size and speed, counts requests, logs errors, and adds headers."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnistlab.errors import MnistlabError
from mnistlab.serving import problems
from mnistlab.serving.access import Access
from mnistlab.serving.limits import Body, ClientGone, Intake, Limits
from mnistlab.serving.metrics import Metrics
from mnistlab.serving.problems import Problem, language_of
from mnistlab.serving.proxies import path_below

__all__ = ["HEADERS", "Gate"]

logger = logging.getLogger("mnistlab.serving")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
"""Headers of every response, so that the page loads nothing from elsewhere and no other site embeds it or uses the responses."""


class Gate:
    """An ASGI application around `app` that passes on only the requests that `Access` and `Limits` allow.

    `shortcuts` are routes of `app` that take a request and return a response. They are called directly, without the framework.
    """

    def __init__(
        self, app: ASGIApp, *, access: Access, limits: Limits, metrics: Metrics, shortcuts: Iterable[APIRoute]
    ) -> None:
        self.app = app
        self.shortcuts = {(method, route.path): route for route in shortcuts for method in route.methods or ()}
        self.access, self.intake = access, Intake(limits)
        self.metrics = metrics
        self.counted: dict[tuple[str, int], tuple[Any, Any]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; "lifespan" is passed through, and there are no websockets."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = scope["request_id"] = secrets.token_hex(8)
        headers: dict[bytes, bytes] = dict(scope["headers"])
        body = self.intake.begin(headers)
        self.metrics.under_way.set(self.intake.requests)
        answer = Answer(send, request_id, body)
        try:
            self.intake.check(headers)
            self.access.check(scope, headers)
            counted = partial(self.intake.receive, receive, body)
            route = self.shortcuts.get((scope["method"], path_below(scope)))
            if route is None:
                await self.app(scope, counted, answer.send)
            else:
                scope["route"] = route
                await (await route.endpoint(Request(scope, counted)))(scope, counted, answer.send)
        except ClientGone:
            answer.status = 499  # as in nginx
        except (Problem, MnistlabError) as error:
            await problems.of_error(error, request_id, language_of(scope))(scope, receive, answer.send)
        except Exception as error:
            logger.exception("%s %s", request_id, label(scope))
            if not answer.status:
                await problems.of_error(error, request_id, language_of(scope))(scope, receive, answer.send)
        finally:
            self.intake.end(body)
            self.metrics.under_way.set(self.intake.requests)
            self.count(label(scope), answer.status, time.perf_counter() - started)

    def count(self, path: str, status: int, seconds: float) -> None:
        """Count the request in the metrics."""
        if (path, status) not in self.counted:
            labels = self.metrics.requests.labels(path, status), self.metrics.seconds.labels(path)
            self.counted[path, status] = labels
        requests, durations = self.counted[path, status]
        requests.inc()
        durations.observe(seconds)


def label(scope: Scope) -> str:
    """The route's path as written in the code, so that clients cannot add labels to the metrics; "other" if no route matches."""
    return getattr(scope.get("route"), "path", "other")


class Answer:
    """Sends the response to the client, with `HEADERS` and the request's id added."""

    def __init__(self, send: Send, request_id: str, body: Body) -> None:
        self.to_client, self.body = send, body
        self.headers = [*HEADERS, (b"x-request-id", request_id.encode())]
        self.status = 0
        """0 until the response begins."""

    async def send(self, message: Message) -> None:
        """Send part of the response."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self.headers]
            if not self.body.whole:  # the rest of the body is not read, so no other request can follow
                message["headers"].append((b"connection", b"close"))
        await self.to_client(message)
