"""benchmarks/serving/rows.py: it asks for what it needs, and its rows become tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks import records
from benchmarks.report import write as report
from benchmarks.serving import rows as serving

ROWS: list[dict[str, Any]] = [
    {"row": "page", "milliseconds": {"answer": [20.0, 30.0], "painted": [25.0, 35.0]}},
    {"row": "start", "seconds": [0.75, 0.8, 0.9]},
    {
        "row": "classify-one",
        "connections": {"16": {"ratios": [0.8, 0.9], "requests_per_second": {"served": [5000.0, 5002.0]}}},
    },
    {"row": "classify-many", "ratios": {"2": [0.9, 0.7]}, "images_per_second": {"2": [20000.0, 21000.0]}},
    {
        "row": "soak", "seconds": 60, "connections": 64, "errors": 0, "requests": {"classify": 99_000, "read": 1000},
        "milliseconds": {"all": {"p50": 12.5, "p99": 50.0}}, "mib": {"warm_up": 10, "first": 130.2, "last": 130.4},
    },
    {"row": "overload", "at_once": 64, "refused_ms": [10.0, 20.0], "accepted": 18, "accepted_as_alone": 18},
]  # fmt: skip


def test_a_program_that_is_missing_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving.shutil, "which", lambda program: None)
    told = CliRunner().invoke(serving.main, ["--only", "start,soak"])

    assert told.exit_code == 2
    assert "soak needs the program wrk, which is not installed." in told.stderr
    assert "apt install wrk" in told.stderr


def test_quantiles_count_each_load_by_its_requests() -> None:
    many = serving.Load(requests=980, seconds=1, errors=0, milliseconds=[1.0] * 999)
    few = serving.Load(requests=20, seconds=1, errors=0, milliseconds=[100.0] * 999)

    assert serving.quantiles([many, few]) == {"p50": 1.0, "p99": 100.0}
    assert serving.quantiles([many, many, few]) == {"p50": 1.0, "p99": 100.0}
    assert serving.quantiles([many, many, many, few]) == {"p50": 1.0, "p99": 1.0}


def test_the_command_of_a_row_names_the_options_that_matter_to_it() -> None:
    counts = serving.DEFAULTS | {"rounds": 3, "times": 5}

    assert serving.command_of("start", counts).endswith("benchmarks.serving.rows --only start --times 5")
    assert serving.command_of("soak", counts).endswith("benchmarks.serving.rows --only soak")


def test_each_row_is_in_the_tables_in_both_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "RESULTS", tmp_path)
    assert report.serving_table() == ""
    for row in ROWS:
        records.append("serving", {"command": serving.command_of(row["row"], serving.DEFAULTS), **row})
    english, french = report.serving_table(), report.serving_table(french=True)

    for figure in (
        "**median 0.80 s (0.75 to 0.90)** (n = 3)",
        "**0.85** of it (0.80 to 0.90; n = 2), 5,001 images/s",
        "**0.80** of it (0.70 to 0.90; n = 2), 20,500 images/s",
        "errors: **0**, p50 12.5 ms, p99 50.0 ms (n = 100,000)",
        "**130 MiB**, in the end 130 MiB",
        "**median 15 ms** (n = 2); the others read as alone: 18 of 18",
        "**median 30 ms**, 95 % within 34 ms (n = 2)",
    ):
        assert figure in english
    assert "p50 12,5 ms, p99 50,0 ms (n = 100\u202f000)" in french
    assert "**médiane 0,80 s (0,75 à 0,90)**" in french
    assert len(english.splitlines()) == len(french.splitlines()) == 2 + 7
