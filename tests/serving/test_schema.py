"""The API against its own description: schemathesis generates valid and invalid requests, and checks the answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.support import running_server
from tests.support.waiting import LIMIT

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
"""Not: that what fits the description is accepted. A picture is any bytes to OpenAPI, and hardly any bytes are a picture."""


@pytest.fixture(scope="module")
def api_schema() -> Iterator[Any]:
    with running_server.thread() as running:
        yield schemathesis.openapi.from_url(f"{running.url}/openapi.json")


RIGHT, WRONG = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
POSTED = ["/api/v1/read", "/api/v1/sheet", "/api/v1/classify", "/api/v1/explain"]
ASKED = [
    "/api/v1/network", "/api/v1/models", "/api/v1/trainings", "/api/v1/trainings/{name}", "/healthz", "/readyz", "/metrics",
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [
        *(("POST", path, mode) for path in POSTED for mode in (RIGHT, WRONG)),
        *(("GET", path, RIGHT) for path in ASKED),  # which take nothing that could be wrong
    ],
)
def test_answers_are_as_described(api_schema: Any, method: str, path: str, mode: GenerationMode) -> None:
    strategy = api_schema[path][method].as_strategy(generation_mode=mode)

    @given(case=strategy)
    @settings(max_examples=5, suppress_health_check=list(HealthCheck), database=None)
    def check(case: Any) -> None:
        case.call_and_validate(checks=CHECKS, timeout=LIMIT)

    check()
