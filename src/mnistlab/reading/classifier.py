"""The ONNX model that reads single digits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistlab.dependencies import import_onnxruntime
from mnistlab.errors import UserError, counted

if TYPE_CHECKING:
    pass


BUNDLED = Path(__file__).parents[1] / "bundled" / "reader" / "reader.onnx"
BATCH = 256
"""Images a call of the network: what fits the caches of a core is fastest."""


def read_model(path: Path) -> bytes:
    """The file. Raises `UserError` where there is none."""
    try:
        return path.read_bytes()
    except (OSError, ValueError):
        raise UserError(f"There is no model {path}.", "Make one: mnistlab export RUN") from None


def session_of(content: bytes, path: Path, threads: int | None) -> Any:
    """ONNX Runtime's session of a model, which messages call `path`. Raises `UserError` where it is not ONNX."""
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong comes as an exception
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # leave the cores to others between calls
    if threads:
        options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors have no common class
        if not isinstance(error, RuntimeError | ValueError) and not type(error).__module__.startswith("onnxruntime"):
            raise
        raise UserError(f"{path} is not an ONNX model that can be run.", "Make one: mnistlab export RUN") from None


def classes_of(session: Any, metadata: dict[str, str], path: Path) -> tuple[str, ...]:
    """The names of the model's classes. Raises `UserError` where the model takes or gives something else than ours do."""
    remedy = "Make a model with: mnistlab export RUN"
    inputs, outputs = session.get_inputs(), session.get_outputs()
    taken = [(i.type, list(i.shape)) for i in inputs]
    if len(inputs) != 1 or inputs[0].type != "tensor(uint8)" or list(inputs[0].shape)[1:] != [1, 28, 28]:
        raise UserError(f"{path} takes {taken}, not images uint8 (N, 1, 28, 28).", remedy)
    if isinstance(inputs[0].shape[0], int):
        raise UserError(f"{path} takes just {counted(inputs[0].shape[0], 'image')} at a time, not any number.", remedy)
    try:
        classes = json.loads(metadata["classes"])
        threshold = float(metadata.get("threshold", 0.5))
        if not isinstance(classes, list) or not all(isinstance(c, str) for c in classes) or not 0 <= threshold <= 1:
            raise ValueError
    except (KeyError, ValueError):
        raise UserError(f"{path} does not say in its metadata what its classes are.", remedy) from None
    given = list(outputs[0].shape)
    if outputs[0].type != "tensor(float)" or len(given) != 2 or given[1] != len(classes):
        raise UserError(f"{path} gives {outputs[0].type} {given}, and names {counted(len(classes), 'class')}.", remedy)
    return tuple(classes)
