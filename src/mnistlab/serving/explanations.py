"""The API's responses that show what happens inside a network."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from mnistlab.reading.explainer import Explainer, Layer
from mnistlab.reading.onnx_graph import Step, evens_out, is_deskewed
from mnistlab.serving import schemas

__all__ = ["EXPLAIN", "NETWORK", "ANetwork", "Explanation", "exact", "packed", "told_layer", "told_network"]

KIND = "convolution, pooling, normalisation, relu, average, flatten, linear or probabilities"


class Packed(BaseModel):
    """An array, stored as 8-bit integers or as float32 (little-endian)."""

    shape: list[int]
    low: float = Field(description="The array's smallest value, or a smaller number.")
    high: float = Field(description="The array's largest value, or a larger number.")
    bits: int = Field(description="8 or 32")
    data: str = Field(
        description="base64; an 8-bit number n stands for low + (high - low) * n / 255, a 32-bit number for itself"
    )


class ReceptiveField(BaseModel):
    """A cell in row r of a map sees `size` rows of the picture, from row start + r * step on; the same holds for columns."""

    size: int
    step: int
    start: int


class ALayer(BaseModel):
    """The values that one layer computes for the picture."""

    name: str
    kind: str = Field(description=KIND)
    array: Packed
    field: ReceptiveField | None = Field(
        description="null if a value sees the whole picture, or if the picture is deskewed first"
    )


class Explanation(BaseModel):
    """The response of /explain."""

    model: str
    value: int | str
    probability: float
    accepted: bool
    classes: list[str]
    probabilities: list[float]
    logits: list[float] | None = Field(
        description="The probabilities are the softmax of the logits divided by the temperature. If there are several looks, the"
        " logits are the logarithm of the mean of their probabilities; null if the answer is computed in another way."
    )
    temperature: float
    looks: list[list[float]] = Field(
        description="The logits of each look at the picture; their weights are in /network."
    )
    image: Packed
    given: Packed | None = Field(
        description="The first layer's input: the picture normalised, and deskewed if the network does that; null without layers."
    )
    layers: list[ALayer] = Field(description="The layers of the first look.")
    why: Packed | None = Field(
        description="(28, 28), in log-odds: above 0 where ink counted for the answer, below 0 where it counted against"
    )


class AWindow(BaseModel):
    """The window of a convolution or pooling, measured in cells; height comes before width."""

    kernel: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int] = Field(description="Cells added at the top, left, bottom and right.")
    dilations: tuple[int, int]


class AStep(BaseModel):
    """A layer: its name, its kind, and the numbers with which it computes."""

    name: str
    kind: str = Field(description=KIND)
    window: AWindow | None = Field(description="Only for a convolution or a pooling.")
    filters: Packed | None = Field(description="A convolution's: (channels, input channels / groups, height, width)")
    weights: Packed | None = Field(description="A linear layer's: (outputs, inputs)")
    bias: Packed | None = Field(description="A convolution's or a linear layer's; null if unknown.")
    scale: Packed | None = Field(
        description="For batch norm, one number per channel: the output is value * scale + shift"
    )
    shift: Packed | None
    rounding: float | None = Field(
        description="If the values are stored in 8 bits, the distance between neighbouring ones."
    )


class ANetwork(BaseModel):
    """The response of /network."""

    model: str
    complete: bool = Field(description="Whether the layers lead from the picture to the logits of the first look.")
    deskewed: bool = Field(description="Whether digits are deskewed first.")
    evened_out: bool = Field(description="Whether light and contrast are evened out first.")
    looks: list[float] = Field(description="The weight of each look's probabilities in the mean that is the answer.")
    layers: list[AStep] = Field(description="The same layers as in /explain, except the probabilities.")


EXPLAIN: dict[str, Any] = {
    "summary": "Show what the network sees in a digit",
    "description": "Takes one 28x28 image, or a picture. Returns what each layer makes of the digit, and which ink"
    " counted for the answer.",
    "responses": schemas.documents(*schemas.GATE, 404, 422),
    "openapi_extra": schemas.body({**schemas.PICTURE, "application/json": schemas.one("image", schemas.PIXEL_ROWS)}),
}
NETWORK: dict[str, Any] = {
    "summary": "Show the numbers with which the network computes",
    "description": "Its layers in order, with their filters, weights and the two numbers of batch norm per channel: everything"
    " needed to compute each layer's values in /explain from those of the layer before it.",
    "responses": schemas.documents(401, 403, 404, 421, 503),
}


def told_layer(layer: Layer) -> ALayer:
    """The layer's entry in the response of /explain."""
    field = layer.field
    looks_at = ReceptiveField(size=field.size, step=field.step, start=field.start) if field else None
    return ALayer(
        name=layer.name, kind=layer.kind, array=exact(layer.values), field=looks_at
    )  # exact, because the page computes one layer's values from another's


def told_network(model: str, explainer: Explainer) -> ANetwork:
    """The response of GET /network for the model called `model`."""
    steps, looks = explainer.steps, explainer.looks
    return ANetwork(
        model=model,
        complete=bool(steps and looks and steps[-1].output == looks[0].logits),
        deskewed=is_deskewed(explainer.model.graph),
        evened_out=evens_out(explainer.model.graph),
        looks=[look.weight for look in looks],
        layers=[told_step(step) for step in steps],
    )


def told_step(step: Step) -> AStep:
    """The layer's entry in the response of /network."""
    names = ("filters", "weights", "bias", "scale", "shift")
    return AStep(
        name=step.name,
        kind=step.kind,
        window=AWindow(**{name: getattr(step.window, name) for name in AWindow.model_fields}) if step.window else None,
        rounding=step.rounding,
        **{name: exact(step.numbers[name]) if name in step.numbers else None for name in names},
    )


def exact(values: NDArray[Any]) -> Packed:
    """An array as the API sends it, stored as float32."""
    data = np.ascontiguousarray(values, "<f4")
    return in_base64(values, float(values.min()), float(values.max()), 32, data)


def packed(values: NDArray[Any], low: float, high: float) -> Packed:
    """An array as the API sends it for display, in 8-bit integers from 0 (for `low`) to 255 (for `high`).

    `low` and `high` must differ.
    """
    return in_base64(values, low, high, 8, ((values - low) * (255 / (high - low))).round().astype("u1"))


def in_base64(values: NDArray[Any], low: float, high: float, bits: int, data: NDArray[Any]) -> Packed:
    """The array `values` as the API sends it; `data` holds the same numbers, each in `bits` bits."""
    text = base64.b64encode(data.tobytes()).decode()
    return Packed(shape=list(values.shape), low=low, high=high, bits=bits, data=text)
