"""Which parts of a picture the finder looks at."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mnistlab.reading.finder import CELL, Finder
from mnistlab.reading.looks import Sizes, levels, look
from mnistlab.reading.windows import HALO, of_boxes, windows
from tests.support.counting import Counting
from tests.support.drawing import put
from tests.support.notes import Digits

Gray = NDArray[Any]


@st.composite
def cells(draw: st.DrawFn) -> NDArray[np.bool_]:
    """Up to eight rectangles of cells, in a picture of up to 90 by 90."""
    wanted = np.zeros((draw(st.integers(1, 90)), draw(st.integers(1, 90))), bool)
    for _ in range(draw(st.integers(0, 8))):
        top, left = (draw(st.integers(0, side - 1)) for side in wanted.shape)
        wanted[top : top + draw(st.integers(1, 30)), left : left + draw(st.integers(1, 30))] = True
    return wanted


@given(cells())
def test_windows_cover_what_is_wanted_and_cost_no_more_than_all(wanted: NDArray[np.bool_]) -> None:
    found = windows(wanted)
    covered = np.zeros_like(wanted)
    for window in found:
        assert wanted[window.cells].any()
        covered[window.cells] = True
        shown = window.with_halo(wanted.shape)
        inner = np.arange(wanted.size).reshape(wanted.shape)[shown.cells][window.within(shown)]
        np.testing.assert_array_equal(inner, np.arange(wanted.size).reshape(wanted.shape)[window.cells])
    assert covered[wanted].all()
    for one in found:
        for other in found:
            assert one is other or one.cost + other.cost < one.together(other).cost


def test_a_box_is_at_the_same_place_whatever_the_scale_and_frame() -> None:
    boxes = np.array([(40.0, 20.0, 8.0, 12.0), (-5.0, 90.0, 10.0, 50.0)])
    once = of_boxes(boxes, 1.0, 0, (25, 25))
    assert np.argwhere(once).min(0).tolist() == [5, 0]
    assert once[5:8, 10:12].all()
    assert once[22:, :2].all()
    assert once.sum() == 3 * 2 + 3 * 2
    np.testing.assert_array_equal(of_boxes(boxes, 2.0, CELL * HALO, (60, 60))[HALO:, HALO:][10:16, 20:24], True)


def page_with_a_line(digits: Digits) -> tuple[Gray, NDArray[np.float64]]:
    """A page of 1800 by 1300 pixels with five digits 70 pixels high in one corner, and their boxes."""
    page = np.full((1800, 1300), 255, np.uint8)
    boxes = [put(page, digits[0][place], 120 + 90 * place, 150, 70) for place in range(5)]
    return page, np.array(boxes, np.float64)


def test_blank_parts_of_a_page_are_looked_at_only_from_afar(clear: Digits) -> None:
    page, boxes = page_with_a_line(clear)
    everywhere, near = Counting(), Counting()
    whole, part = levels(everywhere, Sizes(page)), levels(near, Sizes(page), inked=boxes)
    assert near.shown < 0.6 * everywhere.shown
    assert [level.scale for level in part] == [level.scale for level in whole]
    for one, other in zip(part, whole, strict=True):
        digits = [
            sorted((mark.kind, round(mark.x)) for mark in level.found if mark.digit and mark.weight > 0.8)
            for level in (one, other)
        ]
        assert digits[0] == digits[1]


def test_each_find_is_told_once_where_windows_overlap(clear: Digits) -> None:
    page, boxes = page_with_a_line(clear)
    scale = 22 / 70
    small = Sizes(page)(scale)
    doubled = np.concatenate([boxes, boxes + np.array([3, 3, 40, 40])])
    places = [(round(mark.x), round(mark.y)) for mark in look(Finder(), small, scale, boxes=doubled).found]
    assert len(places) == len(set(places))
    assert look(Finder(), small, scale, boxes=np.empty((0, 4))).found == []
