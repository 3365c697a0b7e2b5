"""What is particular to the training of the line reader: its strips, its network and its loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from mnistlab.devices import autocast
from mnistlab.evaluation.line_reader import batch_of_strips
from mnistlab.evaluation.lines import LineEvaluation
from mnistlab.networks.line_reader import LineNet, loss, save_line_reader
from mnistlab.networks.papers import SavedNetwork
from mnistlab.recipes.line_reader import LineReaderRecipe
from mnistlab.training.papers import PaperState

__all__ = ["LineReaderState"]


class LineReaderState(PaperState[LineNet, LineReaderRecipe]):
    """One training run of the line reader; see `PaperState`."""

    FORMAT = "mnistlab line reader resume 1"
    GIVE_ANOTHER = "remedies.give_a_line_reader"

    @staticmethod
    def arrays_of(pictures: list[Any]) -> tuple[NDArray[Any], ...]:
        """A batch of strips, as `batch_of_strips` returns it."""
        return batch_of_strips(pictures)

    def network(self, recipe: LineReaderRecipe) -> LineNet:
        """The recipe's network with random weights."""
        return LineNet(recipe.widths)

    def loss(self, batch: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The mean of the strips' losses, and an empty list, because this loss has no parts."""
        contrast, *asked_for = batch
        contrast = contrast.to(self.device).float().to(memory_format=torch.channels_last)
        with autocast(self.device, self.precision):
            logits = self.model(contrast)
        return loss(logits, *asked_for).mean(), []

    def asked_of(self, saved: SavedNetwork[LineNet]) -> Mapping[str, tuple[Any, Any]]:
        """The widths of the saved network's layers, and those of this run's network."""
        return {"widths": (saved.model.widths, self.model.widths)}

    def save_model(self, path: Path) -> None:
        """Write the network, as it is now, to the file `path`."""
        save_line_reader(path, self.model, self.dataset.spec.name, self.data)

    def row_of(self, measured: LineEvaluation) -> dict[str, float]:
        """How many digits were misread, left out or added, as a share of all digits."""
        return {"val_character_error_rate": measured.character_error_rate}
