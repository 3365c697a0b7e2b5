"""What is particular to the training of the finder: its scenes, its network and its loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from mnistlab.devices import autocast
from mnistlab.evaluation.finds import FinderEvaluation
from mnistlab.networks.finder import FinderNet, loss, save_finder, weighted
from mnistlab.networks.papers import SavedNetwork
from mnistlab.papers.targets import batch_of, example
from mnistlab.reading.finder import CLASSES
from mnistlab.recipes.finder import FinderRecipe
from mnistlab.training.papers import PaperState

__all__ = ["FinderState"]


class FinderState(PaperState[FinderNet, FinderRecipe]):
    """One training run of the finder; see `PaperState`."""

    FORMAT = "mnistlab finder resume 1"
    PARTS = ("kinds", "boxes", "ink")
    GIVE_ANOTHER = "remedies.give_a_finder"

    @staticmethod
    def arrays_of(pictures: list[Any]) -> tuple[NDArray[Any], ...]:
        """A batch of scenes, as `batch_of` returns it."""
        return batch_of([example(scene) for scene in pictures])

    def network(self, recipe: FinderRecipe) -> FinderNet:
        """The recipe's network with random weights."""
        return FinderNet(len(CLASSES), recipe.widths, recipe.dilations)  # type: ignore[arg-type]

    def loss(self, batch: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The weighted sum of the parts of the loss, and these parts."""
        contrast, *asked_for = (array.to(self.device) for array in batch)
        with autocast(self.device, self.precision):
            answers = self.model(contrast.to(memory_format=torch.channels_last))
        parts = loss(answers, *asked_for)
        total = weighted(parts, self.recipe.boxes_weight, self.recipe.ink_weight)
        return total, [parts[name] for name in self.PARTS]

    def asked_of(self, saved: SavedNetwork[FinderNet]) -> Mapping[str, tuple[Any, Any]]:
        """The widths, dilations and classes of the saved network, and those of this run."""
        return {
            "widths": (saved.model.widths, self.model.widths),
            "dilations": (saved.model.apart, self.model.apart),
            "classes": (saved.classes, CLASSES),
        }

    def save_model(self, path: Path) -> None:
        """Write the network, as it is now, to the file `path`."""
        save_finder(path, self.model, self.dataset.spec.name, CLASSES, self.data)

    def row_of(self, measured: FinderEvaluation) -> dict[str, float]:
        """How many digits per scene were found where there are none."""
        return {"val_false_finds": measured.false_finds / measured.scenes}
