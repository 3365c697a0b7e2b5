"""The layers of an ONNX graph, and which part of the picture each looks at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

__all__ = ["ReceptiveField", "Step", "follow"]

KINDS = {
    "Conv": "convolution",
    "MaxPool": "pooling",
    "BatchNormalization": "normalisation",
    "Relu": "relu",
    "ReduceMean": "average",
    "GlobalAveragePool": "average",
    "Reshape": "flatten",
    "Flatten": "flatten",
    "Squeeze": "flatten",
    "Gemm": "linear",
}
"""The ONNX operators that are layers, and what they are called here."""
PASSED = ("QuantizeLinear", "DequantizeLinear", "Identity", "Cast")
"""Operators that a layer's values go through on their way to the next, little changed."""


@dataclass(frozen=True)
class ReceptiveField:
    """Which part of the picture a cell of a map looks at.

    The cell in row r looks at the rows from start + r * step up to, not including, start + r * step + size; columns likewise.
    Part of it may lie outside the picture.
    """

    size: int
    step: int
    start: int

    def after(self, kernel: int, stride: int, padding: int) -> ReceptiveField:
        """The field of what a convolution or a pooling makes of maps with this one."""
        return ReceptiveField(
            size=self.size + (kernel - 1) * self.step, step=self.step * stride, start=self.start - padding * self.step
        )


@dataclass(frozen=True)
class Step:
    """A layer of the graph, before any picture is known."""

    name: str
    kind: str
    output: str
    field: ReceptiveField | None
    filters: NDArray[np.float32] | None


def follow(graph: onnx.GraphProto) -> Iterator[Step]:
    """The layers from the first convolution on, as long as each feeds just one other."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    node = next((node for node in graph.node if node.op_type == "Conv"), None)
    # In a deskewed picture no cell looks at a square of the picture itself; with its contrast evened out each looks at all of it.
    moved = any(before.op_type in ("GridSample", "AveragePool") for before in upstream(node, makers))
    field: ReceptiveField | None = None if moved else ReceptiveField(size=1, step=1, start=0)
    counts: dict[str, int] = {}
    while node is not None:
        if node.op_type not in PASSED:
            kind = KINDS[node.op_type]
            counts[kind] = counts.get(kind, 0) + 1
            filters = None
            if kind == "convolution":
                filters = weight_of(node.input[1], weights, makers)
            if field and kind in ("convolution", "pooling"):
                field = looked_at(field, attributes(node), filters)
            elif kind in ("average", "flatten", "linear"):
                field = None
            yield Step(name_of(node, kind, counts[kind]), kind, node.output[0], field, filters)
        node = next_layer(graph, node.output[0])


def upstream(node: onnx.NodeProto | None, makers: dict[str, onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """The nodes that the node's input is made by, nearest first."""
    waiting, seen = list(node.input) if node else [], set()
    while waiting:
        name = waiting.pop(0)
        if name in makers and name not in seen:
            seen.add(name)
            waiting += makers[name].input
            yield makers[name]


def next_layer(graph: onnx.GraphProto, output: str) -> onnx.NodeProto | None:
    """The one node that takes `output`, where it is a layer."""
    takers = [node for node in graph.node if output in node.input]
    return takers[0] if len(takers) == 1 and takers[0].op_type in (*KINDS, *PASSED) else None


def looked_at(
    field: ReceptiveField, numbers: dict[str, Any], filters: NDArray[np.float32] | None
) -> ReceptiveField | None:
    """What a cell of a convolution or pooling looks at; None for kinds that our networks have not."""
    kernel = numbers.get("kernel_shape") or (list(filters.shape[2:]) if filters is not None else None)
    unusual = numbers.get("auto_pad", b"NOTSET") != b"NOTSET" or set(numbers.get("dilations", [1])) != {1}
    if not kernel or unusual or len({*kernel}) > 1 or len({*numbers["strides"]}) > 1 or len({*numbers["pads"]}) > 1:
        return None
    return field.after(kernel[0], numbers["strides"][0], numbers["pads"][0])


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """What the node says of itself, with ONNX's defaults for a stride or padding that it leaves out."""
    import onnx

    given = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    return {"strides": [1, 1], "pads": [0, 0, 0, 0], **given}


def name_of(node: onnx.NodeProto, kind: str, number: int) -> str:
    """conv1 of the weights model.layers.conv1.weight; else the kind and number, such as convolution1."""
    named = next((name.split(".")[-2] for name in node.input[1:] if name.count(".") >= 2), None)
    return named or f"{kind}{number}"


def weight_of(
    name: str, weights: dict[str, onnx.TensorProto], makers: dict[str, onnx.NodeProto]
) -> NDArray[np.float32] | None:
    """The values of a weight, also of one that is held in 8 bits."""
    import onnx

    if name in weights:
        return np.asarray(onnx.numpy_helper.to_array(weights[name]), np.float32)
    maker = makers.get(name)
    if maker is None or maker.op_type != "DequantizeLinear" or not all(i in weights for i in maker.input):
        return None
    held, scale, *zero = (onnx.numpy_helper.to_array(weights[i]).astype(np.float32) for i in maker.input)
    each = (-1,) + (1,) * (held.ndim - 1)  # a scale for each filter
    if scale.size not in (1, held.shape[0]):
        return None
    centred = held - zero[0].reshape(each) if zero else held
    return np.asarray(centred * scale.reshape(each), np.float32)
