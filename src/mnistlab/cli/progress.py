"""Show a training run: a live bar and a line per epoch on a terminal, otherwise only the lines."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from mnistlab.cli.words import figure, percent, words
from mnistlab.messages.sentences import Clause
from mnistlab.networks.summary import PURPOSES, LayerRow
from mnistlab.runs.run import Run

__all__ = ["TerminalDisplay"]


SHORTEST_BAR = 8
SETTLED = 3.0
"""Seconds of training after which the remaining time is estimated, because the first steps are slower than the others."""
WORTH_SAYING = 15.0
"""The remaining time is printed only if it is estimated at more than this many seconds."""
KINDS = {kind.__name__: purpose for kind, purpose in PURPOSES.items()}
"""What each kind of layer is for, by the name of its class."""


class TerminalDisplay:
    """Shows on `console` the epoch, steps, loss, validation accuracy, images per second, time spent and time left."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.epochs = self.epoch_steps = self.steps = 0
        self.val = "-"
        self.bar: Progress | None = None
        self.task = TaskID(0)
        self.first_look: tuple[float, int] | None = None
        """The time of the first measurement, in seconds, and the steps done by then; the speed is computed from there on."""
        self.is_said = False

    def network(self, rows: list[LayerRow]) -> None:
        """Print the network, layer by layer."""
        for row in rows:
            shape = "x".join(map(str, row.shape))
            parameters = figure(row.parameters, ">9,") if row.parameters else f"{'':>9}"
            purpose = words(KINDS[row.layer].key)
            self.console.print(f"  {row.name:<13} {shape:<9} {parameters}  {purpose}", highlight=False)
        total, work = sum(row.parameters for row in rows), sum(row.multiply_adds for row in rows)
        self.console.print(words("progress.network", parameters=total, work=work), highlight=False)

    def start(self, run: Run, epoch_steps: int, steps: int, done: int) -> None:
        """Print what is about to be trained, and draw the bar."""
        self.epoch_steps, self.steps, self.val = epoch_steps, steps, "-"
        self.first_look, self.is_said = None, False
        self.epochs = -(-steps // epoch_steps)
        environment = run.environment
        name, data = run.recipe.name, {"dataset": run.dataset, "seed": run.seed}
        where = {"device": environment["device_title"], "precision": environment["precision"]}
        doing = (
            Clause("progress.resuming", done=done, steps=steps) if done else Clause("progress.training", recipe=name)
        )
        self.console.print(words("progress.begins", doing=doing, **data, **where), markup=False)
        self.console.print(words("progress.run_folder", run=run.path), markup=False, soft_wrap=True)
        if done == steps:
            return
        if self.console.is_terminal:
            self.bar = Progress(*self.columns(), console=self.console, refresh_per_second=4, expand=True)
            self.task = self.bar.add_task("", total=steps, completed=done, **self.fields(done, None, 0))
            self.bar.start()

    def columns(self) -> list[ProgressColumn]:
        """The columns that fit into the terminal's current width, chosen by importance, in their order on the line."""
        count, digits = len(str(self.epochs)), len(str(self.steps))
        epoch, left, loss, val = (
            words("progress.epoch"),
            words("progress.left"),
            words("progress.loss"),
            words("progress.val"),
        )
        speed, time = words("progress.images"), words("progress.time")
        wanted: list[tuple[int, int, list[ProgressColumn]]] = [  # position, width, columns
            (0, len(epoch) + 2 + 2 * count, [TextColumn(f"{epoch} {{task.fields[epoch]}}/{{task.fields[epochs]}}")]),
            (1, SHORTEST_BAR, [BarColumn(bar_width=None)]),
            (7, len(left) + 8, [TextColumn(left), TimeRemainingColumn()]),
            (3, len(loss) + 6, [TextColumn(f"{loss} {{task.fields[loss]}}")]),
            (4, len(val) + 8, [TextColumn(f"{val} {{task.fields[val]}}")]),
            (2, 1 + 2 * digits, [MofNCompleteColumn()]),
            (5, len(speed) + 10, [TextColumn(f"{{task.fields[speed]}} {speed}")]),
            (6, len(time) + 8, [TextColumn(time), TimeElapsedColumn()]),
        ]
        room, chosen = self.console.width, []
        for place, width, columns in wanted:
            if width > room:
                break
            room -= width + 1
            chosen.append((place, columns))
        return [column for _, columns in sorted(chosen, key=lambda one: one[0]) for column in columns]

    def fields(self, done: int, loss: float | None, speed: float) -> dict[str, Any]:
        """The texts of the bar's columns."""
        epoch = min(self.epochs, done // self.epoch_steps + 1)
        return {
            "epoch": epoch,
            "epochs": self.epochs,
            "loss": "-" if loss is None else figure(loss, ".3f"),
            "val": self.val,
            "speed": figure(speed, ",.0f") if speed else "-",
        }

    def step(self, done: int, loss: float, images_per_second: float) -> None:
        """Move the bar, and say, one time only, how long the rest of the training run will take."""
        self.say_how_long(done)
        if self.bar:
            self.bar.columns = tuple(self.columns())  # the window's width may have changed
            self.bar.update(self.task, completed=done, **self.fields(done, loss, images_per_second))

    def say_how_long(self, done: int) -> None:
        """Estimate the remaining time from the speed since the first measurement; print it if it exceeds `WORTH_SAYING`."""
        now = time.perf_counter()
        if self.first_look is None:
            self.first_look = now, done
        seconds, steps = now - self.first_look[0], done - self.first_look[1]
        if self.is_said or seconds < SETTLED or steps == 0:
            return
        self.is_said = True
        left = (self.steps - done) * seconds / steps
        if left > WORTH_SAYING:
            self.console.print(words("progress.takes", time=span_of_time(left)), highlight=False)

    def epoch(self, row: dict[str, Any]) -> None:
        """Print a line for the epoch, above the bar."""
        val = ""
        if row["val_accuracy"] is not None:
            self.val = f"{percent(row['val_accuracy'])} %"
            val = f"  {words('progress.val')} {self.val}"
        epoch, loss, images = words("progress.epoch"), words("progress.loss"), words("progress.images")
        start = f"{epoch} {row['epoch']:>3}/{self.epochs}  {loss} {figure(row['train_loss'], '.4f')}{val}"
        speed, end = f"  {figure(row['images_per_second'], '>8,.0f')} {images}", f"  {figure(row['seconds'], '6.1f')} s"
        if len(start + speed + end) > self.console.width:
            speed = ""
        self.console.print(start + speed + end, highlight=False)
        if self.bar:
            self.bar.update(self.task, completed=row["step"], val=self.val)

    def stop(self) -> None:
        """Stop the bar; it stays on the screen, below the lines."""
        if self.bar:
            self.bar.stop()
            self.bar = None


def span_of_time(seconds: float) -> Clause:
    """A duration, given in seconds, as people say it: 40 s, 12 min, 2 h 10 min."""
    if seconds < 100:
        return Clause("progress.seconds", seconds=5 * max(1, round(seconds / 5)))
    hours, minutes = divmod(round(seconds / 60), 60)
    key = "progress.minutes" if not hours else "progress.hours" if minutes else "progress.whole_hours"
    return Clause(key, hours=hours, minutes=minutes)
