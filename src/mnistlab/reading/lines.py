"""A second opinion on the digits that were found one by one: the line reader reads each of their lines as a whole.

Where it sees as many digits as were found, its opinion of each is combined with what is already known. Where it sees more or
fewer, the probabilities of both readings decide which number of digits is right. A digit is doubtful if the line reader doubts
it, or if there may be a digit too few or too many beside it. The line reader also checks digits that strokes alone seem to show.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mnistlab.reading.classifier import Classifier
from mnistlab.reading.doubt import beside, doubted, middle
from mnistlab.reading.finder import CLASSES, SIZES, Found, Level
from mnistlab.reading.layout import lines_of
from mnistlab.reading.line_reader import LineReader, Seen, Strip, likelihood, seen_in, strip_of
from mnistlab.reading.marks import Box, Mark
from mnistlab.reading.paper import Gray
from mnistlab.reading.spots import agreed, spots

__all__ = ["contradicted", "reread"]

CLOSE = 2.5
"""Digits with a gap of more than this many digit heights between them are read separately."""
NEAR = 0.2
"""What the line reader saw may be another line's digit if it is closer to that digit's box than this many digit heights."""
SAME = 0.35
"""A mark and a digit that the line reader saw are the same if their middles are less than this many digit heights apart."""
NARROW, WIDE = 0.3, 0.6
"""The least and the greatest width of the place in which a digit's ink is looked for, in digit heights."""
WEIGHT = 0.5
"""The weight of the marks' own log-probabilities when the number of digits is decided; the line reader's have a weight of 1."""
FLOOR = 0.02
"""When the number of digits is decided, a probability below this value counts as this value."""
CERTAIN = 0.99
"""A digit counts as certain without the line reader if its probability is at least this."""
CONFIRMED = 0.8
"""The line reader confirms a digit that it also sees with at least this probability; a sign cannot replace such a digit."""
CLEARLY = 4.0
"""Digits are contradicted if another reading's log-probability exceeds theirs by more than this."""
MOST_DIGITS = 600
"""Lines are read again, beginning with the one that has the least certain digit, up to this many digits in total."""


def reread(
    line_reader: LineReader,
    classifier: Classifier,
    gray: Gray,
    marks: Sequence[Mark],
    looked: Sequence[Level],
    raise_if_cancelled: Callable[[], None] = lambda: None,
) -> list[Mark]:
    """The marks after the line reader has seen their lines: probabilities may differ, and marks may be added or left out.

    Parameters
    ----------
    line_reader : LineReader
    classifier : Classifier
    gray : ndarray of uint8, shape (H, W)
        The upright picture with dark writing on light paper.
    marks : sequence of Mark
        The digits that were found. Their `level_box` is in the coordinates of `gray`; so are both boxes of marks that are added.
    looked : sequence of Level
        What the finder saw at each size to which the picture was scaled.
    raise_if_cancelled : callable
        Called before each line.
    """
    read, result = set[int](), list[Mark]()
    for line in lines_to_read(marks):
        raise_if_cancelled()
        own = [marks[number] for number in line]
        others = [mark for number, mark in enumerate(marks) if number not in line]
        result += Line(line_reader, classifier, gray, own, others, looked).read()
        read.update(line)
    return [mark for number, mark in enumerate(marks) if number not in read] + result


def contradicted(
    line_reader: LineReader | None, gray: Gray, marks: Sequence[Mark], raise_if_cancelled: Callable[[], None]
) -> bool:
    """Whether the line reader, if any, clearly contradicts a line of digits found from strokes; `gray` as in `reread`."""
    if line_reader is None:
        return False
    boxes = [mark.box for mark in marks]
    for line in lines_to_read(marks):
        raise_if_cancelled()
        strip = strip_of(gray, [boxes[number] for number in line])
        classes, high = line_reader(strip.pixels), float(np.median([boxes[number][3] for number in line]))
        others = [box for number, box in enumerate(boxes) if number not in line]
        seen = [one.label for one in seen_in(classes, strip) if not is_foreign(one, strip, high, others)]
        own = [marks[number].label for number in line]
        if seen != own and likelihood(classes, seen) > likelihood(classes, own) + CLEARLY:
            return True
    return False


def lines_to_read(marks: Sequence[Mark]) -> Iterator[list[int]]:
    """The lines, as in `runs`, beginning with the one that has the least certain digit; at most `MOST_DIGITS` marks in all."""
    count = 0
    for line in sorted(runs(marks), key=lambda line: min(marks[number].sure for number in line)):
        count += len(line)
        if count > MOST_DIGITS:
            return
        yield line


def runs(marks: Sequence[Mark]) -> list[list[int]]:
    """The indices of each line's marks from the left, split at wide gaps and between dark and light; lone marks are left out."""
    found = []
    for line in lines_of([mark.level_box for mark in marks]):
        high = float(np.median([marks[number].level_box[3] for number in line]))
        run = line[:1]
        for before, number in itertools.pairwise(line):
            one, other = marks[before], marks[number]
            gap = other.level_box[0] - one.level_box[0] - one.level_box[2]
            if gap > CLOSE * high or one.light != other.light:
                found.append(run)
                run = []
            run.append(number)
        found.append(run)
    return [run for run in found if len(run) > 1]


