"""Drawn pictures of nothing in particular, in batches: strokes, signs, filled areas, noise, empty paper.

Images, float (B, 1, H, W), are passed only for their number, size and device; a function that draws returns as many new
images, from 0 (paper) to 255 (ink). Sizes are in 28ths of the image's height. All random numbers come from torch's global
generator for the images' device.
"""

from __future__ import annotations

import functools
import math

import torch
import torch.nn.functional as F

from mnistlab.augmentation.draws import between, coin
from mnistlab.geometry import axes, fit_and_centre, lying

__all__ = [
    "blobs",
    "draw_strokes",
    "next_to_nothing",
    "noises",
    "polyline",
    "scribbles",
    "signs",
    "strokes_along",
    "vessels",
]


# Strokes


def draw_strokes(images: torch.Tensor, segments: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """Draw straight strokes of `radius` (B, 1, 1, 1); `segments`, float (B, S, 4), holds x0, y0, x1, y1 of each stroke."""
    x, y = axes(images)
    x0, y0, x1, y1 = segments.view(*segments.shape, 1, 1).unbind(2)
    across, down = x1 - x0, y1 - y0
    x, y = x - x0, y - y0
    part = ((x * across + y * down) / (across**2 + down**2 + 1e-6)).clamp_(0, 1)
    squared = (x - part * across).square_() + (y - part * down).square_()
    distance = squared.amin(1, keepdim=True).sqrt_()
    return (radius + 0.5 - distance).clamp_(0, 1) * 255


def polyline(images: torch.Tensor, fewest: int, most: int, *, width: float, height: float) -> torch.Tensor:
    """Strokes through `fewest` to `most` random points, straight or bent: float (B, S, 4), for `draw_strokes`."""
    points = torch.rand(len(images), 2, 1, most, device=images.device).mul_(2).sub_(1)
    points *= torch.tensor([width, height], device=images.device).view(1, 2, 1, 1)
    last = torch.randint(fewest - 1, most, (len(images), 1, 1, 1), device=images.device)
    order = torch.arange(most, device=images.device).view(1, 1, 1, -1).minimum(last)
    points = points.gather(3, order.expand_as(points))
    size = (1, 3 * (most - 1) + 1)
    straight = F.interpolate(points, size=size, mode="bilinear", align_corners=True)
    smooth = F.interpolate(points, size=size, mode="bicubic", align_corners=True)
    return strokes_along(torch.where(coin(0.5, images), straight, smooth).squeeze(2))


def strokes_along(line: torch.Tensor) -> torch.Tensor:
    """Straight strokes from each point of a line, float (B, 2, N), to the next: float (B, N - 1, 4), for `draw_strokes`."""
    return torch.cat((line[:, :, :-1], line[:, :, 1:]), dim=1).transpose(1, 2)


def scribbles(images: torch.Tensor) -> torch.Tensor:
    """The lines, straight or curved, of a pen that moves to and fro."""
    return fit_and_centre(draw_strokes(images, polyline(images, 5, 8, width=10, height=10), between(0.5, 2, images)))


# Each stroke is x, y, x, y, with 0, 0 in the upper left corner and 2, 2 in the lower right.
SIGNS = (
    "1012 0121",  # +
    "0022 0220",  # x
    "0020 0121",  # =
    "1012 0121 0022",  # star
    "1012 0022 0220",  # star
    "0121 1021 1221",  # arrow to the right
    "0121 1001 1201",  # to the left
    "1012 0112 2112",  # down
    "0002 0222",  # L, and so on
    "0002 0020",
    "0002 0020 0111",
    "0002 0020 0121 0222",
    "0002 2022 0121",
    "0002 2001 0122",
    "0002 0022 2022",
    "0002 0011 1120 2022",
    "0200 0022 2202",
    "0200 0011 1120 2022",
    "0020 1012",
    "0012 1220",
    "0210 1022 0121",
    "0210 1022 0222",
    "0212 1022 1021",
    "0020 0121 0222",
    "0002 1012 2022",
    "0002 0020 2021 2101 0122",
    "0002 0121 2022",
    "0112 1220",  # tick
    "0002 0022 2202 2022",  # N with a line below
)


@functools.cache
def sign_table() -> torch.Tensor:
    """The ends of each sign's strokes, (signs, strokes, 4), in 28ths of the image's height, from its middle.

    Signs with fewer strokes than others are padded: their last stroke is repeated.
    """
    most = max(len(sign.split()) for sign in SIGNS)
    rows = []
    for sign in SIGNS:
        strokes = [[float(number) for number in stroke] for stroke in sign.split()]
        rows.append(strokes + strokes[-1:] * (most - len(strokes)))
    return (torch.tensor(rows) - 1) * 9


def signs(images: torch.Tensor) -> torch.Tensor:
    """Crosses, stars, arrows and letters of straight strokes, drawn by an unsteady hand."""
    table = sign_table().to(images.device)
    strokes = table[torch.randint(len(table), (len(images),), device=images.device)]
    squeezed = torch.cat((between(0.5, 1, images), between(0.8, 1, images)), dim=2).view(-1, 1, 2).repeat(1, 1, 2)
    strokes = strokes * squeezed + torch.randn_like(strokes) * 0.9
    return fit_and_centre(draw_strokes(images, strokes, between(0.5, 2, images)))


# Areas


def smooth_noise(images: torch.Tensor, points: int) -> torch.Tensor:
    """Smooth noise, float (B, 1, H, W), 0 to 1, interpolated from random values on a grid of `points` by `points`."""
    coarse = torch.rand(len(images), 1, points, points, device=images.device)
    return F.interpolate(coarse, size=images.shape[2:], mode="bilinear", align_corners=False)


def texture(images: torch.Tensor) -> torch.Tensor:
    """Ink to fill an area with, in values from about 40 to 255: even, shaded or patterned."""
    x, y = axes(images)
    shaded = between(0.4, 1, images) + between(-0.7, 0.7, images) * (smooth_noise(images, 4) - 0.5)
    angle = between(0, math.pi, images)
    wave = ((angle.cos() * x + angle.sin() * y) * between(0.5, 3, images)).sin()
    shaded = shaded + wave * between(-0.3, 0.25, images).clamp_(min=0)
    grain = torch.rand_like(shaded) - 0.5
    return 255 * (shaded + grain * between(-0.4, 0.6, images).clamp_(min=0)).clamp_(0.15, 1)


def blobs(images: torch.Tensor) -> torch.Tensor:
    """Filled areas with a wavy, round or angular outline."""
    x, y = axes(images)
    angle = between(0, math.pi, images)
    x, y = angle.cos() * x - angle.sin() * y, angle.sin() * x + angle.cos() * y
    x = x / between(0.7, 1.4, images)
    direction = torch.atan2(y, x)
    outline = between(7, 11, images)
    for waves in (2, 3, 5):
        outline = outline * (
            1 + between(-0.5, 0.5, images) / waves * (waves * direction + between(0, 6.3, images)).cos()
        )
    corners = (3 + between(0, 4, images)).floor()
    turn = math.pi / corners
    cornered = between(7, 11, images) * turn.cos() / ((direction + math.pi) % (2 * turn) - turn).cos()
    outline = torch.where(coin(0.4, images), cornered, outline)
    return (outline - (x**2 + y**2).sqrt() + 0.5).clamp_(0, 1) * texture(images)


def vessels(images: torch.Tensor) -> torch.Tensor:
    """Filled areas with a symmetrical outline, upright or on their side."""
    x, y = axes(images)
    outline = 4.5 + 6.5 * torch.rand(len(images), 1, 6, 1, device=images.device)
    mode = "nearest" if float(torch.rand((), device=images.device)) < 0.5 else "bilinear"
    outline = F.interpolate(outline, size=(images.shape[2], 1), mode=mode)
    filled = (outline - x.abs() + 0.5).clamp(0, 1) * (between(7, 13, images) - y.abs() + 0.5).clamp(0, 1)
    filled = filled * texture(images)
    return torch.where(coin(0.3, images), lying(filled), filled)


def noises(images: torch.Tensor) -> torch.Tensor:
    """Noise, equally coarse in all images, grey or black and white, over the whole image or only a digit's box."""
    x, y = axes(images)
    scale = int(torch.randint(4, (), device=images.device))
    noise = smooth_noise(images, (3, 6, 12, images.shape[2])[scale])
    noise = torch.where(coin(0.5, images), (noise > between(0.35, 1, images)).float(), noise)
    boxed = (x.abs() < 10) & (y.abs() < 10)
    return noise * torch.where(coin(0.4, images), boxed, True) * between(60, 255, images)


def next_to_nothing(images: torch.Tensor) -> torch.Tensor:
    """Empty paper, grey paper, or a few specks."""
    grey = between(-200, 255, images).clamp_(min=0).expand_as(images)
    spots = torch.rand(len(images), 4, 2, device=images.device).mul_(24).sub_(12)
    spots = torch.where(torch.rand(len(images), 4, 1, device=images.device) < 0.5, spots, 99)
    specks = draw_strokes(images, spots.repeat(1, 1, 2), between(0, 1.5, images))
    return torch.where(coin(0.4, images), grey, specks)
