"""Whether one run is better than another, or only luckier."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnistlab.data.catalog import DATASETS
from mnistlab.data.writers import read_writers
from mnistlab.dependencies import require
from mnistlab.errors import UserError
from mnistlab.evaluation.by_writer import permutation_p_value
from mnistlab.runs.run import Run
from mnistlab.runs.store import find_run

__all__ = ["Comparison", "compare_runs"]


@dataclass(frozen=True)
class Comparison:
    """Two runs on the same test split: how many images only the first, only the second, or both got wrong, and two p-values.

    `p_value` is the probability of a result at least this uneven if both runs were equally good (McNemar 1947, exact
    binomial), where each image counts as an independent trial. For `p_value_by_writer`, each writer counts as one trial (see
    `permutation_p_value`); it is None if the writers are not known.
    """

    only_first_wrong: int
    only_second_wrong: int
    both_wrong: int
    p_value: float
    p_value_by_writer: float | None


def compare_runs(first: Run | str | Path, second: Run | str | Path, *, runs_dir: str | Path = "runs") -> Comparison:
    """Compare the test predictions of two runs.

    Parameters
    ----------
    first, second : Run, str or Path
        The runs, as `find_run` finds them: a Run, its folder, its name in `runs_dir`, or "latest".
    runs_dir : str or Path
        The folder that holds the runs.

    Returns
    -------
    Comparison
        How many test images only the first run, only the second, or both got wrong, and two p-values.

    Raises
    ------
    UserError
        If scipy is not installed, a run is missing or has no test.json, or the runs trained different kinds of network or were
        tested on different datasets.
    """
    require("train", "scipy")
    from scipy.stats import binomtest

    first, second = find_run(first, runs_dir), find_run(second, runs_dir)
    tests = []
    for run in (first, second):
        if (test := run.test) is None:
            how = "runs.test_missing" if run.is_finished else run.how_to_finish
            raise UserError("runs.test_missing", remedy=how, run=run.path)
        tests.append(test)
    one, two = first.recipe.does, second.recipe.does
    if one != two:
        raise UserError("evaluation.different_networks", run=first.path, other=second.path, one=one, two=two)
    if first.dataset != second.dataset or tests[0]["total"] != tests[1]["total"]:
        raise UserError(
            "evaluation.tested_on_other_images",
            name=first.path.name,
            total=tests[0]["total"],
            dataset=first.dataset,
            other_name=second.path.name,
            other_total=tests[1]["total"],
            other_dataset=second.dataset,
        )
    wrong = [{mistake["index"] for mistake in test["mistakes"]} for test in tests]
    only_first, only_second = len(wrong[0] - wrong[1]), len(wrong[1] - wrong[0])
    p_value = binomtest(only_first, only_first + only_second).pvalue if only_first + only_second else 1.0
    by_writer = p_value_by_writer(first, tests[0]["total"], *wrong)
    return Comparison(only_first, only_second, len(wrong[0] & wrong[1]), float(p_value), by_writer)


def p_value_by_writer(run: Run, total: int, first: set[int], second: set[int]) -> float | None:
    """The `p_value_by_writer` of a `Comparison`, from the indices of each run's mistakes; None if the writers are unknown."""
    known = run.dataset in DATASETS and run.is_classifier  # other networks are tested on generated pictures
    writers = read_writers(DATASETS[run.dataset], "test") if known else None
    if writers is None or len(writers) != total:
        return None
    differences = np.zeros(int(writers.max()) + 1, np.int64)
    for mistakes, sign in ((first, 1), (second, -1)):
        np.add.at(differences, writers[np.array(sorted(mistakes), np.int64)], sign)
    return permutation_p_value(differences)
