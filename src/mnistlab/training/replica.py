"""A network as each of several processes trains it: on its part of the batch, with the result of the whole batch.

Two kinds of layers depend on the whole batch. Batch norm takes its mean and variance: torch has that only
for GPUs (`SyncBatchNorm`). Here they are added up in float64, so that rounding hardly depends on the number of processes. Dropout
draws its mask for the whole batch in every process, as augmentation draws its changes, so that all random generators stay in
step, and what is drawn does not depend on the number of processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from mnistlab.networks.network import NeuralNet

__all__ = ["Part", "Replica", "distributed"]


@dataclass(frozen=True)
class Part:
    """The rows of each batch that belong to one process: from `start` up to, but not including, `stop`, of `total`."""

    start: int
    stop: int
    total: int

    @staticmethod
    def of(rank: int, count: int, total: int) -> Part:
        """The part of process `rank` of `count`: every row belongs to one, and no two parts differ by more than one row."""
        return Part(total * rank // count, total * (rank + 1) // count, total)

    @property
    def share(self) -> float:
        """How much of the batch it is, 0 to 1."""
        return (self.stop - self.start) / self.total

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """The part's share of `rows`, (total, ...)."""
        return rows[self.start : self.stop]


class Replica(nn.Module):
    """A network in training whose batch norm and dropout are those of the whole batch; it has the weights of `network` itself.

    Images float (part, 1, H, W), normalised, in; logits float (part, classes) out.
    """

    def __init__(self, network: NeuralNet, part: Part) -> None:
        super().__init__()
        self.weights = nn.ParameterList(network.parameters())
        self.layers = [*network.layers]  # a list hides buffers: they are alike without being sent around
        self.part = part

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits float (part, classes) of images float (part, 1, H, W)."""
        values = images
        for layer in self.layers:
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                values = batch_norm(layer, values, self.part)
            elif isinstance(layer, nn.Dropout):
                values = dropout(layer, values, self.part)
            else:
                values = layer(values)
        return values


def distributed(network: NeuralNet, part: Part, device: torch.device) -> nn.Module:
    """The network's `Replica`, whose gradients become the mean of those of all processes in the backward pass."""
    devices = [device] if device.type == "cuda" else None
    return DistributedDataParallel(Replica(network, part), device_ids=devices)


class SumOfAll(torch.autograd.Function):
    """The sum of a tensor over all processes. Its gradient is the sum of theirs, because each of them uses it."""

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor) -> torch.Tensor:
        """The sum."""
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        """The sum of the gradients."""
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total


def batch_norm(layer: nn.BatchNorm1d | nn.BatchNorm2d, values: torch.Tensor, part: Part) -> torch.Tensor:
    """What the layer makes of its part of a batch, float (part, C, ...), in training: by the whole batch's mean and variance."""
    dimensions = [number for number in range(values.ndim) if number != 1]
    wide = values.to(torch.promote_types(values.dtype, torch.float32))
    variance, mean = torch.var_mean(wide, dimensions, correction=0)
    moments = torch.stack((mean, variance + mean.square())).double() * part.share
    mean, square = cast(torch.Tensor, SumOfAll.apply(moments))
    variance = square - mean.square()
    with torch.no_grad():
        count = values.numel() // values.shape[1] / part.share
        momentum = cast(float, layer.momentum)
        cast(torch.Tensor, layer.num_batches_tracked).add_(1)
        cast(torch.Tensor, layer.running_mean).lerp_(mean.to(wide.dtype), momentum)
        cast(torch.Tensor, layer.running_var).lerp_((variance * (count / (count - 1))).to(wide.dtype), momentum)
    shape = (1, -1, *[1] * (values.ndim - 2))
    scale = layer.weight * (variance + layer.eps).rsqrt().to(wide.dtype)
    away = wide - mean.to(wide.dtype).view(shape)
    return torch.addcmul(layer.bias.view(shape), away, scale.view(shape)).to(values.dtype)


def dropout(layer: nn.Dropout, values: torch.Tensor, part: Part) -> torch.Tensor:
    """What the layer makes of its part of a batch, float (part, ...), in training: by its part of the whole batch's mask."""
    kept = 1 - layer.p
    mask = values.new_empty((part.total, *values.shape[1:])).bernoulli_(kept).div_(kept)
    return values * part(mask)
