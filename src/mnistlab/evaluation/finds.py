"""Count what a finder found on scenes, and how much of that is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.evaluation.by_writer import interval_by_writer
from mnistlab.evaluation.result import BINS, Evaluation
from mnistlab.papers.canvas import Mark
from mnistlab.papers.scene import Scene
from mnistlab.reading.finder import CELL, peaks

__all__ = ["THRESHOLD", "Counting", "Find", "FinderEvaluation", "Seen", "find_digits"]

THRESHOLD = 0.3
"""The lowest probability, 0 to 1, at which a mark counts as found."""
NOTHING = 10
"""The index of the row and the column of the confusion matrix that stand for "no digit"."""
SHOWN = 12
"""The largest number of scenes that an evaluation keeps for a picture."""
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Find:
    """A digit that was found; its place and size are in pixels of the scene."""

    mark: Mark
    probability: float
    """The network's probability, 0 to 1."""
    right: bool | None = None
    """Whether the scene has this digit at the detected place; None if the detection does not count or is not judged yet."""


@dataclass(frozen=True)
class Seen:
    """A scene, what was found on it, and the digits that were missed or misread."""

    scene: Scene
    finds: tuple[Find, ...]
    missed: tuple[Mark, ...]


@dataclass(frozen=True)
class FinderEvaluation(Evaluation):
    """The results of a finder on the scenes of a split, in counts.

    The classes are the ten digits and "nothing", whose row of the confusion matrix counts what was found where there is no
    digit, and whose column counts the digits that were not found. `total` counts the digits on the scenes, and `correct`
    counts those that were found and classified correctly.

    Attributes
    ----------
    by_scene : ndarray of int64, shape (scenes, 3)
        Each scene's index, how many digits it has, and how many of them count as `correct`; scenes without a digit are left out.
    scenes : int
        The number of scenes.
    wrong : tuple of int
        The digits that were missed or misread, by their index among all digits of the scenes.
    seen : tuple of Seen
        The first scenes and what was found on them, for a picture.
    """

    by_scene: NDArray[np.int64] | None = None
    scenes: int = 0
    wrong: tuple[int, ...] = ()
    seen: tuple[Seen, ...] = ()

    @property
    def total(self) -> int:
        """The number of digits on the scenes."""
        return int(self.confusion[:NOTHING].sum())

    @property
    def false_finds(self) -> int:
        """How many digits were found where there is no digit; detections of struck-out or partly visible digits do not count."""
        return int(self.confusion[NOTHING].sum())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy on other scenes. The unit that is drawn at random is a scene, not a digit."""
        return (0.0, 1.0) if self.by_scene is None else interval_by_writer(self.by_scene)

    @property
    def mean_loss(self) -> float:
        """The loss that training minimises, averaged over the scenes on which the finder was measured."""
        return self.loss_sum / self.scenes

    def score(self) -> dict[str, Any]:
        """`Evaluation.score` with `scenes`, `false_finds`, and `threshold` (the lowest probability of a detection) added."""
        more = {"scenes": self.scenes, "false_finds": self.false_finds, "threshold": THRESHOLD}
        return {**super().score(), **more}

    def to_dict(self) -> dict[str, Any]:
        """Everything in plain types, as in test.json. Each mistake is the index, among all digits, of a missed or misread one."""
        return {**super().to_dict(), "mistakes": [{"index": index} for index in self.wrong]}


def find_digits(kinds: Floats, boxes: Floats) -> list[Find]:
    """The digits of one scene, most confident first, from the class probabilities (classes, h, w) and the boxes (4, h, w).

    The digits are peaks of the probabilities. If a digit's centre lies in the middle part of a more confident digit (see
    `is_middle_of`), only the more confident of the two is kept.
    """
    finds: list[Find] = []
    for x, y, width, height, kind in sorted(peaks(kinds, boxes, THRESHOLD), key=lambda peak: -float(peak.kinds.max())):
        mark = Mark(int(kind.argmax()), x, y, width, height)
        if mark.kind < NOTHING and not any(is_middle_of(other.mark, x, y) for other in finds):
            finds.append(Find(mark, float(kind.max())))
    return finds


def is_middle_of(mark: Mark, x: float, y: float) -> bool:
    """Whether the point is, along each axis, in the inner half of the mark's box or less than a cell from the box's centre."""
    return abs(x - mark.x) < max(mark.width / 4, CELL) and abs(y - mark.y) < max(mark.height / 4, CELL)


class Counting:
    """Adds up the counts of an evaluation, scene by scene."""

    def __init__(self) -> None:
        self.confusion = np.zeros((NOTHING + 1, NOTHING + 1), np.int64)
        self.bins = np.zeros((BINS, 3))
        self.by_scene: list[tuple[int, int, int]] = []
        self.wrong: list[int] = []
        self.seen: list[Seen] = []
        self.digits = self.scenes = 0
        self.loss_sum = 0.0

    def add(self, scene: Scene, finds: Sequence[Find]) -> None:
        """Match each detection, most confident first, with the nearest digit that has no match yet, and count the outcome.

        A digit is a match only if the detection's centre lies in the middle part of the digit (see `is_middle_of`).
        """
        left = dict(enumerate(mark for mark in scene.marks if mark.kind < NOTHING))
        places, judged, missed, right = len(left), [], [], 0
        for find in finds:
            x, y = find.mark.x, find.mark.y
            near = [place for place, mark in left.items() if is_middle_of(mark, x, y)]
            place = min(near, key=lambda place: np.hypot(left[place].x - x, left[place].y - y)) if near else None
            true = left.pop(place) if place is not None else None
            if true is None and ignores(scene, x, y):
                judged.append(find)
                continue
            is_right = true is not None and true.kind == find.mark.kind
            self.confusion[true.kind if true else NOTHING, find.mark.kind] += 1
            self.bins[min(int(find.probability * BINS), BINS - 1)] += (1, is_right, find.probability)
            judged.append(Find(find.mark, find.probability, is_right))
            right += is_right
            if true is not None and place is not None and not is_right:
                missed.append((place, true))
        for place, mark in left.items():
            self.confusion[mark.kind, NOTHING] += 1
            missed.append((place, mark))
        self.wrong += sorted(self.digits + place for place, _ in missed)
        if places:
            self.by_scene.append((self.scenes, places, right))
        if len(self.seen) < SHOWN:
            self.seen.append(Seen(scene, tuple(judged), tuple(mark for _, mark in missed)))
        self.digits, self.scenes = self.digits + places, self.scenes + 1

    def evaluation(self, split: str) -> FinderEvaluation:
        """The evaluation that consists of the counts so far."""
        return FinderEvaluation(
            split, (*"0123456789", "nothing"), self.confusion, self.loss_sum, self.bins, (),
            by_scene=np.array(self.by_scene, np.int64).reshape(-1, 3), scenes=self.scenes, wrong=tuple(self.wrong),
            seen=tuple(self.seen),
        )  # fmt: skip


def ignores(scene: Scene, x: float, y: float) -> bool:
    """Whether detections at this point are ignored, because the point is in the scene's `ignored` part or outside the scene."""
    height, width = scene.ignored.shape
    return not (0 <= x < width and 0 <= y < height) or bool(scene.ignored[int(y), int(x)])
