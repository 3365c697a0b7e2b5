"""What differs between the exported files of the two networks for pages, the finder and the line reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from mnistlab.export.result import PaperExport

__all__ = ["PaperFile"]


@dataclass(frozen=True)
class PaperFile:
    """Describes the file to which a finder, or another kind of network for pages, is exported."""

    name: str
    """The file's name without its suffix."""
    sizes: Sequence[tuple[int, int, int, int]]
    """The shapes of the inputs on which the file is tried; an input of the first shape is also used to trace the network."""
    sides: Mapping[int, tuple[str, int]]
    """The axes of the input whose length may vary: for each, its name, and a number of which the length must be a multiple."""
    outputs: Mapping[str, Mapping[int, str]]
    """The names of the outputs and, for each output, names for some of its axes."""
    whole: Callable[[Any], nn.Module]
    """Takes a model, and returns the network that computes the file's outputs as a tuple."""
    in_file: Callable[[Any], nn.Module]
    """Like `whole`, but with the weights as the ONNX file holds them."""
    halved: bool = False
    """Whether the ONNX file holds the kernels as float16, which takes half the space; if so, `in_file` has to round them."""
    threshold: float = 0.0
    """The lowest probability, 0 to 1, of an answer that counts."""
    result: type[PaperExport] = PaperExport
    """The class of the result that an export to this file returns."""
