"""The finder's network: small and fully convolutional, with one answer for each cell of 4x4 pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistlab.errors import UserError
from mnistlab.files import local_text
from mnistlab.networks.checkpoint import FINDER_FORMAT, load_tensors, save_tensors
from mnistlab.networks.network import evaluating
from mnistlab.networks.summary import PURPOSES, LayerRow, multiply_adds

__all__ = ["FinderNet", "SavedFinder", "loss", "read_finder", "save_finder", "weighted"]

FINDER_VERSION = 1


class Step(nn.Sequential):
    """A convolution, batch norm and ReLU."""

    def __init__(self, inputs: int, outputs: int, side: int = 3, stride: int = 1, apart: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, side, stride, side // 2 * apart, apart, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class FinderNet(nn.Module):
    """Marks the centre, kind and size of each digit, as CenterNet does (Zhou et al. 2019, https://arxiv.org/abs/1904.07850).

    Parameters
    ----------
    classes : int
        The number of kinds of marks.
    widths : tuple of int
        Channels of the first `Step`, of the second, and of each later one. The maps of the first two have half the input's height
        and width; the maps of the later ones have a quarter of both.
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
        """Find marks, with one answer for each cell of 4x4 pixels, and ink, with one for each pixel.

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

    def describe(self, height: int, width: int) -> list[LayerRow]:
        """A row per convolution: its name, output shape, parameters, and work for one scene of this height and width (pixels)."""
        rows: list[LayerRow] = []

        def note(name: str, layer: nn.Conv2d, output: Tensor) -> None:
            shape = tuple(output.shape[1:])
            parameters = sum(p.numel() for p in layer.parameters())
            rows.append(
                LayerRow(name, "Conv2d", str(PURPOSES[nn.Conv2d]), shape, parameters, multiply_adds(layer, shape))
            )

        hooks = [
            layer.register_forward_hook(lambda layer, _, output, name=name: note(name, layer, output))
            for name, layer in self.named_modules()
            if isinstance(layer, nn.Conv2d)
        ]
        try:
            with evaluating(self):
                self(torch.zeros(1, 1, height, width, device=next(self.parameters()).device))
        finally:
            for hook in hooks:
                hook.remove()
        return rows


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
    """The quantity to minimise: the loss of the kinds plus the losses of boxes and ink, each times its weight."""
    return parts["kinds"] + boxes * parts["boxes"] + ink * parts["ink"]


@dataclass(frozen=True)
class SavedFinder:
    """A finder with everything needed to use it."""

    model: FinderNet
    dataset: str
    classes: tuple[str, ...]
    """The name of each kind of mark: a digit, or another mark."""
    data: str
    """The SHA-256 of the material from which its training scenes were drawn."""


def save_finder(path: str | Path, model: FinderNet, dataset: str, classes: Sequence[str], data: str) -> None:
    """Write, atomically, the network's state_dict, widths, dilations and classes, and the SHA-256 of its training material."""
    content = {
        "format": FINDER_FORMAT,
        "version": FINDER_VERSION,
        "widths": list(model.widths),
        "apart": list(model.apart),
        "dataset": dataset,
        "classes": list(classes),
        "data": data,
        "state_dict": {name: value.detach().cpu() for name, value in model.state_dict().items()},
    }
    save_tensors(path, content)


def read_finder(path: Path, remedy: str | None = None) -> SavedFinder:
    """The network that `save_finder` wrote, on the CPU, in evaluation mode.

    Raises `UserError` for a file that is missing, damaged, unsafe, of another format or version, or whose weights do not fit the
    network that the file describes.
    """
    content = load_tensors(path, remedy or "remedies.give_run_or_model")
    if not isinstance(content, dict) or content.get("format") != FINDER_FORMAT:
        raise UserError("networks.not_a_finder", remedy=remedy, path=path)
    if content.get("version") != FINDER_VERSION:
        version = content.get("version")
        raise UserError("networks.unknown_version", path=path, version=version, model_version=FINDER_VERSION)
    try:
        classes = tuple(local_text(str(name)) for name in content["classes"])
        model = FinderNet(len(classes), tuple(content["widths"]), tuple(content["apart"]))
        model.load_state_dict(content["state_dict"])
        return SavedFinder(model.eval(), local_text(str(content["dataset"])), classes, str(content["data"]))
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise UserError("networks.weights_of_another_architecture", path=path, reason=reason) from None