@dataclass(frozen=True)
class Line:
    """Digits that stand in a line without wide gaps."""

    line_reader: LineReader
    classifier: Classifier
    gray: Gray
    marks: list[Mark]
    others: list[Mark]
    """The page's other digits, some of which may reach into the strip."""
    looked: Sequence[Level]

    @functools.cached_property
    def height(self) -> float:
        """The digits' median height in pixels."""
        return float(np.median([mark.level_box[3] for mark in self.marks]))

    def read(self) -> list[Mark]:
        """The line's marks after the line reader has seen the line."""
        gray = 255 - self.gray if self.marks[0].light else self.gray
        strip = strip_of(gray, [mark.level_box for mark in self.marks])
        classes = self.line_reader(strip.pixels)
        seen = seen_in(classes, strip)
        known, others = self.matched(seen), [mark.level_box for mark in self.others]
        own = [n for n, one in enumerate(seen) if n in known or not is_foreign(one, strip, self.height, others)]
        seen, mark_of = [seen[n] for n in own], {new: known[n] for new, n in enumerate(own) if n in known}
        if len(mark_of) == len(self.marks) == len(seen):
            return [joined(mark, one) for mark, one in zip(self.marks, seen, strict=True)]
        cut = self.cut_out(strip, seen)
        seen_at = {number: seen[n] for n, number in mark_of.items()}
        gone = [mark for number, mark in enumerate(self.marks) if number not in seen_at]
        added = [n for n in range(len(seen)) if n not in mark_of]
        gain = likelihood(classes, [one.label for one in seen])
        gain -= likelihood(classes, [mark.label for mark in self.marks])
        fit = [1 - mark.sure for mark in gone]
        fit += [float(mark.probabilities[seen[n].label]) if (mark := cut[n]) else 0.0 for n in added]
        gain += WEIGHT * float(np.log(np.maximum(fit, FLOOR)).sum())
        sure = 1 / (1 + float(np.exp(-abs(gain))))
        if gain > 0 and (mark_of or any(cut)):
            return self.as_seen(seen, mark_of, cut, gone, sure)
        marks = [joined(mark, seen_at[n]) if n in seen_at else doubted(mark, sure) for n, mark in enumerate(self.marks)]
        return beside(marks, [(seen[n].x, sure) for n in added])

    def matched(self, seen: Sequence[Seen]) -> dict[int, int]:
        """Maps the index of each digit seen at the place of a mark to the index of that mark; each mark is used at most once."""
        apart = np.abs(np.array([[middle(mark) - one.x for one in seen] for mark in self.marks]))
        apart = apart.reshape(len(self.marks), len(seen))
        mark_of: dict[int, int] = {}
        while apart.size and apart.min() < SAME * self.height:
            number, n = (int(index) for index in np.unravel_index(int(apart.argmin()), apart.shape))
            mark_of[n] = number
            apart[number, :] = apart[:, n] = np.inf
        return mark_of

    def cut_out(self, strip: Strip, seen: Sequence[Seen]) -> list[Mark | None]:
        """For each digit seen, its ink, as a mark with the classifier's opinion alone; None if there is too little ink."""
        light = self.marks[0].light
        levels = [n for n, level in enumerate(self.looked) if level.light == light]
        marks: list[Mark | None] = [None] * len(seen)
        if not levels:
            return marks
        high = self.height
        at = min(levels, key=lambda n: abs(np.log(self.looked[n].scale * high / SIZES[1])))
        gaps = np.diff([one.x for one in seen], prepend=-np.inf, append=np.inf)
        kinds = np.zeros(len(CLASSES), np.float32)
        kinds[:10] = 0.1
        found = []
        for one, before, after in zip(seen, gaps, gaps[1:], strict=False):
            wide = float(np.clip(min(before, after), NARROW * high, WIDE * high))
            found.append(Found(one.x, strip.y(one.x), wide, high, kinds, 1.0, at, light))
        size = (self.gray.shape[1], self.gray.shape[0])
        number_of = {id(place): number for number, place in enumerate(found)}
        for spot in spots(self.classifier, found, self.looked):
            if spot.is_whole:
                box = spot.box(size)
                marks[number_of[id(spot.found)]] = Mark(spot.image, spot.probabilities, box, box, light)
        return marks

    def as_seen(
        self,
        seen: Sequence[Seen],
        mark_of: dict[int, int],
        cut: Sequence[Mark | None],
        gone: Sequence[Mark],
        sure: float,
    ) -> list[Mark]:
        """Marks for the digits that the line reader saw, if they have ink; the marks `gone`, where it saw no digit, are left out.

        `sure` is the probability that the number of digits seen is right.
        """
        result = []
        missing = [(middle(mark), min(sure, 1 - mark.sure)) for mark in gone]
        for n, one in enumerate(seen):
            known = self.marks[mark_of[n]] if n in mark_of else None
            choices = [joined(mark, one) for mark in (known, cut[n]) if mark is not None]
            if choices:
                best = max(choices, key=lambda mark: float(mark.probabilities[one.label]))
                result.append(best if known else doubted(best, sure))
            else:
                missing.append((one.x, 1 - sure))
        return beside(result, missing)


def is_foreign(one: Seen, strip: Strip, high: float, others: Sequence[Box]) -> bool:
    """Whether `one`, seen in a line of digits `high` pixels high, is another line's digit, in one of the boxes `others`."""
    y = strip.y(one.x)
    return any(
        abs(one.x - left - width / 2) < width / 2 + NEAR * high and top < y + high and y - high < top + height
        for left, top, width, height in others
    )


def joined(mark: Mark, seen: Seen) -> Mark:
    """The mark with the line reader's opinion added; its new probability is limited to the line reader's (see `doubted`).

    If the mark's probability was at least `CERTAIN`, the limit is the square root of the line reader's probability instead.
    """
    probabilities = agreed(mark.probabilities, seen.opinion)
    sure = seen.there * float(seen.opinion[probabilities.argmax()])
    confirmed = seen.label == int(probabilities.argmax()) and sure >= CONFIRMED
    most = sure**0.5 if mark.sure >= CERTAIN else sure
    return doubted(replace(mark, probabilities=probabilities, confirmed=confirmed), most)
