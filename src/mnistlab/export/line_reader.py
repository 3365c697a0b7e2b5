"""The line reader's exported file."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mnistlab.export.paper_file import PaperFile
from mnistlab.networks.line_reader import LineNet
from mnistlab.networks.papers import Step
from mnistlab.reading.line_reader import HEIGHT

__all__ = ["LINE_READER_FILE", "rounded"]


class Whole(nn.Module):
    """The network as it is in the file: from the contrast, it computes the probabilities of the classes in each column."""

    def __init__(self, model: LineNet) -> None:
        super().__init__()
        self.model = model

    def forward(self, contrast: Tensor) -> tuple[Tensor]:
        """Probabilities (N, W/2, 11) of what each column shows, from the contrast (N, 1, 48, W)."""
        return (self.model(contrast).transpose(1, 2).softmax(2),)


def rounded(model: LineNet) -> LineNet:
    """A copy of the model: each batch norm is merged into the convolution before it, then all kernels are rounded to float16."""
    copied = copy.deepcopy(model).eval()
    for step in copied.modules():
        if isinstance(step, Step):
            convolution, norm, _ = step
            assert isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)  # noqa: S101 - for mypy
            step[0], step[1] = fuse_conv_bn_eval(convolution, norm), nn.Identity()
    with torch.no_grad():
        for weight in copied.parameters():
            if weight.ndim > 1:
                weight.copy_(weight.half())
    return copied


LINE_READER_FILE = PaperFile(
    name="lines",
    sizes=[(count, 1, HEIGHT, width) for count, width in ((2, 256), (1, 64), (5, 4), (3, 1020))],
    sides={0: ("n", 1), 3: ("w", 4)},
    outputs={"classes": {0: "n", 1: "2*w"}},
    whole=Whole,
    in_file=lambda model: Whole(rounded(model)),
    halved=True,
)
"""Takes float32 (N, 1, 48, W), where W is a multiple of 4; returns `classes`, float32 (N, W/2, 11), 0 to 1: the probabilities of
the ten digits, and of no digit (class 10), in each column, 2 pixels wide. The kernels are stored as float16."""
