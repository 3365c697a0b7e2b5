"""Dependencies that would send something away or write into the home folder, imported so that they do neither."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

__all__ = ["cache_of_its_own", "import_matplotlib", "import_onnxruntime"]


def import_onnxruntime(submodule: str = "") -> Any:
    """onnxruntime, or its `submodule` such as "quantization", without telemetry. Nothing else imports it: ruff sees to that.

    Its official builds tell Microsoft how they are used and keep a number for this computer in the home folder, unless
    ORT_DISABLE_TELEMETRY is set before the library is loaded (the package's Privacy.md). Processes started from here inherit it.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    onnxruntime = importlib.import_module("onnxruntime")
    onnxruntime.disable_telemetry_events()  # of builds for Windows, which do not look at the variable
    return importlib.import_module(f"onnxruntime.{submodule}") if submodule else onnxruntime


def import_matplotlib() -> None:
    """Import matplotlib, with the fonts that it ships and with no folders in the home folder.

    To list those few fonts takes 0.2 s, so the list need not be kept; that of all the system's fonts takes seconds, and no
    picture shows them. A program that draws with settings of its own imports matplotlib first: then nothing happens here.
    matplotlib refuses to be imported where MPLBACKEND names a backend that is not installed, as Jupyter's is outside its
    kernel; here it is imported all the same. A backend that is installed is in force afterwards.
    """
    if "matplotlib.font_manager" in sys.modules:
        return
    backend = None if "matplotlib" in sys.modules else os.environ.get("MPLBACKEND")
    with cache_of_its_own("MPLCONFIGDIR"), environment(MPL_IGNORE_SYSTEM_FONTS="1", MPLBACKEND=None):
        importlib.import_module("matplotlib.font_manager")
    if backend:
        with contextlib.suppress(ValueError):
            importlib.import_module("matplotlib").rcParams["backend"] = backend


@contextlib.contextmanager
def environment(**changed: str | None) -> Iterator[None]:
    """Have environment variables other values for so long; None takes one away."""
    before = {name: os.environ.pop(name, None) for name in changed}
    os.environ.update({name: value for name, value in changed.items() if value is not None})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def cache_of_its_own(variable: str) -> Iterator[None]:
    """Have the environment variable `variable` name a temporary folder for so long, unless the user has named one.

    A library takes it for its cache; the folder is gone afterwards. Where none can be made, the library is left to its habits.
    """
    if os.environ.get(variable):
        yield
        return
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            folder = tempfile.TemporaryDirectory(prefix="mnistlab-", ignore_cleanup_errors=True)
            os.environ[variable] = stack.enter_context(folder)
        try:
            yield
        finally:
            os.environ.pop(variable, None)
