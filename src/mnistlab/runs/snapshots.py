"""A record of training, snapshots.npz: the network's states at ever longer intervals, each with a hash of its weights.

A state consists of the step, its loss, the filters of the first convolution, and the probabilities for a few digits that are
hard to tell apart. The file holds these digits too, so that training can be replayed without the data. For a few states, it also
holds all weights, in 8 bits, and the layers that they belong to, so that the answer of such a state to a new drawing can be
computed without torch.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import UserError
from mnistlab.files import why_unreadable, write_bytes

__all__ = ["NAME", "Snapshots", "snapshot_steps", "whole_steps"]

NAME = "snapshots.npz"
MOST = 40
"""The largest number of states that are kept of a training run."""
FILTER_VALUES, PROBABILITIES, PIXELS = 4_096, 4_000, 100_000
"""The most filter values and the most probabilities that a state may have, and the most pixels of all digits together."""
MOST_WHOLE, WHOLE_BYTES = 8, 1_400_000
"""The most states that are kept with all weights, and the most bytes that these weights may take; so no file exceeds 3 MB."""
FIRST_WHOLE = 5
"""The step of the second state that is kept with all weights (the first is at step 0); the network changes little in between."""
OF_STATES, OF_WHOLE_STATES = (
    ("steps", "losses", "filters", "probabilities", "weights"),
    ("whole", "values", "scales", "vectors"),
)
"""The fields with a row for each state, and those with a row for each whole state (a state kept with all its weights)."""


def snapshot_steps(steps: int) -> list[int]:
    """The steps at which states are kept in a run of `steps` steps: 0, 1 and so on, ever further apart, up to the last."""
    return sorted({0, *np.geomspace(1, max(steps, 1), MOST - 1).round().astype(int).tolist()})


def whole_steps(steps: int, size: int) -> list[int]:
    """The steps, out of `snapshot_steps`, whose states are kept whole, with all weights.

    A whole state takes `size` bytes; if not even the first and the last state fit into `WHOLE_BYTES`, no state is kept whole.
    """
    count = min(MOST_WHOLE, WHOLE_BYTES // max(size, 1))
    if count < 2:
        return []
    kept = np.array(snapshot_steps(steps))
    wanted = np.geomspace(kept[-1], min(FIRST_WHOLE, kept[-1]), count - 1)
    return sorted({0, *kept[abs(kept[:, None] - wanted).argmin(axis=0)].tolist()})


@dataclass(frozen=True)
class Snapshots:
    """The states of a training run.

    Attributes
    ----------
    steps : ndarray of int64, shape (S,)
        The number of training steps done before each state; 0 for the first state.
    losses : ndarray of float32, shape (S,)
        The loss, in nats, of the last training step before each state; NaN for the state before the first step.
    filters : ndarray of float32, shape (S, F, height, width)
        The first convolution's first filters.
    probabilities : ndarray of float32, shape (S, N, classes)
        The network's probabilities for the digits, 0 to 1.
    weights : ndarray of bytes, shape (S,)
        For each state, the SHA-256 of all weights of the network, in hexadecimal digits.
    images : ndarray of uint8, shape (N, H, W)
        The images of the digits; ink is 255, the background 0.
    labels : ndarray of int64, shape (N,)
        The number of each digit's class, from 0.
    classes : ndarray of str, shape (classes,)
        The name of each class.
    whole : ndarray of int64, shape (K,)
        The steps of the states that are kept whole, with all weights; empty in older files and for large networks.
    layers : ndarray of str, shape ()
        The network's layers in order, as JSON (see `mnistlab.training.whole`).
    values : ndarray of int8, shape (K, weights)
        The weights of convolutions and linear layers, in the order of the layers; each weight is divided by its row's scale.
    scales : ndarray of float32, shape (K, rows)
        The scale of each row; a row is one output channel of a convolution, or one output of a linear layer.
    vectors : ndarray of float32, shape (K, numbers)
        The biases, and the factor and offset of batch norm, for each channel, in the order of the layers.
    """

    steps: NDArray[np.int64]
    losses: NDArray[np.float32]
    filters: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    weights: NDArray[np.bytes_]
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: NDArray[np.str_]
    whole: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    layers: NDArray[np.str_] = field(default_factory=lambda: np.array(""))
    values: NDArray[np.int8] = field(default_factory=lambda: np.zeros((0, 0), np.int8))
    scales: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    @property
    def sha256(self) -> str:
        """The SHA-256 of all arrays in the file, in hexadecimal digits."""
        found = hashlib.sha256()
        for name, values in self.arrays().items():
            found.update(f"{name} {values.dtype.str} {values.shape} ".encode())
            found.update(np.ascontiguousarray(values).tobytes())
        return found.hexdigest()

    def arrays(self) -> dict[str, Any]:
        """The arrays in the file, by name. If no state is kept with all weights, the fields for such states are left out."""
        left_out = () if len(self.whole) else ("layers", *OF_WHOLE_STATES)
        return {one.name: getattr(self, one.name) for one in dataclasses.fields(self) if one.name not in left_out}

    def up_to(self, step: int) -> Snapshots:
        """These snapshots, with only the states up to and including that of step `step`."""
        changed = {name: getattr(self, name)[self.steps <= step] for name in OF_STATES}
        changed |= {name: getattr(self, name)[self.whole <= step] for name in OF_WHOLE_STATES}
        return dataclasses.replace(self, **changed)

    def write(self, path: Path) -> None:
        """Write the snapshots to the file `path`, atomically. Raises `UserError` or `Failure` if that is not possible."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, sha256=np.array(self.sha256), **self.arrays())
        write_bytes(path, buffer.getvalue())

    @staticmethod
    def read(path: Path, run: Path) -> Snapshots:
        """Read the snapshots of `run` from the file `path`. Raises `UserError` if the file is missing, damaged or altered."""
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise UserError("runs.no_snapshots", run=run) from None
        except OSError as error:
            raise UserError("runs.snapshots_unreadable", path=path, reason=why_unreadable(error)) from None
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                left_out = () if "whole" in file else ("layers", *OF_WHOLE_STATES)
                names = [one.name for one in dataclasses.fields(Snapshots) if one.name not in left_out]
                found = Snapshots(**{name: file[name] for name in names})
                sound = str(file["sha256"]) == found.sha256 and len(found.steps) > 0
        except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile):
            sound = False
        if not sound:
            raise UserError("runs.snapshots_damaged", path=path, run=run)
        return found
