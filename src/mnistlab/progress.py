"""A training on the terminal: a live bar where there is a terminal, a line an epoch where there is none."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from mnistlab.model import LayerRow
from mnistlab.runs import Run

__all__ = ["TerminalDisplay"]


class TerminalDisplay:
    """Shows epoch, steps, loss, validation accuracy, images a second, time spent and time left on `console`."""

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
            self.bar = Progress(
                TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TextColumn("loss {task.fields[loss]}  val {task.fields[val]} %  {task.fields[speed]} images/s"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=self.console,
                refresh_per_second=4,
                expand=True,
            )
            self.task = self.bar.add_task("", total=steps, completed=done, **self.fields(done, None, 0))
            self.bar.start()

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
            self.bar.update(self.task, completed=done, **self.fields(done, loss, images_per_second))

    def epoch(self, row: dict[str, Any]) -> None:
        """Leave a line above the bar."""
        val = ""
        if row["val_accuracy"] is not None:
            self.val = f"{100 * row['val_accuracy']:.2f}"
            val = f"  val {self.val} %"
        self.console.print(
            f"epoch {row['epoch']:>3}/{self.epochs}  loss {row['train_loss']:.4f}{val}"
            f"  {row['images_per_second']:>8,.0f} images/s  {row['seconds']:6.1f} s",
            highlight=False,
        )
        if self.bar:
            self.bar.update(self.task, completed=row["step"], val=self.val)

    def stop(self) -> None:
        """Take the bar away; the lines stay."""
        if self.bar:
            self.bar.stop()
            self.bar = None
