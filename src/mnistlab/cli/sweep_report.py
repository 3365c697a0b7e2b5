"""Report the results of a sweep as a picture and as text: a line per setting, or JSON with every detail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mnistlab.cli.output import print_json
from mnistlab.cli.words import figure, print_table, tell, words
from mnistlab.data.dataset import open_dataset
from mnistlab.errors import Failure
from mnistlab.evaluation.figures import save_figure
from mnistlab.evaluation.sweeps import Spread, Standing, draw_sweep, standings
from mnistlab.recipes.grid import Setting
from mnistlab.runs.run import Run
from mnistlab.training.sweep import Outcome, Sweep, Trial

__all__ = ["report"]


def report(
    plan: Sweep,
    finished: Mapping[Setting, Mapping[int, Run]],
    outcomes: Mapping[Trial, Outcome],
    target: Path,
    common: str,
    as_json: bool,
) -> None:
    """Draw and print the settings' results; the picture's title ends with `common`, the values that all settings share."""
    dataset = open_dataset(plan.dataset, plan.data_dir)
    rows = standings(finished, dataset)
    save_figure(draw_sweep(rows, f"{Path(dataset.spec.name).name}: {plan.seeds} training runs each{common}"), target)
    if as_json:
        trials = [trial_as_json(trial, outcome) for trial, outcome in outcomes.items()]
        settings = [standing_as_json(row) for row in rows]
        print_json({"dataset": dataset.spec.name, "settings": settings, "trials": trials, "plot": str(target)})
        return
    print_standings(rows)
    tell("cli.sweep_picture", path=target)


def print_standings(rows: Sequence[Standing]) -> None:
    """Print a line per setting, and an explanation of the columns that need one."""
    tested = any(row.test for row in rows)
    widest = max(len(row.setting.title) for row in rows)
    cells = [
        (
            row.setting.title, str(len(row.runs)), told_spread(row.val), told_interval(row.val),
            told_spread(row.behind.difference if row.behind else None),
            told_interval(row.behind.difference if row.behind else None),
            figure(row.behind.p_value, ".3g") if row.behind else "",
            *((told_spread(row.test), told_interval(row.test)) if tested else ()),
        )
        for row in rows
    ]  # fmt: skip
    forms = (f"<{widest}", ">5", ">15", ">16", ">14", ">16", ">6", *((">15", ">16") if tested else ()))
    print_table("columns.sweep_tested" if tested else "columns.sweep", forms, cells, gap="  ")
    if behind := next((row.behind for row in rows if row.behind), None):
        tell("cli.sweep_by_writer" if behind.by_writer else "cli.sweep_by_image")
    if rows[0].val and len(rows) > 1:
        tell("cli.sweep_best", setting=rows[0].setting.title)


def told_spread(spread: Spread | None) -> str:
    """The mean ± standard deviation in percent; "" for None."""
    if spread is None:
        return ""
    deviation = "" if spread.std is None else " ± " + figure(100 * spread.std, ".3f")
    return figure(100 * spread.mean, ".3f") + deviation


def told_interval(spread: Spread | None) -> str:
    """The 95 % interval of the mean, in percent; "" if there is none."""
    if spread is None or spread.interval is None:
        return ""
    low, high = (100 * bound for bound in spread.interval)
    return words("cli.sweep_interval", low=low, high=high)


def trial_as_json(trial: Trial, outcome: Outcome) -> dict[str, Any]:
    """A trial in plain types, for JSON: its run, or why it has none."""
    about: dict[str, Any] = {"setting": trial.setting.title, "number": trial.number, "seed": trial.seed}
    if isinstance(outcome, Failure):
        return {**about, "run": None, "error": str(outcome)}
    return {**about, "run": str(outcome.path), "error": None}


def standing_as_json(row: Standing) -> dict[str, Any]:
    """A setting and its results in plain types, for JSON."""
    return {
        "setting": row.setting.title,
        "recipe": row.setting.recipe.to_dict(),
        "numbers": list(row.runs),
        "val": asdict(row.val) if row.val else None,
        "test": asdict(row.test) if row.test else None,
        "behind_best": asdict(row.behind) if row.behind else None,
    }
