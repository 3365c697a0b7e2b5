"""benchmarks/report: the documents say what the raw lines say, in the words of each language."""

from __future__ import annotations

import importlib
import re
import shutil
from pathlib import Path
from typing import Any

import click
import pytest

from benchmarks import records
from benchmarks.report import by_writer, corruptions, front, frontier, results, serving, training, write
from mnistlab.augmentation.corruptions import CORRUPTIONS
from mnistlab.recipes.catalog import RECIPES

ROOT = Path(__file__).parents[2]

ROWS: list[dict[str, Any]] = [
    {"row": "page", "milliseconds": {"answer": [20.0, 30.0], "painted": [25.0, 35.0]}},
    {"row": "page-inside", "milliseconds": {"painted": [25.0, 35.0], "overview": [4.0, 6.0]}},
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


@pytest.fixture
def own_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder instead of docs/results."""
    monkeypatch.setattr(records, "RESULTS", tmp_path)
    return tmp_path


def test_an_ensemble_takes_as_long_as_its_members() -> None:
    kinds = RECIPES["ensemble"].networks
    each = [results.training_seconds(kind) for kind in kinds]
    assert len(set(each)) == len(kinds) == 3
    assert results.training_seconds("ensemble") == pytest.approx(sum(seconds or 0 for seconds in each))


def test_the_documents_and_figures_are_those_of_the_raw_lines(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = ["README.md", "LISEZMOI.md", "docs/RESULTS.md", "src/mnistlab/recipes/figures.json"]
    for name in written:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.setattr(records, "ROOT", tmp_path)
    write.main(["--data-dir", str(data_dir)], standalone_mode=False)

    for name in written:
        assert (tmp_path / name).read_text() == (ROOT / name).read_text(), (
            f"{name}: run python -m benchmarks.report.write"
        )


def test_models_stand_beside_each_other_and_beside_the_canonical_example(own_results: Path) -> None:
    assert corruptions.corruption_table() == ""
    quick, old = RECIPES["quick"].to_dict(), RECIPES["quick"].override(epochs=9).to_dict()
    for name, recipe, wrong in (
        ("quick", quick, 100),
        ("quick", quick, 300),
        ("quick", old, 999),
        ("canonical", None, 400),
    ):
        correct = dict.fromkeys(CORRUPTIONS, 1000 - wrong) | {"none": 990}
        records.append("corruptions", {"row": name, "recipe": recipe, "seed": 0, "correct": correct, "total": 1000})
    lines = corruptions.corruption_table().splitlines()
    assert lines[0] == "| corruption | the canonical example | `quick` |"
    assert lines[2:5] == ["| seeds | 1 | 2 |", "| none | 1.00 | 1.000 ± 0.000 |", "| shot noise | 40.00 | 20.00 |"]
    assert lines[-2:] == [
        "| **mean of the 15** | **40.00** | **20.00** |",
        "| relative to the canonical example | 1.00 | 0.50 |",
    ]
    assert len(lines) == 2 + 2 + 15 + 2


def test_validation_by_writer_stands_beside_validation_at_random(own_results: Path) -> None:
    for split, right in (("train", 9900), ("train-random", 9910)):
        recipe = RECIPES["quick"].override(split=split)
        row = {"recipe": recipe.to_dict(), "seed": 0, "val_accuracy": 0.98, "validation": recipe.data.validation}
        records.append("accuracy", row | {"test_correct": right, "test_total": 10_000})
    assert by_writer.gap_table().splitlines()[2:] == [
        "| `quick` | 98.00 (n = 1) | 99.00 | **-1.000** | 98.00 (n = 1) | 99.10 | **-1.100** |"
    ]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["row"])
def test_each_row_of_serving_is_in_the_table(row: dict[str, Any], own_results: Path) -> None:
    figures = {
        "start": ["**median 0.80 s (0.75 to 0.90)** (n = 3)"],
        "classify-one": ["**0.85** (0.80 to 0.90; n = 2), 5,001 images/s"],
        "classify-many": ["**0.80** (0.70 to 0.90; n = 2), 20,500 images/s"],
        "soak": ["errors: **0**, p50 12.5 ms, p99 50.0 ms (n = 100,000)", "**130 MiB**, at the end 130 MiB"],
        "overload": ["**median 15 ms** (n = 2); the others were read as if alone: 18 of 18"],
        "page-inside": ["**median 30 ms**, 95 % within 34 ms (n = 2)", "**median 5.0 ms**, 95 % within 5.9 ms"],
        "page": ["**median 30 ms**, 95 % within 34 ms (n = 2)"],
    }[row["row"]]
    assert serving.serving_table() == ""
    records.append("serving", {"command": "uv run python -m benchmarks.serving.any --rounds 3", **row})
    lines = serving.serving_table().splitlines()

    assert len(lines) == 2 + len(figures)
    for line, figure in zip(lines[2:], figures, strict=True):
        assert figure in line
        assert line.endswith("| `uv run python -m benchmarks.serving.any --rounds 3` |")


def documented() -> dict[str, tuple[str, list[str]]]:
    """The module and the arguments of each benchmark's command in the documents."""
    found = {}
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")):
        text = path.read_text(encoding="utf-8")
        for command in re.findall(r"python\s-m\s(benchmarks[^`\n]*)`", text):
            module, *arguments = command.split()
            found[command] = (module, arguments)
    return found


@pytest.mark.parametrize(("module", "arguments"), documented().values(), ids=documented())
def test_a_documented_benchmark_is_there_and_takes_its_options(
    module: str, arguments: list[str], tmp_path: Path
) -> None:
    words = {"FOLDER": str(tmp_path), "NAME": "quick"}
    command = importlib.import_module(module).main
    if isinstance(command, click.Command):
        command.make_context(module, [words.get(word, word) for word in arguments])
    else:
        assert not arguments


@pytest.mark.parametrize(
    ("number", "form", "english", "french"),
    [
        (37693, "", "37,693", "37\u202f693"),
        (1234567.84, ".1f", "1,234,567.8", "1\u202f234\u202f567,8"),
        (0.4368, ".2f", "0.44", "0,44"),
        (99.75, ".3f", "99.750", "99,750"),
        (2.0, "", "2", "2"),
    ],
)
def test_numbers_are_written_as_each_language_writes_them(number: float, form: str, english: str, french: str) -> None:
    assert front.say(f"({{it:{form}}})", {"it": number}, "en") == f"({english})"
    assert front.say(f"({{it:{form}}})", {"it": number}, "fr") == f"({french})"


def test_both_languages_say_the_same_of_the_same_numbers() -> None:
    shown = [front.results_table(language).splitlines() for language in ("en", "fr")]
    assert len(shown[0]) == len(shown[1]) == 2 + len(front.WORDS["en"]["results"])
    assert len(shown[0]) <= 2 + 8
    assert front.WORDS["en"].keys() == front.WORDS["fr"].keys()
    assert list(front.WORDS["en"]["results"]) == list(front.WORDS["fr"]["results"]) == list(front.chosen())


def whole_training(seconds: float, **more: Any) -> dict[str, Any]:
    """A row of process.jsonl."""
    timed = {"seconds": {"mnistlab train default": [seconds]}, "training_seconds": {"default": [seconds - 5]}}
    return {"recipes": {"default": RECIPES["default"].to_dict()}, **timed, **more}


def test_a_training_without_bf16_is_told_beside_the_one_with_it(own_results: Path) -> None:
    records.append("process", whole_training(65.0))
    assert "(65 s, of which 60 s are training; median, n = 1); without bf16 it computes in fp32" in front.minute("en")
    records.append("process", whole_training(170.0, precision={"default": "fp32"}))

    assert "(65 s, of which 60 s" in front.minute("en")
    assert front.minute("en").endswith("without bf16, 170 s (n = 1).")
    assert front.minute("fr").endswith("sans bf16, 170\u00a0s (n = 1).")
    assert results.training_seconds("default") == 60
    line = training.speed_table().splitlines()[-1]
    assert "`mnistlab train default`, the whole process, without bf16 | 170 s | 1 |" in line
    assert "ONEDNN_MAX_CPU_ISA=AVX2 uv run python -m benchmarks.process default --times 1`" in line


def test_the_frontiers_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "ROOT", tmp_path)
    (tmp_path / "docs" / "images").mkdir(parents=True)
    frontier.main([], standalone_mode=False)

    for name in ("frontier-seconds.png", "frontier-parameters.png"):
        assert (tmp_path / "docs" / "images" / name).stat().st_size > 10_000
