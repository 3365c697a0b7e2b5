from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.errors import UserError
from mnistlab.evaluation.comparison import compare_runs
from tests.support.run_folders import RECIPE, make_run, metrics_row, write_test


def exact_mcnemar(first: int, second: int) -> float:
    """Two-sided exact binomial p-value by its definition."""
    total = first + second
    tail = sum(math.comb(total, k) for k in range(min(first, second) + 1)) / 2**total
    return min(1.0, 2 * tail)


def test_runs_are_compared_by_mcnemars_exact_test(tmp_path: Path) -> None:
    first, second = make_run(tmp_path), make_run(tmp_path)
    write_test(first, [0, 50, 51])
    write_test(second, [50, 51, *range(80, 88)])

    comparison = compare_runs(first, second)

    assert (comparison.only_first_wrong, comparison.only_second_wrong, comparison.both_wrong) == (1, 8, 2)
    assert comparison.p_value == pytest.approx(2 * (1 + 9) / 2**9)  # by hand: 0.0390625


@given(wrong=st.tuples(st.sets(st.integers(0, 99), max_size=40), st.sets(st.integers(0, 99), max_size=40)))
@settings(max_examples=40)
def test_the_p_value_is_the_two_sided_binomial_and_symmetric(
    tmp_path_factory: pytest.TempPathFactory, wrong: tuple[set[int], set[int]]
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    first, second = make_run(folder), make_run(folder)
    write_test(first, sorted(wrong[0]))
    write_test(second, sorted(wrong[1]))

    there, back = compare_runs(first, second), compare_runs(second, first)

    expected = exact_mcnemar(len(wrong[0] - wrong[1]), len(wrong[1] - wrong[0]))
    assert there.p_value == pytest.approx(expected) == back.p_value
    assert (there.only_first_wrong, there.only_second_wrong) == (back.only_second_wrong, back.only_first_wrong)
    assert there.both_wrong == back.both_wrong == len(wrong[0] & wrong[1])


def test_runs_are_compared_by_name(tmp_path: Path) -> None:
    first, second = make_run(tmp_path), make_run(tmp_path)
    write_test(first, [1, 2])
    write_test(second, [2])
    for pair in ((first.path.name, second), (str(first.path), "latest"), (first, Path(second.path.name))):
        assert compare_runs(*pair, runs_dir=str(tmp_path)) == compare_runs(first, second)


def test_a_run_compared_with_itself_does_not_differ(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    write_test(run, [1, 2, 3])

    comparison = compare_runs(run, run)

    assert dataclasses.astuple(comparison) == (0, 0, 3, 1.0, None)


def test_runs_on_other_datasets_are_not_compared(tmp_path: Path) -> None:
    first, second = make_run(tmp_path), make_run(tmp_path, dataset="fashion")
    for run in (first, second):
        write_test(run, [1])

    with pytest.raises(UserError, match=r"of mnist.*of fashion"):
        compare_runs(first, second)


def test_runs_with_test_splits_of_other_sizes_are_not_compared(tmp_path: Path) -> None:
    first, second = make_run(tmp_path), make_run(tmp_path)
    write_test(first, [1], total=100)
    write_test(second, [1], total=101)

    with pytest.raises(UserError, match="tested on the same examples"):
        compare_runs(first, second)


def test_a_run_that_was_not_tested_is_not_compared(tmp_path: Path) -> None:
    first, second = make_run(tmp_path), make_run(tmp_path)
    write_test(first, [1])

    with pytest.raises(UserError, match=r"Finish the run with mnistlab.resume"):
        compare_runs(first, second)
    for epoch in range(1, RECIPE.epochs + 1):
        second.append_metrics(metrics_row(epoch))
    with pytest.raises(UserError, match=r"Make the file with mnistlab.evaluate_run"):
        compare_runs(first, second)
