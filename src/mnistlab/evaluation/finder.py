"""Measure a finder on scenes.

Here, the finder sees each scene at only one size, the one used in training. In the reader, it sees each page at several sizes,
and the reader's classifier makes the final decision on each digit.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from mnistlab.evaluation.finds import Counting, FinderEvaluation, find_digits
from mnistlab.networks.finder import FinderNet, loss, weighted
from mnistlab.networks.network import evaluating
from mnistlab.papers.alphabet import Alphabet
from mnistlab.papers.scene import Scene, Scenes
from mnistlab.papers.targets import batch_of, example
from mnistlab.recipes.finder import FinderRecipe

__all__ = ["measure_finder", "scenes_of"]

BATCH = 16
"""Scenes per batch."""


def scenes_of(recipe: FinderRecipe, alphabet: Alphabet, seed: int) -> Scenes:
    """Scenes of the height and width that the recipe gives, drawn with `alphabet` and `seed`."""
    return Scenes(alphabet, recipe.height, recipe.width, seed)


def measure_finder(
    model: FinderNet, recipe: FinderRecipe, scenes: Sequence[Scene], split: str, device: torch.device
) -> FinderEvaluation:
    """Measure the model on the scenes in fp32, without gradients and in evaluation mode (the model's mode is restored)."""
    count = Counting()
    with evaluating(model):
        for first in range(0, len(scenes), BATCH):
            part = scenes[first : first + BATCH]
            batch = [torch.from_numpy(array).to(device) for array in batch_of([example(scene) for scene in part])]
            answers = model(batch[0].to(memory_format=torch.channels_last))
            lost = weighted(loss(answers, *batch[1:]), recipe.boxes_weight, recipe.ink_weight)
            count.loss_sum += len(part) * lost.item()
            kinds, boxes = answers[0].float().sigmoid().cpu().numpy(), answers[1].float().cpu().numpy()
            for scene, own_kinds, own_boxes in zip(part, kinds, boxes, strict=True):
                count.add(scene, find_digits(own_kinds, own_boxes))
    return count.evaluation(split)
