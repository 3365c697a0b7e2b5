"""Several networks as one, the mean of their probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from mnistlab.networks.architecture import Architecture, EnsembleArchitecture
from mnistlab.networks.deskew import Deskewed
from mnistlab.networks.network import NeuralNet
from mnistlab.networks.shifts import Shifted, mean_probability

__all__ = ["Ensemble", "Network", "for_use", "make_network"]

Member = NeuralNet | Shifted | Deskewed


class Ensemble(nn.Module):
    """Several networks used as one: the mean of their probabilities.

    Images float (B, 1, H, W), normalised, in; log-probabilities float (B, classes) out, to be used like logits: argmax,
    softmax and cross-entropy give the mean's.

    Parameters
    ----------
    members : sequence of NeuralNet, Shifted or Deskewed
        The networks, each as it is used alone.

    Raises
    ------
    UserError
        If its members differ in classes or image size.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__()
        self.architecture = EnsembleArchitecture(tuple(member.architecture for member in members))
        self.members = nn.ModuleList(members)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Log of the members' mean probabilities, float (B, classes), of images float (B, 1, H, W)."""
        return mean_probability([member(images) for member in self.members])

    @property
    def parameters_count(self) -> int:
        """How many parameters all members have."""
        return sum(parameter.numel() for parameter in self.parameters())


Network = Member | Ensemble


def for_use(network: NeuralNet, architecture: Architecture) -> Member:
    """The network with what its `architecture` puts around it, for evaluating, saving and exporting; the weights are shared."""
    inner = Shifted(network) if architecture.test_shifts else network
    return Deskewed(inner) if architecture.deskew else inner


def make_network(architecture: Architecture | EnsembleArchitecture) -> Network:
    """A network of this `architecture`, on the CPU, with uninitialised weights, which are yet to be loaded.

    This draws nothing from torch's random generator, which another thread may be training with.
    """
    with torch.device("meta"):
        if isinstance(architecture, EnsembleArchitecture):
            network: Network = Ensemble([make_member(member) for member in architecture.members])
        else:
            network = make_member(architecture)
    return network.to_empty(device="cpu")


def make_member(architecture: Architecture) -> Member:
    """One network and what is around it, with its own weights."""
    return for_use(NeuralNet.of(architecture), architecture)
