"""Raw files of datasets, small and made up, as their makers format them."""

from __future__ import annotations

import bz2
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.dataset import DatasetSpec, find_spec


def idx(array: NDArray[Any]) -> bytes:
    """The IDX file of an array, uint8 or int32."""
    kind = {"uint8": 8, "int32": 12}[array.dtype.name]
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def libsvm(labels: list[int], pixels: NDArray[np.float64]) -> bytes:
    """USPS's file format: bz2 of a line per image."""
    lines = [
        f"{label} " + " ".join(f"{i}:{value:.4f}" for i, value in enumerate(row, 1)) + " \n"
        for label, row in zip(labels, pixels, strict=True)
    ]
    return bz2.compress("".join(lines).encode())


def small(name: str, train: int = 6, test: int = 4) -> DatasetSpec:
    """The dataset's row in the catalogue, but with fewer images and no checksums."""
    spec = find_spec(name)
    counts = [train] * len(spec.part_files("train")) + [test] * len(spec.part_files("test"))
    return replace(spec, files=tuple(replace(f, count=n, sha256=None) for f, n in zip(spec.files, counts, strict=True)))


def write_raw(spec: DatasetSpec, root: Path, seed: int = 0) -> Path:
    """Write random IDX files for a row of the catalogue, where torchvision expects them; returns their folder."""
    random = np.random.default_rng(seed)
    folder = root / spec.folder
    folder.mkdir(parents=True)
    for file in spec.files:
        if file.kind == "images":
            array: NDArray[Any] = random.integers(0, 256, (file.count, *spec.image_size), np.uint8)
        else:
            array = random.integers(0, len(spec.classes), file.count, np.uint8) + np.uint8(spec.first_label)
            if file.name.endswith("idx2-int"):
                others = random.integers(0, 1 << 30, (file.count, 7), np.int32)
                array = np.column_stack([array.astype(np.int32), others])
        (folder / file.name).write_bytes(idx(array))
    return folder
