"""The environment that a run was trained in: versions, device, commit."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from mnistlab.devices import device_title

__all__ = ["commit", "describe_environment"]


PACKAGES = ("mnistlab", "torch", "torchvision", "numpy", "scipy", "matplotlib")


def describe_environment(device: torch.device, precision: str, processes: int = 0) -> dict[str, Any]:
    """Versions, device, threads, precision and commit, in plain types, as in environment.json.

    `processes` is the number of processes that torchrun started, or 0 without torchrun; device and threads are per process.
    """
    title = device_title(device)
    started = {"processes": processes} if processes else {}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version(name) for name in PACKAGES},
        "device": str(device),
        "device_title": f"{processes} x {title}" if processes > 1 else title,
        "threads": torch.get_num_threads(),
        "precision": precision,
        "commit": commit(),
        **started,
    }


def version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


@functools.cache
def commit() -> str | None:
    """The Git commit of this source code, with "-dirty" if mnistlab's files differ from that commit; None outside a checkout.

    Git is asked once per process, because code that has been loaded no longer changes.
    """
    folder = Path(__file__).parents[1]
    try:
        top = git(folder, "rev-parse", "--show-toplevel")
        if not top or not (Path(top) / "src" / "mnistlab").is_dir():
            return None  # installed inside another project's checkout
        dirty = "-dirty" if git(folder, "status", "--porcelain", "--", str(folder)) else ""
        head = git(folder, "rev-parse", "--short=12", "HEAD")
        return head and head + dirty
    except (OSError, subprocess.SubprocessError):
        return None


def git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, timeout=5, check=False)  # noqa: S603
    return os.fsdecode(done.stdout).strip() or None  # paths, in whatever encoding the file system uses
