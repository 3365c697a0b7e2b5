from __future__ import annotations

import multiprocessing
import signal
import sys
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mnistlab.papers.alphabet import Alphabet
from mnistlab.papers.numbered import in_order, one_thread, worker_count
from mnistlab.papers.scene import Scenes
from mnistlab.training.finder import FinderState
from mnistlab.training.papers import Batches
from tests.support.waiting import wait_until


def test_what_comes_does_not_depend_on_how_many_draw_it(alphabet: Alphabet) -> None:
    batches = Batches(Scenes(alphabet, 48, 64), 2, FinderState.arrays_of)
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


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_the_processes_end_with_one_that_is_killed() -> None:
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe()
    with one_thread():
        training = context.Process(target=draw_and_wait, args=(theirs,))
        training.start()
    (worker,) = mine.recv()
    training.kill()
    training.join()
    wait_until(lambda: not is_alive(worker))


def draw_and_wait(connection: Connection) -> None:
    with closing(in_order(large, range(100), workers=1)) as arrays:
        next(arrays)
        connection.send([process.pid for process in multiprocessing.active_children()])
        signal.pause()


def large(number: int) -> NDArray[np.uint8]:
    return np.zeros(10_000_000, np.uint8)  # more than a pipe holds


def is_alive(pid: int) -> bool:
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        )  # which nobody has asked after yet
    except FileNotFoundError:
        return False


def test_at_least_one_process_draws() -> None:
    assert worker_count(torch.device("cpu")) >= 1
