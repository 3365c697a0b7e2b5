"""The model that reads in these benchmarks, and MNIST's test images for it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from mnistlab.data.dataset import open_dataset
from mnistlab.reading.reader import Reader

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]

model_option = click.option(
    "--model", type=click.Path(path_type=Path, exists=True), help="An exported model; else the bundled one."
)


def mnist_test(data_dir: Path) -> tuple[Images, Labels]:
    """MNIST's test images, uint8 (10000, 28, 28) with ink 255 on 0, and their labels."""
    return open_dataset("mnist", data_dir).read("test")


def describe(reader: Reader) -> dict[str, Any]:
    """What to record about the model that was measured."""
    content = reader.path.read_bytes()
    name, metadata = reader.path.name, dict(reader.metadata)
    return {
        "name": name,
        "metadata": metadata,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest()[:12],
    }
