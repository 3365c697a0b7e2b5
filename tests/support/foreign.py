"""A model that mnistlab did not make: a graph of which it knows only the beginning."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mnistlab.reading.classifier import Classifier


def foreign_classifier(path: Path) -> Classifier:
    """Cast, convolution, sigmoid, flatten, linear, and a sigmoid for each class instead of a softmax."""
    random = np.random.default_rng(4)
    held = {
        "filters": random.normal(size=(3, 1, 5, 5)),
        "weights": random.normal(size=(10, 3 * 24 * 24)) / 40,
        "bias": random.normal(size=10),
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["floats", "filters"], ["found"]),
        helper.make_node("Sigmoid", ["found"], ["squeezed"]),
        helper.make_node("Flatten", ["squeezed"], ["row"]),
        helper.make_node("Gemm", ["row", "weights", "bias"], ["sums"], transB=1),
        helper.make_node("Sigmoid", ["sums"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes,
        "foreign",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", 1, 28, 28])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(array.astype(np.float32), name) for name, array in held.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, {"classes": json.dumps([str(digit) for digit in range(10)])})
    onnx.save(model, path)
    return Classifier(path)
