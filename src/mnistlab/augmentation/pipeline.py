"""The steps that a batch of training images goes through, in order."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from mnistlab.augmentation.affine import Augmentation
from mnistlab.augmentation.clutter import Clutter
from mnistlab.augmentation.glyphs import printed_digits
from mnistlab.augmentation.hands import other_hands
from mnistlab.augmentation.pens import Writing
from mnistlab.augmentation.rejects import REJECT, Rejects

__all__ = ["Pipeline"]

PRINTED = 0.14
"""The share of the digits that is replaced by printed digits if `writing` is at full strength."""


@dataclass(frozen=True)
class Pipeline:
    """All random changes to a batch of training images, one after the other.

    It adds images of no class, replaces some digits by printed ones, draws others as people outside the United States write
    them (a crossed 7, a slashed 0), moves and bends the images, imitates other pens and cameras, and adds clutter.

    All random numbers come from torch's global generator for the batch's device, so restoring that generator's state
    repeats the same choices.

    Parameters
    ----------
    affine : Augmentation
        How far images are turned, scaled, moved, slanted and bent.
    writing : float, 0 to 1
        How many images look as if they came from other pens, cameras and scanners (at 1, two in three), and how many digits
        are printed, or drawn as people outside the United States write them.
    rejects : float, 0 to 4
        How many images of no class are added, as a fraction of the batch size; they are labelled -1.
    clutter : float, 0 to 1
        How many images are inverted, partly covered, crossed by other digits, or given thinner or thicker strokes.
    digits : tuple of int
        The digit of each class (`loader.spec.digits`); empty if the classes are not digits. In that case, no
        image is replaced by a printed or differently drawn digit, and no letters, signs or turned images are added as
        rejects, because these could show one of the classes.

    Raises
    ------
    UserError
        If an amount is not a number or is out of range.
    """

    affine: Augmentation = field(default_factory=Augmentation)
    writing: float = 0.0
    rejects: float = 0.0
    digits: tuple[int, ...] = ()
    clutter: float = 0.0

    def __post_init__(self) -> None:
        Writing(self.writing)  # raises `UserError` for an impossible amount
        Rejects(self.rejects)
        Clutter(self.clutter)

    def __bool__(self) -> bool:
        return bool(self.affine or self.writing or self.rejects or self.clutter)

    def __call__(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Change images (float, (B, 1, H, W), 0 for paper to 255 for ink) with labels (int64, (B,)); append rejects to both."""
        images, labels = Rejects(self.rejects, self.digits)(images, labels)
        if self.writing and self.digits:
            digits = torch.tensor((*self.digits, REJECT), device=labels.device)  # by label; -1 picks the last, REJECT
            images = printed_digits(images, digits[labels], PRINTED * self.writing)
            images = other_hands(images, digits[labels], self.writing)
        return Clutter(self.clutter)(Writing(self.writing)(self.affine(images))), labels
