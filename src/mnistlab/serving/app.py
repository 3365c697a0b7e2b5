"""The page and the API: a thin layer over `Reader`, `Classifier` and `Explainer`.

app = create_app([ServedModel("mnistlab", "mnistlab's reader", Reader())])
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Annotated

import numpy as np
import prometheus_client
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from mnistlab.errors import MnistlabError, UserError
from mnistlab.messages.sentences import messages
from mnistlab.reading.page import Page
from mnistlab.serving import explanations, problems, schemas, sheets
from mnistlab.serving.access import Access
from mnistlab.serving.bodies import PIXELS, images_of, kind_of, picture_of
from mnistlab.serving.gate import Gate
from mnistlab.serving.jobs import Jobs
from mnistlab.serving.limits import RETRY, ClientGone, Limits
from mnistlab.serving.metrics import Metrics
from mnistlab.serving.models import ServedModel
from mnistlab.serving.problems import Problem, language_of
from mnistlab.serving.proxies import BehindProxies, read_name, read_root_path
from mnistlab.serving.static import add_pages, answer_head
from mnistlab.serving.trainings import add_trainings

__all__ = ["create_app"]

ModelQuery = Annotated[str | None, Query(description=schemas.MODEL)]
DetailQuery = Annotated[bool, Query(description=schemas.DETAIL)]
PartsQuery = Annotated[str, Query(description=schemas.PARTS, pattern="^(layers|why|layers,why|why,layers)$")]
TableQuery = Annotated[bool, Query(description=sheets.TABLE)]
FieldQuery = Annotated[list[str], Query(description=sheets.FIELD)]
DigitQuery = Annotated[int, Query(ge=0, description=schemas.DIGIT)]


def create_app(
    models: Sequence[ServedModel],
    *,
    hosts: Iterable[str] = (),
    token: str | None = None,
    limits: Limits | None = None,
    trusted_proxies: Iterable[str] = (),
    root_path: str = "",
) -> ASGIApp:
    """The application that serves the page and the API for these models; if a request names no model, the first is used.

    `hosts` are the names, besides localhost, by which clients may call the server. If there is a `token`, clients of the API must
    send it. The server believes what proxies at `trusted_proxies` (addresses and networks) say about the requests that they pass
    on; `root_path` is the path under which these proxies publish the server. Nothing that clients send is kept or written to
    disk. The page's files are read only once, by this call.

    Raises `UserError` for an invalid entry of `hosts` or `trusted_proxies`, or an invalid `root_path`.
    """
    limits, root_path = limits or Limits(), read_root_path(root_path)
    messages()  # read now, because with too many connections no file can be opened
    metrics = Metrics()
    jobs = Jobs(limits, metrics)
    find = partial(find_model, {model.name: model for model in models})
    app = FastAPI(
        title="mnistlab", version=schemas.VERSION, description=schemas.DESCRIPTION, lifespan=life_of(models, jobs),
        docs_url=None, redoc_url=None, openapi_url=None, servers=[{"url": root_path}] if root_path else None,
    )  # fmt: skip
    app.state.ready = False
    add_reading(app, find, jobs, metrics)
    add_watching(app, models, metrics)
    add_trainings(app, models)
    add_problems(app)
    add_pages(app)
    answer_head(app)
    check_root_path(app, root_path)
    shortcuts = [route for route in app.routes if isinstance(route, APIRoute) and route.path == "/api/v1/classify"]
    access = Access(map(read_name, hosts), token)
    gate = Gate(app, access=access, limits=limits, metrics=metrics, shortcuts=shortcuts)
    trusted = tuple(trusted_proxies)
    return BehindProxies(gate, trusted, root_path) if trusted or root_path else gate


def life_of(models: Sequence[ServedModel], jobs: Jobs) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """The application's lifespan: it warms up the models before serving begins, and finishes work in progress afterwards."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for model in models:
            model.warm_up()
        app.state.ready = True
        yield
        app.state.ready = False
        jobs.close()
        for model in models:
            model.batches.close()

    return lifespan


def find_model(models: dict[str, ServedModel], name: str | None) -> ServedModel:
    """The model called `name`, or the first model if `name` is None. Raises `Problem` for an unknown name."""
    if name is None:
        return next(iter(models.values()))
    if name not in models:
        raise Problem(404, "serving.unknown_model", name=name[:100], models=list(map(repr, models)))
    return models[name]


