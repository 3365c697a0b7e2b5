"""Show a sweep: a live table on a terminal, otherwise a line per training run."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mnistlab.cli.words import percent, words
from mnistlab.recipes.grid import Setting
from mnistlab.runs.run import Run
from mnistlab.training.display import Display, Silent
from mnistlab.training.sweep import Outcome, Trial

__all__ = ["SweepTable"]


class SweepTable:
    """Shows the progress and the validation results of each setting, and the time left for the whole sweep.

    Parameters
    ----------
    console
        Where to show the table.
    trials
        All trials of the sweep.
    """

    def __init__(self, console: Console, trials: list[Trial]) -> None:
        self.console, self.trials = console, trials
        self.outcomes: dict[Trial, Outcome] = {}
        self.running: dict[Trial, float] = {}  # the fraction done, 0 to 1
        self.begun = time.monotonic()
        self.ended_here = 0
        self.live = Live(get_renderable=self.render, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> SweepTable:
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.live.stop()

    def begin(self, trial: Trial) -> Display:
        """Show that the trial is running. Returns a display for its progress."""
        self.running[trial] = 0.0
        return Progress(self.running, trial)

    def at(self, trial: Trial, share: float) -> None:
        """Show what share of the trial is done, 0 to 1."""
        self.running[trial] = share

    def end(self, trial: Trial, outcome: Outcome) -> None:
        """Record that the trial is over; if the console is not a terminal, print a line about the trial."""
        self.ended_here += trial in self.running
        self.running.pop(trial, None)
        self.outcomes[trial] = outcome
        if not self.console.is_terminal:
            accuracy = validation_of(outcome)
            if accuracy is not None:
                reached = words("cli.sweep_reached", accuracy=percent(accuracy))
            else:
                reached = words("cli.sweep_finished" if isinstance(outcome, Run) else "cli.sweep_failed")
            line = words("cli.sweep_trial", setting=trial.setting.title, seed=trial.seed, reached=reached)
            self.console.print(f"{line}  {self.told_state()}", highlight=False, markup=False, soft_wrap=True)

    def told_state(self) -> str:
        """A text that says how many trials are done, how many failed, and how long the others will take."""
        failed = sum(not isinstance(outcome, Run) for outcome in self.outcomes.values())
        said = words("cli.sweep_done", done=len(self.outcomes) - failed, total=len(self.trials))
        if failed:
            said += ", " + words("cli.sweep_failures", count=failed)
        left = self.seconds_left()
        if left is None:
            return said
        minutes, seconds = divmod(left, 60)
        time_left = f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
        return f"{said}, " + words("cli.sweep_left", time=time_left)

    def seconds_left(self) -> int | None:
        """About how many seconds the rest of the sweep will take at the speed so far; None if unknown, or if nothing is left."""
        done_here = self.ended_here + sum(self.running.values())
        to_do = len(self.trials) - len(self.outcomes) - sum(self.running.values())
        return round((time.monotonic() - self.begun) / done_here * to_do) if done_here > 0.01 and to_do > 0 else None

    def render(self) -> Group:
        """The current table: first the settings in training, then the others; in both groups, the best setting comes first."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for number, name in enumerate(words("columns.sweep_running").split("|")):
            table.add_column(name, justify="right" if number in (1, 3, 4) else "left", no_wrap=number != 0)
        for _, row in sorted(map(self.row_of, dict.fromkeys(trial.setting for trial in self.trials))):
            table.add_row(*row)
        return Group(Text(self.told_state()), table)

    def row_of(self, setting: Setting) -> tuple[tuple[Any, ...], tuple[str, ...]]:
        """A setting's sort key, and the cells of its row in the table."""
        running = {t.seed: share for t, share in list(self.running.items()) if t.setting == setting}
        trials = [trial for trial in self.trials if trial.setting == setting]
        ended = [self.outcomes[trial] for trial in trials if trial in self.outcomes]
        reached = [value for one in ended if isinstance(one, Run) and (value := validation_of(one)) is not None]
        mean = sum(reached) / len(reached) if reached else None
        seeds = ", ".join(
            words("cli.sweep_running_at" if share else "cli.sweep_running", seed=seed, share=100 * share)
            for seed, share in running.items()
        )
        done = sum(isinstance(one, Run) for one in ended)
        cells = (f"{done}/{len(trials)}", seeds, percent(max(reached, default=None)), percent(mean))
        return (not running, -(mean or 0), setting.title), (setting.title, *cells)


def validation_of(outcome: Outcome) -> float | None:
    """A finished run's accuracy on the validation images, 0 to 1; None if there is no such accuracy."""
    counts = outcome.validation if isinstance(outcome, Run) else None
    return counts["correct"] / counts["total"] if counts else None


class Progress(Silent):
    """Records what share of a training run is done. In an ensemble, every member counts as an equal share."""

    def __init__(self, running: dict[Trial, float], trial: Trial) -> None:
        self.running, self.trial = running, trial
        self.members, self.steps = -1, 1

    def start(self, run: Run, epoch_steps: int, steps: int, done: int) -> None:
        """Note that the training of a network begins or continues."""
        self.members, self.steps = self.members + 1, steps
        self.step(done, 0, 0)

    def step(self, done: int, loss: float, images_per_second: float) -> None:
        """Note how many steps are done."""
        self.running[self.trial] = (self.members + done / self.steps) / self.trial.setting.recipe.trainings

    def epoch(self, row: dict[str, Any]) -> None:
        """Note that an epoch is done."""
        self.step(row["step"], 0, 0)
