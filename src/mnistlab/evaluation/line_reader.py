"""Measure a line reader on strips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mnistlab.evaluation.lines import Counting, LineEvaluation, read_columns
from mnistlab.networks.line_reader import LineNet, loss
from mnistlab.networks.network import evaluating
from mnistlab.papers.alphabet import Alphabet
from mnistlab.papers.strips import Strip, Strips
from mnistlab.reading.finder import contrast
from mnistlab.reading.line_reader import HEIGHT
from mnistlab.recipes.line_reader import LineReaderRecipe

__all__ = ["batch_of_strips", "measure_line_reader", "strips_of"]

BATCH = 50
"""Strips per batch."""


def strips_of(recipe: LineReaderRecipe, alphabet: Alphabet, seed: int) -> Strips:
    """Strips of the width that the recipe gives and the height that the network takes, drawn with `alphabet` and `seed`."""
    return Strips(alphabet, HEIGHT, recipe.width, seed)


def batch_of_strips(strips: Sequence[Strip]) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """The strips as arrays for the network and its loss.

    Returns the strips' contrast, float16 (B, 1, H, W), because float32 would be twice as much to send between processes; the
    digits of all strips, int64, one strip after the other; and how many digits each strip has, int64 (B,).
    """
    seen = np.stack([contrast(strip.pixels).astype(np.float16) for strip in strips])[:, None]
    digits = np.array([int(digit) for strip in strips for digit in strip.text], np.int64)
    return seen, digits, np.array([len(strip.text) for strip in strips], np.int64)


def measure_line_reader(
    model: LineNet, recipe: LineReaderRecipe, strips: Sequence[Strip], split: str, device: torch.device
) -> LineEvaluation:
    """Measure the model on the strips in fp32, without gradients and in evaluation mode (the model's mode is restored)."""
    count = Counting()
    with evaluating(model):
        for first in range(0, len(strips), BATCH):
            part = strips[first : first + BATCH]
            seen, *asked_for = (torch.from_numpy(array) for array in batch_of_strips(part))
            logits = model(seen.to(device).float().to(memory_format=torch.channels_last)).float()
            count.loss_sum += loss(logits, *asked_for).sum().item()
            for strip, columns in zip(part, logits.softmax(1).transpose(1, 2).cpu().numpy(), strict=True):
                count.add(strip, read_columns(columns))
    return count.evaluation(split)
