"""What each request passes on its way in and out: who may ask, how much, how slowly; what is counted, logged and never said."""

from __future__ import annotations

import hmac
import logging
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnistlab.errors import MnistlabError
from mnistlab.serving import problems
from mnistlab.serving.access import GUARDED, Hosts
from mnistlab.serving.limits import BUSY, RETRY, Body, ClientGone, Limits
from mnistlab.serving.metrics import Metrics
from mnistlab.serving.problems import Problem
from mnistlab.serving.proxies import path_below

__all__ = ["HEADERS", "Gate"]


logger = logging.getLogger("mnistlab.server")

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
"""On every answer: nothing of the page comes from elsewhere, and no other page may use it."""


class Gate:
    """An ASGI application around `app` that lets through what may pass. See `Limits`.

    `hosts` are the names by which this server may be called (see `Hosts`). `token`, if any, is asked for in the API.
    Requests of a method and a path among `shortcuts` go there instead of through `app`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Iterable[str],
        token: str | None,
        limits: Limits,
        metrics: Metrics,
        shortcuts: Mapping[tuple[str, str], ASGIApp],
    ) -> None:
        self.app, self.shortcuts = app, shortcuts
        self.hosts = Hosts(hosts)
        self.token = token.encode() if token else None
        self.limits = limits
        self.metrics = metrics
        self.under_way = 0
        self.held = 0
        """Bytes of bodies that have come and are not yet answered."""
        metrics.under_way.set_function(lambda: self.under_way)
        self.counted: dict[tuple[str, int], tuple[Any, Any]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; "lifespan" goes through, websockets there are none."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = scope["request_id"] = secrets.token_hex(8)
        headers: dict[bytes, bytes] = dict(scope["headers"])
        body = Body(whole=headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in headers)
        status = 0

        async def limited() -> Message:
            message = await receive()
            if not body.whole:
                self.take_in(message, body)
            return message

        async def passed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                added = [*HEADERS, (b"x-request-id", request_id.encode())]
                if not body.whole:  # what is left of it is not read: no other request can follow
                    added.append((b"connection", b"close"))
                message["headers"] = [*message["headers"], *added]
            await send(message)

        self.under_way += 1
        try:
            self.check(scope, headers)
            app = self.shortcuts.get((scope["method"], path_below(scope)), self.app)
            await app(scope, limited, passed)
        except ClientGone:
            status = 499  # as nginx has it
        except (Problem, MnistlabError) as error:
            await problems.of_error(error, request_id)(scope, receive, passed)
        except Exception as error:
            logger.exception("%s %s", request_id, self.label(scope))
            if not status:
                await problems.of_error(error, request_id)(scope, receive, passed)
        finally:
            self.under_way -= 1
            self.held -= body.size
            self.count(self.label(scope), status, time.perf_counter() - started)

    def take_in(self, message: Message, body: Body) -> None:
        """A part of a body has come. Raises `Problem` where it is too much, `ClientGone` where the rest will not come."""
        if message["type"] == "http.disconnect":
            raise ClientGone
        size = len(message.get("body", b""))
        body.size += size
        self.held += size
        if body.size > self.limits.body_bytes:
            raise Problem(413, self.too_large())
        if self.held > self.limits.memory_bytes:
            raise Problem(503, BUSY, RETRY)
        body.whole = not message.get("more_body", False)

    def label(self, scope: Scope) -> str:
        """The route's path as it is written in the code: a client cannot make up new ones."""
        if (scope["method"], path_below(scope)) in self.shortcuts:
            return path_below(scope)
        return getattr(scope.get("route"), "path", "other")

    def count(self, path: str, status: int, seconds: float) -> None:
        """Tell the metrics."""
        if (path, status) not in self.counted:
            labels = self.metrics.requests.labels(path, status), self.metrics.seconds.labels(path)
            self.counted[path, status] = labels
        requests, durations = self.counted[path, status]
        requests.inc()
        durations.observe(seconds)

    def check(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        """Raise `Problem` where the headers say enough to refuse the request, before a byte of its body is read."""
        if self.under_way > self.limits.requests:
            raise Problem(503, BUSY, RETRY)
        called = self.hosts.called(scope, headers)
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self.limits.body_bytes:
            raise Problem(413, self.too_large())
        if not path_below(scope).startswith(GUARDED):
            return
        if b"origin" in headers:
            self.hosts.check_page(scope, headers[b"origin"].decode("latin-1"), called)
        if self.token is not None:
            scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
            if not hmac.compare_digest(given.strip(), self.token) or scheme.lower() != b"bearer":
                raise Problem(
                    401,
                    "This server asks for its token. Send it as the header Authorization: Bearer TOKEN.",
                    {"WWW-Authenticate": "Bearer"},
                )

    def too_large(self) -> str:
        """The sentence for a body over the limit."""
        return (
            f"The body has more than {self.limits.body_bytes / 2**20:g} MiB. Send a smaller picture, or fewer images."
        )
