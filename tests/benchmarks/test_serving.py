"""benchmarks/serving: it asks for what it needs, and counts loads by their requests."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks.serving import classify, page, soak
from benchmarks.serving.wrk import Load, quantiles


@pytest.mark.parametrize(("command", "program"), [(classify.main, "wrk"), (soak.main, "wrk"), (page.main, "chromium")])
def test_a_program_that_is_missing_is_named_with_its_package(
    command: Any, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    told = CliRunner().invoke(command, [])

    assert told.exit_code == 2
    assert f"This needs the program {program}, which is not installed." in told.stderr
    assert f"apt install {program}" in told.stderr


def test_quantiles_count_each_load_by_its_requests() -> None:
    many = Load(requests=980, seconds=1, errors=0, milliseconds=[1.0] * 999)
    few = Load(requests=20, seconds=1, errors=0, milliseconds=[100.0] * 999)

    assert quantiles([many, few]) == {"p50": 1.0, "p99": 100.0}
    assert quantiles([many, many, few]) == {"p50": 1.0, "p99": 100.0}
    assert quantiles([many, many, many, few]) == {"p50": 1.0, "p99": 1.0}
