"""What a process has read of mnistlab, its modules and its data; complete if imported before anything of mnistlab."""

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
    """Called by Python for each file that is opened, and each process that is started."""
    if event == "open" and str(details[0]).startswith(PREFIX):
        READ.add(str(details[0]))
    elif event == "subprocess.Popen" and any(Path(str(word)).name == "mnistlab" for word in details[1]):
        started = (path for path in PACKAGE.rglob("*.py") if path.parent.name not in ("days", "exercises"))
        READ.update(map(str, started))  # files that another process reads are not seen


sys.addaudithook(note)


def files_read() -> list[str]:
    """The files by their names in the package; for a module, that of its source."""
    found = set()
    for path in map(Path, READ):
        compiled = path.parent.name == "__pycache__"
        source = path.parents[1] / f"{path.name.partition('.')[0]}.py" if compiled else path
        found.add(source.relative_to(PACKAGE).as_posix())
    return sorted(name for name in found if (PACKAGE / name).is_file())
