"""Whether one run reads better than another, or only luckier."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mnistlab.errors import UserError
from mnistlab.runs.run import Run
from mnistlab.runs.store import find_run

__all__ = ["Comparison", "compare_runs"]


@dataclass(frozen=True)
class Comparison:
    """Two runs on the same test split: how many only one of them got wrong, and McNemar's exact p-value.

    The p-value is the probability of a split at least so uneven if both were equally good (McNemar 1947, exact binomial).
    """

    only_first_wrong: int
    only_second_wrong: int
    both_wrong: int
    p_value: float


def compare_runs(first: Run | str | Path, second: Run | str | Path, *, runs_dir: str | Path = "runs") -> Comparison:
    """Compare the test predictions of two runs.

    Parameters
    ----------
    first, second : a run, its folder, its name in `runs_dir`, or "latest"
    runs_dir : folder that holds the run folders

    Raises
    ------
    UserError
        where one has no test.json, or they were tested on different datasets

    """
    from scipy.stats import binomtest

    first, second = find_run(first, runs_dir), find_run(second, runs_dir)
    tests = []
    for run in (first, second):
        if (test := run.test) is None:
            how = "runs.test_missing" if run.is_finished else run.how_to_finish
            raise UserError("runs.test_missing", remedy=how, run=run.path)
        tests.append(test)
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
    return Comparison(only_first, only_second, len(wrong[0] & wrong[1]), float(p_value))
