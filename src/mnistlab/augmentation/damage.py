"""The functions that apply MNIST-C's corruptions to images: see `mnistlab.augmentation.corruptions`.

Each function takes images (float32, (N, 28, 28), from 0 for paper to 1 for ink), a random generator and the
corruption's strength; it returns images whose values may lie outside 0 to 1.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "SIDE", "Pixels", "brightness", "canny_edges", "dotted_line", "fog", "glass_blur", "impulse_noise", "motion_blur", "rotate",
    "scale", "shear", "shot_noise", "spatter", "stripe", "translate", "zigzag",
]  # fmt: skip


SIDE = 28
MIDDLE = (SIDE - 1) / 2
Pixels = NDArray[np.float32]
"""Images: float32 (N, 28, 28), from 0 (paper) to 1 (ink)."""
Random = np.random.Generator


def blurred(images: Pixels, sigma: float) -> Pixels:
    """The images smoothed by a Gaussian whose standard deviation is `sigma` pixels; edge pixels are repeated beyond the edge."""
    reach = int(4 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2).astype(np.float32)
    weights /= weights.sum()
    padded = np.pad(images, [(0, 0), (reach, reach), (reach, reach)], mode="edge")
    level, smooth = np.zeros((len(images), SIDE + 2 * reach, SIDE), np.float32), np.zeros_like(images)
    for i, weight in enumerate(weights):
        level += weight * padded[:, :, i : i + SIDE]
    for i, weight in enumerate(weights):
        smooth += weight * level[:, i : i + SIDE]
    return smooth


def warped(images: Pixels, matrix: NDArray[np.float64], shift: tuple[float, float] = (0.0, 0.0)) -> Pixels:
    """Warp images: the pixel at (x, y) gets the value found at `matrix` @ (x, y) + `shift`.

    Both points are measured from the image's middle. `matrix` is (N, 2, 2): one matrix for each image.
    """
    whole = np.zeros((len(images), 2, 3))
    whole[:, :, :2] = matrix
    whole[:, :, 2] = MIDDLE - matrix.sum(axis=2) * MIDDLE + shift
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.stack(
        [cv2.warpAffine(image, one, (SIDE, SIDE), flags=flags) for image, one in zip(images, whole, strict=True)]
    )


def shot_noise(images: Pixels, random: Random, photons: float) -> Pixels:
    """Poisson noise, as if photons were counted: on average, `photons` of them in a pixel of full ink."""
    return random.poisson(images * photons).astype(np.float32) / photons


def impulse_noise(images: Pixels, random: Random, share: float) -> Pixels:
    """Salt and pepper: the fraction `share` of the pixels becomes ink or paper, with equal probability."""
    hit, ink = random.random(images.shape) < share, random.random(images.shape) < 0.5
    return np.where(hit, ink, images).astype(np.float32)


def glass_blur(images: Pixels, random: Random, strength: tuple[float, int, int]) -> Pixels:
    """Smooth, swap nearby pixels, smooth again. `strength`: the Gaussian's sigma, the swaps' reach, the number of swap rounds."""
    sigma, reach, times = strength
    images = blurred(images, sigma)
    every = np.arange(len(images))
    for _ in range(times):
        for row in range(SIDE - reach, reach, -1):
            for column in range(SIDE - reach, reach, -1):
                chosen = every[random.random(len(images)) < 0.5]
                across, down = random.integers(-reach, reach, (2, len(chosen)))
                other = images[chosen, row + down, column + across]
                images[chosen, row + down, column + across] = images[chosen, row, column]
                images[chosen, row, column] = other
    return blurred(images, sigma)


def motion_blur(images: Pixels, random: Random, strength: tuple[int, float]) -> Pixels:
    """Smear to one side, within 45 degrees of the horizontal.

    `strength` is two lengths in pixels: half the smear's length, and the sigma with which the smear fades.
    """
    radius, sigma = strength
    steps = np.arange(2 * radius + 1)
    weights = np.exp(-0.5 * (steps / sigma) ** 2)
    angles = np.radians(random.uniform(-45, 45, (len(images), 1)))
    down, across = (np.ceil(steps * part - 0.5).astype(int) + 2 * radius for part in (np.sin(angles), np.cos(angles)))
    kernels = np.zeros((len(images), 4 * radius + 1, 4 * radius + 1), np.float32)
    np.add.at(kernels, (np.arange(len(images))[:, None], down, across), weights / weights.sum())
    border = cv2.BORDER_REPLICATE
    return np.stack(
        [cv2.filter2D(image, -1, kernel, borderType=border) for image, kernel in zip(images, kernels, strict=True)]
    )


def signs(images: Pixels, random: Random) -> NDArray[np.float64]:
    """1 or -1 for each image, at random."""
    return random.choice([-1.0, 1.0], len(images))


def shear(images: Pixels, random: Random, amount: float) -> Pixels:
    """Slant to the left or the right by `amount` radians."""
    slant = amount * signs(images, random)
    matrix = np.zeros((len(images), 2, 2))
    matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 1, 1] = 1, -np.sin(slant), np.cos(slant)
    return warped(images, matrix)


def rotate(images: Pixels, random: Random, angle: float) -> Pixels:
    """Rotate in either direction by `angle` radians."""
    turn = angle * signs(images, random)
    return warped(images, np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]).transpose(2, 0, 1))


def scale(images: Pixels, random: Random, size: float) -> Pixels:
    """Shrink to the fraction `size` of the original width and height."""
    return warped(images, np.broadcast_to(np.eye(2) / size, (len(images), 2, 2)))


def translate(images: Pixels, random: Random, pixels: int) -> Pixels:
    """Move by `pixels` pixels along each axis, in either direction."""
    padded = np.pad(images, [(0, 0), (pixels, pixels), (pixels, pixels)])
    down, across = (pixels * (1 + signs(images, random).astype(int)) for _ in range(2))
    rows, columns = np.arange(SIDE)[:, None], np.arange(SIDE)
    every = np.arange(len(images))[:, None, None]
    return padded[every, down[:, None, None] + rows, across[:, None, None] + columns]


def brightness(images: Pixels, random: Random, amount: float) -> Pixels:
    """Make every pixel brighter by `amount`."""
    brighter: Pixels = images + np.float32(amount)
    return brighter


def stripe(images: Pixels, random: Random, width: int) -> Pixels:
    """Invert two stripes, each `width` columns wide: one at the left edge and one at the right edge."""
    images = images.copy()
    for part in (images[:, :, :width], images[:, :, SIDE - width :]):
        np.subtract(1, part, out=part)
    return images


CLOUD, CUTS = 256, 16
"""The side of a cloud in pixels, and how many images get their fog from the same cloud."""


def clouds(count: int, decay: float, random: Random) -> Pixels:
    """Plasma fractals, made with the diamond-square algorithm: float (count, 256, 256), each with values from 0 to 1.

    The amplitude of the added noise is the square of a number that starts at 100 and is divided by `decay` each time the
    grid becomes twice as fine.
    """
    maps = np.zeros((count, CLOUD, CLOUD), np.float32)
    step, wibble = CLOUD, 100.0

    def mean_of(total: Pixels) -> Pixels:
        return total / 4 + np.float32(wibble) * random.uniform(-wibble, wibble, total.shape).astype(np.float32)

    while step >= 2:
        half = step // 2
        corners = maps[:, ::step, ::step]
        total = corners + np.roll(corners, -1, 1)
        maps[:, half::step, half::step] = mean_of(total + np.roll(total, -1, 2))
        centres, corners = maps[:, half::step, half::step], maps[:, ::step, ::step]
        maps[:, ::step, half::step] = mean_of(centres + np.roll(centres, 1, 1) + corners + np.roll(corners, -1, 2))
        maps[:, half::step, ::step] = mean_of(centres + np.roll(centres, 1, 2) + corners + np.roll(corners, -1, 1))
        step, wibble = half, wibble / decay
    low, high = (edge(maps, axis=(1, 2), keepdims=True) for edge in (np.min, np.max))
    scaled: Pixels = (maps - low) / (high - low)
    return scaled


def fog(images: Pixels, random: Random, strength: tuple[float, float]) -> Pixels:
    """Put clouds in front of the digits. `strength`: the clouds' thickness, and the `decay` of their details (see `clouds`)."""
    thickness, decay = strength
    count = len(images)
    corners = random.integers(0, CLOUD - SIDE + 1, (count, 2))
    cuts: list[Pixels] = []
    for start in range(0, count, 32 * CUTS):
        maps = clouds(-(-min(32 * CUTS, count - start) // CUTS), decay, random)
        part = corners[start : start + 32 * CUTS]
        cuts += [maps[i // CUTS, y : y + SIDE, x : x + SIDE] for i, (y, x) in enumerate(part.tolist())]
    most = images.max(axis=(1, 2), keepdims=True)
    whole: Pixels = (images + np.float32(thickness) * np.stack(cuts)) * most / (most + np.float32(thickness))
    return whole


def spatter(images: Pixels, random: Random, strength: tuple[float, float, float, float, float]) -> Pixels:
    """Spatter with mud. `strength`: the liquid's mean, standard deviation, first smoothing, threshold and second smoothing."""
    mean, deviation, smoothing, threshold, edge = strength
    liquid = blurred(random.normal(mean, deviation, images.shape).astype(np.float32), smoothing)
    mud = blurred((liquid > threshold).astype(np.float32), edge)
    mud[mud < 0.8] = 0
    muddy: Pixels = images * (1 - mud) + np.float32(63 / 255) * mud
    return muddy


def lines(x0: NDArray[np.float64], y0: NDArray[np.float64], x1: NDArray[np.float64], y1: NDArray[np.float64]) -> Pixels:
    """One line for each image, from (x0, y0) to (x1, y1), in pixels; its ink fades out within 1.5 pixels above and below it."""
    x, y = np.arange(SIDE)[None, None, :], np.arange(SIDE)[None, :, None]
    x0, y0, x1, y1 = (ends.reshape(-1, 1, 1).astype(float) for ends in (x0, y0, x1, y1))
    away = np.clip(np.abs(y - (y0 + (y1 - y0) / (x1 - x0) * (x - x0))), 0, 2.3 - 1e-10)
    ink = np.clip(np.log(1 - away / 2.3) + 1, 0, 1)
    return np.where((x >= np.floor(x0)) & (x < np.ceil(x1)), ink, 0).astype(np.float32)


def dotted_line(images: Pixels, random: Random, gap: int) -> Pixels:
    """Draw a dotted line from the left edge to the right edge, with dots and gaps `gap` pixels wide."""
    first, last = random.integers(0, SIDE - 1, (2, len(images)))
    far = np.full(len(images), SIDE - 1.0)
    dots = (np.arange(SIDE) // gap % 2).astype(np.float32)
    return images + lines(0 * far, first.astype(float), far, last.astype(float)) * dots


def zigzag(images: Pixels, random: Random, size: float) -> Pixels:
    """Draw a zigzag along a nearly horizontal line, with corners `size` pixels off the line and 2 * `size` apart along it."""
    left, right, count = 2.0, 25.0, len(images)
    start = random.integers(0, SIDE - 1, count)
    angle = np.arctan(random.integers(-5, 5, count) / (right - left))
    length = (right - left) / np.cos(angle)
    along = [
        np.zeros(count),
        *(np.full(count, (2 * i + 1) * size) for i in range(int((length.min() - size) // (2 * size)) + 1)),
    ]
    off = [np.zeros(count), *(np.full(count, size if i % 2 == 0 else -size) for i in range(len(along) - 1))]
    rest = length - 2 * size * (length // (2 * size))
    along.append(length)
    off.append(off[-1] / (2 * rest))
    x = [left + a * np.cos(angle) - o * np.sin(angle) for a, o in zip(along, off, strict=True)]
    y = [start + a * np.sin(angle) + o * np.cos(angle) for a, o in zip(along, off, strict=True)]
    for i in range(len(x) - 1):
        images = np.minimum(images + lines(x[i], y[i], x[i + 1], y[i + 1]), 1)
    return images


def canny_edges(images: Pixels, random: Random, thresholds: tuple[float, float]) -> Pixels:
    """Keep only the edges that Canny's detector finds, with a low and a high threshold, after smoothing with sigma = 1 pixel."""
    low, high = (255 * threshold for threshold in thresholds)
    smooth = (blurred(images, 1) * 255).round().astype(np.uint8)
    return np.stack([cv2.Canny(image, low, high, L2gradient=True) > 0 for image in smooth]).astype(np.float32)
