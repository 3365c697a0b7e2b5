"""What a run keeps of how its network came to be: snapshots.npz, states at steps that grow, with the hash of their weights.

Each state is the step, its loss, the filters of the first convolution, and the probabilities of a few digits that are hard to
tell apart. The digits are there too: a training can be shown again without its data.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import UserError
from mnistlab.files import write_bytes

__all__ = ["NAME", "Snapshots", "snapshot_steps"]

NAME = "snapshots.npz"
MOST = 40
"""States that are kept of a whole training, at most."""
FILTER_VALUES, PROBABILITIES, PIXELS = 8_192, 8_000, 100_000
"""Values of filters and of probabilities in a state, and pixels of the digits, at most: no file is over 3 MB."""


def snapshot_steps(steps: int) -> list[int]:
    """The steps of a training of so many whose states are kept: 0, 1 and on, at distances that grow, to the last."""
    return sorted({0, *np.geomspace(1, max(steps, 1), MOST - 1).round().astype(int).tolist()})


@dataclass(frozen=True)
class Snapshots:
    """The states of a training.

    Attributes
    ----------
    steps : ndarray of int64, shape (S,)
        Steps done, from 0 on.
    losses : ndarray of float32, shape (S,)
        The loss of that step's batch, in nats; NaN before the first step.
    filters : ndarray of float32, shape (S, F, height, width)
        The first convolution's first filters.
    probabilities : ndarray of float32, shape (S, N, classes)
        What the network says of the digits.
    weights : ndarray of bytes, shape (S,)
        The SHA-256 of all weights of the network, in hexadecimal digits.
    images : ndarray of uint8, shape (N, H, W)
        The digits, ink 255 on 0.
    labels : ndarray of int64, shape (N,)
    classes : ndarray of str, shape (classes,)
        The name of each class.
    """

    steps: NDArray[np.int64]
    losses: NDArray[np.float32]
    filters: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    weights: NDArray[np.bytes_]
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: NDArray[np.str_]

    @property
    def sha256(self) -> str:
        """That of all that it holds."""
        found = hashlib.sha256()
        for field in dataclasses.fields(self):
            values = np.ascontiguousarray(getattr(self, field.name))
            found.update(f"{field.name} {values.dtype.str} {values.shape} ".encode())
            found.update(values.tobytes())
        return found.hexdigest()

    def up_to(self, step: int) -> Snapshots:
        """Those of the states that come no later than that step."""
        kept = self.steps <= step
        of_states = ("steps", "losses", "filters", "probabilities", "weights")
        return dataclasses.replace(self, **{name: getattr(self, name)[kept] for name in of_states})

    def write(self, path: Path) -> None:
        """Write the file, atomically. Raises `UserError` or `Failure` where that is not possible."""
        buffer = io.BytesIO()
        arrays = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        np.savez_compressed(buffer, sha256=np.array(self.sha256), **arrays)
        write_bytes(path, buffer.getvalue())

    @staticmethod
    def read(path: Path, run: Path) -> Snapshots:
        """The file of that run. Raises `UserError` where it is missing or damaged, or was changed."""
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                found = Snapshots(**{field.name: file[field.name] for field in dataclasses.fields(Snapshots)})
                sound = str(file["sha256"]) == found.sha256 and len(found.steps) > 0
        except FileNotFoundError:
            raise UserError("runs.no_snapshots", run=run) from None
        except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile):
            sound = False
        if not sound:
            raise UserError("runs.snapshots_damaged", path=path, run=run)
        return found
