"""How an ONNX graph combines several looks at a picture into one answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

__all__ = ["Look", "answer_of", "looks_of"]


@dataclass(frozen=True)
class Look:
    """One network's look at the picture, or at a shifted copy of it."""

    logits: str
    """The name of the tensor that holds the look's logits."""
    weight: float
    """The look's weight, above 0 and up to 1, in the mean of the looks' probabilities."""


def looks_of(graph: onnx.GraphProto) -> list[Look]:
    """The looks that make up the answer, in the graph's order; empty if the answer is not computed as it is in our networks."""
    makers = {name: node for node in graph.node for name in node.output}
    softmax = makers.get(graph.output[0].name)
    if softmax is None or softmax.op_type != "Softmax":
        return []
    logits = softmax.input[0]
    if logits in makers and makers[logits].op_type == "Div":  # by the temperature
        logits = makers[logits].input[0]
    return list(parts(logits, 1.0, makers))


def parts(logits: str, weight: float, makers: dict[str, onnx.NodeProto]) -> Iterator[Look]:
    """The looks whose probabilities are averaged to make the tensor `logits`.

    If `logits` is not made from an average, it holds the logits of a single look.
    """
    node = makers.get(logits)
    for kind in ("Sub", "ReduceLogSumExp", "Concat"):
        if node is None or node.op_type != kind:
            yield Look(logits, weight)
            return
        if kind != "Concat":
            node = makers.get(node.input[0])
    assert node is not None  # noqa: S101 - for mypy
    for stacked in node.input:
        name = stacked
        while name in makers and makers[name].op_type in ("Unsqueeze", "LogSoftmax"):
            name = makers[name].input[0]
        yield from parts(name, weight / len(node.input), makers)


def answer_of(
    logits: list[NDArray[np.float32]], weights: list[float], temperature: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Combine several looks at a picture into one answer.

    Parameters
    ----------
    logits
        float32 (classes,) for each look.
    weights
        The weight of each look in the mean; the weights sum to 1.
    temperature
        The temperature, above 0.

    Returns
    -------
    tuple of ndarray of float64, shape (classes,)
        The combined logits (those of the only look, or the logarithm of the mean of the looks' probabilities), and the
        probabilities (the softmax of the combined logits divided by the temperature).
    """
    whole = logits[0].astype(np.float64)
    if len(logits) > 1:
        mean = sum(weight * softmax(look.astype(np.float64)) for look, weight in zip(logits, weights, strict=True))
        whole = np.log(np.maximum(mean, np.finfo(np.float64).tiny))
    return whole, softmax(whole / temperature)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn logits, float64 (classes,), into probabilities, float64 (classes,)."""
    powers = np.exp(logits - logits.max())
    probabilities: NDArray[np.float64] = powers / powers.sum()
    return probabilities
