"""A network as each of several processes trains it: on one part of the batch, but with the same result as on the whole batch.

Two kinds of layers depend on the whole batch. Batch norm needs the batch's mean and variance, which torch computes across
processes only on GPUs (`SyncBatchNorm`). Here both come from sums in float64, so that rounding hardly depends on the number of
processes. Dropout draws its mask for the whole batch in every process, just as augmentation draws its random changes, so that
all random generators stay in step, and what is drawn does not depend on the number of processes.
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
    """The rows of each batch that belong to one process: of `total` rows, those from `start` up to, but not including, `stop`."""

    start: int
    stop: int
    total: int

    @staticmethod
    def of(rank: int, count: int, total: int) -> Part:
        """The rows for process `rank` of `count`. Every row belongs to exactly one part; the parts' sizes differ by at most 1."""
        return Part(total * rank // count, total * (rank + 1) // count, total)

    @property
    def share(self) -> float:
        """The part's share of the batch, 0 to 1."""
        return (self.stop - self.start) / self.total

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """The rows that belong to this part, out of `rows`, which has the shape (total, ...)."""
        return rows[self.start : self.stop]


class Replica(nn.Module):
    """A network in training whose batch norm and dropout work as if on the whole batch. It shares the weights of `network`.

    It takes the normalised images of one part of the batch, float (part, 1, H, W), and returns logits, float (part, classes).
    """

    def __init__(self, network: NeuralNet, part: Part) -> None:
        super().__init__()
        self.weights = nn.ParameterList(network.parameters())
        self.layers = [*network.layers]  # a plain list hides their buffers, which need not be synchronised
        self.part = part

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, float (part, classes), for images float (part, 1, H, W)."""
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
    """The network's `Replica`, whose gradients are averaged over all processes in the backward pass."""
    devices = [device] if device.type == "cuda" else None
    return DistributedDataParallel(Replica(network, part), device_ids=devices)


class SumOfAll(torch.autograd.Function):
    """The sum of a tensor over all processes. Its gradient is also summed over them, because each process uses the sum."""

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor) -> torch.Tensor:
        """The sum of `values` over all processes."""
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        """The sum of the gradient over all processes."""
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total


def batch_norm(layer: nn.BatchNorm1d | nn.BatchNorm2d, values: torch.Tensor, part: Part) -> torch.Tensor:
    """The layer's output for a part of a training batch, float (part, C, ...), using the whole batch's mean and variance."""
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
    """The layer's output for a part of a training batch, float (part, ...), using the same part of the whole batch's mask."""
    kept = 1 - layer.p
    mask = values.new_empty((part.total, *values.shape[1:])).bernoulli_(kept).div_(kept)
    return values * part(mask)
