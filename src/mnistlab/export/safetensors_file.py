"""A network's weights as one safetensors file."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
from numpy.typing import NDArray

from mnistlab.evaluation.calibration import Probabilities, at_temperature, find_logits
from mnistlab.networks.checkpoint import SavedModel, file_name, load_weights
from mnistlab.networks.ensemble import make_network


class SafetensorsFile:
    """The weights as safetensors; the header says which network they belong to."""

    def __init__(self, saved: SavedModel, temperature: float) -> None:
        self.saved, self.temperature = saved, temperature

    def answer(self, images: NDArray[np.uint8]) -> Probabilities:
        """The probabilities, float32 (N, classes), that the weights, once read back, give for images, uint8 (N, H, W)."""
        from safetensors.torch import load

        model = make_network(self.saved.model.architecture)
        load_weights(model, load(self.content({})))
        logits = find_logits(dataclasses.replace(self.saved, model=model), images)
        probabilities: Probabilities = at_temperature(logits, self.temperature).numpy()
        return probabilities

    def content(self, facts: dict[str, str]) -> bytes:
        """The file's content, with `facts` and everything needed to use the weights in its header."""
        from safetensors.torch import save

        needed = {
            "architecture": json.dumps(self.saved.model.architecture.to_dict()),
            "mean": str(self.saved.mean),
            "std": str(self.saved.std),
        }
        weights = {file_name(k): v.contiguous() for k, v in self.saved.model.state_dict().items()}
        return save(weights, {**facts, **needed})
