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
    """Contrast (B, 1, H, W) in, H and W multiples of 4; the kinds' logits (B, classes, H/4, W/4), boxes (B, 4, H/4, W/4) and the
    logits of digits' ink (B, 1, H, W) out.

    A middle, its kind and its size a cell, as in CenterNet (Zhou et al. 2019, https://arxiv.org/abs/1904.07850).

    Parameters
    ----------
    classes : int
    widths : tuple of int
        Channels at a half of the picture's pixels (first and second step) and at a quarter.
    apart : tuple of int
        How far the pixels lie apart that each further step at a quarter looks at.
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
    """How wrong the answers are: the focal loss of CenterNet for the kinds, the mean error of boxes, cross-entropy for the ink."""
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
