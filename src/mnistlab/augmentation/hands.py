"""Digits as people outside the United States write them, unlike MNIST's writers; for a whole batch at once.

In Europe and Latin America, most people begin a 1 with an upstroke, and some give it a foot; a 7 is crossed; a 4 may be a single
stroke like a flash of lightning; the tail of a 9 is curled; a 0 may be slashed. In quick writing, the head of a 2 becomes a loop,
and a 0 begins or ends with the stroke that joins it to its neighbour.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import torch
import torch.nn.functional as F

from mnistlab.augmentation.draws import between, some
from mnistlab.augmentation.shapes import draw_strokes, strokes_along
from mnistlab.geometry import fit_and_centre, ink_box

__all__ = ["other_hands"]


def other_hands(images: torch.Tensor, labels: torch.Tensor, share: float) -> torch.Tensor:
    """The images, float (B, 1, H, W), 0 to 255, with some digits as people outside the United States write them.

    `labels`, int64 (B,), are the digits that the images show. All random numbers come from torch's global generator for the
    images' device.
    """
    images = images.clone()
    for number, (digit, chance, strokes) in enumerate((*STROKES, *ANEW)):
        chosen = (labels == digit).nonzero().squeeze(1)
        chosen = chosen[some(chosen, chance * share)]
        if len(chosen):
            part = images.index_select(0, chosen)
            width = pen(part) * between(0.7, 1.1, part)
            ink = in_ink_of(part, strokes(part), width)
            written = torch.maximum(part, ink) if number < len(STROKES) else ink
            images.index_copy_(0, chosen, fit_and_centre(written))
    return images


def in_ink_of(images: torch.Tensor, strokes: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
    """The strokes, float (B, S, 4), drawn as bright as the images' ink: float (B, 1, H, W); `width` as for `draw_strokes`."""
    return draw_strokes(images, strokes, width) * images.amax((2, 3), keepdim=True) / 255


def pen(images: torch.Tensor) -> torch.Tensor:
    """Half the stroke width, in 28ths of the image's height, estimated from the ink's area and perimeter."""
    ink = (images > images.amax((2, 3), keepdim=True) / 2).float()
    around = (ink[..., 1:] - ink[..., :-1]).abs().sum((1, 2, 3)) + (ink[:, :, 1:] - ink[:, :, :-1]).abs().sum((1, 2, 3))
    # Counted along rows and columns, a slanting edge comes out too long, on average by a factor of 4 / pi.
    radius = ink.sum((1, 2, 3)) / (around * 0.785).clamp(min=1) * 28 / images.shape[2]
    return radius.view(-1, 1, 1, 1).clamp(0.4, 2.5) - 0.3


