"""Why a network answers as it does for one picture: the output of each layer, and which ink counted for the answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.data.dataset import open_dataset
from mnistlab.data.splits import read_split
from mnistlab.errors import UserError, rounded, whole_number
from mnistlab.evaluation.looking import Look
from mnistlab.messages.sentences import Clause
from mnistlab.pictures.decode import decode
from mnistlab.reading.explainer import Layer
from mnistlab.reading.occlusion import occlusion

__all__ = ["Explanation", "Why", "erase", "explain", "find_picture", "validation_digits"]

TENTH = 0.1
"""The share of the ink that is erased, to check that the answer really depends on the ink that is said to count most for it."""


@dataclass(frozen=True)
class Why:
    """Which ink counted for the answer.

    Attributes
    ----------
    map : ndarray of float32, shape (H, W)
        By how much the answer's log-odds fall without the ink around each pixel; where they fall, the ink counted for the answer.
    erased : ndarray of uint8, shape (H, W)
        The image without the tenth of the ink that counted most for the answer.
    probabilities : ndarray of float, shape (classes,)
        The network's probability of each class for `erased`.
    """

    map: NDArray[np.float32]
    erased: NDArray[np.uint8]
    probabilities: NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Explanation:
    """How a network arrives at its answer for one image.

    Attributes
    ----------
    look : Look
        The network.
    image : ndarray of uint8, shape (H, W)
        The image, ink 255 on 0.
    source : Clause
        Where the image comes from.
    layers : list of Layer
        The output of each layer, in order; the last is the probabilities.
    why : Why or None
        Which ink counted for the answer; None unless this was asked for.
    """

    look: Look
    image: NDArray[np.uint8]
    source: Clause
    layers: list[Layer]
    why: Why | None

    @property
    def probabilities(self) -> NDArray[np.floating[Any]]:
        """The probability of each class, from the whole model."""
        return self.layers[-1].values

    @property
    def answer(self) -> int:
        """The index of the most likely class."""
        return int(self.probabilities.argmax())

    def to_dict(self) -> dict[str, Any]:
        """The explanation without its images and maps, in plain types, for JSON."""
        after = None
        if self.why is not None:
            number = int(self.why.probabilities.argmax())
            after = {
                "probability": rounded(float(self.why.probabilities[self.answer]), 6),
                "then_read": self.look.classes[number],
                "then_probability": rounded(float(self.why.probabilities[number]), 6),
            }
        return {
            "model": self.look.name,
            "read": self.look.classes[self.answer],
            "probability": rounded(float(self.probabilities[self.answer]), 6),
            "probabilities": dict(zip(self.look.classes, self.probabilities.tolist(), strict=True)),
            "layers": [
                {
                    "name": layer.name, "kind": layer.kind, "shape": list(layer.values.shape),
                    "low": float(layer.values.min()), "high": float(layer.values.max()),
                }
                for layer in self.layers
            ],
            "without_a_tenth_of_the_ink": after,
        }  # fmt: skip


def explain(look: Look, image: NDArray[np.uint8], source: Clause, *, why: bool = False) -> Explanation:
    """Explain the network's answer to the image, uint8 (H, W), ink 255 on 0; with `why`, also find which ink counted for it.

    Raises `UserError` if the image has no ink.
    """
    if not image.any():
        raise UserError("explain.no_ink", source=source)
    return Explanation(look, image, source, look.layers(image), find_why(look, image) if why else None)


def find_why(look: Look, image: NDArray[np.uint8]) -> Why:
    """Which ink counted for the answer, and the answer without the tenth of the ink that counted most."""
    map_ = occlusion(image, look.probabilities)
    erased = erase(image, map_)
    return Why(map_, erased, look.probabilities(erased[None])[0])


def erase(image: NDArray[np.uint8], named: NDArray[np.floating[Any]], share: float = TENTH) -> NDArray[np.uint8]:
    """The image, uint8 (H, W), after erasing pixels in descending order of their values in `named`, (H, W), until at least the
    fraction `share` of the ink (the sum of all pixels) is gone."""
    places = np.flatnonzero(image)
    order = places[np.argsort(-named.ravel()[places], kind="stable")]
    ink = image.ravel()[order].astype(np.int64)
    gone_before = np.cumsum(ink) - ink
    erased = image.ravel().copy()
    erased[order[gone_before < share * ink.sum()]] = 0
    return erased.reshape(image.shape)


def validation_digits(look: Look, data_dir: str | Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The validation images, uint8 (N, H, W), of the dataset that the model was trained on, and their labels."""
    return read_split(open_dataset(look.dataset, data_dir), "val")


def find_picture(
    look: Look, picture: Path | None, example: int, data_dir: str | Path
) -> tuple[NDArray[np.uint8], Clause]:
    """The image to explain, uint8 (H, W), ink 255 on 0, and where it comes from.

    The image is the only digit in the picture, converted to MNIST's form; without a picture, it is the validation example with
    the index `example`. A grey picture of the model's own image size is not converted, only inverted if its paper is light.

    Raises `UserError` if there is no such example, if the picture does not show exactly one digit, or if it would have to be
    converted for a model whose images are not digits of 28x28 pixels.
    """
    if picture is None:
        images, labels = validation_digits(look, data_dir)
        number = whole_number(example, Clause("names.example"), 0, len(images) - 1)
        label = look.classes[labels[number]]
        return images[number], Clause("explain.example", number=number, label=label)
    pixels, source = decode(picture), Clause("explain.picture", name=picture.name)
    if pixels.ndim == 2 and pixels.shape == look.size:
        edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        return (255 - pixels if np.median(edge) > 127 else pixels), source
    if look.size != (28, 28) or not all(name.isdecimal() for name in look.classes):
        raise UserError(
            "explain.other_size", name=picture.name, height=look.size[0], width=look.size[1], classes=look.classes[:3]
        )
    from mnistlab.reading.reader import Reader

    found = Reader().read(pixels).digits
    if len(found) != 1:
        key = "explain.no_digit" if not found else "explain.several_digits"
        raise UserError(key, name=picture.name, count=len(found))
    return found[0].image, source
