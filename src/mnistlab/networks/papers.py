"""What both networks for pages (the finder and the line reader) have in common: how they are described, saved and read back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from mnistlab.errors import UserError
from mnistlab.files import local_text
from mnistlab.networks.checkpoint import PAPER_FORMATS, check_version, load_tensors, misfit, save_tensors
from mnistlab.networks.network import evaluating
from mnistlab.networks.summary import PURPOSES, LayerRow, multiply_adds

__all__ = ["PaperNet", "SavedNetwork", "Step", "read_network", "save_network"]

VERSION = 1
"""The version of the files that `save_network` writes."""


class Step(nn.Sequential):
    """A convolution, batch norm and ReLU. With padding and a stride of 1, height and width stay the same.

    Parameters
    ----------
    inputs, outputs : int
        The numbers of channels of the input and of the output.
    kernel : int or (int, int)
        The height and width of the kernel, which are odd if `padded`.
    stride : int or (int, int)
        The stride, downwards and sideways.
    apart : int or (int, int)
        The dilation: the distance between neighbouring values that the kernel looks at, downwards and sideways.
    padded : bool
        Whether zeros are added around the input.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, int] = 3,
        stride: int | tuple[int, int] = 1,
        apart: int | tuple[int, int] = 1,
        *,
        padded: bool = True,
    ) -> None:
        sides, distances = ((value, value) if isinstance(value, int) else value for value in (kernel, apart))
        around = (sides[0] // 2 * distances[0], sides[1] // 2 * distances[1])
        super().__init__(
            nn.Conv2d(inputs, outputs, sides, stride, around if padded else 0, distances, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class PaperNet(nn.Module):
    """A convolutional network whose input is the contrast of pictures, float (B, 1, H, W), not the pictures themselves."""

    @property
    @abstractmethod
    def design(self) -> dict[str, list[int]]:
        """The arguments with which the network was made, apart from the number of classes."""

    def describe(self, height: int, width: int) -> list[LayerRow]:
        """A row per convolution: its name, output shape, number of parameters, and multiply-adds for a picture of this size."""
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


Net = TypeVar("Net", bound=PaperNet)


@dataclass(frozen=True)
class SavedNetwork(Generic[Net]):
    """A network for pages, together with everything needed to use the network."""

    model: Net
    dataset: str
    classes: tuple[str, ...]
    """The name of each class that the network knows: a digit, another sign, or "nothing"."""
    data: str
    """The SHA-256 of the material from which the network's training pictures were drawn."""


def save_network(
    path: str | Path, file_format: str, model: PaperNet, dataset: str, classes: Sequence[str], data: str
) -> None:
    """Write, atomically, the network's state_dict, design and classes, and the SHA-256 of its training material."""
    content = {
        "format": file_format,
        "version": VERSION,
        **model.design,
        "dataset": dataset,
        "classes": list(classes),
        "data": data,
        "state_dict": {name: value.detach().cpu() for name, value in model.state_dict().items()},
    }
    save_tensors(path, content)


def read_network(
    path: Path, file_format: str, make: Callable[[Mapping[str, Any], int], Net], remedy: str | None = None
) -> SavedNetwork[Net]:
    """The network that `save_network` wrote, on the CPU, in evaluation mode.

    Parameters
    ----------
    path : Path
        The file.
    file_format : str
        The format that the file has to state.
    make : callable
        Takes the file's content and the number of classes, and returns the network to load the weights into.
    remedy : str, optional
        The key of the message that says what to do if the file is missing, damaged or of another format.

    Raises
    ------
    UserError
        If the file is missing, damaged, unsafe, or of another format or version, or if its weights do not fit the network that
        it describes.
    """
    content = load_tensors(path, remedy or "remedies.give_run_or_model")
    if not isinstance(content, dict) or content.get("format") != file_format:
        raise UserError("networks.not_that_network", remedy=remedy, path=path, does=PAPER_FORMATS[file_format])
    check_version(path, content, VERSION)
    try:
        classes = tuple(local_text(str(name)) for name in content["classes"])
        model = make(content, len(classes))
        model.load_state_dict(content["state_dict"])
        return SavedNetwork(model.eval(), local_text(str(content["dataset"])), classes, str(content["data"]))
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise misfit(path, error) from None
