"""Reader: pictures of handwriting in, digits with calibrated probabilities out. Needs no torch.

page = Reader().read("photo.jpg")
page.text                       # line by line, "?" for marks that cannot be read confidently
page.lines[0].digits[0].value   # and .probability, .box, .accepted, .image
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import number
from mnistlab.messages.sentences import Clause
from mnistlab.pictures.decode import Source, decode
from mnistlab.reading.assembly import assemble, look
from mnistlab.reading.classifier import Classifier
from mnistlab.reading.finder import Finder, find
from mnistlab.reading.ink import SMALL, find_ink
from mnistlab.reading.layout import lines_of
from mnistlab.reading.page import Digit, Line, Page
from mnistlab.reading.paper import Gray
from mnistlab.reading.pieces import box_in_picture, find_pieces
from mnistlab.reading.spots import spots
from mnistlab.reading.upright import as_dark_on_light, look_everywhere, turns

__all__ = ["Reader"]

Box = tuple[int, int, int, int]


class Reader:
    """Reads the handwritten digits in pictures.

    A reader may be used from several threads at once, pickled and copied; the model goes with it.

    Parameters
    ----------
    model : str or Path, optional
        A file that `mnistlab export` made, or the run's folder that holds it; the model that comes with mnistlab if None.
    threshold : float, optional
        The probability, 0 to 1, from which a digit is accepted; if None, the one that was chosen on validation images when the
        model was exported.
    threads : int, optional
        Processor threads of one call, 1 to 1,024; all cores if None.

    Attributes
    ----------
    classifier : Classifier
        The model, and what its file says of itself.
    threshold : float
        The probability from which a digit is accepted.

    Raises
    ------
    UserError
        Where there is no such file, it is not one of our models, or a number is out of range.
    """

    def __init__(
        self, model: str | Path | None = None, *, threshold: float | None = None, threads: int | None = None
    ) -> None:
        if threshold is not None:
            threshold = number(threshold, Clause("names.threshold"), 0, 1, wrong="reading.threshold_out_of_range")
        self.classifier = Classifier(model, threads=threads)
        self.threshold = self.classifier.threshold if threshold is None else threshold
        self.finder = Finder(threads=threads) if self.classifier.values == list(range(10)) else None

    @property
    def path(self) -> Path:
        """The model's file."""
        return self.classifier.path

    @property
    def threads(self) -> int | None:
        """Processor threads of one call; None for all cores."""
        return self.classifier.threads

    @property
    def metadata(self) -> dict[str, str]:
        """What the model's file says of itself."""
        return self.classifier.metadata

    @property
    def classes(self) -> tuple[str, ...]:
        """The name of each class."""
        return self.classifier.classes

    @property
    def values(self) -> list[int | str]:
        """What each class stands for: its digit, or its name where it is not a digit."""
        return self.classifier.values

    def classify(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Say which class each 28x28 image shows: `Classifier.classify`.

        Parameters
        ----------
        images : ndarray of uint8, shape (N, 28, 28)
            Ink 255 on 0, centred by mass.

        Returns
        -------
        labels, probabilities : ndarray of int64, shape (N,); ndarray of float32, shape (N, classes)
            The number of the likeliest class, an index into `classes` and `values`; and the probability of each, 0 to 1.

        Raises
        ------
        UserError
            For another shape or dtype.
        """
        return self.classifier.classify(images)

    def read(
        self,
        source: Source,
        *,
        raise_if_cancelled: Callable[[], None] = lambda: None,
        check: Callable[[], None] | None = None,
    ) -> Page:
        """Read the digits in a picture.

        Parameters
        ----------
        source : str, Path, bytes, PIL.Image.Image or ndarray
            A file, its content, or the pixels: see `mnistlab.pictures.decode`.
        raise_if_cancelled : callable, optional
            Called without arguments between the steps; what it raises ends the reading. So a server stops reading for a client
            that has left.
        check : callable, optional
            The former name of `raise_if_cancelled`, deprecated.

        Returns
        -------
        Page
            The digits in lines; no lines where the picture holds no digit.

        Raises
        ------
        UserError
            Where the source is not a picture, or a broken one.
        """
        if check is not None:
            warnings.warn("Reader.read(check=) is now raise_if_cancelled=.", DeprecationWarning, stacklevel=2)
            raise_if_cancelled = check
        picture = decode(source)
        size = (picture.shape[1], picture.shape[0])
        raise_if_cancelled()
        if max(size) <= SMALL or self.finder is None:
            return self._whole(picture, size, raise_if_cancelled)
        gray = as_dark_on_light(picture)
        looked = look_everywhere(self.finder, gray, raise_if_cancelled)
        raise_if_cancelled()
        if turned := turns(self.finder, self.classifier, gray, looked):
            gray = np.ascontiguousarray(np.rot90(gray, turned))
            looked = look_everywhere(self.finder, gray, raise_if_cancelled)
        found = spots(self.classifier, find(looked), looked, raise_if_cancelled)
        turned_size = size if turned % 2 == 0 else size[::-1]
        boxes = [spot.box(turned_size) for spot in found]
        digits = [
            self._digit(spot.image, spot.probabilities, turned_back(box, turned, turned_size))
            for spot, box in zip(found, boxes, strict=True)
        ]
        return Page(tuple(Line(tuple(digits[n] for n in numbers)) for numbers in lines_of(boxes)), size)

    def _whole(self, picture: Gray, size: tuple[int, int], raise_if_cancelled: Callable[[], None]) -> Page:
        """A picture of one digit, or, for a model that knows other things than digits, its strokes that hang together."""
        ink = find_ink(picture)
        raise_if_cancelled()
        pieces = find_pieces(ink)
        raise_if_cancelled()
        units = look(self.classifier, pieces) if ink.whole else assemble(self.classifier, pieces, raise_if_cancelled)
        digits = [self._digit(unit.image, unit.probabilities, box_in_picture(unit.piece, ink, size)) for unit in units]
        lines = lines_of([digit.box for digit in digits])
        return Page(tuple(Line(tuple(digits[n] for n in numbers)) for numbers in lines), size)

    def _digit(
        self, image: NDArray[np.uint8], probabilities: NDArray[np.float32], box: Box
    ) -> Digit:
        """What `read` tells of one digit."""
        label = int(probabilities.argmax())
        probability = float(probabilities[label])
        return Digit(self.values[label], probability, box, probability >= self.threshold, image, probabilities)


def turned_back(box: Box, turns: int, size: tuple[int, int]) -> Box:
    """Where a box (x, y, width, height) of a page of `size` (width, height), turned by so many quarters, lies on the page itself."""
    x, y, width, height = box
    for _ in range(turns):  # a quarter back: clockwise
        x, y, width, height = size[1] - y - height, x, height, width
        size = (size[1], size[0])
    return x, y, width, height
