"""What a network sees in one picture, layer by layer, and which ink spoke for its answer: from the ONNX file, without torch.

explainer = Explainer(Reader())
for layer in explainer.layers(image):       # image uint8 (28, 28), ink 255 on 0
    print(layer.name, layer.values.shape)
explainer.why(image)                        # float32 (28, 28): over 0 where ink spoke for the answer
"""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import UserError, install
from mnistlab.reader import Reader, session_of

if TYPE_CHECKING:
    import onnx

__all__ = ["Explainer", "Field", "Layer"]

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
WINDOW = 1.5
"""Standard deviation in pixels of the spot that is wiped out: about as wide as a stroke in MNIST."""


@dataclass(frozen=True)
class Field:
    """Which part of the picture a cell of a map looks at (its receptive field).

    The cell in row r looks at the rows from start + r * step up to, not including, start + r * step + size; columns likewise.
    Part of it may lie outside the picture.
    """

    size: int
    step: int
    start: int

    def after(self, kernel: int, stride: int, padding: int) -> Field:
        """The field of what a convolution or a pooling makes of maps with this one."""
        return Field(
            size=self.size + (kernel - 1) * self.step, step=self.step * stride, start=self.start - padding * self.step
        )


@dataclass(frozen=True)
class Layer:
    """What one layer makes of a picture."""

    name: str
    """As in the network, such as conv1; of a layer without a name there, its kind and number."""
    kind: str
    """convolution, pooling, normalisation, relu, average, flatten, linear or probabilities."""
    values: NDArray[np.float32]
    """(channels, height, width), or (n,) after the maps have been laid in one row."""
    field: Field | None
    """What a cell looks at; None where each value looks at the whole picture, or the picture is deskewed first."""
    filters: NDArray[np.float32] | None
    """A convolution's weights: (channels, channels before, height, width)."""


@dataclass(frozen=True)
class Step:
    """A layer of the graph, before any picture is known."""

    name: str
    kind: str
    output: str
    field: Field | None
    filters: NDArray[np.float32] | None


class Explainer:
    """Shows the inside of a reader's network, and which ink spoke for its answer.

    Of an ensemble, and of a network that looks at a picture several times, the layers are those of the first look.
    Raises `UserError` where the package onnx is missing.
    """

    def __init__(self, reader: Reader) -> None:
        if importlib.util.find_spec("onnx") is None:
            raise UserError(
                "Looking into a network needs a package that is not installed: onnx.",
                install("serve"),
            )
        self.reader = reader

    def __getstate__(self) -> dict[str, Any]:
        """The reader; all else is made from it when it is needed."""
        return {"reader": self.reader}

    @cached_property
    def steps(self) -> list[Step]:
        """The layers from the picture to the logits, in order; empty where the graph is not such a row."""
        import onnx

        return list(follow(onnx.load_from_string(self.reader.content).graph))

    @cached_property
    def session(self) -> Any:
        """The network, with what each layer gives among its outputs."""
        import onnx

        model = onnx.load_from_string(self.reader.content)
        model.graph.output.extend(onnx.ValueInfoProto(name=step.output) for step in self.steps)
        return session_of(model.SerializeToString(), self.reader.path, self.reader.threads)

    def layers(self, image: NDArray[np.uint8]) -> list[Layer]:
        """What each layer makes of an image uint8 (28, 28), in order; the last is the probabilities, before it the logits.

        Where the graph is no row of layers, those up to where it branches, or none; and up to where a layer gives neither
        maps nor one row of values.

        Raises `UserError` for an image of another shape or dtype.
        """
        check_image(image)
        if not self.steps:
            return []
        probabilities, *outputs = self.session.run(None, {self.reader.input: image[None, None]})
        layers = [
            Layer(step.name, step.kind, np.asarray(output[0], np.float32), step.field, step.filters)
            for step, output in zip(self.steps, outputs, strict=True)
        ]
        layers = list(itertools.takewhile(lambda layer: layer.values.ndim in (1, 3), layers))
        return [*layers, Layer("probabilities", "probabilities", probabilities[0], None, None)]

    def why(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Which ink of an image uint8 (28, 28) spoke for the answer: float32 (28, 28), in units of log-odds.

        Each spot of ink is wiped out softly in turn. Where the answer's log-odds fall by that, the value is so much over 0, and
        under 0 where they rise; 0 where there is no ink (occlusion: Zeiler and Fergus 2014, section 4.2).
        """
        check_image(image)
        rows, columns = np.nonzero(image)
        map_: NDArray[np.float32] = np.zeros(image.shape, np.float32)
        if not len(rows):
            return map_
        y, x = np.indices(image.shape)
        distance = (y - rows[:, None, None]) ** 2 + (x - columns[:, None, None]) ** 2
        wiped = image * (1 - np.exp(-distance / (2 * WINDOW**2)))
        answers, probabilities = self.reader.classify(np.concatenate([image[None], wiped.round().astype(np.uint8)]))
        odds = log_odds(probabilities, int(answers[0]))
        map_[rows, columns] = odds[0] - odds[1:]
        return map_


def check_image(image: NDArray[np.uint8]) -> None:
    """Raise `UserError` where it is not one 28x28 picture."""
    if image.dtype != np.uint8 or image.shape != (28, 28):
        raise UserError(
            f"One image is uint8 (28, 28), and this is {image.dtype} {image.shape}.",
            "Take the image of a digit that was read.",
        )


def log_odds(probabilities: NDArray[np.float32], number: int) -> NDArray[np.float64]:
    """Of class `number`, float64 (N,): exact also where its probability is next to 1, by the sum of the others."""
    tiny = np.finfo(np.float32).tiny
    others = np.delete(probabilities, number, axis=1).sum(1, dtype=np.float64)
    odds: NDArray[np.float64] = np.log(np.maximum(probabilities[:, number], tiny)) - np.log(np.maximum(others, tiny))
    return odds


# --- the graph ---


def follow(graph: onnx.GraphProto) -> Iterator[Step]:
    """The layers from the first convolution on, as long as each feeds just one other."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    node = next((node for node in graph.node if node.op_type == "Conv"), None)
    # In a deskewed picture no cell looks at a square of the picture itself.
    moved = any(before.op_type == "GridSample" for before in upstream(node, makers))
    field: Field | None = None if moved else Field(size=1, step=1, start=0)
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


def looked_at(field: Field, numbers: dict[str, Any], filters: NDArray[np.float32] | None) -> Field | None:
    """What a cell of a convolution or pooling looks at; None for kinds that our networks have not."""
    kernel = numbers.get("kernel_shape") or (list(filters.shape[2:]) if filters is not None else None)
    unusual = numbers.get("auto_pad", b"NOTSET") != b"NOTSET" or set(numbers.get("dilations", [1])) != {1}
    if not kernel or unusual or len({*kernel}) > 1 or len({*numbers["strides"]}) > 1 or len({*numbers["pads"]}) > 1:
        return None
    return field.after(kernel[0], numbers["strides"][0], numbers["pads"][0])


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """What the node says of itself; of stride and padding ONNX's defaults where it does not."""
    import onnx

    given = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    return {"strides": [1, 1], "pads": [0, 0, 0, 0], **given}


def name_of(node: onnx.NodeProto, kind: str, number: int) -> str:
    """conv1 of the weights model.layers.conv1.weight; else the kind and how manieth of it this is."""
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
