"""Problem documents, checked."""

from __future__ import annotations

import httpx

PROBLEM = "application/problem+json"


def assert_problem(response: httpx.Response, status: int, *words: str) -> dict[str, object]:
    """Check that the answer is a problem document with that status whose detail has the words. Returns the document."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    document: dict[str, object] = response.json()
    assert set(document) == {"type", "title", "status", "detail", "request_id"}
    assert document["status"] == status
    assert document["request_id"] == response.headers["x-request-id"]
    for word in words:
        assert word in str(document["detail"])
    assert "Traceback" not in response.text
    return document
