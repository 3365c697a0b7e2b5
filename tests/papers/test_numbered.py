from __future__ import annotations

import multiprocessing
from contextlib import closing

import cv2
import numpy as np
import torch

from mnistlab.papers.numbered import in_order, worker_count
from mnistlab.papers.scene import Scenes
from mnistlab.papers.writing import Alphabet
from mnistlab.training.finder import Batches


def test_what_comes_does_not_depend_on_how_many_draw_it(alphabet: Alphabet) -> None:
    batches = Batches(Scenes(alphabet, 48, 64), 2)
    alone = list(in_order(batches, range(3, 8), workers=0))
    shared = list(in_order(batches, range(3, 8), workers=2))
    for mine, theirs in zip(alone, shared, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))
    assert [array.shape for array in alone[0]] == [
        (2, 1, 48, 64),
        (2, 17, 12, 16),
        (2, 4, 12, 16),
        (2, 12, 16),
        (2, 48, 64),
    ]


def test_they_draw_though_this_process_has_drawn_in_threads() -> None:
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    blurred(0)  # makes OpenCV's threads
    try:
        assert list(in_order(blurred, range(3), workers=1)) == [0.0] * 3
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)


def blurred(number: int) -> float:
    return float(np.asarray(cv2.GaussianBlur(np.zeros((2000, 2000), np.float32), (0, 0), 3)).sum())


def test_the_processes_end_with_the_iterator() -> None:
    with closing(in_order(str, range(100), workers=1)) as words:
        assert next(words) == "0"
        assert multiprocessing.active_children()
    assert multiprocessing.active_children() == []


def test_at_least_one_process_draws() -> None:
    assert worker_count(torch.device("cpu")) >= 1
