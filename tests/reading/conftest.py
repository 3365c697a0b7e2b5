"""What the tests of reading share: a reader, digits that leave no doubt, and a note of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mnistlab import Reader
from mnistlab.data.dataset import open_dataset
from mnistlab.data.splits import read_split
from mnistlab.reading.mnist_form import to_mnist_form
from mnistlab.reading.pieces import Piece
from tests.support.drawing import draw, written
from tests.support.notes import HEIGHT, Digits, Note


@pytest.fixture(scope="session")
def reader() -> Reader:
    return Reader(threads=1)


@pytest.fixture(scope="session")
def digits(data_dir: Path) -> Digits:
    """Images and labels of validation digits, in an order that mixes their writers."""
    images, labels = read_split(open_dataset("mnist", data_dir), "val")  # of which the bundled reader has seen none
    order = np.random.default_rng(0).permutation(len(labels))
    return images[order], labels[order]


@pytest.fixture(scope="session")
def clear(digits: Digits, reader: Reader) -> Digits:
    """Those that leave no doubt, neither as they are nor enlarged, and are not so wide that they cross the sides of a box."""
    images, labels = digits[0][:1000], digits[1][:1000]
    sure = np.ones(len(labels), bool)
    enlarged = [draw(image, 54) for image in images]
    for seen in (images, np.stack([to_mnist_form(Piece(0, 0, ink)) for ink in enlarged])):
        found, probabilities = reader.classify(seen)
        sure &= (found == labels) & (probabilities.max(1) >= np.quantile(probabilities.max(1), 0.3))
    sure &= np.array([ink.shape[1] <= 48 for ink in enlarged])
    return images[sure], labels[sure]


@pytest.fixture(scope="session")
def note(clear: Digits, reader: Reader) -> Note:
    """0 to 4 and, below, 5 to 9, `HEIGHT` pixels high: uint8, 255 on 0."""
    images = [clear[0][clear[1] == digit][0] for digit in range(10)]
    rows = [written([draw(image, HEIGHT) for image in images[start : start + 5]]) for start in (0, 5)]
    width = max(row.shape[1] for row in rows)
    ink = np.vstack([np.pad(row, ((0, 0), (0, width - row.shape[1]))) for row in rows])
    page = reader.read(255 - ink)
    assert page.text == "01234\n56789"
    return Note(ink, page)
