"""Replay a training run from states that it kept: the filters as they form, the probabilities for hard digits, and the loss."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import Failure, UserError
from mnistlab.evaluation.canvas import diverging, numeral, spoken
from mnistlab.evaluation.figures import BLUE, GREY, ORANGE, blank_figure, label_text, plain_text, tidy
from mnistlab.evaluation.plots import loss_course
from mnistlab.files import write_output
from mnistlab.messages.sentences import Clause
from mnistlab.recipes.recipe import EnsembleRecipe
from mnistlab.runs.run import Run
from mnistlab.runs.snapshots import NAME, Snapshots

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL import Image

__all__ = ["Replay", "hard_digits", "read_snapshots", "write_gif", "write_mp4"]

DPI = 80
"""Dots per inch of a frame: 12 by 6.75 inches are 960 by 540 pixels."""
DIGITS, FILTERS = 6, 16
"""The largest number of digits and the largest number of filters that a frame shows."""
FRAME, LAST = 300, 3000
"""For how many milliseconds each state but the last is shown, and for how many milliseconds the last one is shown."""
RATE = 10
"""Frames per second of the MP4, in which each state takes several frames."""
COLOURS = 96
"""The number of colours in the GIF."""


def read_snapshots(run: Run) -> Snapshots:
    """The snapshots of the run's training. Raises `UserError` if they are missing or damaged."""
    recipe = run.classifier  # refuses a finder's run
    if isinstance(recipe, EnsembleRecipe):
        members = [str(path) for path in sorted(run.path.glob("members/*"))] or list(run.members)
        key = "runs.snapshots_of_members" if members else "runs.no_snapshots"
        raise UserError(key, run=run.path, member=members[0] if members else "")
    return Snapshots.read(run.path / NAME, run.path)


