"""The recipe of the line reader, which reads a whole line of digits at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mnistlab.messages.sentences import Clause
from mnistlab.networks.fields import knob
from mnistlab.recipes.papers import PaperRecipe

__all__ = ["LineReaderRecipe"]


@dataclass(frozen=True)
class LineReaderRecipe(PaperRecipe):
    """The line reader's recipe: what to train and how; see `PaperRecipe`. The height of a strip is always 48 pixels.

    Raises
    ------
    UserError
        If a field has an impossible value; if several values are of a wrong type or out of range, the message names them all.
    """

    kind: ClassVar[str] = "line-reader"
    does: ClassVar[Clause] = Clause("does.line_reader")
    picture: ClassVar[str] = "strips.png"
    count_of_widths: ClassVar[tuple[int, str]] = (4, "recipes.four_needed")

    start: str = knob("")
    """A line reader's run folder or model.pth with the weights to start from; by default, random weights."""
    widths: tuple[int, ...] = knob((24, 48, 64, 112), low=1, high=1024)
    """Channels of the first convolution, the second, those at 1/4 of the strip's height, and all later ones except the last."""
    width: int = knob(256, low=48, high=2048)
    """Width of a strip in pixels, a multiple of 4."""
    batch_size: int = knob(128, low=1, high=4096)
    """Strips per step."""
    val_strips: int = knob(1000, low=50, high=100_000)
    """Number of strips, with digits of the validation writers, to measure on after each epoch."""
    test_strips: int = knob(2000, low=50, high=100_000)
    """Number of strips, with test digits, to measure on at the end."""

    def held_out(self, split: str) -> int:
        """On how many strips, with digits of the split "val" or "test", the network is measured."""
        return self.test_strips if split == "test" else self.val_strips
