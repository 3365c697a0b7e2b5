"""The page and the API: thin over `Reader`, `Classifier` and `Explainer`.

app = create_app([ServedModel("mnistlab", "mnistlab's reader", Reader())])
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Annotated

import numpy as np
import orjson
import prometheus_client
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
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
from mnistlab.serving.classify import ClassifyEndpoint
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
    """The page and the API over these models, the first of them where a request names none.

    `hosts` are names besides localhost by which the server is called; `token`, if any, is asked for in the API. What proxies
    at `trusted_proxies`, addresses and networks, say of a request is believed; `root_path` is the path below which they offer
    the server. Nothing that is sent is kept or touches the disk; the page's files are read once, here.

    Raises `UserError` for a name, a network or a path that is none.
    """
    limits, root_path = limits or Limits(), read_root_path(root_path)
    messages()  # read now: where there are too many connections, no file can be opened
    metrics = Metrics()
    jobs = Jobs(limits, metrics)
    find = partial(find_model, {model.name: model for model in models})
    endpoint = ClassifyEndpoint(find, jobs, metrics)
    app = FastAPI(
        title="mnistlab", version=schemas.VERSION, description=schemas.DESCRIPTION, lifespan=life_of(models, jobs),
        docs_url=None, redoc_url=None, openapi_url=None, servers=[{"url": root_path}] if root_path else None,
    )  # fmt: skip
    app.state.ready = False
    add_reading(app, find, jobs, metrics, endpoint)
    add_watching(app, models, metrics)
    add_trainings(app, models)
    add_problems(app)
    schemas.complete(app)
    add_pages(app)
    answer_head(app)
    check_root_path(app, root_path)
    gate = Gate(
        app, access=Access(map(read_name, hosts), token), limits=limits, metrics=metrics,
        shortcuts={("POST", "/api/v1/classify"): endpoint},
    )  # fmt: skip
    trusted = tuple(trusted_proxies)
    return BehindProxies(gate, trusted, root_path) if trusted or root_path else gate


def life_of(models: Sequence[ServedModel], jobs: Jobs) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """From warming up to letting what is under way end."""

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
    """The model of that name, the first where there is none. Raises `Problem` for a name that there is not."""
    if name is None:
        return next(iter(models.values()))
    if name not in models:
        raise Problem(404, "serving.unknown_model", name=name[:100], models=models)
    return models[name]


def add_reading(
    app: FastAPI, find: Callable[[str | None], ServedModel], jobs: Jobs, metrics: Metrics, endpoint: ClassifyEndpoint
) -> None:
    """What the models do. `endpoint` is where the gate's shortcut leads."""

    @app.post("/api/v1/read", **sheets.READ)
    async def read(
        request: Request, model: ModelQuery = None, detail: DetailQuery = False, table: TableQuery = False,
        field: FieldQuery = [],  # noqa: B006 - FastAPI copies it
    ) -> Response:  # fmt: skip
        chosen = find(model)
        sent = await sheets.Sent.of(request, table, field)
        work = partial(chosen.read, sent, detail, language_of(request.scope))
        answer, page = await jobs.run(request.receive, work)
        for digit in page.digits:
            metrics.digits.labels(chosen.name, str(digit.accepted).lower()).inc()
        return Response(answer, media_type="application/json")

    @app.post("/api/v1/sheet", **sheets.SHEET)
    async def sheet(request: Request, by: sheets.By = "frame") -> Response:
        answer = await jobs.run(request.receive, partial(sheets.corners_in, await picture_of(request), by))
        return Response(answer, media_type="application/json")

    @app.post("/api/v1/classify", **schemas.CLASSIFY)
    async def classify(request: Request) -> Response:
        # Requests take the gate's shortcut to the endpoint, and do not come by; this is what describes it.
        return await endpoint.respond(request.scope, request.receive)

    @app.post("/api/v1/explain", **explanations.EXPLAIN)
    async def explain(
        request: Request, model: ModelQuery = None, parts: PartsQuery = "layers,why", digit: DigitQuery = 0
    ) -> Response:
        chosen = find(model)
        kind = kind_of(request)
        body = await picture_of(request)

        def work(raise_if_cancelled: Callable[[], None]) -> bytes:
            is_image = len(body) == PIXELS and kind not in ("multipart/form-data", *schemas.PICTURES)
            if kind == "application/json" or is_image:
                image = images_of(body, kind, "image")[0]
            else:
                image = digit_of(chosen.reader.read(body, raise_if_cancelled=raise_if_cancelled), digit)
            return chosen.explain(image, parts.split(","), raise_if_cancelled)

        answer = await jobs.run(request.receive, work)
        return Response(answer, media_type="application/json")

    @app.get("/api/v1/network", **explanations.NETWORK)
    async def network(request: Request, model: ModelQuery = None) -> Response:
        chosen = find(model)
        await request.body()
        answer = await jobs.run(request.receive, lambda _: chosen.network())
        return Response(answer, media_type="application/json")


def add_problems(app: FastAPI) -> None:
    """Whatever goes wrong is answered with a problem document."""

    async def on_error(request: Request, error: Exception) -> Response:
        return problems.of_error(error, request.scope["request_id"], language_of(request.scope))

    for kind in (HTTPException, MnistlabError, Exception):  # the last one goes on to the gate, which logs it
        app.add_exception_handler(kind, on_error)

    @app.exception_handler(RequestValidationError)
    async def on_wrong_parameter(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        given = str(first.get("input"))[:100]
        problem = Problem(422, "serving.wrong_parameter", where=where, given=given, reason=first["msg"])
        return problems.of_error(problem, request.scope["request_id"], language_of(request.scope))

    @app.exception_handler(ClientGone)
    async def on_gone(request: Request, error: ClientGone) -> Response:
        return Response(status_code=499)  # nobody hears it


def add_watching(app: FastAPI, models: Sequence[ServedModel], metrics: Metrics) -> None:
    """What there is, and how it does."""

    @app.get("/api/v1/models", **schemas.MODELS)
    async def list_models() -> Response:
        return Response(orjson.dumps({"models": [model.facts for model in models]}), media_type="application/json")

    @app.get("/healthz", **schemas.HEALTH)
    async def healthz() -> Response:
        return Response(b'{"status":"alive"}', media_type="application/json")

    @app.get("/readyz", **schemas.READY)
    async def readyz() -> Response:
        if not app.state.ready:
            raise Problem(503, "serving.models_loading", headers=RETRY)
        return Response(b'{"status":"ready"}', media_type="application/json")

    @app.get("/metrics", **schemas.METRICS)
    async def show_metrics() -> Response:
        return Response(
            prometheus_client.generate_latest(metrics.registry), media_type=prometheus_client.CONTENT_TYPE_LATEST
        )


def check_root_path(app: FastAPI, root_path: str) -> None:
    """Raise `UserError` where the server has paths of its own below the one that proxies offer it at."""
    own = [path for route in app.routes if f"{(path := getattr(route, 'path', ''))}/".startswith(f"{root_path}/")]
    if root_path and own:
        raise UserError("serving.root_path_taken", root_path=root_path, own=own[0])


def digit_of(page: Page, number: int) -> NDArray[np.uint8]:
    """The image of the page's `number`-th digit, from 0. Raises `Problem` where there are not so many."""
    if number >= len(page.digits):
        raise Problem(422, "serving.digit_missing", number=number, found=len(page.digits))
    return page.digits[number].image
