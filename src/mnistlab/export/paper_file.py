"""What differs between the exported files of the networks for pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from mnistlab.export.result import PaperExport

__all__ = ["PaperFile"]


@dataclass(frozen=True)
class PaperFile:
    """The file of a kind of network."""

    name: str
    """The file's name without its suffix."""
    sizes: Sequence[tuple[int, int, int, int]]
    """The shapes of the inputs on which the file is tried; the first one is also used to trace the network."""
    sides: Mapping[int, tuple[str, int]]
    """The axes of the input that can have any length, each with a name and the number of which its length is a multiple."""
    outputs: Mapping[str, Mapping[int, str]]
    """The names of the outputs, each with names for some of its axes."""
    whole: Callable[[Any], nn.Module]
    """The network that computes the file's outputs; it returns a tuple."""
    in_file: Callable[[Any], nn.Module]
    """The same, with the weights that the ONNX file holds."""
    halved: bool = False
    """Whether the ONNX file holds the kernels as float16, which takes half the room; they have to be rounded already."""
    threshold: float = 0.0
    """The lowest probability, 0 to 1, of an answer that counts."""
    result: type[PaperExport] = PaperExport
    """What the export of such a file returns."""
