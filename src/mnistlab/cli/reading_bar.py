"""Show the progress of reading many pictures: a bar on the terminal, with pictures per second and the time left."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mnistlab.cli.words import figure, words

__all__ = ["reading_bar"]


@contextlib.contextmanager
def reading_bar(total: int | None, console: Console) -> Iterator[Callable[..., None]]:
    """Inside `with`, a bar on the console; yields the function that advances the bar, by one picture or by several.

    `total` is None if the number of pictures is not known.
    """
    pictures = words("progress.pictures")
    left = (TextColumn(words("progress.left")), TimeRemainingColumn()) if total is not None else ()
    columns = (
        TextColumn(words("progress.reading")), BarColumn(bar_width=None), MofNCompleteColumn(),
        TextColumn(f"{{task.fields[speed]}} {pictures}"), *left,
    )  # fmt: skip
    start, done = time.monotonic(), 0
    # Standard output may be a file, so it is left alone; only what goes to standard error is shown above the bar.
    with Progress(*columns, console=console, expand=True, transient=True, redirect_stdout=False) as progress:
        task = progress.add_task("", total=total, speed="-")

        def advance(count: int = 1) -> None:
            nonlocal done
            done += count
            speed = done / max(time.monotonic() - start, 1e-9)
            progress.update(task, advance=count, speed=figure(speed, ",.1f" if speed < 100 else ",.0f"))

        yield advance
