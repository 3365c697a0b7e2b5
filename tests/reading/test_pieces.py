"""Pieces: connected strokes are found in their place; specks and print-through are left out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mnistlab import Reader
from mnistlab.reading.ink import find_ink
from mnistlab.reading.pieces import find_pieces
from tests.support.drawing import Array, draw, put, written
from tests.support.notes import HEIGHT, Digits, Note
from tests.support.waiting import LIMIT


def specks(count: int, size: tuple[int, int], seed: int = 0) -> Array:
    """A sheet with that many dark specks of one to three pixels."""
    rng = np.random.default_rng(seed)
    sheet = np.full(size, 250, np.uint8)
    for y, x, side in zip(
        rng.integers(0, size[0] - 3, count),
        rng.integers(0, size[1] - 3, count),
        rng.integers(1, 4, count),
        strict=True,
    ):
        sheet[y : y + side, x : x + side] = 40
    return sheet


def test_a_digit_is_found_among_2000_specks(reader: Reader, clear: Digits) -> None:
    right, others = 0, 0
    for number in range(5):
        picture = specks(2000, (1200, 900), number)
        put(picture, clear[0][number], 400, 500, 120)
        accepted = [digit for digit in reader.read(picture).digits if digit.accepted]
        own = [digit for digit in accepted if digit.box[3] > 100]
        right += [digit.value for digit in own] == [clear[1][number]]
        others += len(accepted) - len(own)
    assert right >= 4
    assert others <= 1


BOUNDED = """
import json, resource, sys, time
import numpy as np
from mnistlab import Reader
picture = np.load(sys.argv[1])
reader = Reader(threads=1)
reader.read(np.full((100, 100), 255, np.uint8))
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
page = reader.read(picture)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps([time.process_time() - start, peak / 1024, len(page.digits)]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the peak of memory has another unit")
def test_50000_specks_take_bounded_time_and_memory(tmp_path: Path) -> None:
    """CPU seconds, and MiB beyond what the reader has after reading something else."""
    path = tmp_path / "specks.npy"
    np.save(path, specks(50_000, (2000, 1500)))
    command = [sys.executable, "-c", BOUNDED, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, mebibytes, digits = json.loads(result.stdout)
    assert seconds < LIMIT
    assert mebibytes < 600
    assert digits <= 2000


def test_what_shines_through_from_the_back_is_not_read(reader: Reader, clear: Digits) -> None:
    rows = [written([draw(image, HEIGHT) for image in clear[0][start : start + 8]]) for start in (0, 8)]
    height, width = max(row.shape[0] for row in rows), max(row.shape[1] for row in rows)
    front, back = (np.pad(row, ((0, height - row.shape[0]), (0, width - row.shape[1]))) for row in rows)
    behind = cv2.GaussianBlur(back[:, ::-1], (0, 0), 2.5)
    sheet = np.vstack([250 - 0.8 * front, 250 - 0.12 * behind, 250 - 0.12 * np.roll(behind, 40, 1)])
    page = reader.read(sheet.astype(np.uint8))

    assert [str(digit.value) for digit in page.digits if digit.accepted] == [str(v) for v in clear[1][:8]]
    assert len(page.lines) == 1


def test_a_pictures_ink_is_found_in_its_place(note: Note) -> None:
    ink = find_ink(255 - note.ink)
    assert not ink.whole
    assert ink.strength.dtype == np.uint8
    across, down = (ink.to_picture @ np.array([0, 0, 1.0])).round(6)
    assert -1 < across < 1
    assert -1 < down < 1
    pieces = find_pieces(ink)
    assert len(pieces) == 10
    assert all(piece.strength.shape == (piece.height, piece.width) for piece in pieces)


def test_a_picture_of_mnists_size_is_one_digit(digits: Digits) -> None:
    ink = find_ink(digits[0][0])
    assert ink.whole
    assert len(find_pieces(ink)) == 1
    assert find_pieces(find_ink(np.zeros((28, 28), np.uint8))) == []
