"""Measure a finder on scenes: for validation during training, and for the evaluation of a run.

Here, the finder sees each scene at only one size, the one used in training. In the reader, it sees each page at several sizes,
and the reader's classifier makes the final decision on each digit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from mnistlab.augmentation.hands import other_hands
from mnistlab.data.dataset import Dataset
from mnistlab.data.splits import Split, read_split, split_writers
from mnistlab.devices import pick_device
from mnistlab.errors import UserError
from mnistlab.evaluation.finds import Counting, FinderEvaluation, find_digits
from mnistlab.networks.finder import FinderNet, SavedFinder, loss, read_finder, weighted
from mnistlab.networks.network import evaluating
from mnistlab.papers.alphabet import Alphabet
from mnistlab.papers.numbered import in_order, worker_count
from mnistlab.papers.scene import Scene, Scenes
from mnistlab.papers.targets import batch_of, example
from mnistlab.recipes.finder import FinderRecipe
from mnistlab.runs.run import Run

__all__ = ["alphabet_of", "evaluate_finder", "held_out_scenes", "measure", "saved_finder"]

SEED = 2026
"""The seed of the held-out scenes, whatever the run's seed, so that runs whose scenes have the same size share them."""
PART = 1000
"""How many images are redrawn at a time."""
BATCH = 16
"""Scenes per batch."""


def alphabet_of(dataset: Dataset, split: Split) -> Alphabet:
    """The split's digits, by writer. Raises `UserError` if the dataset's classes are not the ten digits."""
    if sorted(dataset.spec.digits) != list(range(10)):
        raise UserError("evaluation.finder_needs_digits", dataset=dataset.spec.name)
    images, labels = read_split(dataset, split)
    writers = split_writers(dataset, split)
    if writers is None:
        writers = np.zeros(len(labels), np.int16)  # as if by one writer
    digits = np.asarray(dataset.spec.digits, np.int64)[labels]
    return Alphabet(np.asarray(images), digits, writers, written_elsewhere(np.asarray(images), digits))


def written_elsewhere(images: NDArray[np.uint8], digits: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The images, uint8 (N, 28, 28), redrawn as people outside the United States write these digits, always in the same way."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        parts = []
        for first in range(0, len(images), PART):
            part = torch.from_numpy(np.array(images[first : first + PART])).reshape(-1, 1, *images.shape[-2:]).float()
            labels = torch.from_numpy(np.array(digits[first : first + PART]))
            parts.append(other_hands(part, labels, 1.0).round().clamp(0, 255).to(torch.uint8))
    return np.asarray(torch.cat(parts).numpy()[:, 0])


def held_out_scenes(recipe: FinderRecipe, dataset: Dataset, split: Split, device: torch.device) -> list[Scene]:
    """The scenes, of the recipe's size and with digits of the split "val" or "test", on which every run is measured."""
    count = recipe.test_scenes if split == "test" else recipe.val_scenes
    scenes = Scenes(alphabet_of(dataset, split), recipe.height, recipe.width, SEED)
    return list(in_order(scenes.__getitem__, range(count), worker_count(device)))


def measure(
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


def evaluate_finder(
    saved: SavedFinder, recipe: FinderRecipe, dataset: Dataset, split: Split, device: str | torch.device
) -> FinderEvaluation:
    """Measure a saved finder on scenes with digits of the split "val" or "test".

    Raises `UserError` if the dataset's classes are not the ten digits.
    """
    target = pick_device(device)
    scenes = held_out_scenes(recipe, dataset, split, target)
    model = saved.model.to(target, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return measure(model, recipe, scenes, split, target)


def saved_finder(run: Run) -> SavedFinder:
    """The run's network. Raises `UserError` if the run has no network yet, or a damaged one."""
    if not run.model_path.exists():
        raise UserError("runs.model_missing", remedy=run.how_to_finish, run=run.path)
    return read_finder(run.model_path)
