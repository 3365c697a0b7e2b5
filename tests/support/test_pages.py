"""The generator of pages: the same from the same seed, each digit where the page says, each effect independent."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks.reading.pages import compare, match
from benchmarks.reading.reject import LIKE_DIGITS, draw_letters
from mnistlab.data.dataset import open_dataset
from tests.support.pages import EFFECTS, INK, PAPERS, RULINGS, Page, make_page, save

SMALL = (640, 480)
Digits = tuple[NDArray[np.uint8], NDArray[np.int64]]


@pytest.fixture(scope="module")
def digits(data_dir: Path) -> Digits:
    images, labels = open_dataset("mnist", data_dir).read("test")
    return images[:30], labels[:30]


@pytest.fixture(scope="module")
def page(digits: Digits) -> Page:
    """A small page with all effects."""
    return small(digits, seed=2)


def small(digits: Digits, seed: int = 0, **options: object) -> Page:
    return make_page(seed, *digits, **{"size": SMALL, **options})


def test_the_same_seed_draws_the_same_page_and_another_another(
    digits: Digits,
) -> None:
    first, again, other = small(digits), small(digits), small(digits, seed=1)

    assert np.array_equal(first.picture, again.picture)
    assert (first.boxes, first.drawn) == (again.boxes, again.drawn)
    assert not np.array_equal(first.picture, other.picture)


def test_a_page_says_what_is_on_it(digits: Digits) -> None:
    page = small(digits, per_line=8)

    assert page.picture.shape == (480, 640, 3)
    assert page.picture.dtype == np.uint8
    assert page.labels == digits[1].tolist()
    assert [len(line) for line in page.lines] == [8, 8, 8, 6]
    assert "".join(page.lines) == "".join(map(str, page.labels))
    assert page.description.startswith("paper ")


@pytest.mark.parametrize("seed", range(6))
def test_each_box_holds_its_digit_and_touches_no_other(digits: Digits, seed: int) -> None:
    page = small(
        digits,
        seed=seed,
        paper="white",
        ruling="plain",
        pen="black gel",
        without=set(EFFECTS) - {"jitter", "perspective"},
    )
    dark = page.picture.max(2) < 128
    outside = dark.copy()
    for x, y, width, height in page.boxes:
        inside = dark[y : y + height, x : x + width]
        assert inside.mean() > 0.08
        assert all(edge.any() for edge in (inside[:2], inside[-2:], inside[:, :2], inside[:, -2:]))
        assert min(x, y) > 0
        assert x + width < SMALL[0]
        assert y + height < SMALL[1]
        outside[y : y + height, x : x + width] = False
    assert not outside.any()


@pytest.mark.parametrize("seed", range(6))
def test_lines_stand_apart_and_digits_do_not_overlap(digits: Digits, seed: int) -> None:
    page = small(digits, seed=seed, tilt=0, pen="thick marker", without={"perspective"})

    for (x, y, width, height), (x2, y2, width2, height2) in itertools.combinations(page.boxes, 2):
        assert max(x2 - x - width, x - x2 - width2) > 0 or max(y2 - y - height, y - y2 - height2) > 0
    for left, right in itertools.pairwise(range(10)):
        assert page.boxes[left][0] < page.boxes[right][0]


def test_a_tilt_is_clockwise(digits: Digits) -> None:
    for tilt in (-10, 10):
        boxes = small(digits, tilt=tilt, without=EFFECTS).boxes
        (x, y, _, height), (x2, y2, _, height2) = boxes[0], boxes[9]
        slope = (y2 + height2 - y - height) / (x2 - x)
        assert slope == pytest.approx(np.tan(np.radians(tilt)), abs=0.05)


@pytest.mark.parametrize("effect", [effect for effect in EFFECTS if effect != "fading"])
def test_leaving_out_an_effect_changes_the_page_and_none_of_the_others(effect: str, digits: Digits, page: Page) -> None:
    without = small(digits, seed=2, without={effect})

    assert not np.array_equal(page.picture, without.picture)
    same = {"paper", "ruling", "pen", "size", "tilt"}
    assert all(page.drawn[name] == without.drawn[name] for name in same)
    if effect not in ("jitter", "perspective"):
        assert page.boxes == without.boxes


def test_an_effect_that_is_not_one_is_refused(digits: Digits) -> None:
    with pytest.raises(ValueError, match="no such effects: rain"):
        small(digits, without={"rain"})


def test_what_is_given_is_drawn_on_any_paper_with_any_pen(digits: Digits) -> None:
    images, labels = digits[0][:4], digits[1][:4]
    for paper, ruling, pen in [*((p, "plain", None) for p in PAPERS), *(("cream", r, i) for r, i in zip(RULINGS, INK))]:  # noqa: B905
        page = make_page(5, images, labels, size=(320, 160), paper=paper, ruling=ruling, pen=pen, height=40)
        assert (page.drawn["paper"], page.drawn["ruling"]) == (paper, ruling)
        assert pen in (None, page.drawn["pen"])
        grey = page.picture.mean(2)
        x, y, width, height = page.boxes[0]
        inside = grey[y : y + height, x : x + width]
        ink = np.percentile(inside, 90 if paper == "blackboard" else 5)
        assert abs(ink - np.median(grey)) > 30, page.description
        assert (ink > np.median(grey)) == (paper == "blackboard")


def test_digits_keep_the_height_that_is_asked_for_and_shrink_to_fit(
    digits: Digits,
) -> None:
    heights = [box[3] for box in make_page(1, *digits, size=(1600, 700), height=50, tilt=0, without=EFFECTS).boxes]
    assert 42 < np.median(heights) < 58
    assert small(digits, height=500).drawn["height"] < 60


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
def test_a_page_is_saved_in_each_format(kind: str, page: Page, tmp_path: Path) -> None:
    save(page, tmp_path / "page", kind)

    with Image.open(tmp_path / "page") as picture:
        assert picture.format == kind
        read = np.asarray(picture.convert("RGB"))
    assert np.abs(read.astype(int) - page.picture).mean() < 12
    assert kind in ("JPEG", "WEBP", "GIF") or np.array_equal(read, page.picture)


def read_as(lines: list[list[tuple[tuple[int, int, int, int], int]]]) -> SimpleNamespace:
    """The output of a reader that found these boxes and values."""
    rows = [[SimpleNamespace(box=box, value=value, accepted=value != 5) for box, value in line] for line in lines]
    return SimpleNamespace(lines=[SimpleNamespace(digits=row) for row in rows])


def test_the_benchmark_counts_what_was_found_and_read_right(digits: Digits) -> None:
    page = small(digits)
    lines = [list(zip(page.boxes[i : i + 10], page.labels[i : i + 10], strict=True)) for i in (0, 10, 20)]
    perfect = compare(page, read_as(lines))
    assert perfect["right"] == perfect["of"] == 30
    assert perfect["lines_right"] == perfect["lines"] == 3
    assert perfect["missed"] == perfect["wrong"] == perfect["false_finds"] == 0
    assert perfect["accepted"] == perfect["accepted_right"] == 30 - page.labels.count(5)

    box, label = lines[0][3]
    lines[0][3] = (box, 1 - min(label, 1))
    x, y, width, height = lines[1][0][0]
    lines[1][0] = ((x - 1, y + 1, width + 2, height), page.labels[10])  # a pixel more or less is the same
    del lines[2][5]
    lines[1].append(((1, 1, 5, 5), 7))
    spoilt = compare(page, read_as(lines))
    assert (spoilt["right"], spoilt["missed"], spoilt["wrong"], spoilt["false_finds"]) == (28, 1, 1, 1)
    assert spoilt["lines_right"] == 0


def test_two_halves_of_a_digit_are_not_the_digit() -> None:
    assert match([(0, 0, 20, 40)], [(0, 0, 20, 15), (0, 25, 20, 15)]) == {}
    assert match([(0, 0, 20, 40)], [(2, 3, 17, 36), (0, 0, 20, 8)]) == {0: 0}


def test_letters_are_made_as_mnist_was() -> None:
    for images, letters in draw_letters([]).values():
        assert images.shape == (len(letters), 28, 28)
        assert not set(letters) & set(LIKE_DIGITS)
        assert (images.max((1, 2)) == 255).all()
        for image in images:
            on = np.argwhere(image)
            assert max(on.max(0) - on.min(0)) + 1 in (19, 20)
