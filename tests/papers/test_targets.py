from __future__ import annotations

import numpy as np
import pytest

from mnistlab.papers.alphabet import Alphabet
from mnistlab.papers.scene import Scenes
from mnistlab.papers.targets import example
from mnistlab.reading.finder import CELL, SIZES


def test_each_mark_is_asked_for_in_the_cell_of_its_middle_and_its_box_can_be_told_from_the_answer(
    alphabet: Alphabet,
) -> None:
    drawn, count = Scenes(alphabet), 0
    for number in range(12):
        scene = drawn[number]
        answers = example(scene)
        cells = {(int(mark.y / CELL), int(mark.x / CELL)): mark for mark in scene.marks}  # of two in a cell the last
        h, w = answers.asked.shape
        for (row, column), mark in cells.items():
            if row >= h or column >= w:
                continue
            assert answers.heat[mark.kind, row, column] == 1
            assert answers.asked[row, column]
            x, y, wide, high = answers.boxes[:, row, column]
            assert ((column + 0.5 + x) * CELL, (row + 0.5 + y) * CELL) == pytest.approx((mark.x, mark.y), abs=1e-4)
            assert (SIZES[0] * np.exp(wide), SIZES[1] * np.exp(high)) == pytest.approx(
                (mark.width, mark.height), rel=1e-5
            )
            count += 1
        assert ((answers.heat >= 0) & (answers.heat <= 1)).all()
        assert not answers.asked.all() or not scene.ignored.any()
        assert answers.contrast.shape == scene.pixels.shape
    assert count > 40
