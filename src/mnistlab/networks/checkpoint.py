"""Models and training states as files: tensors and plain types only, so that loading never runs code."""

from __future__ import annotations

import io
import logging
import pickle
import struct
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn.modules.utils import consume_prefix_in_state_dict_if_present

from mnistlab.data.dataset import DatasetSpec
from mnistlab.data.normalisation import Normalisation
from mnistlab.errors import UserError, last_line
from mnistlab.files import local_text, write_bytes
from mnistlab.messages.sentences import Clause
from mnistlab.networks.architecture import architecture_of
from mnistlab.networks.ensemble import Network, make_network

__all__ = [
    "SavedModel",
    "check_version",
    "load_tensors",
    "misfit",
    "read_model",
    "save_model",
    "save_tensors",
    "strip_prefix",
]


logger = logging.getLogger("mnistlab.checkpoints")

MODEL_FORMAT, MODEL_VERSION = "mnistlab model", 1
FINDER_FORMAT, LINE_READER_FORMAT = "mnistlab finder", "mnistlab line reader"
PAPER_FORMATS = {FINDER_FORMAT: Clause("does.finder"), LINE_READER_FORMAT: Clause("does.line_reader")}
"""The formats stated in the files of finders and line readers (see `papers.py`), and what each of these networks does."""
DAMAGE = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, OSError, RuntimeError, TypeError,
    ValueError, struct.error,
)  # fmt: skip
"""The exceptions that torch.load raises for damaged bytes, besides UnpicklingError."""


@dataclass(frozen=True)
class SavedModel:
    """A model with everything needed to use it: its classes, and how its input is normalised."""

    model: Network
    dataset: str
    classes: tuple[str, ...]
    normalisation: Normalisation

    @property
    def mean(self) -> float:
        """The mean of `normalisation`, for pixels scaled to [0, 1]."""
        return self.normalisation.mean

    @property
    def std(self) -> float:
        """The standard deviation of `normalisation`, for pixels scaled to [0, 1]."""
        return self.normalisation.std


def save_tensors(path: str | Path, content: dict[str, Any]) -> None:
    """Write `content` to `path`, atomically. Raises `UserError` or `Failure` as `write_bytes` does."""
    buffer = io.BytesIO()  # because torch's own writer can abort the process if the disk is full
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


def load_tensors(path: str | Path, remedy: str) -> Any:
    """Read what `torch.save` wrote to `path`, with tensors on the CPU; nothing in the file is executed.

    Raises `UserError` if access to the file is denied or the file is a pickle with code in it; also if it is missing, empty,
    damaged or a folder, and in these four cases with the remedy whose key is `remedy`.
    """
    path = Path(path)
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            if not file.read(1):
                raise UserError("files.empty", remedy=remedy, path=path)
            file.seek(0)
            warnings.simplefilter("ignore", UserWarning)  # about a pickle's protocol; the error below says enough
            return torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError("files.missing", remedy=remedy, path=path) from None
    except IsADirectoryError:
        raise UserError("files.is_a_folder", remedy=remedy, path=path) from None
    except PermissionError as error:
        raise UserError("networks.unreadable", path=path, strerror=error.strerror) from None
    except pickle.UnpicklingError as error:
        if looks_like_pickle(path) and "nsupported" in str(error):
            raise UserError("networks.unsafe_file", path=path) from None
        raise UserError("networks.damaged", remedy=remedy, path=path) from None
    except DAMAGE:
        raise UserError("networks.damaged", remedy=remedy, path=path) from None


def looks_like_pickle(path: Path) -> bool:
    """Whether the file begins like a zip archive from torch.save, or like a pickle of protocol 2 to 5."""
    with path.open("rb") as file:
        start = file.read(4)
    return start == b"PK\x03\x04" or (start[:1] == b"\x80" and start[1:2] in (b"\2", b"\3", b"\4", b"\5"))


