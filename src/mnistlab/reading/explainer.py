"""What a network sees in an image, layer by layer, and which ink counted for its answer, all from the ONNX file, without torch.

explainer = Explainer(Classifier())
for layer in explainer.layers(image):       # image uint8 (28, 28), ink 255 on 0
    print(layer.name, layer.values.shape)
explainer.why(image)                        # float32 (28, 28): above 0 where ink counted for the answer
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.dependencies import require
from mnistlab.errors import UserError
from mnistlab.reading.classifier import Classifier, open_session
from mnistlab.reading.occlusion import occlusion
from mnistlab.reading.onnx_graph import ReceptiveField, Step, follow
from mnistlab.reading.onnx_looks import Look, answer_of, looks_of

__all__ = ["Explainer", "Layer", "Sight"]


@dataclass(frozen=True)
class Layer:
    """The output of one layer for an image.

    Attributes
    ----------
    name : str
        The layer's name in the network, such as conv1; its kind and a number if the network gives it no name.
    kind : str
        One of convolution, pooling, normalisation, relu, average, flatten, linear and probabilities.
    values : ndarray of float32, shape (channels, height, width) or (n,)
        The layer's output; (n,) after the maps have been flattened.
    field : ReceptiveField or None
        The square of the image that one value of a map sees; None if a value sees the whole image, or if what it sees is not a
        square, for example because the image is deskewed first.
    filters : ndarray of float32, shape (channels, input channels, height, width), or None
        A convolution's weights; None for other layers.
    """

    name: str
    kind: str
    values: NDArray[np.float32]
    field: ReceptiveField | None
    filters: NDArray[np.float32] | None


@dataclass(frozen=True)
class Sight:
    """Everything that a network computes from an image.

    Attributes
    ----------
    given : ndarray of float32, shape (1, height, width), or None
        The first layer's input: the normalised image, also deskewed if the network does that; None if there are no layers.
    layers : list of Layer
        As `Explainer.layers` gives them.
    looks : list of ndarray of float32, shape (classes,)
        The logits of each look at the image: a single look, or one for each network of an ensemble and each shift of the
        image. Empty if the network does not compute its answer from its looks in the way that our networks do.
    logits : ndarray of float64, shape (classes,), or None
        The input of the softmax, before it is divided by the temperature: the logits of the only look, or the logarithm of the
        mean of the looks' probabilities. None if there are no looks.
    """

    given: NDArray[np.float32] | None
    layers: list[Layer]
    looks: list[NDArray[np.float32]]
    logits: NDArray[np.float64] | None


class Explainer:
    """Shows what happens inside a classifier's network, and which ink counted for its answer.

    If several networks look at the image, or one network looks several times, the layers are those of the first look.

    Parameters
    ----------
    classifier : Classifier
        The classifier to look into.

    Raises
    ------
    UserError
        If the package onnx is missing.
    """

    def __init__(self, classifier: Classifier) -> None:
        require("serve", "onnx")
        self.classifier = classifier

    def __getstate__(self) -> dict[str, Any]:
        """Only the classifier; everything else is made from it again when needed."""
        return {"classifier": self.classifier}

    @cached_property
    def steps(self) -> list[Step]:
        """The layers from the first convolution on, as long as each feeds exactly one other; empty if there is no convolution."""
        return list(follow(self.model.graph))

    @cached_property
    def looks(self) -> list[Look]:
        """The looks at the image, with their weights; empty if the answer is not computed as in mnistlab's own networks."""
        return looks_of(self.model.graph)

    @property
    def model(self) -> Any:
        """The ONNX model, parsed anew at each access."""
        import onnx

        return onnx.load_from_string(self.classifier.content)

    @cached_property
    def session(self) -> Any:
        """An ONNX Runtime session whose outputs include each layer's output, each look's logits and the first layer's input."""
        import onnx

        model = self.model
        names = [*(step.output for step in self.steps), *(look.logits for look in self.looks)]
        names += [step.source for step in self.steps[:1]]
        known = {output.name for output in model.graph.output} | {given.name for given in model.graph.input}
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in dict.fromkeys(names) if name not in known)
        return open_session(model.SerializeToString(), self.classifier.path, self.classifier.threads)

    def layers(self, image: NDArray[np.uint8]) -> list[Layer]:
        """Compute each layer's output for an image.

        Parameters
        ----------
        image : ndarray of uint8, shape (28, 28)
            In MNIST's form: ink 255 on 0.

        Returns
        -------
        list of Layer
            In order; the last two are the logits and the probabilities. If the graph branches, the layers after its first branch
            are missing, except the probabilities; if it has no convolution, the list is empty. A layer whose output is neither
            maps nor one row of values is missing too, and so are those between it and the probabilities.

        Raises
        ------
        UserError
            If the image has another shape or dtype.
        """
        return self.see(image).layers

    def see(self, image: NDArray[np.uint8]) -> Sight:
        """Compute everything that the network derives from an image.

        Parameters
        ----------
        image : ndarray of uint8, shape (28, 28)
            In MNIST's form: ink 255 on 0.

        Returns
        -------
        Sight
            The first layer's input; the layers with their outputs, as `layers` returns them; the logits of each look at the
            image, that is, of each pass of the image through a network; and the logits of the answer, computed from all looks.
            If there are several looks, the input and the layers are those of the first look only.

        Raises
        ------
        UserError
            If the image has another shape or dtype.
        """
        check_image(image)
        if not self.steps:
            return Sight(None, [], [], None)
        names = [output.name for output in self.session.get_outputs()]
        values = self.session.run(names, {self.classifier.input_name: image[None, None]})
        # The batch holds one image: take that image's part of each tensor.
        made = {name: np.asarray(value, np.float32)[0] for name, value in zip(names, values, strict=True) if value.ndim}
        made.setdefault(self.classifier.input_name, image[None].astype(np.float32))
        layers = [Layer(step.name, step.kind, made[step.output], step.field, step.filters) for step in self.steps]
        layers = list(itertools.takewhile(lambda layer: layer.values.ndim in (1, 3), layers))
        probabilities = made[names[0]]
        layers.append(Layer("probabilities", "probabilities", probabilities, None, None))
        looks = [made[look.logits] for look in self.looks]
        if any(look.shape != probabilities.shape for look in looks):
            looks = []
        logits = None
        if looks:
            weights = [look.weight for look in self.looks]
            logits, answer = answer_of(looks, weights, self.classifier.temperature)
            if not np.allclose(answer, probabilities, atol=1e-3):
                looks, logits = [], None
        return Sight(made[self.steps[0].source], layers, looks, logits)

    def why(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Compute which ink of an image counted for the answer.

        Each spot of ink is softly erased in turn (occlusion: Zeiler and Fergus 2014, section 4.2).

        Parameters
        ----------
        image : ndarray of uint8, shape (28, 28)
            In MNIST's form: ink 255 on 0.

        Returns
        -------
        ndarray of float32, shape (28, 28)
            For each pixel, by how much the answer's log-odds fall if its ink is erased: above 0 where ink speaks for the answer,
            below 0 where ink speaks against it, 0 where there is no ink.

        Raises
        ------
        UserError
            If the image has another shape or dtype.
        """
        check_image(image)
        return occlusion(image, lambda images: self.classifier.classify(images)[1])


def check_image(image: NDArray[np.uint8]) -> None:
    """Raise `UserError` unless the image is uint8 (28, 28)."""
    if image.dtype != np.uint8 or image.shape != (28, 28):
        raise UserError("reading.explain_shape", image_dtype=image.dtype, image_shape=image.shape)
