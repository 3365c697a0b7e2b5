"""Scenes: the same number gives the same scene, and everything is where it is said to be."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from mnistlab.papers.alphabet import Alphabet
from mnistlab.papers.scene import Scene, Scenes
from mnistlab.reading.finder import CLASSES


@pytest.fixture(scope="module")
def scenes(alphabet: Alphabet) -> list[Scene]:
    drawn = Scenes(alphabet)
    return [drawn[number] for number in range(40)]


def content(scene: Scene) -> tuple[object, ...]:
    return scene.pixels.tobytes(), scene.digits.tobytes(), scene.ignored.tobytes(), scene.marks


def test_the_same_number_gives_the_same_scene_byte_for_byte(alphabet: Alphabet, scenes: list[Scene]) -> None:
    again = Scenes(
        Alphabet(alphabet.images, alphabet.labels, alphabet.writers)
    )  # nothing that it has drawn before is kept
    for number in (33, 0, 12, 5):
        assert content(again[number]) == content(scenes[number])


def test_another_number_or_seed_gives_another_scene(alphabet: Alphabet, scenes: list[Scene]) -> None:
    assert len({scene.pixels.tobytes() for scene in scenes}) == len(scenes)
    assert content(Scenes(alphabet, seed=1)[0]) != content(scenes[0])


def test_what_is_drawn_stays_what_the_networks_weights_were_trained_on(scenes: list[Scene]) -> None:
    texts = ["".join(CLASSES[mark.kind] for mark in scene.marks) for scene in scenes[:6]]
    assert texts == ["73", "?047--5400?69336832", "51?379", "27,8220-5558-", "28370004898", ""]


def test_every_box_of_a_digit_ends_where_its_ink_does(scenes: list[Scene]) -> None:
    count = 0
    for scene in scenes:
        height, width = scene.pixels.shape
        for mark in scene.marks:
            if mark.kind >= 10:
                continue
            x0, x1 = (round(mark.x + side * mark.width / 2) for side in (-1, 1))
            y0, y1 = (round(mark.y + side * mark.height / 2) for side in (-1, 1))
            if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
                continue  # a part of it is cut off
            inked = scene.digits[y0:y1, x0:x1] > 0.4
            assert inked[0].any()
            assert inked[-1].any()
            assert inked[:, 0].any()
            assert inked[:, -1].any()
            count += 1
    assert count > 100


def test_ink_of_digits_is_darker_than_the_paper_around_it(scenes: list[Scene]) -> None:
    darker = [
        float(scene.pixels[scene.digits > 0.9].mean()) < float(np.median(scene.pixels[scene.digits == 0]))
        for scene in scenes
        if (scene.digits > 0.9).any()
    ]
    assert len(darker) > 15
    assert np.mean(darker) > 0.9  # shadows fall where they will


def test_scenes_hold_all_kinds_of_marks_and_some_hold_none(alphabet: Alphabet) -> None:
    drawn = Scenes(alphabet, height=64, width=128)
    found = [drawn[number] for number in range(700)]
    assert all(scene.pixels.shape == (64, 128) for scene in found)
    assert set(Counter(mark.kind for scene in found for mark in scene.marks)) == set(range(len(CLASSES)))
    assert any(not scene.marks and not scene.ignored.any() for scene in found)