def strip_prefix(state: dict[str, Any], names: Collection[str]) -> str:
    """Remove, in place, the prefix that a wrapper put before the names in a state_dict, and return the prefix.

    `names` are the network's own names for its weights. DataParallel and similar wrappers put "module." before them,
    torch.compile puts "_orig_mod.", a module with the network as an attribute puts that attribute's name ("model." in many
    Lightning checkpoints), and nested wrappers put, for example, "model._orig_mod.". Returns "" and changes nothing if the
    state_dict's names fit as they are, or if none would fit without their common prefix.
    """
    wrapped = [name for name in state if name != "n_averaged"]  # AveragedModel adds this besides "module."
    prefix = ""
    while wrapped and not any(name.removeprefix(prefix) in names for name in wrapped):
        first, dot, _ = wrapped[0].removeprefix(prefix).partition(".")
        prefix += first + dot
        if not dot or not all(name.startswith(prefix) for name in wrapped):
            return ""
    if prefix:
        state.pop("n_averaged", None)
    for part in prefix.split(".")[:-1]:
        consume_prefix_in_state_dict_if_present(state, f"{part}.")
    return prefix


def file_name(name: str) -> str:
    """A weight's name in files, without the "network." that each wrapper adds (wrappers have no weights of their own)."""
    return name.replace("network.", "")


def load_weights(model: Network, state: dict[str, Any]) -> str:
    """Load a file's state_dict into the model. Returns the prefix removed from the weights' names, or "" (see `strip_prefix`).

    Raises `RuntimeError` if the state_dict does not fit the model.
    """
    own = {file_name(name): name for name in model.state_dict()}
    prefix = strip_prefix(state, own)
    model.load_state_dict({own.get(name, name): value for name, value in state.items()})
    return prefix


def save_model(path: str | Path, model: Network, spec: DatasetSpec) -> None:
    """Write the model's state_dict with its architecture, classes and normalisation, atomically."""
    content = {
        "format": MODEL_FORMAT,
        "version": MODEL_VERSION,
        "architecture": model.architecture.to_dict(),
        "dataset": spec.name,
        "classes": list(spec.classes),
        "mean": spec.mean,
        "std": spec.std,
        "state_dict": {file_name(k): v.detach().cpu() for k, v in model.state_dict().items()},
    }
    save_tensors(path, content)


def check_version(path: Path, content: dict[str, Any], expected: int) -> None:
    """Raise `UserError` unless the file's content states `expected` as the version of its format."""
    if "version" not in content:
        raise misfit(path, KeyError("version"))
    if (version := content["version"]) != expected:
        raise UserError("networks.unknown_version", path=path, version=version, model_version=expected)


def misfit(path: Path, error: Exception) -> UserError:
    """The error to report if `error` was raised while a network was made from the file's content."""
    if isinstance(error, KeyError):
        return UserError("networks.entry_missing", path=path, name=error.args[0])
    return UserError("networks.weights_of_another_architecture", path=path, reason=last_line(error))


def read_model(path: Path) -> SavedModel:
    """The model that `save_model` wrote, on the CPU, in evaluation mode.

    Raises `UserError` if the file is missing, damaged, unsafe, or of another format or version, or if its weights do not
    fit the architecture that it states.
    """
    content = load_tensors(path, "remedies.give_run_or_model")
    if not isinstance(content, dict) or content.get("format") != MODEL_FORMAT:
        if isinstance(content, dict) and (does := PAPER_FORMATS.get(str(content.get("format")))):
            raise UserError("networks.not_a_classifier", path=path, does=does)
        raise UserError("networks.not_our_model", path=path)
    check_version(path, content, MODEL_VERSION)
    try:
        model = make_network(architecture_of(content["architecture"]))
        if prefix := load_weights(model, content["state_dict"]):
            logger.info(Clause("networks.prefix_left_off", path=path, prefix=prefix))
        classes = tuple(local_text(str(name)) for name in content["classes"])
        dataset = local_text(str(content["dataset"]))
        mean, std = float(content["mean"]), float(content["std"])
    except UserError as error:
        raise UserError("networks.impossible_architecture", path=path, reason=error) from None
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise misfit(path, error) from None
    try:
        normalisation = Normalisation(mean, std)
    except UserError:
        raise UserError("networks.impossible_normalisation", path=path, mean=mean, std=std) from None
    outputs = model.architecture.classes
    if len(classes) != outputs:
        raise UserError("networks.classes_misfit", path=path, count=len(classes), outputs=outputs)
    return SavedModel(model.eval(), dataset, classes, normalisation)
