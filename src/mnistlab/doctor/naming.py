"""The class or function in a file that the learner names. No torch is needed to see whether the file exists."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from mnistlab.errors import UserError
from mnistlab.files import is_file

__all__ = ["Named"]


class Named(NamedTuple):
    """A name in a Python file."""

    file: Path
    name: str

    @staticmethod
    def of(code: str, remedy: str) -> Named:
        """The parts of "FILE.py:NAME". Raises `UserError`, with the remedy of that key, if there is no such file."""
        file, _, name = code.rpartition(":")
        if not file or not is_file(Path(file)):
            raise UserError("doctor.code_missing", remedy=remedy, file=file or code)
        return Named(Path(file), name)
