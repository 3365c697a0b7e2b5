"""Errors on the corruptions that were used to choose `robust`: uv run python -m benchmarks.training.own_corruptions RUN

Measures a run on its validation images, unchanged and with 19 corruptions of our own. None of them is among MNIST-C's 15, which
are only for measuring (benchmarks.training.corruptions); most are ones that MNIST-C's paper considered and left out, or similar.
"""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import click
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from benchmarks.command import Command, data_option
from mnistlab import find_run, load_model
from mnistlab.data.dataset import open_dataset
from mnistlab.data.splits import read_split
from mnistlab.networks.network import evaluating

SIDE = 28
SEED = 7
BATCH = 500
STEPS = torch.linspace(-1, 1, SIDE)
"""The pixels' coordinates from edge to edge, -1 to 1, as in grid_sample."""
PIXELS = torch.arange(float(SIDE))
Random = torch.Generator
Tensor = torch.Tensor


def gaussian_noise(images: Tensor, random: Random) -> Tensor:
    return images + 0.3 * torch.randn(images.shape, generator=random)


def speckle(images: Tensor, random: Random) -> Tensor:
    """Make the ink uneven from pixel to pixel."""
    return images * (1 + 0.8 * torch.randn(images.shape, generator=random))


def grain(images: Tensor, random: Random) -> Tensor:
    """Add coarse noise, with grains of two pixels."""
    return images + 0.3 * F.interpolate(
        torch.randn(len(images), 1, 14, 14, generator=random), size=SIDE, mode="bilinear"
    )


def defocus(images: Tensor, random: Random) -> Tensor:
    """Blur: the mean over a disc with a radius of 2.5 pixels."""
    away = torch.arange(-3.0, 4.0)
    disc = ((away[:, None] ** 2 + away**2) <= 2.5**2).float()
    return F.conv2d(images, (disc / disc.sum())[None, None], padding=3)


def zoom_blur(images: Tensor, random: Random) -> Tensor:
    """Blur: the mean of the image and of four copies that are up to 40 % larger."""
    total = images
    for size in (1.1, 1.2, 1.3, 1.4):
        grid = torch.tensor([[1 / size, 0, 0], [0, 1 / size, 0]]).expand(len(images), 2, 3)
        total = total + F.grid_sample(
            images, F.affine_grid(grid, list(images.shape), align_corners=False), align_corners=False
        )
    return total / 5


def contrast(images: Tensor, random: Random) -> Tensor:
    """Reduce the contrast to a fifth, around middle grey."""
    return (images - 0.5) * 0.2 + 0.5


def direction(images: Tensor, random: Random) -> Tensor:
    """For each image, a ramp in a random direction, with values between about -1.4 and 1.4: float (N, 1, 28, 28)."""
    angle = torch.rand(len(images), 1, 1, 1, generator=random) * 2 * math.pi
    return angle.cos() * STEPS.view(1, 1, 1, -1) + angle.sin() * STEPS.view(1, 1, -1, 1)


def gradient(images: Tensor, random: Random) -> Tensor:
    """Darken the paper towards one side."""
    ramp = direction(images, random) * 0.5 + 0.5
    return 0.6 * ramp + images * (1 - 0.6 * ramp) * 0.7


def inverse(images: Tensor, random: Random) -> Tensor:
    return 1 - images


def half(images: Tensor, random: Random) -> Tensor:
    """Invert the image on one side of a slanting edge."""
    return torch.where(direction(images, random) > 0.15, 1 - images, images)


def jpeg(images: Tensor, random: Random) -> Tensor:
    """Compress the image as JPEG until blocks show."""
    changed = []
    for image in (images[:, 0] * 255).byte().numpy():
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=3)
        changed.append(np.asarray(Image.open(file)))
    return torch.from_numpy(np.stack(changed)).float().div(255).unsqueeze(1)


def pixelate(images: Tensor, random: Random) -> Tensor:
    """Shrink the image to ten pixels across, and enlarge it again."""
    return F.interpolate(F.interpolate(images, size=10, mode="area"), size=SIDE, mode="nearest")


def outline(images: Tensor, random: Random) -> Tensor:
    """Keep the outline of the strokes, without the strokes."""
    return F.max_pool2d(images, 3, 1, 1) - images * (images > 0.5)


def distance(middle: Tensor) -> Tensor:
    """The distance of each pixel, in pixels, from a point, whose y and x are in `middle`, (N, 2, 1, 1): float (N, 1, 28, 28)."""
    return ((PIXELS.view(1, 1, -1, 1) - middle[:, :1]) ** 2 + (PIXELS.view(1, 1, 1, -1) - middle[:, 1:]) ** 2).sqrt()


