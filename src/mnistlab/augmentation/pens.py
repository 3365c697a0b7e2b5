"""Imitate other pens, cameras and scanners, for a whole batch of images at once, on the batch's device."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from mnistlab.augmentation.draws import between, coin, some
from mnistlab.errors import number
from mnistlab.geometry import axes, centres, fit_and_centre, ink_box, sample
from mnistlab.messages.sentences import Clause

__all__ = ["Writing"]


CHANGED = 2 / 3
"""The share of the images that is changed if `strength` is 1; the other images stay as they are."""


@dataclass(frozen=True)
class Writing:
    """Imitates other pens, cameras and scanners: each changed image undergoes some of the `EFFECTS`.

    All random numbers come from torch's global generator for the batch's device, so restoring that generator's state
    repeats the same choices. Sizes in pixels are for images 28 pixels high; they scale with the height,
    except those of strokes and of blur.
    """

    strength: float = 0.0
    """0 changes nothing; at 1, two images in three are changed."""

    def __post_init__(self) -> None:
        number(self.strength, Clause("names.writing_strength"), 0, 1)

    def __bool__(self) -> bool:
        return self.strength > 0

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Change images, float (B, 1, H, W), with values from 0 (paper) to 255 (ink), as other pens and cameras would.

        The result has the same shape, dtype, device and range as `images`.
        """
        if not self or len(images) == 0:
            return images
        changed = some(images, CHANGED * self.strength)
        part = images.index_select(0, changed).float()
        for chance, effect in EFFECTS:
            chosen = some(part, chance)
            if len(chosen):
                part.index_copy_(0, chosen, effect(part.index_select(0, chosen)))
        return images.index_copy(0, changed, part.clamp_(0, 255).to(images.dtype))


def darkest(images: torch.Tensor) -> torch.Tensor:
    """The strongest ink of each image, at least 1: float (B, 1, 1, 1)."""
    return images.amax((2, 3), keepdim=True).clamp_(min=1)


# The digit's shape


def cut_off(images: torch.Tensor) -> torch.Tensor:
    """Up to 2.5 pixels are missing on one side of the digit, as if its box had been drawn too small."""
    left, top, width, height = (side.unsqueeze(1) for side in ink_box(images))
    by = between(0.5, 2.5, images) * images.shape[2] / 28
    x = torch.arange(images.shape[3], device=images.device).view(1, 1, 1, -1)
    y = torch.arange(images.shape[2], device=images.device).view(1, 1, -1, 1)
    side = between(0, 4, images).floor()
    depth = (x - left) * (side == 0) + (y - top) * (side == 1)
    depth = depth + (left + width - 1 - x) * (side == 2) + (top + height - 1 - y) * (side == 3)
    return images * (depth + 1 - by).clamp(0, 1)


def touched(images: torch.Tensor) -> torch.Tensor:
    """A digit with a strip of another one, up to 4 pixels wide, on one side, as if touching digits had been cut badly."""
    other = images.roll(1, 0)
    left, _, width, _ = ink_box(images)
    other_left, _, other_width, _ = ink_box(other)
    is_right = coin(0.5, images).squeeze(1)
    edge = torch.where(is_right, left + width - 1, left)
    unit = images.shape[2] / 28
    overlap = between(0, 3, images).squeeze(1) * unit
    facing = torch.where(is_right, other_left + overlap, other_left + other_width - 1 - overlap)
    x = torch.arange(images.shape[3], device=images.device).view(1, 1, -1)
    y = torch.arange(images.shape[2], device=images.device).view(1, -1, 1) - between(-4, 4, images).squeeze(1) * unit
    beyond = torch.where(is_right, x - edge, edge - x)
    beside = sample(other, x - edge + facing, y) * (beyond <= between(0.5, 4, images).squeeze(1) * unit).unsqueeze(1)
    return fit_and_centre(torch.maximum(images, beside))


