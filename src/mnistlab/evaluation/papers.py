"""Measure the networks for pages (finder and line reader) on drawn pictures, during training and when a run is evaluated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from mnistlab.data.dataset import Dataset
from mnistlab.data.splits import Split
from mnistlab.devices import pick_device
from mnistlab.errors import UserError
from mnistlab.evaluation.alphabet import alphabet_of
from mnistlab.evaluation.finder import measure_finder, scenes_of
from mnistlab.evaluation.line_reader import measure_line_reader, strips_of
from mnistlab.evaluation.result import Evaluation
from mnistlab.networks.finder import read_finder
from mnistlab.networks.line_reader import read_line_reader
from mnistlab.networks.papers import SavedNetwork
from mnistlab.papers.alphabet import Alphabet
from mnistlab.papers.numbered import in_order, worker_count
from mnistlab.recipes.finder import FinderRecipe
from mnistlab.recipes.line_reader import LineReaderRecipe
from mnistlab.recipes.papers import PaperRecipe
from mnistlab.runs.run import Run

__all__ = ["KINDS", "Drawn", "Kind", "evaluate_network", "held_out_pictures", "saved_network"]

SEED = 2026
"""The seed of the held-out pictures. It is not the run's seed, so runs that draw with equal settings share these pictures."""


class Drawn(Protocol):
    """Pictures, such as scenes, of this height and width in pixels: `drawn[n]` is always the same for the same seed."""

    height: int
    width: int

    def __getitem__(self, index: int, /) -> Any:
        """The picture with this index, from 0."""


@dataclass(frozen=True)
class Kind:
    """How networks of one kind, such as finders, are read from files and measured."""

    read: Callable[[Path, str | None], SavedNetwork[Any]]
    """Read a network from a file; the second argument is the key of the message that says what to do if that fails."""
    drawn: Callable[[Any, Alphabet, int], Drawn]
    """The pictures of a recipe, drawn with an alphabet and a seed."""
    measure: Callable[[Any, Any, Sequence[Any], str, torch.device], Evaluation]
    """Measure a recipe's network, in fp32 and in evaluation mode, on pictures of a split."""


KINDS = {
    FinderRecipe.kind: Kind(read_finder, scenes_of, measure_finder),
    LineReaderRecipe.kind: Kind(read_line_reader, strips_of, measure_line_reader),
}
"""How each kind of network for pages is read from files and measured, by the `kind` of its recipes."""


def held_out_pictures(recipe: PaperRecipe, dataset: Dataset, split: Split, device: torch.device) -> list[Any]:
    """The pictures, with digits of the split "val" or "test", on which the recipe's networks are measured.

    Raises `UserError` if the dataset's classes are not the ten digits.
    """
    drawn = KINDS[recipe.kind].drawn(recipe, alphabet_of(dataset, split), SEED)
    return list(in_order(drawn.__getitem__, range(recipe.held_out(split)), worker_count(device)))


def evaluate_network(
    saved: SavedNetwork[Any], recipe: PaperRecipe, dataset: Dataset, split: Split, device: str | torch.device
) -> Evaluation:
    """Measure a recipe's saved network on pictures drawn with digits from the split "val" or "test".

    Raises `UserError` if the dataset's classes are not the ten digits.
    """
    target = pick_device(device)
    pictures = held_out_pictures(recipe, dataset, split, target)
    model = saved.model.to(target, memory_format=torch.channels_last)
    return KINDS[recipe.kind].measure(model, recipe, pictures, split, target)


def saved_network(run: Run) -> SavedNetwork[Any]:
    """The network of a run whose recipe is a `PaperRecipe`. Raises `UserError` if the network is missing or damaged."""
    if not run.model_path.exists():
        raise UserError("runs.model_missing", remedy=run.how_to_finish, run=run.path)
    return KINDS[run.kind].read(run.model_path, None)