def measures(images: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The positions of the ink's left, top, right and bottom edges, measured from the image's middle, and the ink's height.

    Each of these is float (B,), in 28ths of the image's height.
    """
    unit = 28 / images.shape[2]
    left, top, width, height = (side.view(-1) * unit for side in ink_box(images))
    across = 14 * images.shape[3] / images.shape[2]
    return left - across, top - 14, left + width - across, top + height - 14, height


def ink_at(images: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    """The mean x of the ink between y = `low` and y = `high`, all float (B,), in 28ths of the height from the image's middle."""
    unit = 28 / images.shape[2]
    y = ((torch.arange(images.shape[2], device=images.device) + 0.5) * unit - 14).view(1, -1, 1)
    x = (torch.arange(images.shape[3], device=images.device) + 0.5) * unit - 14 * images.shape[3] / images.shape[2]
    rows = images[:, 0] * ((y >= low.view(-1, 1, 1)) & (y <= high.view(-1, 1, 1)))
    return (rows * x).sum((1, 2)) / rows.sum((1, 2)).clamp(min=1e-3)


def drawn(low: float, high: float, images: torch.Tensor) -> torch.Tensor:
    return between(low, high, images).view(-1)


def through(*points: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Strokes from each point to the next, float (B, points - 1, 4); a point is a pair x, y of tensors (B,)."""
    flat = [torch.stack(point, -1) for point in points]
    return torch.stack([torch.cat(pair, -1) for pair in itertools.pairwise(flat)], 1)


def upstroke(images: torch.Tensor) -> torch.Tensor:
    """The upstroke of a 1: from the digit's top down to the left, slightly bent; some digits get a foot too."""
    _, top, _, bottom, height = measures(images)
    x = ink_at(images, top, top + 2)
    angle, length = drawn(0.35, 1.25, images), drawn(0.2, 1.05, images) * height
    end_x, end_y = x - length * angle.cos(), top + 1 + length * angle.sin()
    bend = drawn(-0.12, 0.12, images) * length
    middle = ((x + end_x) / 2 + bend * angle.sin(), (top + 1 + end_y) / 2 + bend * angle.cos())
    flag = through((x, top + 1), middle, (end_x, end_y))
    foot_x, half = ink_at(images, bottom - 2, bottom), drawn(0.1, 0.4, images) * height
    half = torch.where(drawn(0, 1, images) < 0.35, half, 0)
    foot = through((foot_x - half, bottom - 1), (foot_x + half * drawn(0.5, 1, images), bottom - 1))
    return torch.cat((flag, foot), 1)


def crossbar(images: torch.Tensor) -> torch.Tensor:
    """The bar across the stem of a seven."""
    left, top, right, _, height = measures(images)
    y = top + drawn(0.42, 0.65, images) * height
    x = ink_at(images, y - 1, y + 1)
    half, slope = drawn(0.2, 0.45, images) * (right - left).clamp(min=8), drawn(-0.3, 0.15, images)
    return through((x - half, y - slope * half), (x + half, y + slope * half))


def curled_tail(images: torch.Tensor) -> torch.Tensor:
    """The tail of a nine, which curls to the left and up at the bottom."""
    left, _, right, bottom, height = measures(images)
    x, width = ink_at(images, bottom - 2, bottom), (right - left).clamp(min=7)
    reach, rise = drawn(0.35, 1.25, images) * width, drawn(-0.05, 0.25, images) * height
    low = bottom - 1 + drawn(-0.02, 0.08, images) * height
    return through(
        (x, bottom - 1), (x - 0.35 * reach, low), (x - 0.7 * reach, low - 0.3 * rise), (x - reach, low - rise)
    )


def slash(images: torch.Tensor) -> torch.Tensor:
    """The slash through a zero."""
    left, top, right, bottom, _ = measures(images)
    out = drawn(-0.15, 0.15, images) * (right - left)
    return through((left - out, bottom + out), (right + out, top - out))


# Digits drawn anew


def in_forms(*forms: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """A function that draws digits, each in one of `forms`, chosen at random.

    A form is a line through points "x,y", in tenths of the digit's width and height.
    """
    parsed = [torch.tensor([[float(number) for number in point.split(",")] for point in one.split()]) for one in forms]
    most = max(len(points) for points in parsed)
    table = (
        torch.cat([F.interpolate(points.T[None], most, mode="linear", align_corners=True) for points in parsed]) / 10
    )
    return functools.partial(drawn_anew, table)


def drawn_anew(table: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Strokes, float (B, S, 4), of digits about as large as the images' ink, in forms chosen at
    random from `table` (forms, 2, points)."""
    left, top, right, bottom, height = measures(images)
    width = torch.maximum(right - left, drawn(0.4, 0.8, images) * height)
    forms = table.to(images.device)[torch.randint(len(table), (len(images),), device=images.device)]
    unsteady = torch.randn(len(images), 2, 5, device=images.device) * drawn(0.01, 0.07, images).view(-1, 1, 1)
    forms = forms + F.interpolate(unsteady, forms.shape[2], mode="linear", align_corners=True)
    larger_head = drawn(-0.35, 0.35, images).exp().view(-1, 1)
    forms = torch.stack((forms[:, 0], forms[:, 1].clamp(min=0) ** larger_head), 1)
    points = forms * torch.stack((width, bottom - top), 1)[..., None] + torch.stack((left, top), 1)[..., None]
    line = F.interpolate(points[:, :, None], (1, 2 * forms.shape[2]), mode="bicubic", align_corners=True)[:, :, 0]
    return strokes_along(line)


STROKES = ((1, 0.5, upstroke), (7, 0.35, crossbar), (9, 0.35, curled_tail), (0, 0.06, slash))
"""Rows: digit, share of its images to which `other_hands` adds strokes at `share` = 1, function that makes these strokes."""
ANEW = (
    (0, 0.12, in_forms(
        "5.5,0.5 2,1 0,5 2,9.5 6,9.5 9,6 8,1.5 5,0.3 7,1 11,1.5",
        "3,3 5,3.5 7,1 4,0 0.5,3 0.5,7 4,10 8.5,7 8.5,3 6,0.5",
        "-3,4 1,2 6,0 2,2 0,6 3,10 8,8.5 9,4 6,0",
    )),
    (1, 0.22, in_forms(
        "0,10 3,7.5 6,3.5 7.5,0 7.5,5 7.5,10",
        "0,9 3,8 6,5 8,2 8,0 8.5,5 9,10",
        "0,10 2,8 4.5,4 6,0 8,5 10,10",
        "0,9 1,6.5 5,1 6,0 6,3 6,7 6,10",
        "1,5 0,3.5 1.5,3 3.5,2.5 6,0 5.5,4 5,10",
        "2,4 6,0 6,5 6,10 1,10 10,10",
        "0,8 4,4 7,0 6,3 4,7 2,10",
        "3,6 2,4.5 5,2 8,0 6,4 3,10",
    )),
    (2, 0.15, in_forms(
        "4,4.5 1,4 0.5,1.5 4,0 8,1 8,4 4,7.5 0,10 5,9.3 10,9.5",
        "5,3.5 2,4.5 0.5,2.5 3,0 7,0.5 8,3 5,7 1,10 6,9.5 10,10",
        "1,2 4,0 8,1 7.5,4 4,8 1,10 0,8.5 2,7.8 5,9.3 10,9.5",
        "5,4 1.5,4 1,1.5 4,0 7.5,1.5 7,4.5 3.5,8.5 0.5,9.8 0.5,8 3,8 6,9.5 10,9",
        "5,5 1,4 1,1 5,0 8.5,2 7.5,5 4,8.5 3,10 6,10 9,8.5",
    )),
    (3, 0.06, in_forms(
        "0.5,0.5 9,0 4,4 8.5,5.5 8.5,8.5 4,10 0,9",
        "1,1.5 5,0 8.5,2 6,4.5 3,4.5 4,3.8 6,5 9,7.5 5,10 0.5,9",
    )),
    (4, 0.15, in_forms(
        "6.5,0 4,2 1,5 8.5,4.5 6,10",
        "4.5,0 2,4 0,6.5 5,6.3 10,6 6.5,6.2 7,3.5 6,10",
        "1,0.5 0.5,4 3,5.5 8,3 9,0.5 8,4 6.5,10",
        "4,0 0,7 9,6.5 7,6.5 7.5,5 6.5,10",
    )),
    (7, 0.08, in_forms(
        "0,2.5 0.5,0.2 5,0.5 10,0 6.5,4 5,10",
        "0,2 0.5,0.2 9,0 6,5 9,4.8 2.5,5.2 6,5 4.5,10",
    )),
    (8, 0.08, in_forms(
        "8,1 4.5,0 2,2 4,4.5 7.5,7 5,10 2,8.5 4,5.5 8,2.5 9,0",
        "7,0.5 2.5,0.5 2.5,3.5 6,5 8,7.5 5,10 1.5,8.5 3,5.5 6.5,3.5 6.5,0.5",
        "1,6.5 6,4.5 9,3 9,0.5 5,0 2,2.5 4,5 7.5,6 8,8.5 4,10 1.5,8.5",
    )),
    (9, 0.2, in_forms(
        "9,1.5 5,0 1,1.5 1,4 4,5.2 8,3.5 9,1 8.5,5 7,9 3.5,10 0.5,8.8",
        "8,1.5 5,0 1.5,1.5 2,4 5.5,5 8.5,3.5 8,1 6.5,4.5 5,8 4.5,10",
        "8,0.5 4,0 1,2 3,4.5 7,4 8.5,1.5 7.5,4.5 7,7.5 5,10 2.5,9",
        "5,5 8.5,2.5 6.5,0 2,0.5 1,2.5 4,5 6,7 5.5,9 4,10",
        "8,3.5 9,1.5 6,0 2,1 2,3 5,5 6.5,7 5.5,9.5 3,10",
    )),
)  # fmt: skip
"""Rows: a digit, the share of its images that `other_hands` draws anew at `share` = 1, and the function that makes strokes."""
