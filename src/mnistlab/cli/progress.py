"""A training on the terminal: a live bar where there is a terminal, one line per epoch where there is none."""

from __future__ import annotations

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

from mnistlab.networks.summary import LayerRow
from mnistlab.runs.run import Run

__all__ = ["TerminalDisplay"]


SHORTEST_BAR = 8


class TerminalDisplay:
    """Shows epoch, steps, loss, validation accuracy, images per second, time spent and time left on `console`."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.epochs = self.epoch_steps = self.steps = 0
        self.val = "-"
        self.bar: Progress | None = None
        self.task = TaskID(0)

    def network(self, rows: list[LayerRow]) -> None:
        """Say what the network is, layer by layer."""
        for row in rows:
            shape = "x".join(map(str, row.shape))
            parameters = f"{row.parameters:>9,}" if row.parameters else f"{'':>9}"
            self.console.print(f"  {row.name:<13} {shape:<9} {parameters}  {row.purpose}", highlight=False)
        total, work = sum(row.parameters for row in rows), sum(row.multiply_adds for row in rows)
        self.console.print(f"{total:,} parameters, {work:,} multiply-adds an image", highlight=False)

    def start(self, run: Run, epoch_steps: int, steps: int, done: int) -> None:
        """Say what begins and draw the bar."""
        self.epoch_steps, self.steps, self.val = epoch_steps, steps, "-"
        self.epochs = -(-steps // epoch_steps)
        environment = run.environment
        doing = f"Resuming at step {done:,} of {steps:,}" if done else f"Training {run.recipe.name}"
        self.console.print(
            f"{doing} on {run.dataset}, seed {run.seed}: {environment['device_title']}, {environment['precision']}",
            markup=False,
        )
        self.console.print(f"Run folder: {run.path}", markup=False, soft_wrap=True)
        if done == steps:
            return
        if self.console.is_terminal:
            self.bar = Progress(*self.columns(), console=self.console, refresh_per_second=4, expand=True)
            self.task = self.bar.add_task("", total=steps, completed=done, **self.fields(done, None, 0))
            self.bar.start()

    def columns(self) -> list[ProgressColumn]:
        """Those that fit into the terminal's width as it is now, the most wanted first; in the order in which they stand."""
        count, digits = len(str(self.epochs)), len(str(self.steps))
        wanted: list[tuple[int, int, list[ProgressColumn]]] = [  # its place, its width, what it shows
            (0, 7 + 2 * count, [TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}")]),
            (1, SHORTEST_BAR, [BarColumn(bar_width=None)]),
            (7, 12, [TextColumn("left"), TimeRemainingColumn()]),
            (3, 10, [TextColumn("loss {task.fields[loss]}")]),
            (4, 11, [TextColumn("val {task.fields[val]}")]),
            (2, 1 + 2 * digits, [MofNCompleteColumn()]),
            (5, 18, [TextColumn("{task.fields[speed]} images/s")]),
            (6, 12, [TextColumn("time"), TimeElapsedColumn()]),
        ]
        room, chosen = self.console.width, []
        for place, width, columns in wanted:
            if width > room:
                break
            room -= width + 1
            chosen.append((place, columns))
        return [column for _, columns in sorted(chosen, key=lambda one: one[0]) for column in columns]

    def fields(self, done: int, loss: float | None, speed: float) -> dict[str, Any]:
        """What the bar's text columns show."""
        epoch = min(self.epochs, done // self.epoch_steps + 1)
        return {
            "epoch": epoch,
            "epochs": self.epochs,
            "loss": "-" if loss is None else f"{loss:.3f}",
            "val": self.val,
            "speed": f"{speed:,.0f}" if speed else "-",
        }

    def step(self, done: int, loss: float, images_per_second: float) -> None:
        """Move the bar."""
        if self.bar:
            self.bar.columns = tuple(self.columns())  # the window may have another width now
            self.bar.update(self.task, completed=done, **self.fields(done, loss, images_per_second))

    def epoch(self, row: dict[str, Any]) -> None:
        """Leave a line above the bar."""
        val = ""
        if row["val_accuracy"] is not None:
            self.val = f"{100 * row['val_accuracy']:.2f} %"
            val = f"  val {self.val}"
        start = f"epoch {row['epoch']:>3}/{self.epochs}  loss {row['train_loss']:.4f}{val}"
        speed, end = f"  {row['images_per_second']:>8,.0f} images/s", f"  {row['seconds']:6.1f} s"
        if len(start + speed + end) > self.console.width:
            speed = ""
        self.console.print(start + speed + end, highlight=False)
        if self.bar:
            self.bar.update(self.task, completed=row["step"], val=self.val)

    def stop(self) -> None:
        """Take the bar away; the lines stay."""
        if self.bar:
            self.bar.stop()
            self.bar = None
