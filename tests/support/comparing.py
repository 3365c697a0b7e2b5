"""Comparisons for tests: weights to the last bit, metrics without their times, and the output of a refused command."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from mnistlab.evaluation.models import load_model
from mnistlab.runs.run import Run


def weights(run: Run) -> dict[str, torch.Tensor]:
    return load_model(run.model_path).model.state_dict()


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(value, second[name]) for name, value in first.items())


def without_times(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in ("seconds", "images_per_second")} for row in rows]


def assert_one_line(capsys: pytest.CaptureFixture[str], *words: str) -> None:
    """Check that standard error is one line with these words, and that standard output is empty."""
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    for word in words:
        assert word in line
