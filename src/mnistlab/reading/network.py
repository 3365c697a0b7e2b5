"""An ONNX network that comes with mnistlab, opened when it is first needed."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from mnistlab.reading.classifier import open_session, read_model

__all__ = ["FOLDER", "BundledNetwork"]

FOLDER = Path(__file__).parent.parent / "bundled" / "reader"
"""The folder of the networks that come with mnistlab."""


class BundledNetwork:
    """A network run by ONNX Runtime. It may be used from several threads, pickled and copied.

    The network's file is opened at the first call, because many pictures are read without the network.

    Parameters
    ----------
    path : Path
        The network's file.
    threads : int, optional
        Processor threads for one call; one per core if None.
    """

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        self.path, self.threads = path, threads

    @functools.cached_property
    def session(self) -> Any:
        """ONNX Runtime's session. Raises `UserError` if the file cannot be read or is not ONNX."""
        return open_session(read_model(self.path), self.path, self.threads)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the session, which is made again when needed."""
        return {name: value for name, value in vars(self).items() if name != "session"}