def grow(images: torch.Tensor) -> torch.Tensor:
    """Each pixel replaced by the strongest ink among itself and its eight neighbours."""
    rows = images.clone()  # ten times as fast as max_pool2d, which also records where each maximum was
    torch.maximum(rows[:, :, 1:], images[:, :, :-1], out=rows[:, :, 1:])
    torch.maximum(rows[:, :, :-1], images[:, :, 1:], out=rows[:, :, :-1])
    result = rows.clone()
    torch.maximum(result[..., 1:], rows[..., :-1], out=result[..., 1:])
    torch.maximum(result[..., :-1], rows[..., 1:], out=result[..., :-1])
    return result


def thin(images: torch.Tensor) -> torch.Tensor:
    """Strokes without their rim. Strokes that are all rim stay, so that none breaks (a step of Lantuéjoul's skeleton)."""
    eroded = -grow(-images)
    return torch.maximum(eroded, images - grow(eroded))


def repeated(step: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
    """`step` applied `times` times (from 0 to 2 for each image, fractions included); the strongest ink keeps its strength."""
    once = step(images)
    result = torch.lerp(torch.lerp(images, once, times.clamp(max=1)), step(once), (times - 1).clamp_(min=0))
    return result * darkest(images) / darkest(result)


def thinner(images: torch.Tensor) -> torch.Tensor:
    """Strokes up to 2.5 pixels thinner, down to those of a ballpoint."""
    return repeated(thin, images, between(0, 1.25, images))


def thicker(images: torch.Tensor) -> torch.Tensor:
    """Strokes up to 2.5 pixels thicker, like a marker's; less so if the digit already fills much of its box."""
    _, _, width, height = ink_box(images)
    filled = images.sum((1, 2, 3), keepdim=True) / (255 * torch.maximum(width, height) ** 2).unsqueeze(1)
    return repeated(grow, images, between(0, 1, images) * (1.5 - 3 * filled).clamp_(0.3, 1.25))


def reshape(images: torch.Tensor) -> torch.Tensor:
    """A different size, aspect, slant, rotation, position and perspective; some digits get a random width and height."""
    height, width = images.shape[2:]
    unit = height / 28

    def drawn(low: float, high: float) -> torch.Tensor:
        return between(low, high, images).squeeze(1)

    left, top, ink_width, ink_height = ink_box(images)
    stretched = coin(0.25, images).squeeze(1)
    size = (19 + 5 * drawn(-1, 1) * drawn(0.4, 1)) * unit / torch.maximum(ink_width, ink_height)
    aspect = (drawn(-1, 1) * drawn(0, 1) * math.log(1.6)).mul_(0.5).exp()
    scale_x = torch.where(stretched, drawn(14, 26) * unit / ink_width, size * aspect)
    scale_y = torch.where(stretched, drawn(14, 26) * unit / ink_height, size / aspect)
    scale_x, scale_y = torch.minimum(scale_x, 2.5 * scale_y), torch.minimum(scale_y, 2.5 * scale_x)
    x = centres(width, images).view(1, 1, width) - drawn(-2, 2) * unit
    y = centres(height, images).view(1, height, 1) - drawn(-2, 2) * unit
    depth = 1 + drawn(-0.15, 0.15) * x / width + drawn(-0.15, 0.15) * y / height
    x, y = x / depth, y / depth
    angle = drawn(-1, 1) * drawn(0, 1) * math.radians(15)
    x = x + drawn(-1, 1) * drawn(0, 0.5) * y
    x, y = angle.cos() * x - angle.sin() * y, angle.sin() * x + angle.cos() * y
    return sample(images, left + (ink_width - 1) / 2 + x / scale_x, top + (ink_height - 1) / 2 + y / scale_y)


# What else is on the paper


def rule(images: torch.Tensor) -> torch.Tensor:
    """Remains of ruled or squared paper: one or two faint lines, broken here and there."""
    x, y = axes(images)
    angle = between(-0.12, 0.12, images) + coin(0.3, images) * (math.pi / 2)
    across = angle.cos() * y - angle.sin() * x - between(-13, 13, images)
    second = torch.where(coin(0.5, images), between(6, 14, images), 99)
    distance = torch.minimum(across.abs(), (across - second).abs())
    line = (between(0.6, 1.2, images) - distance).clamp_(0, 1) * between(30, 150, images)
    gaps = torch.rand(len(images), 1, 7, 7, device=images.device)
    gaps = F.interpolate(gaps, size=images.shape[2:], mode="bilinear", align_corners=False) < between(-0.2, 0.6, images)
    return torch.maximum(images, line.masked_fill_(gaps, 0))


def shade(images: torch.Tensor) -> torch.Tensor:
    """Remains of a shadow: paper that darkens towards one side, by up to 40 of 255."""
    x, y = axes(images)
    angle = between(0, 2 * math.pi, images)
    return images + between(0, 40, images) * (0.5 + 0.025 * (angle.cos() * x + angle.sin() * y)).clamp_(0, 1)


# The camera and the scanner


def blur(images: torch.Tensor) -> torch.Tensor:
    """Out of focus: blurred with a standard deviation of up to 1.15 pixels."""
    for _ in range(2):
        wide = F.pad(images, (1, 1, 1, 1))  # means of 3x3 pixels, faster than with avg_pool2d
        wide = wide[:, :, :-2] + wide[:, :, 1:-1] + wide[:, :, 2:]
        wide = wide[..., :-2] + wide[..., 1:-1] + wide[..., 2:]
        images = torch.lerp(images, wide / 9, between(0.2, 1, images))
    return images


def coarsen(images: torch.Tensor) -> torch.Tensor:
    """Low resolution: 10 to 23 pixels across (20/28 of these for a digit), grey or black and white, enlarged to full size."""
    height, width = images.shape[2:]
    parts = []
    for part in images.tensor_split(min(3, len(images))):
        pixels, black, mode = torch.rand(3, device=images.device).tolist()
        fewer = (10 + 13 * pixels) / 28
        small = F.interpolate(part, size=(round(height * fewer), round(width * fewer)), mode="area")
        if black < 0.5 and fewer > 0.45:
            small = 255 * (small > between(0.3, 0.55, part) * darkest(small)).float()
        how = ("nearest", "bilinear", "bicubic")[int(3 * mode)]
        parts.append(F.interpolate(small, size=(height, width), mode=how))
    return torch.cat(parts).clamp_(0, 255)


def blacken(images: torch.Tensor) -> torch.Tensor:
    """Black and white, with edges that are jagged or slightly smoothed."""
    steep = between(1, 4, images).exp()
    return 255 * ((images / darkest(images) - between(0.3, 0.55, images)) * steep + 0.5).clamp_(0, 1)


def fade(images: torch.Tensor) -> torch.Tensor:
    """A faint pencil or a strong pen: the strongest ink gets a value from 90 to 255, and the greys become lighter or darker."""
    most = darkest(images)
    return between(90, 255, images) * (images.clamp(min=0) / most) ** between(-0.7, 0.5, images).exp()


def speckle(images: torch.Tensor) -> torch.Tensor:
    """Grain, and here and there a pixel that is black, white or grey."""
    images = images + torch.randn_like(images) * between(-10, 30, images).clamp_(min=0)
    dirt = torch.rand_like(images) < between(-0.01, 0.025, images)
    return torch.where(dirt, torch.rand_like(images) * 255, images)


EFFECTS: tuple[tuple[float, Callable[[torch.Tensor], torch.Tensor]], ...] = (
    (0.08, cut_off),
    (0.06, touched),
    (0.2, thinner),
    (0.2, thicker),
    (0.75, reshape),
    (0.1, rule),
    (0.25, blur),
    (0.22, coarsen),
    (0.12, blacken),
    (0.35, fade),
    (0.1, shade),
    (0.25, speckle),
)
"""The effects that a changed image may undergo, in this order, each with its probability."""