def blots(images: Tensor, random: Random) -> Tensor:
    """Add three dark discs."""
    for _ in range(3):
        middle = torch.rand(len(images), 2, 1, 1, generator=random) * SIDE
        radius = 1.5 + 1.5 * torch.rand(len(images), 1, 1, 1, generator=random)
        images = torch.maximum(images, (radius - distance(middle) + 0.5).clamp(0, 1) * 0.8)
    return images


def arc(images: Tensor, random: Random) -> Tensor:
    """Add an arc that is as strong as a stroke."""
    middle = torch.rand(len(images), 2, 1, 1, generator=random) * 40 - 6
    radius = 8 + 8 * torch.rand(len(images), 1, 1, 1, generator=random)
    return torch.maximum(images, (1.2 - (distance(middle) - radius).abs()).clamp(0, 1))


def checks(images: Tensor, random: Random) -> Tensor:
    """Add a chessboard of grey squares with sides of four pixels."""
    squares = (torch.arange(SIDE) // 4 + torch.arange(SIDE).view(-1, 1) // 4) % 2
    return images + 0.35 * squares


def halftone(images: Tensor, random: Random) -> Tensor:
    """Make the image black and white, using a pattern of 2x2 pixels."""
    pattern = torch.tensor([[0.0, 0.5], [0.75, 0.25]]).repeat(SIDE // 2, SIDE // 2) + 0.12
    return (images * 0.8 + 0.1 > pattern).float()


def wave(images: Tensor, random: Random) -> Tensor:
    """Shift rows and columns by up to 2.2 pixels, in waves."""
    phase = torch.rand(len(images), 2, 1, generator=random) * 6.28
    across = STEPS.view(1, 1, -1) + 0.16 * torch.sin(7 * STEPS[None] + phase[:, 0]).view(-1, SIDE, 1)
    down = STEPS.view(1, -1, 1) + 0.16 * torch.sin(7 * STEPS[None] + phase[:, 1]).view(-1, 1, SIDE)
    return F.grid_sample(images, torch.stack((across, down), -1), align_corners=True)


def perspective(images: Tensor, random: Random) -> Tensor:
    """Show the image as seen from a corner."""
    side = torch.rand(len(images), 2, 1, 1, generator=random).sub(0.5).sign() * 0.45
    x, y = STEPS.view(1, 1, -1), STEPS.view(1, -1, 1)
    depth = 1 + side[:, 0] * x * 0.7 + side[:, 1] * y * 0.7
    return F.grid_sample(images, torch.stack((x / depth * 1.1, y / depth * 1.1), -1), align_corners=True)


def square(images: Tensor, random: Random) -> Tensor:
    """Cover part of the image with a grey square whose sides are 7 pixels long."""
    images = images.clone()
    for image, (top, left) in zip(
        images, torch.randint(4, 18, (len(images), 2), generator=random).tolist(), strict=True
    ):
        image[:, top : top + 7, left : left + 7] = 0.5
    return images


OWN: dict[str, Callable[[Tensor, Random], Tensor]] = {
    change.__name__: change
    for change in (
        gaussian_noise, speckle, grain, defocus, zoom_blur, contrast, gradient, inverse, half, jpeg, pixelate, outline, blots,
        arc, checks, halftone, wave, perspective, square,
    )
}  # fmt: skip
"""The corruptions by name. Each takes images, float (N, 1, 28, 28), 0 (paper) to 1 (ink), and a random generator. `changed`
clamps the results to the range 0 to 1."""


def changed(images: np.ndarray[tuple[int, int, int], np.dtype[np.uint8]], name: str) -> Tensor:
    """Images, uint8 (N, 28, 28), with one of the corruptions of `OWN`: float (N, 1, 28, 28), whole numbers from 0 to 255."""
    pixels = torch.from_numpy(images.copy()).unsqueeze(1).float() / 255
    return OWN[name](pixels, torch.Generator().manual_seed(SEED)).clamp(0, 1).mul(255).floor()


@click.command(cls=Command, help=__doc__)
@click.argument("run")
@click.option("--runs", "folder", type=click.Path(path_type=Path), default=Path("runs/benchmarks"), show_default=True)
@data_option
def main(run: str, folder: Path, data_dir: Path) -> None:
    saved = load_model(find_run(run, folder))
    images, labels = read_split(open_dataset("mnist", data_dir), "val")

    def error(pixels: Tensor) -> float:
        with evaluating(saved.model):
            read = torch.cat([saved.model(saved.normalisation(part)).argmax(1) for part in torch.split(pixels, BATCH)])
        return 100 * float((read.numpy() != labels).mean())

    click.echo(f"{'as they are':<16} {error(torch.from_numpy(images.copy()).unsqueeze(1).float()):>6.2f} % errors")
    errors = {name: error(changed(images, name)) for name in OWN}
    for name, percent in errors.items():
        click.echo(f"{name.replace('_', ' '):<16} {percent:>6.2f}")
    click.echo(f"{'mean':<16} {mean(errors.values()):>6.2f}")


if __name__ == "__main__":
    sys.exit(main())
