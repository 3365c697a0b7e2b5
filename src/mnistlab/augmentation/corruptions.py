"""The 15 corruptions of MNIST-C (Mu and Gilmer 2019, arXiv 1906.02337), for measuring, not for training.

They follow the paper's definitions and its authors' parameters, at MNIST-C's severities, with seeded random numbers.
The images are not byte-identical to MNIST-C's: the random numbers differ, the smoothing and the edges are computed by OpenCV
and NumPy, and the fog of several images is cut out of one larger cloud.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.augmentation import damage
from mnistlab.augmentation.damage import SIDE, Pixels
from mnistlab.errors import UserError

__all__ = ["CORRUPTIONS", "Corruption", "corrupt"]


@dataclass(frozen=True)
class Corruption:
    """A function that changes images, and its strength at each severity, from the weakest to the strongest."""

    change: Callable[..., Pixels]
    strengths: tuple[object, ...]
    severity: int = 1
    """The severity that MNIST-C uses, counted from 1."""


CORRUPTIONS: dict[str, Corruption] = {
    "shot_noise": Corruption(damage.shot_noise, (60, 25, 12, 5, 3), 5),
    "impulse_noise": Corruption(damage.impulse_noise, (0.03, 0.06, 0.09, 0.17, 0.27), 4),
    "glass_blur": Corruption(damage.glass_blur, ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)), 1),
    "motion_blur": Corruption(damage.motion_blur, ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)), 1),
    "shear": Corruption(damage.shear, (0.2, 0.4, 0.6, 0.8, 1.0), 2),
    "scale": Corruption(damage.scale, (0.9, 0.8, 0.7, 0.6, 0.5), 3),
    "rotate": Corruption(damage.rotate, (0.2, 0.4, 0.6, 0.8, 1.0), 2),
    "brightness": Corruption(damage.brightness, (0.1, 0.2, 0.3, 0.4, 0.5), 5),
    "translate": Corruption(damage.translate, (1, 2, 3, 4, 5), 3),
    "stripe": Corruption(damage.stripe, (7,)),
    "fog": Corruption(damage.fog, ((1.5, 2), (2.0, 2), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4)), 5),
    "spatter": Corruption(
        damage.spatter,
        ((0.65, 0.3, 4, 0.69, 0.6), (0.65, 0.3, 3, 0.68, 0.6), (0.65, 0.3, 2, 0.68, 0.5), (0.65, 0.3, 1, 0.65, 1.5),
         (0.67, 0.4, 1, 0.65, 1.5)),
        4,
    ),
    "dotted_line": Corruption(damage.dotted_line, (2,)),
    "zigzag": Corruption(damage.zigzag, (2.0,)),
    "canny_edges": Corruption(damage.canny_edges, ((0.1, 0.2),)),
}  # fmt: skip
"""The corruptions by name, in the paper's order."""


def corrupt(images: NDArray[np.uint8], name: str, seed: int = 0, severity: int | None = None) -> NDArray[np.uint8]:
    """Corrupt images, uint8 (N, 28, 28), 255 for ink. Returns images of the same shape and dtype.

    Parameters
    ----------
    images : uint8 (N, 28, 28)
    name : str
        One of `CORRUPTIONS`.
    seed : int
        The same seed, name, severity and images give the same result.
    severity : int, optional
        From 1 to the number of severities that the corruption has; by default, the severity that MNIST-C uses.

    Raises
    ------
    UserError
        If there is no such corruption or severity, or the images have another shape or type.
    """
    if name not in CORRUPTIONS:
        raise UserError("augmentation.unknown_corruption", name=name, names=CORRUPTIONS)
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
        raise UserError("augmentation.not_mnist_images", shape=images.shape, dtype=images.dtype)
    chosen = CORRUPTIONS[name]
    severity = chosen.severity if severity is None else severity
    if not 1 <= severity <= len(chosen.strengths):
        severities = range(1, len(chosen.strengths) + 1)
        raise UserError("augmentation.severity_out_of_range", name=name, severity=severity, severities=severities)
    if not len(images):
        return images.copy()
    random = np.random.default_rng([seed, list(CORRUPTIONS).index(name)])
    pixels = chosen.change(images / np.float32(255), random, chosen.strengths[severity - 1])
    return (np.clip(pixels, 0, 1) * 255).astype(np.uint8)