class Replay:
    """The frames of a training run, one for each state that the run kept.

    Parameters
    ----------
    run : Run
    snapshots : Snapshots
        The states of the run's training.
    language : {"en", "fr"}
        The language of the words in the frames.
    """

    def __init__(self, run: Run, snapshots: Snapshots, language: str = "en") -> None:
        self.run, self.snapshots, self.language = run, snapshots, language
        self.digits = hard_digits(snapshots)
        """The indices of the digits that are shown."""
        self.course = loss_course(run.metrics) if all(row.get("losses") for row in run.metrics) else ([], [])

    def frames(self) -> Iterator[Image.Image]:
        """The frames, 960 by 540 pixels, from the first state to the last."""
        from PIL import Image

        for number in range(len(self.snapshots.steps)):
            figure = self.draw(number)
            figure.set_dpi(DPI)
            figure.canvas.draw()
            yield Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3].copy())  # type: ignore[attr-defined]

    def draw(self, number: int) -> Figure:
        """The frame of the state with the index `number`."""
        figure, step = blank_figure(12, 6.75), int(self.snapshots.steps[number])
        words = {
            "step": numeral(step, ",", self.language),
            "steps": numeral(int(self.snapshots.steps[-1]), ",", self.language),
        }
        figure.text(0.03, 0.95, plain_text(self.run.recipe.name), fontsize=24, fontweight="bold", va="top")
        figure.text(
            0.97, 0.95, spoken("replay.step", self.language, **words), fontsize=24, va="top", ha="right", color=BLUE
        )
        self.draw_filters(figure, number)
        self.draw_loss(figure, number)
        self.draw_digits(figure, number)
        return figure

    def draw_filters(self, figure: Figure, number: int) -> None:
        """The first filters, with weights above 0 in orange and below 0 in blue, on the same colour scale for all states."""
        filters = self.snapshots.filters[:, :FILTERS]
        if not filters.shape[1]:
            return
        columns = min(8, filters.shape[1])
        rows = -(-filters.shape[1] // columns)
        axes = figure.add_axes((0.03, 0.59, 0.45, 0.2))
        axes.axis("off")
        axes.imshow(tiled(filters[number], rows, columns), cmap=diverging(), interpolation="nearest",
                    vmin=-float(np.abs(filters).max()), vmax=float(np.abs(filters).max()))  # fmt: skip
        figure.text(0.03, 0.845, spoken("replay.filters", self.language), fontsize=15, va="top", color=GREY)

    def draw_loss(self, figure: Figure, number: int) -> None:
        """The training loss up to the step of the state with the index `number`."""
        step, last = int(self.snapshots.steps[number]), int(self.snapshots.steps[-1])
        axes = figure.add_axes((0.07, 0.1, 0.41, 0.37))
        steps, losses = np.array(self.course[0]), np.array(self.course[1])
        if not len(steps):
            steps, losses = self.snapshots.steps[1:], self.snapshots.losses[1:]
        done = steps <= step
        axes.plot(steps[done], losses[done], color=BLUE, linewidth=2.5)
        most = float(losses.max()) if len(losses) else 1.0
        axes.set(xlim=(0, max(last, 1)), ylim=(0, 1.05 * most))
        axes.axvline(step, color=ORANGE, linewidth=1.5)
        axes.tick_params(labelsize=13)
        tidy(axes)
        figure.text(0.03, 0.54, spoken("replay.loss", self.language), fontsize=15, va="top", color=GREY)

    def draw_digits(self, figure: Figure, number: int) -> None:
        """The hard digits, each with a bar for each class's probability (at most the ten largest); the label's bar is blue."""
        figure.text(0.53, 0.845, spoken("replay.digits", self.language), fontsize=15, va="top", color=GREY)
        height = 0.72 / DIGITS
        for place, digit in enumerate(self.digits):
            bottom, chances = 0.77 - (place + 1) * height, self.snapshots.probabilities[number, digit]
            picture = figure.add_axes((0.53, bottom, 0.08, height * 0.9))
            picture.axis("off")
            picture.imshow(self.snapshots.images[digit], cmap="gray_r", vmin=0, vmax=255)
            axes = figure.add_axes((0.63, bottom + 0.25 * height, 0.23, height * 0.6))
            label = int(self.snapshots.labels[digit])
            shown = (
                sorted(np.argsort(-chances, kind="stable")[:10].tolist()) if len(chances) > 10 else range(len(chances))
            )
            colours = [BLUE if each == label else ORANGE if each == chances.argmax() else "#cbd5e1" for each in shown]
            axes.bar(range(len(shown)), [float(chances[each]) for each in shown], color=colours)
            axes.set(ylim=(0, 1), yticks=[])
            named = place == len(self.digits) - 1 or len(chances) > len(shown)  # all, if rows show different classes
            names = [label_text(self.snapshots.classes[each])[:3] for each in shown]
            axes.set_xticks(range(len(shown)) if named else [], names if named else [], fontsize=13)
            axes.tick_params(length=0, pad=1)
            axes.spines[["top", "right", "left"]].set_visible(False)
            percent = numeral(100 * float(chances[label]), ".1f", self.language)
            text = spoken(
                "replay.label", self.language, name=label_text(self.snapshots.classes[label]), percent=percent
            )
            figure.text(0.97, bottom + 0.5 * height, text, fontsize=15, va="center", ha="right", color=BLUE)


def hard_digits(snapshots: Snapshots) -> list[int]:
    """The indices of the digits whose label got the lowest mean probability over all states: two digits that the network still
    misreads at the end (fewer if it misreads fewer, more if it has learnt too few), and others that it has learnt to read."""
    rows = np.arange(len(snapshots.labels))
    hardest = np.argsort(snapshots.probabilities[:, rows, snapshots.labels].mean(axis=0), kind="stable")
    right = snapshots.probabilities[-1].argmax(axis=1) == snapshots.labels
    misread, learnt = hardest[~right[hardest]], hardest[right[hardest]]
    count = min(len(misread), max(2, DIGITS - len(learnt)))
    return [int(number) for number in (*misread[:count], *learnt[: DIGITS - count])]


def tiled(filters: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """The filters, (F, height, width), in a grid, with NaN between them."""
    height, width = filters.shape[1:]
    whole = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan, np.float32)
    for place, values in enumerate(filters):
        row, column = divmod(place, columns)
        whole[row * (height + 1) :][:height, column * (width + 1) :][:, :width] = values
    return whole


def write_gif(path: Path, frames: list[Image.Image]) -> None:
    """Write the frames as an animation that loops. Raises `UserError` or `Failure` if the file cannot be written."""
    first, *others = [frame.quantize(COLOURS) for frame in frames]
    buffer = io.BytesIO()
    first.save(
        buffer, "gif", save_all=True, append_images=others, duration=durations(len(frames)), loop=0, optimize=True
    )
    write_output(path, buffer.getvalue())


def durations(count: int) -> list[int]:
    """How long each frame is shown, in milliseconds."""
    return [FRAME] * (count - 1) + [LAST]


def write_mp4(path: Path, frames: list[Image.Image]) -> bool:
    """Write the frames as a video if ffmpeg is installed, and return whether it is.

    Raises `Failure` if ffmpeg fails, and `UserError` or `Failure` if the file cannot be written.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        return False
    with tempfile.TemporaryDirectory(prefix="mnistlab-", ignore_cleanup_errors=True) as folder:
        size = "x".join(map(str, frames[0].size))
        target = Path(folder) / "replay.mp4"
        command: list[Any] = [
            program, "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", str(RATE), "-i", "-",
            "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(target),
        ]  # fmt: skip
        shown = [time * RATE // 1000 for time in durations(len(frames))]
        content = b"".join(frame.tobytes() * times for frame, times in zip(frames, shown, strict=True))
        done = subprocess.run(command, input=content, capture_output=True, check=False)  # noqa: S603 - `which` found the program
        if done.returncode or not target.exists():
            last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            reason = "".join(last).rstrip(".") or Clause("replay.ffmpeg_silent")
            raise Failure("replay.ffmpeg_fails", reason=reason)
        write_output(path, target.read_bytes())
    return True
