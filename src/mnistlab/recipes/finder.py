"""The recipe of the finder, which marks digits on pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mnistlab.messages.sentences import Clause
from mnistlab.networks.fields import knob
from mnistlab.recipes.papers import PaperRecipe

__all__ = ["FinderRecipe"]


@dataclass(frozen=True)
class FinderRecipe(PaperRecipe):
    """The finder's recipe: what to train and how; see `PaperRecipe`.

    Raises
    ------
    UserError
        If a field has an impossible value; if several values are of a wrong type or out of range, the message names them all.
    """

    kind: ClassVar[str] = "finder"
    does: ClassVar[Clause] = Clause("does.finder")
    picture: ClassVar[str] = "scenes.png"
    count_of_widths: ClassVar[tuple[int, str]] = (3, "recipes.three_needed")
    multiples: ClassVar[tuple[str, ...]] = ("height", "width")

    start: str = knob("")
    """A finder's run folder or model.pth with the weights to start from; by default, random weights."""
    widths: tuple[int, ...] = knob((16, 28, 64), low=1, high=1024)
    """Channels of the first convolution, of the second (both at half the scene's size), and of all later ones (at a quarter)."""
    dilations: tuple[int, ...] = knob((1, 1, 2, 1, 4, 1, 2), low=1, high=32)
    """Dilation of each convolution after the third: the distance, in cells of 4x4 pixels, between the values that it combines."""
    height: int = knob(96, low=48, high=2048)
    """Height of a scene in pixels, a multiple of 4."""
    width: int = knob(192, low=48, high=2048)
    """Width of a scene in pixels, a multiple of 4."""
    batch_size: int = knob(32, low=1, high=4096)
    """Scenes per step."""
    val_scenes: int = knob(400, low=50, high=100_000)
    """Number of scenes, with digits of the validation writers, to measure on after each epoch."""
    test_scenes: int = knob(1000, low=50, high=100_000)
    """Number of scenes, with test digits, to measure on at the end."""
    boxes_weight: float = knob(0.3, low=0, high=1000)
    """Weight of the boxes' error in the loss."""
    ink_weight: float = knob(0.3, low=0, high=1000)
    """Weight of the ink's error in the loss."""

    def held_out(self, split: str) -> int:
        """On how many scenes, with digits of the split "val" or "test", the network is measured."""
        return self.test_scenes if split == "test" else self.val_scenes
