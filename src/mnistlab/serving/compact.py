"""Make a model file small for the web: its weights become integers of few bits, with a scale for each row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BUNDLED_BITS", "compact", "operators_of", "rounded"]

BITS = 14
"""With this many bits, a weight is off by at most a 16,000th of the largest weight in its row."""
BUNDLED_BITS = 10
"""The weights of the bundled reader and finder were rounded to this many bits, so they change no further in the page's files."""


def compact(content: bytes) -> bytes:
    """The ONNX file, with its weights (float32 tensors of two or more dimensions) stored as integers of 14 bits.

    If the weights were rounded to `BUNDLED_BITS`, they are stored in that many bits, and change no further.

    The high bits of the integers are one tensor (int8) and their low 8 bits another (uint8), because two such tensors compress
    best; DequantizeLinear turns both into floats, and Add adds them up. With 14 bits, probabilities change by less than 1e-3.
    The file's other nodes, the names of inputs and outputs, and the metadata stay as they are.
    """
    import onnx

    model = onnx.load_from_string(content)
    bits = BUNDLED_BITS if rounded(content, BUNDLED_BITS) == content else BITS
    graph, held, restoring = model.graph, [], []
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if not is_weights(values):
            held.append(tensor)
            continue
        whole, scale = in_bits(values, bits)
        parts = []
        for name, part, each in (
            ("high", (whole >> 8).astype(np.int8), 256 * scale),
            ("low", whole.astype(np.uint8), scale),
        ):
            names = f"{tensor.name}.{name}", f"{tensor.name}.{name}.scale"
            held += [onnx.numpy_helper.from_array(part, names[0]), onnx.numpy_helper.from_array(each, names[1])]
            parts.append(f"{tensor.name}.{name}.part")
            restoring.append(onnx.helper.make_node("DequantizeLinear", names, [parts[-1]], axis=0))
        restoring.append(onnx.helper.make_node("Add", parts, [tensor.name]))
    nodes = [*restoring, *graph.node]
    replace(graph.initializer, held)
    replace(graph.node, nodes)
    return bytes(model.SerializeToString())


def rounded(content: bytes, bits: int) -> bytes:
    """The ONNX file with its weights rounded to values that `compact` can store in `bits` bits without further loss."""
    import onnx

    model = onnx.load_from_string(content)
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if is_weights(values):
            whole, scale = in_bits(values, bits)
            kept = (whole * column(scale, values)).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(kept, tensor.name))
    return bytes(model.SerializeToString())


def is_weights(values: NDArray[Any]) -> bool:
    """Whether these numbers are the weights of a layer, and not biases or the like."""
    return values.dtype == np.float32 and values.ndim >= 2


def in_bits(values: NDArray[np.float32], bits: int) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """The weights `values`, (N, ...), as integers of `bits` bits, int16 (N, ...), and the scale of each row, float32 (N,)."""
    most = np.abs(values.reshape(len(values), -1)).max(axis=1)
    scale = np.maximum(most / (2 ** (bits - 1) - 1), np.finfo(np.float32).tiny).astype(np.float32)
    return np.rint(values / column(scale, values)).astype(np.int16), scale


def column(scale: NDArray[np.float32], values: NDArray[Any]) -> NDArray[np.float32]:
    """`scale`, one number per row of `values`, in a shape that broadcasts against `values`."""
    return scale.reshape((-1,) + (1,) * (values.ndim - 1))


def replace(entries: Any, new: list[Any]) -> None:
    """Replace all `entries` of a repeated field in a protobuf message by `new` ones."""
    kept = [type(entry).FromString(entry.SerializeToString()) for entry in new]
    del entries[:]
    entries.extend(kept)


def operators_of(content: bytes) -> set[str]:
    """The names of the operators that an ONNX file uses."""
    import onnx

    return {node.op_type for node in onnx.load_from_string(content).graph.node}
