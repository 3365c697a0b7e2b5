"""A model file made small for the web: weights as integers of few bits, with a scale for each row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FINDER_BITS", "compact", "operators_of", "rounded"]

BITS = 14
"""A weight is off by at most a 16,000th of the largest in its row."""
FINDER_BITS = 10
"""What the bundled finder's weights need: they were rounded beforehand, so the page's are the same."""


def compact(content: bytes, bits: int = BITS) -> bytes:
    """The ONNX file with its weights (float32, of two dimensions or more) held as integers of so many bits, 9 to 16.

    Their high bits are one tensor (int8) and their low 8 bits another (uint8), as these compress best; DequantizeLinear turns
    both into floats, and Add puts them together. Probabilities change by less than 1e-3 with 14 bits. The other nodes, the names
    of their inputs and outputs, and the file's metadata stay as they are.
    """
    import onnx

    model = onnx.load_from_string(content)
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
    """The ONNX file with its weights rounded to what `compact` holds in so many bits, so that `compact` then loses nothing."""
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
    """Whether these are the weights of a layer."""
    return values.dtype == np.float32 and values.ndim >= 2


def in_bits(values: NDArray[np.float32], bits: int) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Weights (N, ...) as integers of that shape, and the scale, float32 (N,), of each row of them."""
    most = np.abs(values.reshape(len(values), -1)).max(axis=1)
    scale = np.maximum(most / (2 ** (bits - 1) - 1), np.finfo(np.float32).tiny).astype(np.float32)
    return np.rint(values / column(scale, values)).astype(np.int16), scale


def column(scale: NDArray[np.float32], values: NDArray[Any]) -> NDArray[np.float32]:
    """One number per row of `values`, in a shape that broadcasts against them."""
    return scale.reshape((-1,) + (1,) * (values.ndim - 1))


def replace(entries: Any, new: list[Any]) -> None:
    """Replace the content of a repeated field."""
    kept = [type(entry).FromString(entry.SerializeToString()) for entry in new]
    del entries[:]
    entries.extend(kept)


def operators_of(content: bytes) -> set[str]:
    """The names of the operators that an ONNX file uses."""
    import onnx

    return {node.op_type for node in onnx.load_from_string(content).graph.node}
