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
    """The weights as safetensors, with a header that describes the network they belong to."""

    def __init__(self, saved: SavedModel, temperature: float) -> None:
        self.saved, self.temperature = saved, temperature

    def answer(self, images: NDArray[np.uint8]) -> Probabilities:
        """The probabilities, float32 (N, classes), for images, uint8 (N, H, W), computed with weights read back from the file."""
        from safetensors.torch import load

        model = make_network(self.saved.model.architecture)
        load_weights(model, load(self.content({})))
        logits = find_logits(dataclasses.replace(self.saved, model=model), images)
        probabilities: Probabilities = at_temperature(logits, self.temperature).numpy()
        return probabilities

    def content(self, facts: dict[str, str]) -> bytes:
        """The file's content, whose header holds `facts` and everything that is needed to use the weights."""
        from safetensors.torch import save

        needed = {
            "architecture": json.dumps(self.saved.model.architecture.to_dict()),
            "mean": str(self.saved.mean),
            "std": str(self.saved.std),
        }
        weights = {file_name(k): v.contiguous() for k, v in self.saved.model.state_dict().items()}
        return save(weights, {**facts, **needed})
