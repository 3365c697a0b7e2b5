"""Several networks used as one, whose answer is the mean of their probabilities."""

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
    """Several networks used as one, whose answer is the mean of their probabilities.

    Takes normalised images, float (B, 1, H, W), and returns the logarithm of the mean probabilities, float (B, classes), which
    can be used like logits: argmax, softmax and cross-entropy give the results for the mean probabilities.

    Parameters
    ----------
    members : sequence of NeuralNet, Shifted or Deskewed
        The networks, each as it would be used alone.

    Raises
    ------
    UserError
        If the members differ in number of classes or in image size, or if there are no members.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__()
        self.architecture = EnsembleArchitecture(tuple(member.architecture for member in members))
        self.members = nn.ModuleList(members)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logarithm of the mean of the members' probabilities, float (B, classes), for `images`, float (B, 1, H, W)."""
        return mean_probability([member(images) for member in self.members])

    @property
    def parameters_count(self) -> int:
        """The number of parameters of all members together."""
        return sum(parameter.numel() for parameter in self.parameters())


Network = Member | Ensemble


def for_use(network: NeuralNet, architecture: Architecture) -> Member:
    """The network in the wrappers that `architecture` asks for, ready to be evaluated, saved and exported; it is not copied."""
    inner = Shifted(network) if architecture.test_shifts else network
    return Deskewed(inner) if architecture.deskew else inner


def make_network(architecture: Architecture | EnsembleArchitecture) -> Network:
    """A network of this `architecture`, on the CPU, with uninitialised weights, which have yet to be loaded.

    This draws nothing from torch's random generator, which another thread may be using for training.
    """
    with torch.device("meta"):
        if isinstance(architecture, EnsembleArchitecture):
            network: Network = Ensemble([make_member(member) for member in architecture.members])
        else:
            network = make_member(architecture)
    return network.to_empty(device="cpu")


def make_member(architecture: Architecture) -> Member:
    """A new network of this `architecture`, in its wrappers, with weights of its own."""
    return for_use(NeuralNet.of(architecture), architecture)
