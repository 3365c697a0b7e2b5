"""Read a run's test.json or val.json and check it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mnistlab.errors import UserError
from mnistlab.files import read_json

__all__ = ["read_counts"]


def read_counts(path: Path) -> dict[str, Any] | None:
    """The content of `path`, a run's test.json or val.json; None if that file is missing. Raises `UserError` if it is damaged."""
    if not path.exists():
        return None
    counts = read_json(path, "runs.test_damaged", run=path.parent)
    try:
        sound = 0 <= counts["correct"] <= counts["total"] > 0 and all(
            type(m["index"]) is int and 0 <= m["index"] < counts["total"] for m in counts["mistakes"]
        )
    except (KeyError, TypeError):
        sound = False
    if not sound:
        raise UserError("runs.test_damaged", path=path, run=path.parent)
    return dict(counts)
