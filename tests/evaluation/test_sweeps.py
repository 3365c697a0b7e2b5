"""The results of a sweep: against scipy's tests, and by hand."""

from __future__ import annotations

import datetime
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp

from mnistlab.data.dataset import open_dataset
from mnistlab.evaluation.by_writer import permutation_p_value
from mnistlab.evaluation.sweeps import draw_sweep, spread_of, standings
from mnistlab.recipes.catalog import RECIPES
from mnistlab.recipes.grid import Setting
from mnistlab.runs.run import Run

A, B, C = (Setting(RECIPES[name]) for name in ("default", "two-conv", "three-conv"))


def run_of(folder: Path, total: int, wrong: list[int], test_correct: int | None = None) -> Run:
    """A run folder that says what was wrong on validation, and how many of 10 test images were right."""
    folder.mkdir(parents=True)
    run = Run(folder, RECIPES["default"], "mnist", "data", 0, datetime.datetime.now().astimezone())
    counts: dict[str, Any] = {"correct": total - len(wrong), "total": total, "mistakes": [{"index": i} for i in wrong]}
    run.write_validation(counts)
    if test_correct is not None:
        run.write_test({"correct": test_correct, "total": 10, "mistakes": []})
    return run


def test_the_interval_is_scipys() -> None:
    values = [0.9912, 0.9934, 0.9925, 0.9941]
    spread = spread_of(values)
    low, high = ttest_1samp(values, 0).confidence_interval(0.95)
    assert spread.interval == pytest.approx((low, high))
    assert spread.std == pytest.approx(np.std(values, ddof=1))
    assert spread.mean == mean(values)


def test_one_value_says_nothing_of_others_and_none_is_above_what_can_be() -> None:
    assert spread_of([0.5]).std is spread_of([0.5]).interval is None
    assert spread_of([0.9, 1.0], 1.0).interval == pytest.approx((0.3147, 1.0), abs=1e-4)


def test_the_best_on_validation_comes_first_whatever_the_test_says(pictures: Path, tmp_path: Path) -> None:
    runs = {
        A: {0: run_of(tmp_path / "a0", 6, [0, 1], 10), 1: run_of(tmp_path / "a1", 6, [2], 10)},
        B: {0: run_of(tmp_path / "b0", 6, [0], 5), 1: run_of(tmp_path / "b1", 6, [], 6)},
        C: {0: run_of(tmp_path / "c0", 6, [0, 1, 2], 9), 1: run_of(tmp_path / "c1", 6, [3], 9)},
    }
    rows = standings(runs, open_dataset(pictures))
    assert [row.setting for row in rows] == [B, A, C]
    assert [row.test.mean for row in rows if row.test] == pytest.approx([0.55, 1, 0.9])
    assert rows[0].behind is None
    assert rows[1].behind is not None
    assert rows[1].behind.difference.values == pytest.approx((1 / 6, 1 / 6))


def test_with_one_seed_and_no_writers_it_is_mcnemars_test(pictures: Path, tmp_path: Path) -> None:
    runs = {A: {0: run_of(tmp_path / "a", 40, [0, 1, 2])}, B: {0: run_of(tmp_path / "b", 40, [2, *range(10, 19)])}}
    _, behind = standings(runs, open_dataset(pictures))
    assert behind.behind is not None
    assert not behind.behind.by_writer
    assert behind.behind.p_value == pytest.approx(binomtest(2, 11).pvalue)


def test_the_mistakes_of_all_seeds_are_added_up_by_writer(data_dir: Path, tmp_path: Path) -> None:
    dataset = open_dataset("mnist", data_dir)
    from mnistlab.data.splits import split_writers

    writers = split_writers(dataset, "val")
    assert writers is not None
    wrong = [[0, 50, 51], [0, 1]], [[*range(5), 900], [0, *range(5000, 5004)]]  # of A and of B, in two seeds
    runs = {
        setting: {n: run_of(tmp_path / f"{setting.title}{n}", len(writers), own) for n, own in enumerate(both)}
        for setting, both in zip((A, B), wrong, strict=True)
    }
    _, behind = standings(runs, dataset)
    differences = np.zeros(int(writers.max()) + 1, np.int64)
    for sign, both in zip((-1, 1), wrong, strict=True):
        for own in both:
            np.add.at(differences, writers[own], sign)
    assert behind.behind is not None
    assert behind.behind.by_writer
    assert behind.behind.p_value == pytest.approx(permutation_p_value(differences))


def test_only_trainings_of_the_same_numbers_are_compared(pictures: Path, tmp_path: Path) -> None:
    runs = {
        A: {n: run_of(tmp_path / f"a{n}", 6, []) for n in (0, 1)},
        B: {n: run_of(tmp_path / f"b{n}", 6, [n]) for n in (1, 2)},
        C: {n: run_of(tmp_path / f"c{n}", 6, [n, 0]) for n in (3, 4)},
    }
    rows = standings(runs, open_dataset(pictures))
    assert rows[1].behind is not None
    assert len(rows[1].behind.difference.values) == 1
    assert rows[2].behind is None


def test_a_setting_without_a_finished_run_comes_last(pictures: Path, tmp_path: Path) -> None:
    rows = standings({A: {}, B: {0: run_of(tmp_path / "b", 6, [0])}}, open_dataset(pictures))
    assert [(row.setting, row.val is None) for row in rows] == [(B, False), (A, True)]
    assert rows[1].behind is None


@pytest.mark.parametrize("tested", [None, 9])
def test_it_is_drawn_with_a_panel_a_split(tested: int | None, pictures: Path, tmp_path: Path) -> None:
    runs = {
        A: {n: run_of(tmp_path / f"a{n}", 6, [n], tested) for n in (0, 1)},
        B: {0: run_of(tmp_path / "b0", 6, [], tested)},
        C: {},
    }
    figure = draw_sweep(standings(runs, open_dataset(pictures)), "digits$")
    assert [axes.get_xlabel() for axes in figure.axes] == ["validation accuracy, %", "test accuracy, %"][
        : 1 + bool(tested)
    ]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["two-conv", "default", "three-conv"]
    low, high = figure.axes[0].get_ylim()
    assert low > high  # the best is on top
