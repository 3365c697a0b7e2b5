"""The page's files, and how they are sent."""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson
from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from mnistlab.serving import docs_page
from mnistlab.serving.problems import Document
from mnistlab.serving.proxies import path_below

PAGE = Path(__file__).with_name("page")


def add_pages(app: FastAPI) -> None:
    """Add the routes of the page, its files and the API's description; the files are served from memory."""
    files = {
        path.relative_to(PAGE).as_posix(): path.read_bytes() for path in sorted(PAGE.rglob("*")) if path.suffix in TYPES
    }
    description = app.openapi()
    description["components"]["schemas"]["Problem"] = Document.model_json_schema()
    files["openapi.json"] = orjson.dumps(description)

    async def show_docs(request: Request) -> Response:
        page = docs_page.as_html(description, str(request.base_url))
        return Response(page, headers={"Cache-Control": "no-cache"}, media_type=TYPES[".html"])

    async def give(request: Request) -> Response:
        name = "/".join(request.path_params.values()) or ADDRESSES[path_below(request.scope)]
        if name not in files:
            raise HTTPException(404)
        tag = tags[name]
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(files[name], headers=headers, media_type=TYPES[Path(name).suffix])

    tags = {name: f'"{hashlib.sha256(content).hexdigest()[:16]}"' for name, content in files.items()}
    app.add_route("/docs", show_docs, methods=["GET"], include_in_schema=False)
    for path in (*ADDRESSES, "/static/{name}", "/static/{folder}/{name}"):
        app.add_route(path, give, methods=["GET"], include_in_schema=False)


def answer_head(app: FastAPI) -> None:
    """Accept HEAD wherever GET is accepted, because FastAPI's routes would refuse it. The HTTP server leaves out the body.

    Call this after the API's description has been made, so that the description names only GET.
    """
    for route in app.routes:
        if isinstance(route, APIRoute) and route.methods and "GET" in route.methods:
            route.methods.add("HEAD")


ADDRESSES = {"/": "index.html", "/openapi.json": "openapi.json", "/favicon.ico": "icon.svg"}
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
"""The media types of files, by the ending of their names, because the machine's own table may call JavaScript plain text."""
