"""Which ink counted for an answer: each spot of ink is erased in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["log_odds", "occlusion"]

WINDOW = 1.0
"""The standard deviation, in pixels, of the spot that is erased: about half the width of a stroke in MNIST."""


def occlusion(
    image: NDArray[np.uint8], classify: Callable[[NDArray[np.uint8]], NDArray[np.floating[Any]]]
) -> NDArray[np.float32]:
    """Which ink counted for the answer: each spot of ink is softly erased in turn (Zeiler and Fergus 2014, section 4.2).

    Parameters
    ----------
    image
        uint8 (H, W), ink 255 on 0.
    classify
        Takes images, uint8 (N, H, W), and returns each class's probability for each image, float (N, classes).

    Returns
    -------
    ndarray
        float32 (H, W): by how much the answer's log-odds fall without the ink around each pixel; 0 at pixels without ink.
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


def log_odds(probabilities: NDArray[np.floating[Any]], number: int) -> NDArray[np.float64]:
    """The log-odds of class `number`, float64 (N,), exact even if its probability is near 1.

    To this end, they are computed from the sum of the other classes' probabilities.
    """
    tiny = np.finfo(np.float32).tiny
    others = np.delete(probabilities, number, axis=1).sum(1, dtype=np.float64)
    odds: NDArray[np.float64] = np.log(np.maximum(probabilities[:, number], tiny)) - np.log(np.maximum(others, tiny))
    return odds
