"""The network that finds digits on a page: small, fully convolutional, an answer for each cell of 4x4 pixels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["FinderNet", "loss"]


class Step(nn.Sequential):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, side: int = 3, stride: int = 1, apart: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, side, stride, side // 2 * apart, apart, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class FinderNet(nn.Module):
    """Marks the middle, the kind and the size of each digit, as CenterNet does (Zhou et al. 2019, https://arxiv.org/abs/1904.07850).

    Parameters
    ----------
    classes : int
        How many kinds of marks there are.
    widths : tuple of int
        Channels of the first and second step, at half of the picture's size, and of the others, at a quarter.
    apart : tuple of int
        How far the pixels lie apart that each further step at a quarter looks at (its dilation).
    """

    def __init__(
        self, classes: int, widths: tuple[int, int, int] = (16, 24, 48), apart: tuple[int, ...] = (1, 1, 2, 1, 4, 1)
    ) -> None:
        super().__init__()
        first, second, third = widths
        self.fine = nn.Sequential(Step(1, first, 5, 2), Step(first, second))
        self.coarse = Step(second, third, 3, 2)
        self.further = nn.ModuleList(Step(third, third, apart=distance) for distance in apart)
        self.answers = nn.Conv2d(third, classes + 4, 1)
        self.classes = classes
        self.ink_coarse = nn.Conv2d(third, 4 * first, 1)
        self.ink_fine = nn.Sequential(Step(first + second, first), nn.Conv2d(first, 4, 1))
        nn.init.constant_(self.answers.bias[:classes], -4.0)  # type: ignore[index]

    def forward(self, contrast: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What stands where, for each cell of 4x4 pixels.

        Parameters
        ----------
        contrast : Tensor
            Float (B, 1, H, W), as `mnistlab.reading.finder.contrast` gives it; H and W are multiples of 4.

        Returns
        -------
        kinds, boxes, ink : Tensor
            Logits (B, classes, H/4, W/4); where the middle lies in the cell, in cells, and the logarithms of width and height,
            (B, 4, H/4, W/4); logits (B, 1, H, W) of how much of each pixel digits cover.
        """
        fine = self.fine(contrast)
        x = self.coarse(fine)
        for step in self.further:
            x = x + step(x)
        answers = self.answers(x)
        up = F.pixel_shuffle(F.relu(self.ink_coarse(x)), 2)
        ink = F.pixel_shuffle(self.ink_fine(torch.cat([up, fine], 1)), 2)
        return answers[:, : self.classes], answers[:, self.classes :], ink


def loss(
    answers: tuple[Tensor, Tensor, Tensor], heat: Tensor, boxes: Tensor, asked: Tensor, digits: Tensor
) -> dict[str, Tensor]:
    """How wrong the answers are: CenterNet's focal loss of the kinds, the boxes' mean error, the ink's cross-entropy.

    The last four are a batch of `mnistlab.papers.targets.Example`, with the same names and shapes.
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
