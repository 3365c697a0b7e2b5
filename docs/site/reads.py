"""Which of mnistlab's files, modules and data, a process has read. Import this module before any other of mnistlab."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

__all__ = ["PACKAGE", "files_read"]

PACKAGE = Path(__file__).parents[2] / "src" / "mnistlab"
PREFIX = f"{PACKAGE}{os.sep}"
READ: set[str] = set()


def note(event: str, details: tuple[Any, ...]) -> None:
    """Note a file of mnistlab that is opened, or those that a started process may open. Called for each audit event."""
    if event == "open" and str(details[0]).startswith(PREFIX):
        READ.add(str(details[0]))
    elif event == "subprocess.Popen" and any(Path(str(word)).name == "mnistlab" for word in details[1]):
        started = (path for path in PACKAGE.rglob("*.py") if path.parent.name not in ("days", "exercises"))
        READ.update(map(str, started))  # files that another process reads are not seen


sys.addaudithook(note)


def files_read() -> list[str]:
    """The paths, within the package, of the files read so far; for a compiled module, that of its source."""
    found = set()
    for path in map(Path, READ):
        compiled = path.parent.name == "__pycache__"
        source = path.parents[1] / f"{path.name.partition('.')[0]}.py" if compiled else path
        found.add(source.relative_to(PACKAGE).as_posix())
    return sorted(name for name in found if (PACKAGE / name).is_file())
