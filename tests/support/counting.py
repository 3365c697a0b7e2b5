"""A finder that counts what it is shown."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.finder import Finder


class Counting(Finder):
    """The bundled finder. It counts the pixels that it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown = 0

    def __call__(self, seen: NDArray[np.float32]) -> Any:
        self.shown += seen.size
        return super().__call__(seen)
