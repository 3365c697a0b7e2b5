"""The line reader's network, which reads a whole line of digits at once, without first deciding where each digit is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistlab.networks.checkpoint import LINE_READER_FORMAT
from mnistlab.networks.papers import PaperNet, SavedNetwork, Step, read_network, save_network
from mnistlab.reading.line_reader import BLANK, HEIGHT

__all__ = ["CLASSES", "LineNet", "loss", "read_line_reader", "save_line_reader"]

CLASSES = (*"0123456789", "nothing")
"""The names of the classes that a column may have."""


class LineNet(PaperNet):
    """Says which digit, if any, each column of a strip shows; a column is two pixels wide.

    The columns are combined as in connectionist temporal classification, CTC (Graves et al. 2006,
    https://www.cs.toronto.edu/~graves/icml_2006.pdf): a digit that neighbouring columns repeat is read once, and columns of the
    class `BLANK` are skipped; such a column between two equal digits keeps them apart.

    Parameters
    ----------
    widths : tuple of int
        Channels of the first convolution and of the second, at half the strip's height; of the next four, at a quarter of it; and
        of those that follow, except the last, at an eighth of it and then at a height of 1. All outputs are half as wide as the
        strip.
    """

    def __init__(self, widths: tuple[int, ...] = (24, 48, 64, 112)) -> None:
        super().__init__()
        self.widths, (first, second, third, fourth) = widths, widths
        self.fine = nn.Sequential(Step(1, first, 5, 2), Step(first, second))
        self.lower = Step(second, third, 3, (2, 1))
        self.further = nn.ModuleList(Step(third, third, apart=distance) for distance in (1, 2, 1))
        self.quarter = Step(third, fourth, 3, (2, 1))
        self.deeper = nn.ModuleList(Step(fourth, fourth, apart=distance) for distance in (1, 1))
        self.flat = Step(fourth, fourth, (HEIGHT // 8, 1), padded=False)
        self.along = nn.ModuleList(Step(fourth, fourth, (1, 5), apart=(1, distance)) for distance in (1, 2, 4, 1))
        self.answers = nn.Conv2d(fourth, len(CLASSES), 1)

    def forward(self, contrast: Tensor) -> Tensor:
        """Say what each column shows.

        Parameters
        ----------
        contrast : Tensor
            Float (B, 1, 48, W), as `mnistlab.reading.finder.contrast` returns it; W is a multiple of 4.

        Returns
        -------
        Tensor
            Logits (B, 11, W/2) of the ten digits and of `BLANK`.
        """
        x = self.lower(self.fine(contrast))
        for step in self.further:
            x = x + step(x)
        x = self.quarter(x)
        for step in self.deeper:
            x = x + step(x)
        x = self.flat(x)
        for step in self.along:
            x = x + step(x)
        return self.answers(x)[:, :, 0]  # type: ignore[no-any-return]

    @property
    def design(self) -> dict[str, list[int]]:
        """The arguments with which the network was made."""
        return {"widths": list(self.widths)}


def loss(logits: Tensor, digits: Tensor, lengths: Tensor) -> Tensor:
    """The CTC loss of each strip, float32 (B,), in nats: minus the logarithm of the probability that its text is read.

    The loss is computed on the CPU, because CUDA sums the gradient in an order that varies, and MPS lacks this loss.

    Parameters
    ----------
    logits : Tensor
        Float (B, 11, W/2), as `LineNet` returns them.
    digits : Tensor
        int64, the digits of all strips, one strip after the other.
    lengths : Tensor
        int64 (B,), how many digits each strip has. The loss of a strip with too many digits for its width is 0.
    """
    columns = F.log_softmax(logits.float().cpu(), 1).permute(2, 0, 1)
    widths = torch.full((len(lengths),), len(columns), dtype=torch.long)
    return F.ctc_loss(columns, digits, widths, lengths, blank=BLANK, reduction="none", zero_infinity=True)


def save_line_reader(path: str | Path, model: LineNet, dataset: str, data: str) -> None:
    """Write, atomically, the network's state_dict and widths, and the SHA-256 of its training material."""
    save_network(path, LINE_READER_FORMAT, model, dataset, CLASSES, data)


def read_line_reader(path: Path, remedy: str | None = None) -> SavedNetwork[LineNet]:
    """The network that `save_line_reader` wrote, on the CPU, in evaluation mode; raises `UserError` as `read_network` does."""

    def make(content: Mapping[str, Any], classes: int) -> LineNet:
        return LineNet(tuple(content["widths"]))

    return read_network(path, LINE_READER_FORMAT, make, remedy)
