"""Images that belong to no class, made anew for each batch from fonts, strokes, shapes, noise, and the batch's own images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F

from mnistlab.augmentation.affine import Augmentation
from mnistlab.augmentation.draws import between, coin
from mnistlab.augmentation.glyphs import letters_bank
from mnistlab.augmentation.letters import letters_like
from mnistlab.augmentation.shapes import (
    blobs,
    draw_strokes,
    next_to_nothing,
    noises,
    polyline,
    scribbles,
    signs,
    vessels,
)
from mnistlab.errors import number
from mnistlab.geometry import axes, fit_and_centre, ink_box, lying, place
from mnistlab.messages.sentences import Clause

__all__ = ["REJECT", "Rejects"]


REJECT = -1
"""The label of an image that belongs to none of the classes."""
KINDS_A_BATCH = 5
"""How many kinds of rejects are chosen for a batch (a kind may be chosen twice); making all kinds would take twice as long."""


class Source(NamedTuple):
    """The images from which rejects are made, float (B, 1, H, W), 0 to 255, and the digit that each image shows, int64 (B,)."""

    images: torch.Tensor
    digits: torch.Tensor | None  # None if the classes are not digits

    def table(self, weights: Sequence[object]) -> torch.Tensor:
        """The row of `weights` for each image's digit, plus 1e-6 so that not all are 0; ones if the classes are not digits."""
        rows = torch.tensor(weights, dtype=torch.float32, device=self.images.device)
        if self.digits is None:
            return rows.new_ones((len(self.images), *rows.shape[1:]))
        return rows[self.digits] + 1e-6

    def pick(self, count: int, weights: Sequence[float] = (1.0,) * 10) -> torch.Tensor:
        """Some of the images, float (count, 1, H, W); `weights` says how often to take each digit."""
        return self.images[torch.multinomial(self.table(weights), count, replacement=True)]


