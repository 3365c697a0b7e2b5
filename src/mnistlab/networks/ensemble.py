"""Several networks as one, the mean of their probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from mnistlab.errors import UserError
from mnistlab.networks.network import NeuralNet, mean_probability

__all__ = ["Ensemble", "Network", "make_network"]


class Ensemble(nn.Module):
    """Several networks used as one: the mean of their probabilities.

    Images float (B, 1, H, W), normalised, in; log-probabilities float (B, classes) out, to be used as logits are: argmax,
    softmax and cross-entropy give the mean's. Raises `UserError` where its members differ in classes or image size.
    """

    def __init__(self, members: Sequence[NeuralNet]) -> None:
        super().__init__()
        shapes = {(m.architecture["classes"], tuple(m.architecture["image_size"])) for m in members}
        if len(shapes) != 1:
            kinds = ", ".join(f"{classes} classes of {h}x{w}" for classes, (h, w) in sorted(shapes)) or "none"
            raise UserError(f"The networks of an ensemble must be of one kind; these are {kinds}.", "Choose others.")
        self.members = nn.ModuleList(members)
        self.architecture: dict[str, Any] = {
            "classes": members[0].architecture["classes"],
            "members": [member.architecture for member in members],
        }

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Log of the members' mean probabilities, float (B, classes), of images float (B, 1, H, W)."""
        return mean_probability([member(images) for member in self.members])

    @property
    def parameters_count(self) -> int:
        """How many numbers training adjusted, of all members."""
        return sum(parameter.numel() for parameter in self.parameters())


Network = NeuralNet | Ensemble


def make_network(architecture: dict[str, Any]) -> Network:
    """The network whose `architecture` this is, on the CPU, its weights yet to be loaded: nothing has been written to them.

    That draws nothing from torch's random generator, which another thread may be training with. Raises `UserError` or `TypeError`
    where it is no architecture.
    """
    with torch.device("meta"):
        if "members" in architecture:
            network: Network = Ensemble([NeuralNet(**member) for member in architecture["members"]])
        else:
            network = NeuralNet(**architecture)
    return network.to_empty(device="cpu")
