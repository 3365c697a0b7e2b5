from __future__ import annotations

import numpy as np
import pytest

from mnistlab.papers.glyphs import SIDE, of_picture


def test_a_shape_knows_how_far_its_edge_and_its_middle_are() -> None:
    bar = np.zeros((28, 28), np.uint8)
    bar[4:24, 11:17] = 255
    shape = of_picture(bar)
    assert shape is not None
    middle = SIDE // 2
    assert shape.edge[middle, middle] > 3
    assert shape.edge[2, 2] < -5
    assert shape.middle[middle, middle] < 1.5
    assert shape.middle[middle, middle + 10] == pytest.approx(10, abs=1.5)
    assert (round(shape.width), round(shape.height)) == (11, 36)
    assert of_picture(np.zeros((28, 28), np.uint8)) is None
