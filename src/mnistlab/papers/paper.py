"""Draw paper (its colour, grain, and patterns as on cheques) with light and shadow on it, and imitate a camera's effects."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["camera", "light", "sheet"]

Floats = NDArray[np.float32]


def sheet(random: np.random.Generator, height: int, width: int) -> Floats:
    """A sheet of paper, float32 (height, width), 0 to 255: plain, grained or patterned."""
    base = random.uniform(90, 255) if random.random() < 0.6 else random.uniform(200, 255)
    pixels = np.full((height, width), base, np.float32)
    kind = random.random()
    if kind < 0.3:
        guilloche(random, pixels)
    elif kind < 0.42:
        weave(random, pixels)
    elif kind < 0.55:
        clouds(random, pixels)
    return pixels


def guilloche(random: np.random.Generator, pixels: Floats) -> None:
    """Draw families of wavy lines, as printed on cheques."""
    height, width = pixels.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    for _ in range(random.integers(1, 4)):
        angle = random.uniform(0, math.pi)
        along, across = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
        wave = random.uniform(1, 10) * np.sin(random.uniform(0.02, 0.3) * along + random.uniform(0, 6.28))
        if random.random() < 0.5:  # circles rather than lines
            across = np.hypot(x - random.uniform(-width, 2 * width), y - random.uniform(-height, 2 * height))
        period = random.uniform(2.5, 9)
        phase = (across + wave) / period
        ridge = np.abs(phase - np.round(phase)) * period
        pixels -= np.clip(random.uniform(0.5, 1.3) - ridge, 0, 1) * random.uniform(6, 0.3 * float(pixels.mean()))


def weave(random: np.random.Generator, pixels: Floats) -> None:
    """Draw rows of dots, or the weave of cloth."""
    height, width = pixels.shape
    step = random.uniform(2, 6)
    angle = random.uniform(0, math.pi / 2)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) * np.float32(2 * math.pi / step)
    u, v = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
    pixels += (np.sin(u) * np.sin(v)) * random.uniform(3, 0.16 * float(pixels.mean()))


def clouds(random: np.random.Generator, pixels: Floats) -> None:
    """Draw soft blotches, like fibres, stains, or print that shows through."""
    height, width = pixels.shape
    coarse = random.standard_normal((height // random.integers(2, 12) + 2, width // random.integers(2, 12) + 2))
    grown = cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    pixels += grown * random.uniform(2, 14)


def light(random: np.random.Generator, pixels: Floats) -> None:
    """Do some, all or none of these: light the sheet and its content unevenly, darken them, cast the edge of a shadow on them."""
    height, width = pixels.shape
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :]
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    if random.random() < 0.5:
        pixels *= 1 + random.uniform(-0.25, 0.25) * x + random.uniform(-0.25, 0.25) * y
    if random.random() < 0.25:  # hardly any light, or very dark paper
        pixels *= random.uniform(0.3, 1)
    if random.random() < 0.12:
        angle = random.uniform(0, 2 * math.pi)
        across = (
            x * math.cos(angle) * width + y * math.sin(angle) * height - random.uniform(-60, 60)
        ) / random.uniform(1, 12)
        pixels *= 1 - random.uniform(0.1, 0.6) / (1 + np.exp(np.clip(-across, -30, 30)))


def camera(random: np.random.Generator, pixels: Floats) -> NDArray[np.uint8]:
    """The sheet, uint8 (H, W), as a camera or a scanner would show it: grainy, and perhaps blurred or compressed as JPEG."""
    kind = random.random()
    if kind < 0.45:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), random.uniform(0.4, 1.3)), np.float32)
    elif kind < 0.52:  # out of focus
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), random.uniform(1.3, 2.2)), np.float32)
    elif kind < 0.62:  # enlarged from fewer pixels
        few = random.uniform(0.45, 0.85)
        small = cv2.resize(pixels, None, fx=few, fy=few, interpolation=cv2.INTER_AREA)
        pixels = np.asarray(cv2.resize(small, pixels.shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)
    grain = random.choice([0.7, 2.5, 6, 12], p=[0.4, 0.3, 0.2, 0.1]) * float(pixels.mean()) / 200
    noise = np.empty(pixels.shape, np.int16)
    cv2.setRNGSeed(int(random.integers(2**31)))
    cv2.randn(noise, np.zeros(1), np.array([16 * grain]))
    noisy = np.clip(pixels + noise * np.float32(1 / 16), 0, 255).astype(np.uint8)
    if random.random() < 0.25:
        _, encoded = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(30, 92))])
        noisy = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)
    return noisy
