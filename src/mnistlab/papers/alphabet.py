"""Digits to write with: MNIST's, as shapes grouped by writer, or a font's."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.papers.glyphs import Shape, of_picture, of_text

__all__ = ["Alphabet", "Hand"]


class Alphabet:
    """Images of handwritten digits as shapes. Each shape is made when it is first needed and then kept; each takes 18 kB.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W)
        Ink 255 on 0.
    labels : ndarray of int64, shape (N,)
        The digit of each image.
    writers : ndarray of int16, shape (N,)
        The number that identifies each image's writer.
    elsewhere : ndarray of uint8, shape (N, H, W), optional
        The same digits as written outside the United States: see `mnistlab.augmentation.hands`.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        writers: NDArray[np.int16],
        elsewhere: NDArray[np.uint8] | None = None,
    ) -> None:
        self.images, self.labels, self.writers = images.reshape(len(images), *images.shape[-2:]), labels, writers
        self.elsewhere = self.images if elsewhere is None else elsewhere.reshape(self.images.shape)
        order = np.lexsort((labels, writers))
        self.by_hand = np.split(order, np.flatnonzero(np.diff(writers[order])) + 1)
        self.of_image = functools.lru_cache(maxsize=2 * len(images))(self.make)

    def __reduce__(self) -> tuple[type[Alphabet], tuple[NDArray[Any], ...]]:
        """Leaves the shapes made so far out of the pickle, so that little is sent to other processes."""
        return Alphabet, (self.images, self.labels, self.writers, self.elsewhere)

    def make(self, number: int, elsewhere: bool) -> Shape | None:
        """The shape of image `number`; None if the image has no ink.

        If `elsewhere`, the image is that of the same digit as written outside the United States.
        """
        return of_picture((self.elsewhere if elsewhere else self.images)[number])


@dataclass(frozen=True)
class Hand:
    """One writer's digits, or those of a font."""

    alphabet: Alphabet
    images: NDArray[np.intp]
    """The indices of the writer's images."""
    font: Path | None
    """The font in which the digits are printed; None if they are handwritten."""
    elsewhere: bool = False
    """Whether the digits are written as people outside the United States write them."""

    def shape(self, random: np.random.Generator, digit: int) -> Shape | None:
        """A random shape of the digit in this hand, or in another hand if this one lacks it; None if the shape has no ink."""
        if self.font is not None:
            return of_text(str(digit), self.font)
        own = self.images[self.alphabet.labels[self.images] == digit]
        if not len(own):
            own = np.flatnonzero(self.alphabet.labels == digit)
        return self.alphabet.of_image(int(own[random.integers(len(own))]), self.elsewhere)
