"""Who wrote each image of MNIST, and which writers are kept for validation.

NIST had each writer fill in a form with many digits, and digits by one writer resemble one another. A network that was trained
on some of a writer's digits finds the rest easier than a stranger's, and two digits by one writer are not independent examples.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.catalog import DatasetSpec, Part
from mnistlab.errors import UserError
from mnistlab.files import sha256
from mnistlab.messages.sentences import Clause

__all__ = ["FOLDER", "read_writers", "validation_writers"]


FOLDER = Path(__file__).parents[1] / "bundled" / "writers"
Writers = NDArray[np.int16]


def read_writers(spec: DatasetSpec, part: Part) -> Writers | None:
    """NIST's number for the writer of each example, int16 (N,), in the dataset's order; None if unknown.

    Source: QMNIST's extended labels (Yadav and Bottou 2019), shipped in the package.
    Raises `UserError` if the file is missing or damaged.
    """
    if part not in spec.writers:
        return None
    path = FOLDER / f"writers-{part}.npz"
    try:
        content = path.read_bytes()
        if sha256(content) != spec.writers[part]:
            raise UserError("data.writers_damaged", path=path, reason=Clause("data.checksum_differs"))
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return np.asarray(arrays["writer"], np.int16)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError("data.writers_damaged", path=path, reason=getattr(error, "strerror", None) or error) from None


def validation_writers(writers: Writers, labels: NDArray[np.int64], classes: int) -> NDArray[np.bool_]:
    """Which examples are by writers who are kept for validation, bool (N,); the choice is the same for everyone.

    The writers, in the order of their numbers, form groups of twelve, and one writer of each group is kept, so that the examples
    kept are as near as possible to a twelfth of each class. The choice is revised group by group, in integer arithmetic and
    without a random generator, until no replacement improves it. For MNIST, 45 of the 539 writers are kept, with 5,004 of the
    60,000 images; in no class does the number of images kept differ from a twelfth of the class by more than 1.5.
    """
    numbers, who = np.unique(writers, return_inverse=True)
    counts = np.zeros((len(numbers), classes), np.int64)
    np.add.at(counts, (who, labels), 1)
    chosen = list(range(0, len(numbers), 12))
    kept, total = counts[chosen].sum(axis=0), counts.sum(axis=0)
    before: list[int] = []
    while chosen != before:
        before = list(chosen)
        for group, current in enumerate(before):
            first = 12 * group
            others = kept - counts[current]
            off = ((12 * (others + counts[first : first + 12]) - total) ** 2).sum(axis=1)
            chosen[group] = first + int(off.argmin())
            kept = others + counts[chosen[group]]
    return np.isin(who, chosen)
