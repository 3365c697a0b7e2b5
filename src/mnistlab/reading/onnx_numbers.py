"""The numbers that the layers of an ONNX graph compute with: filters, weights, biases, and the scale and shift of batch norm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

__all__ = ["Numbers", "Window", "attributes", "window_of"]


@dataclass(frozen=True)
class Window:
    """The window of a convolution or pooling, in cells; height comes before width."""

    kernel: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    """Cells added at the top, left, bottom and right."""
    dilations: tuple[int, int]


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """The node's attributes, with ONNX's defaults for the strides, padding and dilations that it leaves out."""
    import onnx

    given = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    return {"strides": [1, 1], "pads": [0, 0, 0, 0], "dilations": [1, 1], **given}


def window_of(node: onnx.NodeProto, filters: NDArray[np.float32] | None) -> Window | None:
    """The window of a convolution with `filters`, or of a pooling; None if the window is not 2-D or its padding is not stated."""
    told = attributes(node)
    kernel = told.get("kernel_shape") or (filters.shape[2:] if filters is not None else ())
    if told.get("auto_pad", b"NOTSET") != b"NOTSET" or len(kernel) != 2 or len(told["pads"]) != 4:
        return None
    return Window(tuple(kernel), tuple(told["strides"]), tuple(told["pads"]), tuple(told["dilations"]))


class Numbers:
    """The numbers stored in a graph, including those that are stored in 8 bits."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.held = {tensor.name: tensor for tensor in graph.initializer}
        self.makers = {name: node for node in graph.node for name in node.output}

    def named(self, name: str) -> NDArray[np.float32] | None:
        """The tensor of that name, as float32; None if the graph does not store it."""
        import onnx

        if name in self.held:
            return np.asarray(onnx.numpy_helper.to_array(self.held[name]), np.float32)
        maker = self.makers.get(name)
        if maker is None or maker.op_type != "DequantizeLinear" or not all(i in self.held for i in maker.input):
            return None
        held, scale, *zero = (onnx.numpy_helper.to_array(self.held[i]).astype(np.float32) for i in maker.input)
        each = (-1,) + (1,) * (held.ndim - 1)  # a scale for each filter
        if scale.size not in (1, held.shape[0]):
            return None
        centred = held - zero[0].reshape(each) if zero else held
        return np.asarray(centred * scale.reshape(each), np.float32)

    def of(self, node: onnx.NodeProto) -> dict[str, NDArray[np.float32]]:
        """The numbers that a layer computes with.

        Returns
        -------
        dict of str to ndarray of float32
            For a convolution, its filters (channels, input channels / groups, height, width) and bias (channels,); for a linear
            layer, its weights (outputs, inputs) and bias (outputs,); for batch norm, scale and shift (channels,), which turn a
            value into value * scale + shift. Empty for a layer without numbers, and if the graph lacks any of the numbers.
        """
        inputs = [self.named(name) for name in node.input[1:]]
        if any(given is None for given in inputs):
            return {}
        given = [array for array in inputs if array is not None]
        told = attributes(node)
        if node.op_type == "Conv" and given:
            return {"filters": given[0], "bias": given[1] if len(given) > 1 else np.zeros(len(given[0]), np.float32)}
        if node.op_type == "Gemm" and given and not told.get("transA", 0):
            weights = (given[0] if told.get("transB", 0) else given[0].T) * np.float32(told.get("alpha", 1))
            bias = given[1] * np.float32(told.get("beta", 1)) if len(given) > 1 else 0
            return {"weights": weights, "bias": np.broadcast_to(np.float32(bias), len(weights)).copy()}
        if node.op_type == "BatchNormalization" and len(given) == 4:
            gain, offset, mean, variance = (array.astype(np.float64) for array in given)
            scale = gain / np.sqrt(variance + told.get("epsilon", 1e-5))
            return {"scale": scale.astype(np.float32), "shift": (offset - mean * scale).astype(np.float32)}
        return {}