def add_reading(app: FastAPI, find: Callable[[str | None], ServedModel], jobs: Jobs, metrics: Metrics) -> None:
    """Add the routes that use the models."""

    @app.post("/api/v1/read", **sheets.READ)
    async def read(
        request: Request, model: ModelQuery = None, detail: DetailQuery = False, table: TableQuery = False,
        field: FieldQuery = [],  # noqa: B006 - FastAPI copies it
    ) -> sheets.SheetReading:  # fmt: skip
        chosen = find(model)
        sent = await sheets.Sent.of(request, table, field)
        answer = await jobs.run(request.receive, partial(chosen.read, sent, detail, language_of(request.scope)))
        for digit in (digit for line in answer.lines for digit in line.digits):
            metrics.digits.labels(chosen.name, str(digit.accepted).lower()).inc()
        return answer

    @app.post("/api/v1/sheet", **sheets.SHEET)
    async def sheet(request: Request, by: sheets.By = "frame") -> sheets.Corners:
        return await jobs.run(request.receive, partial(sheets.corners_in, await picture_of(request), by))

    @app.post("/api/v1/classify", **schemas.CLASSIFY)
    async def classify(request: Request) -> Response:  # called by the gate, without FastAPI
        chosen = find(request.query_params.get("model"))
        kind = kind_of(request)
        body = await request.body()

        def work(raise_if_cancelled: Callable[[], None]) -> schemas.Classes:
            images = images_of(body, kind)  # parsed in the thread, because long JSON takes as long as the network
            raise_if_cancelled()
            return chosen.classification(*chosen.reader.classifier.classify(images))

        if kind != "application/json" and len(body) <= chosen.few * PIXELS:
            answer = chosen.classification(*await chosen.batches.classify(images_of(body, kind)))
        else:
            answer = await jobs.run(request.receive, work)
        metrics.images.labels(chosen.name).inc(len(answer.values))
        return Response(answer.model_dump_json(), media_type="application/json")

    @app.post("/api/v1/explain", **explanations.EXPLAIN)
    async def explain(
        request: Request, model: ModelQuery = None, parts: PartsQuery = "layers,why", digit: DigitQuery = 0
    ) -> explanations.Explanation:
        chosen = find(model)
        kind = kind_of(request)
        body = await picture_of(request)

        def work(raise_if_cancelled: Callable[[], None]) -> explanations.Explanation:
            is_image = len(body) == PIXELS and kind not in ("multipart/form-data", *schemas.PICTURES)
            if kind == "application/json" or is_image:
                image = images_of(body, kind, "image")[0]
            else:
                image = digit_of(chosen.reader.read(body, raise_if_cancelled=raise_if_cancelled), digit)
            return chosen.explain(image, parts.split(","), raise_if_cancelled)

        return await jobs.run(request.receive, work)

    @app.get("/api/v1/network", **explanations.NETWORK)
    async def network(request: Request, model: ModelQuery = None) -> explanations.ANetwork:
        chosen = find(model)
        await request.body()
        return await jobs.run(request.receive, lambda _: chosen.network())


def add_problems(app: FastAPI) -> None:
    """Make the application answer with a problem document whenever something goes wrong."""

    async def on_error(request: Request, error: Exception) -> Response:
        scope = request.scope
        return problems.of_error(error, scope["request_id"], language_of(scope), scope.get("root_path", ""))

    for kind in (HTTPException, MnistlabError, Exception):  # Starlette raises the last kind again, and the gate logs it
        app.add_exception_handler(kind, on_error)

    @app.exception_handler(RequestValidationError)
    async def on_wrong_parameter(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        given, root = str(first.get("input"))[:100], request.scope.get("root_path", "")
        reason = problems.reason_of(first)
        problem = Problem(422, "serving.wrong_parameter", where=where, given=given, reason=reason, root=root)
        return problems.of_error(problem, request.scope["request_id"], language_of(request.scope))

    @app.exception_handler(ClientGone)
    async def on_gone(request: Request, error: ClientGone) -> Response:
        return Response(status_code=499)  # nobody receives it


def add_watching(app: FastAPI, models: Sequence[ServedModel], metrics: Metrics) -> None:
    """Add the routes for models, health and metrics."""

    @app.get("/api/v1/models", **schemas.MODELS)
    async def list_models() -> schemas.Models:
        return schemas.Models(models=[model.facts for model in models])

    @app.get("/healthz", **schemas.HEALTH)
    async def healthz() -> schemas.Status:
        return schemas.Status(status="alive")

    @app.get("/readyz", **schemas.READY)
    async def readyz() -> schemas.Status:
        if not app.state.ready:
            raise Problem(503, "serving.models_loading", headers=RETRY)
        return schemas.Status(status="ready")

    @app.get("/metrics", **schemas.METRICS, response_model=None)
    async def show_metrics() -> Response:
        return Response(metrics.told(), media_type=prometheus_client.CONTENT_TYPE_LATEST)


def check_root_path(app: FastAPI, root_path: str) -> None:
    """Raise `UserError` if one of the server's own paths begins with `root_path`, the path under which a
    proxy publishes the server."""
    own = [path for route in app.routes if f"{(path := getattr(route, 'path', ''))}/".startswith(f"{root_path}/")]
    if root_path and own:
        raise UserError("serving.root_path_taken", root_path=root_path, own=own[0])


def digit_of(page: Page, number: int) -> NDArray[np.uint8]:
    """The image, uint8 (28, 28), of digit `number`, counted from 0, on `page`. Raises `Problem` if there is no such digit."""
    if number >= len(page.digits):
        raise Problem(422, "serving.digit_missing", number=number, found=len(page.digits))
    return page.digits[number].image
