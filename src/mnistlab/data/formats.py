"""Parse raw files into arrays, accounting for every byte."""

from __future__ import annotations

import bz2
import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.catalog import DATASETS, DatasetSpec, FileSpec
from mnistlab.errors import Fault
from mnistlab.files import sha256
from mnistlab.messages.sentences import Clause

__all__ = ["Arrays", "CorruptFileError", "parse", "raw_size"]


Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images, uint8 (N, height, width), with bright ink on a dark background; labels, int64 (N,), from 0."""

LONGEST_TEXT = 200_000_000
"""The most bytes that a text file may have when unpacked; the larger of USPS's two files has about 20 million."""

# The IDX format: two zero bytes, a type, the number of dimensions, each dimension as a big-endian uint32, the values.
IDX_TYPES: dict[int, np.dtype[Any]] = {8: np.dtype(np.uint8), 12: np.dtype(">i4")}


class CorruptFileError(Fault):
    """A raw file differs from the catalogue; `reason` says how, and `reason.values["file"]` is the file's name or path."""


def raw_size(spec: DatasetSpec, file: FileSpec) -> int | None:
    """How many bytes the file must have, or None if its format does not determine that number."""
    if file.kind == "both":
        return None
    if file.kind == "images":
        return 16 + file.count * spec.image_size[0] * spec.image_size[1]
    return 12 + file.count * 8 * 4 if file.name.endswith("idx2-int") else 8 + file.count


def parse(spec: DatasetSpec, file: FileSpec, content: bytes, recorded: str | None = None) -> tuple[NDArray[Any], ...]:
    """The arrays in `content`, the bytes of `file`.

    Images are uint8 (N, height, width), upright; labels int64 (N,), from 0. `recorded` is the SHA-256 that the file had
    when it was fetched or first read; it matters only for files whose checksum is not in the catalogue.

    Raises `CorruptFileError` if `content` is not what the catalogue or `recorded` says.
    """
    if not content:
        raise CorruptFileError(Clause("data.file_empty", file=file.name))
    arrays = parse_usps(spec, file, content) if file.kind == "both" else (parse_idx(spec, file, content),)
    expected = file.sha256 or recorded
    actual = sha256(content)
    if actual == expected:
        return arrays
    for owner in DATASETS.values():
        for other in owner.files:
            if other.sha256 == actual:
                told = {"other": other.name, "owner": owner.name, "name": file.name, "dataset": spec.name}
                raise CorruptFileError(Clause("data.file_of_other_dataset", file=file.name, **told))
    if expected is not None:
        raise CorruptFileError(
            Clause("data.other_checksum", file=file.name, actual=actual[:12], expected=expected[:12])
        )
    return arrays


def parse_idx(spec: DatasetSpec, file: FileSpec, content: bytes) -> NDArray[Any]:
    rank = content[3] if len(content) >= 4 else 0
    if content[:2] != b"\0\0" or len(content) < 4 + 4 * rank or content[2] not in IDX_TYPES or rank not in (1, 2, 3):
        raise CorruptFileError(Clause("data.not_idx", file=file.name))
    shape = struct.unpack(f">{rank}I", content[4 : 4 + 4 * rank])
    dtype = IDX_TYPES[content[2]]
    if (rank == 3) != (file.kind == "images"):
        key = "data.images_for_labels" if rank == 3 else "data.labels_for_images"
        raise CorruptFileError(Clause(key, file=file.name))
    if shape[0] != file.count:
        key = "data.other_number_of_images" if rank == 3 else "data.other_number_of_labels"
        raise CorruptFileError(Clause(key, file=file.name, found=shape[0], count=file.count))
    if rank == 3 and dtype != np.uint8:
        raise CorruptFileError(Clause("data.other_pixels", file=file.name))
    if rank == 3 and shape[1:] != spec.image_size:
        raise CorruptFileError(
            Clause("data.other_image_size", file=file.name, height=shape[1], width=shape[2], expected=spec.image_size)
        )
    if rank == 2 and shape[1] != 8:
        raise CorruptFileError(Clause("data.other_label_columns", file=file.name, found=shape[1]))
    size = 4 + 4 * rank + int(np.prod(shape)) * dtype.itemsize
    if len(content) != size:
        # an unpacked .gz file may be longer still: it is not unpacked to its end
        key = "data.file_truncated" if len(content) < size else "data.file_too_long"
        raise CorruptFileError(Clause(key, file=file.name, found=len(content), size=size))
    values = np.frombuffer(content, dtype, offset=4 + 4 * rank).reshape(shape)
    if file.kind == "images":
        return np.ascontiguousarray(values.transpose(0, 2, 1) if spec.transposed else values)
    labels = values if rank == 1 else values[:, 0]  # QMNIST's other seven columns are writer, source and so on
    return checked_labels(spec, file, labels.astype(np.int64))


def parse_usps(spec: DatasetSpec, file: FileSpec, content: bytes) -> Arrays:
    """Parse LIBSVM's text format, compressed with bz2: each line is a label (from 1) and `index:value` pairs (values -1 to 1)."""
    try:
        with bz2.open(io.BytesIO(content)) as unpacked:
            text = unpacked.read(LONGEST_TEXT + 1)
        if len(text) > LONGEST_TEXT:
            raise CorruptFileError(Clause("data.unpacks_to_too_much", file=file.name, most=LONGEST_TEXT))
        rows = [line.split() for line in text.decode("ascii").splitlines()]
        labels = np.array([int(float(row[0])) for row in rows], np.int64)
        pixels = np.array([[float(cell.partition(":")[2]) for cell in row[1:]] for row in rows], np.float32)
        images = ((pixels + 1) / 2 * 255).astype(np.uint8).reshape(-1, *spec.image_size)
        if not (np.abs(pixels) <= 1).all():
            raise CorruptFileError(Clause("data.values_out_of_range", file=file.name))
    except (OSError, EOFError, ValueError, OverflowError, IndexError) as error:
        raise CorruptFileError(Clause("data.not_libsvm", file=file.name, error=error)) from None
    if len(images) != file.count or len(labels) != file.count:
        found = len(images)
        raise CorruptFileError(Clause("data.other_number_of_images", file=file.name, found=found, count=file.count))
    return images, checked_labels(spec, file, labels)


def checked_labels(spec: DatasetSpec, file: FileSpec, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    labels = labels - spec.first_label
    if labels.min() < 0 or labels.max() >= len(spec.classes):
        low, high = labels.min() + spec.first_label, labels.max() + spec.first_label
        first, last = spec.first_label, spec.first_label + len(spec.classes) - 1
        raise CorruptFileError(
            Clause("data.labels_out_of_range", file=file.name, low=low, high=high, first=first, last=last)
        )
    return labels
