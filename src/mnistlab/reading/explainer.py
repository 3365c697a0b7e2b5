"""What a network sees in one picture, layer by layer, and which ink spoke for its answer: from the ONNX file, without torch.

explainer = Explainer(Classifier())
for layer in explainer.layers(image):       # image uint8 (28, 28), ink 255 on 0
    print(layer.name, layer.values.shape)
explainer.why(image)                        # float32 (28, 28): over 0 where ink spoke for the answer
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.dependencies import require
from mnistlab.errors import UserError
from mnistlab.reading.classifier import Classifier, open_session
from mnistlab.reading.onnx_graph import ReceptiveField, Step, follow

__all__ = ["Explainer", "Layer", "occlusion"]

WINDOW = 1.0
"""Standard deviation in pixels of the spot that is wiped out: about half as wide as a stroke in MNIST."""


@dataclass(frozen=True)
class Layer:
    """What one layer makes of a picture.

    Attributes
    ----------
    name : str
        As in the network, such as conv1; its kind and number where it has no name there.
    kind : str
        convolution, pooling, normalisation, relu, average, flatten, linear or probabilities.
    values : ndarray of float32, shape (channels, height, width) or (n,)
        What it gives; (n,) after the maps have been laid in one row.
    field : ReceptiveField or None
        What a cell looks at; None where each value looks at the whole picture, or the picture is deskewed first.
    filters : ndarray of float32, shape (channels, channels before, height, width), or None
        A convolution's weights.
    """

    name: str
    kind: str
    values: NDArray[np.float32]
    field: ReceptiveField | None
    filters: NDArray[np.float32] | None


class Explainer:
    """Shows the inside of a classifier's network, and which ink spoke for its answer.

    Where several networks look at the picture, or one looks several times, the layers are those of the first look.

    Parameters
    ----------
    classifier : Classifier
        Whose network is looked into.

    Raises
    ------
    UserError
        Where the package onnx is missing.
    """

    def __init__(self, classifier: Classifier) -> None:
        require("serve", "onnx")
        self.classifier = classifier

    def __getstate__(self) -> dict[str, Any]:
        """The classifier; all else is made from it when it is needed."""
        return {"classifier": self.classifier}

    @cached_property
    def steps(self) -> list[Step]:
        """The layers from the picture to the logits, in order; empty where the graph is not such a row."""
        import onnx

        return list(follow(onnx.load_from_string(self.classifier.content).graph))

    @cached_property
    def session(self) -> Any:
        """The network, with what each layer gives among its outputs."""
        import onnx

        model = onnx.load_from_string(self.classifier.content)
        model.graph.output.extend(onnx.ValueInfoProto(name=step.output) for step in self.steps)
        return open_session(model.SerializeToString(), self.classifier.path, self.classifier.threads)

    def layers(self, image: NDArray[np.uint8]) -> list[Layer]:
        """Show what each layer makes of an image.

        Parameters
        ----------
        image : ndarray of uint8, shape (28, 28)
            As MNIST's are: ink 255 on 0.

        Returns
        -------
        list of Layer
            In order; the last is the probabilities, before it the logits. Where the graph is not a row of layers, those up to
            where it branches, or none; and up to where a layer gives neither maps nor one row of values.

        Raises
        ------
        UserError
            For an image of another shape or dtype.
        """
        check_image(image)
        if not self.steps:
            return []
        probabilities, *outputs = self.session.run(None, {self.classifier.input_name: image[None, None]})
        layers = [
            Layer(step.name, step.kind, np.asarray(output[0], np.float32), step.field, step.filters)
            for step, output in zip(self.steps, outputs, strict=True)
        ]
        layers = list(itertools.takewhile(lambda layer: layer.values.ndim in (1, 3), layers))
        return [*layers, Layer("probabilities", "probabilities", probabilities[0], None, None)]

    def why(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Show which ink of an image spoke for the answer.

        Each spot of ink is wiped out softly in turn (occlusion: Zeiler and Fergus 2014, section 4.2).

        Parameters
        ----------
        image : ndarray of uint8, shape (28, 28)
            As MNIST's are: ink 255 on 0.

        Returns
        -------
        ndarray of float32, shape (28, 28)
            By how much the answer's log-odds fall without the ink there: over 0 where it speaks for the answer, under 0 where it
            speaks against it, 0 where there is no ink.

        Raises
        ------
        UserError
            For an image of another shape or dtype.
        """
        check_image(image)
        return occlusion(image, lambda images: self.classifier.classify(images)[1])


def occlusion(
    image: NDArray[np.uint8], classify: Callable[[NDArray[np.uint8]], NDArray[np.floating[Any]]]
) -> NDArray[np.float32]:
    """Which ink spoke for the answer: each spot is wiped out softly in turn (Zeiler and Fergus 2014, section 4.2).

    Parameters
    ----------
    image
        uint8 (H, W), ink 255 on 0.
    classify
        Gives the probabilities, float (N, classes), of images uint8 (N, H, W).

    Returns
    -------
    ndarray
        float32 (H, W): by how much the answer's log-odds fall without the ink there; 0 where there is no ink.
    """
    rows, columns = np.nonzero(image)
    map_: NDArray[np.float32] = np.zeros(image.shape, np.float32)
    if not len(rows):
        return map_
    y, x = np.indices(image.shape)
    distance = (y - rows[:, None, None]) ** 2 + (x - columns[:, None, None]) ** 2
    wiped = image * (1 - np.exp(-distance / (2 * WINDOW**2)))
    probabilities = classify(np.concatenate([image[None], wiped.round().astype(np.uint8)]))
    odds = log_odds(probabilities, int(probabilities[0].argmax()))
    map_[rows, columns] = odds[0] - odds[1:]
    return map_


def check_image(image: NDArray[np.uint8]) -> None:
    """Raise `UserError` where it is not one 28x28 picture."""
    if image.dtype != np.uint8 or image.shape != (28, 28):
        raise UserError("reading.explain_shape", image_dtype=image.dtype, image_shape=image.shape)


def log_odds(probabilities: NDArray[np.floating[Any]], number: int) -> NDArray[np.float64]:
    """The log odds of class `number`, float64 (N,): exact even where its probability is close to 1, by the sum of the others."""
    tiny = np.finfo(np.float32).tiny
    others = np.delete(probabilities, number, axis=1).sum(1, dtype=np.float64)
    odds: NDArray[np.float64] = np.log(np.maximum(probabilities[:, number], tiny)) - np.log(np.maximum(others, tiny))
    return odds
