"""POST /api/v1/classify: the one request that comes in thousands, and so is answered without a framework's help."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mnistlab.serving.bodies import PIXELS, images_of, media_type, whole_body
from mnistlab.serving.jobs import Jobs
from mnistlab.serving.metrics import Metrics
from mnistlab.serving.models import ServedModel

__all__ = ["ClassifyEndpoint"]


class ClassifyEndpoint:
    """An ASGI application, and what it answers with."""

    def __init__(self, find: Callable[[str | None], ServedModel], jobs: Jobs, metrics: Metrics) -> None:
        self.find, self.jobs, self.metrics = find, jobs, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        response = await self.respond(scope, receive)
        await response(scope, receive, send)

    async def respond(self, scope: Scope, receive: Receive) -> Response:
        """The answer to one request. Raises `Problem`, `UserError` and `ClientGone`."""
        query = scope["query_string"]
        named = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("model") if query else None
        model = self.find(named[-1] if named else None)
        kind = media_type(dict(scope["headers"]).get(b"content-type", b"").decode("latin-1"))
        body = await whole_body(receive)
        if kind != "application/json" and len(body) <= model.few * PIXELS:
            images = images_of(body, kind)
            answer, count = model.classification(*await model.batches.classify(images)), len(images)
        else:
            answer, count = await self.jobs.run(receive, partial(classify_many, model, body, kind))
        self.metrics.count_images(model.name, count)
        return Response(answer, media_type="application/json")


def classify_many(
    model: ServedModel, body: bytes, kind: str, raise_if_cancelled: Callable[[], None]
) -> tuple[bytes, int]:
    """The answer, and how many images there were. In a thread: to read a long JSON takes as long as the network."""
    images = images_of(body, kind)
    raise_if_cancelled()
    return model.classification(*model.reader.classifier.classify(images)), len(images)