@dataclass(frozen=True)
class Rejects:
    """Adds images of no class to a batch, labelled `REJECT`, so that a network learns to be unsure of them.

    (Outlier exposure: Hendrycks et al. 2019, https://arxiv.org/abs/1812.04606; here the outliers are drawn, not collected.)
    All random numbers come from torch's global generator for the batch's device, so restoring that generator's state
    repeats the same choices.
    """

    share: float = 0.0
    """How many rejects to add, as a fraction of the batch size."""
    digits: tuple[int, ...] = ()
    """The digit of each class; empty if the classes are not digits, in which case only rejects that suit all classes are made."""

    def __post_init__(self) -> None:
        number(self.share, Clause("names.rejects"), 0, 4, wrong="augmentation.rejects_out_of_range")

    def __bool__(self) -> bool:
        return self.share > 0

    def count(self, images: int) -> int:
        """The number of rejects that are added to a batch of this many images."""
        return round(self.share * images)

    def __call__(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Takes images, float (B, 1, H, W), 0 to 255, and labels, int64 (B,); returns both, with rejects appended."""
        count = self.count(len(images))
        if not count:
            return images, labels
        digits = torch.tensor(self.digits, device=labels.device)[labels] if self.digits else None
        source = Source(images.float(), digits)
        kinds = DIGIT_KINDS if self.digits else ANY_KINDS
        shares = torch.tensor([share for share, _ in kinds], device=images.device)
        drawn = torch.multinomial(shares, min(count, KINDS_A_BATCH), replacement=True).tolist()
        turns = Counter(drawn[i % len(drawn)] for i in range(count))
        made = [kinds[number][1](source, n) for number, n in turns.items()]
        rejects = torch.cat(made).clamp_(0, 255).to(images.dtype)
        return torch.cat((images, rejects)), torch.cat((labels, labels.new_full((count,), REJECT)))


# Made of digits

#    left, right, top, bottom: how often to take each half of each digit; 0 if the half looks like a digit
HALVES = (
    (0.0, 0.0, 1.0, 1.0),  # 0
    (0.0, 0.0, 0.0, 0.0),  # 1
    (1.0, 0.0, 0.0, 1.0),  # 2
    (1.0, 0.0, 0.0, 1.0),  # 3: its right half is a 3
    (1.0, 0.0, 1.0, 0.0),  # 4: a 1 to the right and below
    (0.0, 0.0, 0.5, 0.0),  # 5: its sides are 5s
    (0.0, 0.0, 0.0, 0.0),  # 6: an o and a stroke
    (0.0, 0.0, 0.0, 0.0),  # 7
    (0.0, 0.0, 0.0, 0.0),  # 8: two o's, a 3
    (0.0, 0.0, 0.0, 0.0),  # 9: an o and a stroke
)


def halves(source: Source, count: int) -> torch.Tensor:
    """Half a digit, enlarged to the size of a whole one."""
    chosen = torch.multinomial(source.table(HALVES).flatten(), count, replacement=True)
    images, side = source.images[chosen // 4], (chosen % 4).view(-1, 1, 1, 1)
    left, top, width, height = (part.unsqueeze(1) for part in ink_box(images))
    x = (torch.arange(images.shape[3], device=images.device).view(1, 1, 1, -1) - left) / width
    y = (torch.arange(images.shape[2], device=images.device).view(1, 1, -1, 1) - top) / height
    along = torch.where(side < 2, x, y)
    along = torch.where(side % 2 == 0, along, 1 - along)
    return fit_and_centre(images * (along < between(0.4, 0.55, images)))


def side_by_side(source: Source, count: int) -> torch.Tensor:
    """Two or three digits in one box: apart, touching or overlapping."""
    often = (1.0, 0.4, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)  # because two 1s may look like one thick 1
    images = source.pick(3 * count, often)
    left, top, ink_width, ink_height = ink_box(images)
    third = torch.ones(3, count, 1, 1, device=images.device)
    third[2] = (torch.rand(count, 1, 1, device=images.device) < 0.2).float()
    high = between(0.75, 1.1, images).view(3, count, 1, 1)
    wide = (ink_width / ink_height).view(3, count, 1, 1).clamp(max=1.2) * high
    step = (wide + between(-0.12, 0.3, images).view(3, count, 1, 1)) * third
    total = step.sum(0)
    scale = images.shape[2] * (20 / 28) / torch.maximum(total, high.amax(0))
    at_x = (step.cumsum(0) - step / 2 - total / 2) * scale
    at_y = between(-0.12, 0.12, images).view(3, count, 1, 1) * scale
    scale_y = (high * scale).view(-1, 1, 1) / ink_height
    scale_x = (wide * scale).view(-1, 1, 1) / ink_width
    placed = place(
        images,
        (left + (ink_width - 1) / 2, top + (ink_height - 1) / 2),
        (scale_x, scale_y),
        (at_x.view(-1, 1, 1), at_y.view(-1, 1, 1)),
    )
    return (placed.view(3, count, 1, *images.shape[2:]) * third.unsqueeze(2)).amax(0)


def struck_out(source: Source, count: int) -> torch.Tensor:
    """A digit with strokes through it."""
    images = source.pick(count)
    across = polyline(images, 5, 7, width=12, height=9)
    return torch.maximum(images, draw_strokes(images, across, between(0.8, 1.6, images)))


def mixed(source: Source, count: int) -> torch.Tensor:
    """A quarter of each of four digits, put together; some of the four are mirrored, and two lie on their sides."""
    images = source.pick(4 * count)
    images = torch.where(coin(0.5, images), images.flip(2), images)
    images = torch.where(coin(0.5, images), images.flip(3), images)
    first = images[:count]
    x, y = axes(images)
    right, below = x > between(-3, 3, first), y > between(-3, 3, first)
    parts = images.view(4, count, *images.shape[1:])
    upper = torch.where(right, lying(parts[0]), parts[1])
    lower = torch.where(right, parts[2], lying(parts[3]))
    return torch.where(below, lower, upper)


def bent(source: Source, count: int) -> torch.Tensor:
    """A digit bent beyond recognition; never a 0 or a 1, which would still be recognisable."""
    images = source.pick(count, (0.0, 0.0, *[1.0] * 8))
    return fit_and_centre(Augmentation(rotate=90, elastic=10 * images.shape[2] / 28)(images))


#    how often to take a digit in each of seven ways; 0 if the result looks like a digit: transposed; transposed and mirrored;
#    transposed and upside down; transposed, mirrored and upside down; mirrored; upside down; mirrored and upside down
TURNS = (
    (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),  # 0
    (0.0, 0.3, 0.3, 0.0, 0.0, 0.0, 0.0),  # 1: a dash
    (1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0),  # 2: N, w; mirrored it is a 5
    (1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0),  # 3: m, w, E
    (1.0, 1.0, 1.0, 1.0, 0.5, 1.0, 1.0),  # 4: H, h
    (1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0),  # 5
    (1.0, 1.0, 1.0, 1.0, 0.5, 1.0, 0.0),  # 6: upside down it is a P, and half a turn makes it a 9
    (0.0, 1.0, 1.0, 0.5, 1.0, 0.3, 0.5),  # 7: transposed, with a bar, it is a 4
    (1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0),  # 8
    (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0),  # 9: P, d
)


def turned(source: Source, count: int) -> torch.Tensor:
    """A digit on its side, mirrored or upside down, if it no longer looks like a digit; many of the results look like letters."""
    turns = len(TURNS[0])
    chosen = torch.multinomial(source.table(TURNS).flatten(), count, replacement=True)
    images, turn = source.images[chosen // turns], (chosen % turns).view(-1, 1, 1, 1)
    images = torch.where(turn < 4, lying(images), images)
    images = torch.where((turn == 1) | (turn == 3) | (turn == 4) | (turn == 6), images.flip(3), images)
    return torch.where((turn == 2) | (turn == 3) | (turn == 5) | (turn == 6), images.flip(2), images)


# Made from scratch


def letters(source: Source, count: int) -> torch.Tensor:
    """A printed letter (Latin, Greek or Cyrillic) or another printed mark."""
    bank = letters_bank()
    chosen = torch.randint(len(bank), (count,), device=source.images.device)
    images = bank[chosen.cpu()].to(source.images.device).float()
    images = F.interpolate(images, size=source.images.shape[2:], mode="bilinear", align_corners=False)
    return Augmentation(rotate=8, scale=0.1, shear=0.25, elastic=1)(images)


def written_letters(source: Source, count: int) -> torch.Tensor:
    """A handwritten letter, about as large as one of the digits and drawn with the same pen."""
    return letters_like(source.pick(count))


def drawn(make: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Source, int], torch.Tensor]:
    """A kind of reject that `make` draws; of the source's images, only the height, width and device are used."""
    return lambda source, count: make(source.images.new_empty((count, 1, *source.images.shape[2:])))


Kind = Callable[[Source, int], torch.Tensor]
ANY_KINDS: tuple[tuple[float, Kind], ...] = (
    (2, halves),
    (4, side_by_side),
    (1.5, struck_out),
    (1.5, mixed),
    (1, bent),
    (1.5, drawn(scribbles)),
    (2.5, drawn(blobs)),
    (2.5, drawn(vessels)),
    (2.5, drawn(noises)),
    (1, drawn(next_to_nothing)),
)
"""The kinds of rejects for images of any classes, each with its relative frequency."""
DIGIT_KINDS: tuple[tuple[float, Kind], ...] = (
    *ANY_KINDS,
    (12, letters),
    (7, written_letters),
    (3, turned),
    (2, drawn(signs)),
)
"""The kinds of rejects for images whose classes are all digits, each with its relative frequency.

Some of these kinds do not suit other classes: such classes may be letters, or may look the same when turned upside down."""
