"""What is known about an exported file."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mnistlab.evaluation.calibration import Calibration

__all__ = ["Export", "FinderExport", "PaperExport", "Parity"]


@dataclass(frozen=True)
class Parity:
    """How closely a file's answers match PyTorch's: numbers may differ slightly, but a classifier's predicted classes do not."""

    images: int
    """On how many images the answers were compared: the whole test set or, for a finder or a line reader, a few inputs."""
    largest_difference: float
    """The largest difference between a number that the file computes and the same number from PyTorch."""


@dataclass(frozen=True)
class Export:
    """A file that was written, and what is known about the model in it.

    If the model was, or may have been, trained on the validation images, `calibration` and `accuracy` are None.
    """

    path: Path
    bytes: int
    to: str
    """"onnx" or "safetensors"."""
    temperature: float
    """The logits are divided by this before the softmax."""
    threshold: float
    """Answers with at least this probability, 0 to 1, are accepted."""
    coverage: float
    """The requested fraction of digits that the threshold should accept."""
    calibration: Calibration | None
    parity: Parity
    """How closely the file's answers match PyTorch's, measured before any conversion to 8 bits."""
    accuracy: float | None
    """The accuracy in fp32 on the validation images, 0 to 1."""
    int8_loss: float | None
    """The accuracy lost on the validation images by converting to 8 bits, -1 to 1 (negative for a gain); None for fp32."""

    def to_dict(self) -> dict[str, Any]:
        """Everything in plain types, for JSON."""
        return {**dataclasses.asdict(self), "path": str(self.path)}


class PaperExport(Export):
    """An exported finder or line reader, which has no temperature, coverage or calibration."""

    KNOWN: ClassVar[tuple[str, ...]] = ("path", "bytes", "to", "parity")
    """The fields that apply to this kind of export."""

    def to_dict(self) -> dict[str, Any]:
        """The fields in `KNOWN`, in plain types, for JSON."""
        return {name: value for name, value in super().to_dict().items() if name in self.KNOWN}


class FinderExport(PaperExport):
    """An exported finder. When a finder is measured, a mark counts as found if the mark's probability is at least `threshold`."""

    KNOWN = ("path", "bytes", "to", "threshold", "parity")
