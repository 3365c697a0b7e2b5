"""The layers of an ONNX graph, and which part of the picture a cell of each layer sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mnistlab.reading.onnx_numbers import Numbers, Window, window_of

if TYPE_CHECKING:
    import onnx

__all__ = ["ReceptiveField", "Step", "evens_out", "follow", "is_deskewed"]

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
"""The ONNX operators that count as layers, and what mnistlab calls these layers."""
PASSED = ("QuantizeLinear", "DequantizeLinear", "Identity", "Cast")
"""Operators that a layer's values pass through, little changed, on their way to the next layer."""


@dataclass(frozen=True)
class ReceptiveField:
    """The part of the picture that a cell of a map sees.

    The cell in row r sees the rows from start + r * step up to, but not including, start + r * step + size; columns likewise.
    Part of what the cell sees may lie outside the picture.
    """

    size: int
    step: int
    start: int

    def after(self, kernel: int, stride: int, padding: int) -> ReceptiveField:
        """The receptive field after a convolution or pooling of maps whose cells have this receptive field."""
        return ReceptiveField(
            size=self.size + (kernel - 1) * self.step, step=self.step * stride, start=self.start - padding * self.step
        )


@dataclass(frozen=True)
class Step:
    """A layer of the graph, described without reference to any picture."""

    name: str
    kind: str
    source: str
    """The name of the layer's input tensor."""
    output: str
    """The name of the tensor that holds this layer's output as the next layer takes it."""
    field: ReceptiveField | None
    window: Window | None
    """The window of a convolution or pooling; None for other kinds, and if the graph does not state it."""
    numbers: dict[str, NDArray[np.float32]]
    """The numbers that the layer computes with; see `Numbers.of`."""
    rounding: float | None
    """The step between neighbouring values that the layer's output can have, if it is stored in 8 bits; None otherwise."""

    @property
    def filters(self) -> NDArray[np.float32] | None:
        """The weights of a convolution; None for other layers, and if the graph does not hold the weights."""
        return self.numbers.get("filters")


def follow(graph: onnx.GraphProto) -> Iterator[Step]:
    """The layers from the first convolution up to and including the first layer that does not feed exactly one other."""
    held = Numbers(graph)
    node = next((node for node in graph.node if node.op_type == "Conv"), None)
    # After deskewing, no cell sees a square of the original picture; after evening out its contrast, each cell sees all of it.
    is_whole = is_deskewed(graph) or evens_out(graph)
    field = None if is_whole else ReceptiveField(size=1, step=1, start=0)
    counts: dict[str, int] = {}
    while node is not None:
        kind = KINDS[node.op_type]
        counts[kind] = counts.get(kind, 0) + 1
        numbers = held.of(node)
        window = window_of(node, numbers.get("filters")) if kind in ("convolution", "pooling") else None
        if field and kind in ("convolution", "pooling"):
            field = looked_at(field, window)
        elif kind in ("average", "flatten", "linear"):
            field = None
        following, output, rounding = passed_on(graph, node.output[0], held)
        name = name_of(node, kind, counts[kind])
        yield Step(name, kind, node.input[0], output, field, window, numbers, rounding)
        node = following if following is not None and following.op_type in KINDS else None


def is_deskewed(graph: onnx.GraphProto) -> bool:
    """Whether the picture is deskewed before the first convolution."""
    return is_prepared(graph, "GridSample")


def evens_out(graph: onnx.GraphProto) -> bool:
    """Whether the picture's light and contrast are evened out before the first convolution."""
    return is_prepared(graph, "AveragePool")


def is_prepared(graph: onnx.GraphProto, operator: str) -> bool:
    """Whether an operator of this type comes before the first convolution."""
    makers = {name: node for node in graph.node for name in node.output}
    first = next((node for node in graph.node if node.op_type == "Conv"), None)
    return any(before.op_type == operator for before in upstream(first, makers))


def upstream(node: onnx.NodeProto | None, makers: dict[str, onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """The nodes that the node's input comes from, directly or through others, nearest first."""
    waiting, seen = list(node.input) if node else [], set()
    while waiting:
        name = waiting.pop(0)
        if name in makers and name not in seen:
            seen.add(name)
            waiting += makers[name].input
            yield makers[name]


def passed_on(graph: onnx.GraphProto, output: str, held: Numbers) -> tuple[onnx.NodeProto | None, str, float | None]:
    """The only node that takes a layer's output, directly or through `PASSED` nodes; the name of the tensor that reaches it; and
    the rounding step of that tensor's values.

    The node is None unless exactly one takes the tensor; the rounding step is None if the values are not stored in 8 bits.
    """
    rounding = None
    while True:
        takers = [node for node in graph.node if output in node.input]
        taker = takers[0] if len(takers) == 1 else None
        if taker is None or taker.op_type not in PASSED:
            return taker, output, rounding
        if taker.op_type == "QuantizeLinear":
            scale = held.named(taker.input[1])
            rounding = float(scale.max()) if scale is not None else None
        output = taker.output[0]


def looked_at(field: ReceptiveField, window: Window | None) -> ReceptiveField | None:
    """The receptive field after a convolution or pooling with this window; None for windows that our networks do not have."""
    if window is None or set(window.dilations) != {1}:
        return None
    if len({*window.kernel}) > 1 or len({*window.strides}) > 1 or len({*window.pads}) > 1:
        return None
    return field.after(window.kernel[0], window.strides[0], window.pads[0])


def name_of(node: onnx.NodeProto, kind: str, number: int) -> str:
    """The layer's name, such as "conv1" if its weights are called "model.layers.conv1.weight".

    If its weights have no such name, the layer is named after its kind and number, such as "convolution1".
    """
    named = next((name.split(".")[-2] for name in node.input[1:] if name.count(".") >= 2), None)
    return named or f"{kind}{number}"
