"""The name of a class or function in a Python file, as a learner writes it. This module does not import torch."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from mnistlab.errors import UserError
from mnistlab.files import is_file

__all__ = ["Named"]


class Named(NamedTuple):
    """The name of a class or function in a Python file."""

    file: Path
    name: str

    @staticmethod
    def of(code: str, remedy: str) -> Named:
        """The parts of "FILE.py:NAME". Raises `UserError`, with the remedy whose key is `remedy`, if there is no such file."""
        file, _, name = code.rpartition(":")
        if not file or not is_file(Path(file)):
            raise UserError("doctor.code_missing", remedy=remedy, file=file or code)
        return Named(Path(file), name)
