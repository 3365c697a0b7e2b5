"""benchmarks/command.py: rows are measured, printed and recorded with the command that measures them again."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from benchmarks import records
from benchmarks.command import Command, Row, SkipError, json_option, measure_rows, only_option, record_option
from mnistlab.errors import UserError


def missing() -> dict[str, Any]:
    raise SkipError("get it somewhere")


@click.command(cls=Command)
@only_option("fast", "slow", "absent")
@click.option("--rounds", type=int, default=7)
@click.option("--fonts", type=click.Path(path_type=Path), multiple=True)
@json_option
@record_option("example")
def main(only: list[str], rounds: int, fonts: tuple[Path, ...], as_json: bool, record: bool) -> None:
    """An example."""
    rows = {
        "fast": Row(lambda: {"rounds": rounds}, lambda result: [f"{result['rounds']} rounds", "below it"]),
        "slow": Row(lambda: {"fonts": len(fonts)}, lambda result: [str(result["fonts"])]),
        "absent": Row(missing, lambda result: []),
    }
    measure_rows("example", {name: rows[name] for name in only}, model="any")


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder instead of docs/results."""
    monkeypatch.setattr(records, "RESULTS", tmp_path)


@pytest.mark.usefixtures("recorded")
def test_rows_are_told_and_recorded_with_their_command() -> None:
    told = CliRunner().invoke(main, ["--record", "--rounds", "3", "--fonts", "/home/me/fonts", "--fonts", "more"])

    module = sys.modules[__name__].__spec__.name  # type: ignore[union-attr]
    assert told.exit_code == 0, told.output
    assert [line.split() for line in told.output.splitlines()] == [
        ["fast", "3", "rounds"], ["below", "it"], ["slow", "2"], ["absent", "skipped"], ["get", "it", "somewhere"],
    ]  # fmt: skip
    rows = records.read("example")
    assert [(row["row"], row["model"]) for row in rows] == [("fast", "any"), ("slow", "any")]
    assert rows[1]["command"] == (f"uv run python -m {module} --only slow --rounds 3 --fonts FOLDER --fonts FOLDER")


@pytest.mark.usefixtures("recorded")
def test_some_rows_are_measured_as_json_and_not_recorded_unasked() -> None:
    told = CliRunner().invoke(main, ["--only", "slow,absent", "--json"])

    assert json.loads(told.output) == {
        "model": "any",
        "rows": {"slow": {"fonts": 0}, "absent": {"skipped": "get it somewhere"}},
    }
    assert records.read("example") == []


def test_an_unknown_row_is_refused_with_those_that_there_are() -> None:
    told = CliRunner().invoke(main, ["--only", "quick"])

    assert told.exit_code == 2
    assert "quick: choose from fast, slow, absent" in told.output


def test_errors_of_mnistlab_end_a_benchmark_as_they_end_mnistlab() -> None:
    @click.command(cls=Command)
    def failing() -> None:
        raise UserError("files.missing", remedy="remedies.restore_or_train", path="a")

    told = CliRunner().invoke(failing, [])
    assert (told.exit_code, told.stderr) == (2, "error: a is missing. Restore the file, or train again.\n")


def test_every_benchmark_explains_itself_and_refuses_what_it_does_not_know() -> None:
    """None does its work, or writes into the documents, for --help or a misspelt option."""
    commands = [
        path for path in (records.ROOT / "benchmarks").rglob("*.py") if path.read_text().endswith("\n    main()\n")
    ]
    assert len(commands) > 10
    for path in commands:
        module = importlib.import_module(".".join(path.relative_to(records.ROOT).with_suffix("").parts))
        assert isinstance(module.main, Command), path
        assert CliRunner().invoke(module.main, ["--hepl"]).exit_code == 2
        told = CliRunner().invoke(module.main, ["--help"]).stdout
        assert told.startswith("Usage: ")
        assert len(told.splitlines()) > 4
