"""Show the description of the API as an HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mnistlab.serving.problems import MEDIA_TYPE
from mnistlab.serving.schemas import PROBLEMS

TEMPLATE = Path(__file__).with_name("docs.html")
EXAMPLES = {
    "/api/v1/read": "curl --data-binary @photo.jpg {}",
    "/api/v1/sheet": "curl --data-binary @photo.jpg '{}?by=frame'",
    "/api/v1/classify": "curl --data-binary @digits.bin {}",
    "/api/v1/explain": "curl --data-binary @photo.jpg '{}?digit=0&parts=why'",
    "/api/v1/network": "curl {}",
    "/api/v1/models": "curl {}",
}


def as_html(schema: dict[str, Any], base_url: str) -> str:
    """The description of the API as a plain HTML page: what to send to which address, and what is returned.

    `base_url` is the address at which the client reached this server, with a trailing slash; the examples use it.
    """
    from jinja2 import Environment

    template = Environment(autoescape=True).from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        schema=schema, base_url=base_url.rstrip("/"), examples=EXAMPLES, problem=MEDIA_TYPE, problems=PROBLEMS
    )
