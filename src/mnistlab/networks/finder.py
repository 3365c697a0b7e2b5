"""The finder's network: small and fully convolutional, with one answer for each cell of 4x4 pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistlab.networks.checkpoint import FINDER_FORMAT
from mnistlab.networks.papers import PaperNet, SavedNetwork, Step, read_network, save_network

__all__ = ["FinderNet", "loss", "read_finder", "save_finder", "weighted"]


class FinderNet(PaperNet):
    """Finds the centre, kind and size of each mark, as CenterNet does (Zhou et al. 2019, https://arxiv.org/abs/1904.07850).

    Parameters
    ----------
    classes : int
        The number of kinds of marks: the ten digits and other signs.
    widths : tuple of int
        Channels of the first `Step`, of the second, and of each later one except the ink's. The maps of the first two have
        half the input's height and width; the maps of the later ones have a quarter of both.
    apart : tuple of int
        The dilation of each `Step` after the third: the distance, in cells of 4x4 pixels, between neighbouring values
        that its kernel looks at.
    """

    def __init__(
        self, classes: int, widths: tuple[int, int, int] = (16, 28, 64), apart: tuple[int, ...] = (1, 1, 2, 1, 4, 1, 2)
    ) -> None:
        super().__init__()
        self.widths, self.apart, (first, second, third) = widths, apart, widths
        self.fine = nn.Sequential(Step(1, first, 5, 2), Step(first, second))
        self.coarse = Step(second, third, 3, 2)
        self.further = nn.ModuleList(Step(third, third, apart=distance) for distance in apart)
        self.answers = nn.Conv2d(third, classes + 4, 1)
        self.classes = classes
        self.ink_coarse = nn.Conv2d(third, 4 * first, 1)
        self.ink_fine = nn.Sequential(Step(first + second, first), nn.Conv2d(first, 4, 1))
        nn.init.constant_(self.answers.bias[:classes], -4.0)  # type: ignore[index]

    def forward(self, contrast: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Find marks, with one answer for each cell of 4x4 pixels, and ink, with one answer for each pixel.

        Parameters
        ----------
        contrast : Tensor
            Float (B, 1, H, W), as `mnistlab.reading.finder.contrast` returns it; H and W are multiples of 4.

        Returns
        -------
        kinds, boxes, ink : Tensor
            `kinds` are logits (B, classes, H/4, W/4); `boxes`, (B, 4, H/4, W/4), are the offset of a mark's
            centre from the middle of its cell, in cells, and the logarithms of the mark's width and height relative to
            `mnistlab.reading.finder.SIZES`; `ink` are logits (B, 1, H, W) of the share of each pixel that digits cover.
        """
        fine = self.fine(contrast)
        x = self.coarse(fine)
        for step in self.further:
            x = x + step(x)
        answers = self.answers(x)
        up = F.pixel_shuffle(F.relu(self.ink_coarse(x)), 2)
        ink = F.pixel_shuffle(self.ink_fine(torch.cat([up, fine], 1)), 2)
        return answers[:, : self.classes], answers[:, self.classes :], ink

    @property
    def design(self) -> dict[str, list[int]]:
        """The arguments with which the network was made, apart from the number of classes."""
        return {"widths": list(self.widths), "apart": list(self.apart)}


def loss(
    answers: tuple[Tensor, Tensor, Tensor], heat: Tensor, boxes: Tensor, asked: Tensor, digits: Tensor
) -> dict[str, Tensor]:
    """The parts of the loss: CenterNet's focal loss for the kinds, the mean error of the boxes, and the cross-entropy of the ink.

    The last four arguments are the fields of `mnistlab.papers.targets.Example` with the same names, stacked for a batch.
    """
    kinds, found, ink = (answer.float() for answer in answers)
    middles = heat == 1
    count = middles.sum().clamp(min=1)
    p = kinds.sigmoid()
    right = (1 - p) ** 2 * F.logsigmoid(kinds) * middles
    wrong = (1 - heat) ** 4 * p**2 * F.logsigmoid(-kinds) * ~middles
    there = middles.any(1, keepdim=True)
    return {
        "kinds": -((right + wrong) * asked[:, None]).sum() / count,
        "boxes": ((found - boxes).abs() * there).sum() / count,
        "ink": F.binary_cross_entropy_with_logits(ink[:, 0], digits, reduction="sum") / (digits.sum() + 500),
    }


def weighted(parts: dict[str, Tensor], boxes: float, ink: float) -> Tensor:
    """The quantity to minimise: the loss of the kinds, plus that of the boxes times `boxes`, plus that of the ink times `ink`."""
    return parts["kinds"] + boxes * parts["boxes"] + ink * parts["ink"]


def save_finder(path: str | Path, model: FinderNet, dataset: str, classes: Sequence[str], data: str) -> None:
    """Write, atomically, the network's state_dict, widths, dilations and classes, and the SHA-256 of its training material."""
    save_network(path, FINDER_FORMAT, model, dataset, classes, data)


def read_finder(path: Path, remedy: str | None = None) -> SavedNetwork[FinderNet]:
    """The network that `save_finder` wrote, on the CPU, in evaluation mode; raises `UserError` as `read_network` does."""

    def make(content: Mapping[str, Any], classes: int) -> FinderNet:
        return FinderNet(classes, tuple(content["widths"]), tuple(content["apart"]))

    return read_network(path, FINDER_FORMAT, make, remedy)
