"""What an export gives besides the file."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnistlab.evaluation.calibration import Calibration

__all__ = ["Export", "FinderExport", "Parity"]


@dataclass(frozen=True)
class Parity:
    """How closely a file answers as PyTorch does: the same digits for all images, and probabilities that differ a little."""

    images: int
    """Images that were compared: all of the test split, or some of several sizes."""
    largest_difference: float
    """The largest difference between two probabilities."""


@dataclass(frozen=True)
class Export:
    """A file that was written, and what is known of the model in it.

    Where the model has seen the validation images, or nothing says that it has not, `calibration` and `accuracy` are None.
    """

    path: Path
    bytes: int
    to: str
    """"onnx" or "safetensors"."""
    temperature: float
    """What the logits are divided by."""
    threshold: float
    """An answer whose probability is at least this, 0 to 1, is to be accepted."""
    coverage: float
    """The fraction of the validation images that the threshold accepts."""
    calibration: Calibration | None
    parity: Parity
    """Between PyTorch and the file before any conversion to 8 bits."""
    accuracy: float | None
    """In fp32 on the validation images, 0 to 1."""
    int8_loss: float | None
    """The accuracy on the validation images that 8 bits cost; None for fp32."""

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain types, for JSON."""
        return {**dataclasses.asdict(self), "path": str(self.path)}


class FinderExport(Export):
    """That of the network that finds digits, which has no temperature, coverage and calibration.

    From `threshold` on, a mark counts as found where the network is measured.
    """

    def to_dict(self) -> dict[str, Any]:
        """What there is to know of it in plain types, for JSON."""
        return {
            name: value
            for name, value in super().to_dict().items()
            if name in ("path", "bytes", "to", "threshold", "parity")
        }
