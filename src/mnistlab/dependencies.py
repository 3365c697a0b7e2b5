"""The packages of each extra, and careful imports of packages that would otherwise send data or write to the home folder."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import os
import secrets
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from mnistlab.errors import Failure, UserError

__all__ = [
    "EXTRAS",
    "FONT_PACKAGES",
    "StandIn",
    "cache_of_its_own",
    "check_callers_for_torch",
    "check_torch",
    "find_missing",
    "import_matplotlib",
    "import_onnxruntime",
    "import_ray",
    "require",
    "stand_in",
]


TRAIN = ("matplotlib", "scipy", "torch", "torchvision")
FONT_PACKAGES = (
    "font-roboto", "font-hanken-grotesk", "font-lato", "font-manrope", "font-caladea", "font-source-serif-pro", "font-amatic-sc",
)  # fmt: skip
"""Packages of the extra `train`, each with a family of fonts; printed text in the generated training pictures is set in these."""
EXTRAS = {
    "train": TRAIN,
    "serve": ("fastapi", "httptools", "jinja2", "onnx", "orjson", "prometheus-client", "python-multipart", "uvicorn"),
    "export": (*TRAIN, "onnx", "onnxscript", "safetensors"),
    "parquet": ("pyarrow",),
    "pdf": ("pypdfium2",),
    "scale": (*TRAIN, "ray", "pyarrow"),
    "track": (*TRAIN, "tensorboard"),
}
"""For each extra, the packages whose absence is reported; `FONT_PACKAGES` are checked separately."""


def require(extra: str, *packages: str) -> None:
    """Raise `UserError` if one of the `packages` is not installed; if none are named, all packages of the extra are checked."""
    if missing := find_missing(packages or EXTRAS[extra]):
        raise UserError("dependencies.packages_missing", missing=missing, extra=extra)


def find_missing(packages: tuple[str, ...]) -> list[str]:
    """Those of the `packages` that are not installed, found without importing any."""
    return [package for package in packages if importlib.util.find_spec(package.replace("-", "_")) is None]


class StandIn:
    """Stands in for a public name whose packages are not installed: it can be imported, but using it raises an error."""

    def __init__(self, extra: str, missing: list[str]) -> None:
        self._extra, self._missing = extra, missing

    def _fail(self, *_: Any, **__: Any) -> NoReturn:
        raise UserError("dependencies.packages_missing", missing=self._missing, extra=self._extra)

    __call__ = __mro_entries__ = __instancecheck__ = _fail

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):  # Python's own tools look these up on every object
            raise AttributeError(name)
        self._fail()


def stand_in(room: str, error: ModuleNotFoundError) -> StandIn:
    """A stand-in for a name in the sub-package `room` if a package of `room`'s extra is missing; otherwise raises `error`."""
    extra = room if room in EXTRAS else "train"
    missing = find_missing(EXTRAS[extra])
    if (error.name or "").partition(".")[0] not in missing:
        raise error
    return StandIn(extra, missing)


def import_onnxruntime(submodule: str = "") -> Any:
    """onnxruntime, or its `submodule` such as "quantization", without telemetry. Only this function may import it.

    Official builds of onnxruntime report their use to Microsoft and keep an identifier of this computer in the home folder,
    unless ORT_DISABLE_TELEMETRY is set before the library is loaded (see its Privacy.md). Child processes inherit the setting.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    onnxruntime = importlib.import_module("onnxruntime")
    onnxruntime.disable_telemetry_events()  # builds for Windows ignore the variable
    return importlib.import_module(f"onnxruntime.{submodule}") if submodule else onnxruntime


def import_ray(*, alone: bool) -> Any:
    """Ray, without its usage statistics; if `alone`, only this process can use the cluster that Ray starts.

    Only this function may import Ray; ruff checks that. When Ray is imported, it reads the environment variables that
    this function sets. With `alone`, Ray listens on 127.0.0.1 only, as it usually does on Windows and macOS, and uses a
    token of this process, not one in the home folder.

    Raises `UserError` if Ray is not installed.
    """
    require("scale", "ray")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"  # otherwise workers look for Ray in a copy of this folder
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "1"  # a task that asks for no GPU sees none and gets no warning
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")  # otherwise standard output reports processes that died
    if alone:
        os.environ |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    return importlib.import_module("ray")


def check_torch() -> None:
    """Raise `Failure` if torch cannot be imported because this process cannot encode the name of the folder that holds it."""
    spec = importlib.util.find_spec("torch")
    if spec and spec.origin:
        check_spelling(spec.origin)


def check_callers_for_torch() -> None:
    """Raise `Failure` if torch's exporter, which records the names of all calling files, could not encode one of these names."""
    for frame, _ in traceback.walk_stack(None):
        check_spelling(frame.f_code.co_filename)


def check_spelling(file: str) -> None:
    """Raise `Failure` if the file's name has bytes that this process cannot decode (PEP 383)."""
    try:
        file.encode()
    except UnicodeEncodeError:
        encoding = sys.getfilesystemencoding()
        remedy = "dependencies.name_not_utf8" if encoding == "utf-8" else None
        folder = Path(file).parent
        raise Failure("dependencies.name_not_spelt", remedy=remedy, folder=folder, encoding=encoding) from None


def import_matplotlib() -> None:
    """Import matplotlib with only its own fonts, and without creating folders in the home folder.

    Listing those few fonts takes 0.2 s, so the list need not be cached; listing all of the system's fonts takes seconds, and
    mnistlab uses none of them. If a program has already imported matplotlib, with its own settings, this function changes
    nothing. If MPLBACKEND names a backend that is not installed, such as Jupyter's in a program outside Jupyter, an ordinary
    import would fail; this function imports matplotlib without that backend. If MPLBACKEND names an installed
    backend, that backend is in effect afterwards.

    Raises `UserError` if matplotlib is not installed.
    """
    if "matplotlib.font_manager" in sys.modules:
        return
    require("train", "matplotlib")
    backend = None if "matplotlib" in sys.modules else os.environ.get("MPLBACKEND")
    logger = logging.getLogger("matplotlib.font_manager")
    logger.addFilter(is_not_about_the_cache)
    try:
        with cache_of_its_own("MPLCONFIGDIR"), environment(MPL_IGNORE_SYSTEM_FONTS="1", MPLBACKEND=None):
            importlib.import_module("matplotlib.font_manager")
    finally:
        logger.removeFilter(is_not_about_the_cache)
    if backend:
        with contextlib.suppress(ValueError):
            importlib.import_module("matplotlib").rcParams["backend"] = backend


def is_not_about_the_cache(record: logging.LogRecord) -> bool:
    """False for the message, logged by matplotlib after 5 s, that the font cache is being built; mnistlab keeps no such cache."""
    return "building the font cache" not in record.getMessage()


@contextlib.contextmanager
def environment(**changed: str | None) -> Iterator[None]:
    """Inside `with`, give environment variables other values; None removes a variable."""
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
    """Inside `with`, set the environment variable `variable` to a temporary folder, unless the user has set the variable.

    A library uses the folder as its cache; the folder is deleted afterwards. If no folder can be made, the variable stays unset.
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
