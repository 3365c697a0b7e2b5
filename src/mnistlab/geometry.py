"""Where the ink is in images, and how to move it: for a whole batch at once, on the batch's device."""

from __future__ import annotations

import torch
import torch.nn.functional as F

__all__ = ["axes", "centres", "fit_and_centre", "ink_box", "lying", "place", "sample"]


def centres(size: int, like: torch.Tensor) -> torch.Tensor:
    """The positions of the pixel centres along an axis of `size` pixels, in pixels from the axis's middle: float (size,)."""
    return torch.arange(size, device=like.device) - (size - 1) / 2


def axes(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Each pixel's x and y, relative to its image's middle, in 28ths of the height: float (1, 1, 1, W) and (1, 1, H, 1)."""
    height, width = images.shape[2:]
    unit = 28 / height
    return centres(width, images).view(1, 1, 1, -1) * unit, centres(height, images).view(1, 1, -1, 1) * unit


def ink_box(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """The box around the pixels with more than a fifth of the image's strongest ink: its left, top, width and height in pixels.

    Each of the four is float (B, 1, 1). For a blank image, the box is the whole image.
    """
    least = images.amax((2, 3)) / 5
    sides = []
    for axis in (1, 2):
        there = (images[:, 0].amax(axis) > least).to(torch.uint8)
        first = there.argmax(1)
        sides += [first, there.shape[1] - there.flip(1).argmax(1) - first]
    left, width, top, height = (side.view(-1, 1, 1).float() for side in sides)
    return left, top, width, height


def sample(images: torch.Tensor, x: torch.Tensor, y: torch.Tensor, mode: str = "bilinear") -> torch.Tensor:
    """The images, resampled: each new pixel is taken from the point (x, y) of the old image. Outside an image, there is no ink.

    `x` and `y`, float, can be expanded to (B, H, W); they are in pixels, counted from the centre of the upper left pixel. The
    `mode` "bicubic" keeps strokes sharper, but some new pixels may then be below the value of paper or above that of ink.
    """
    height, width = images.shape[2:]
    shape = (images.shape[0], height, width)  # len() would be a constant in an exported network
    grid = torch.stack((((2 * x + 1) / width - 1).expand(shape), ((2 * y + 1) / height - 1).expand(shape)), dim=-1)
    return F.grid_sample(images, grid, mode=mode, padding_mode="zeros", align_corners=False)


def place(
    images: torch.Tensor,
    middle: tuple[torch.Tensor, torch.Tensor],
    scale: tuple[torch.Tensor, torch.Tensor],
    offset: tuple[torch.Tensor, torch.Tensor],
) -> torch.Tensor:
    """The images, scaled by `scale` and shifted so that the point `middle` lies at `offset` from the image's middle.

    `middle`, `scale` and `offset` are pairs for x and y, each float (B, 1, 1); `middle` and `offset` are in pixels.
    """
    height, width = images.shape[2:]
    x = middle[0] + (centres(width, images).view(1, 1, width) - offset[0]) / scale[0]
    y = middle[1] + (centres(height, images).view(1, height, 1) - offset[1]) / scale[1]
    return sample(images, x, y)


def fit_and_centre(images: torch.Tensor) -> torch.Tensor:
    """The images prepared as MNIST's were: the ink scaled without distortion into a square, and centred by mass.

    The square's side is 20/28 of the image's height. In MNIST, the centre of mass is at pixel (14, 14), counted from 0: half
    a pixel to the right of and below the image's middle.
    """
    height, width = images.shape[2:]
    _, _, ink_width, ink_height = ink_box(images)
    scale = height * (20 / 28) / torch.maximum(ink_width, ink_height)
    mass = images[:, 0].clamp(min=1e-3)
    total = mass.sum((1, 2), keepdim=True)
    x = (mass * torch.arange(width, device=images.device).view(1, 1, -1)).sum((1, 2), keepdim=True) / total
    y = (mass * torch.arange(height, device=images.device).view(1, -1, 1)).sum((1, 2), keepdim=True) / total
    middle = torch.full_like(x, height / 56)
    return place(images, (x, y), (scale, scale), (middle, middle))


def lying(images: torch.Tensor) -> torch.Tensor:
    """The images transposed; if they are not square, they are then stretched to their former height and width."""
    transposed = images.transpose(2, 3)
    if transposed.shape == images.shape:
        return transposed
    return F.interpolate(transposed, size=images.shape[2:], mode="bilinear", align_corners=False)
