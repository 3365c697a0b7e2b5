"""The optimizers and the schedule of their learning rate.

SGD computes with torch's functional `sgd`, not with torch.optim.SGD: the first torch optimizer that a process creates imports
torch._dynamo, which takes 2 to 6 seconds and is not needed here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch.optim.sgd import sgd

from mnistlab.networks.network import NeuralNet
from mnistlab.recipes.settings import OptimisationSettings

__all__ = ["SGD", "Optimizer", "learning_rate", "make_optimizer", "one_cycle", "set_rate"]


class SGD:
    """Stochastic gradient descent with Nesterov momentum and weight decay, with the interface of torch.optim.SGD.

    At every step, each parameter must have a gradient, which the step may overwrite.

    Parameters
    ----------
    groups
        Dictionaries with `params`, a list of parameters, and their `weight_decay`.
    lr
        The learning rate of every group. It can be changed in `param_groups` at any time. If it is a tensor (float32, shape ())
        on the parameters' device, a recorded step (cuda_graphs.py) reads it anew at each replay.
    momentum
        At least 0 and below 1; 0 for none.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], lr: float, momentum: float) -> None:
        self.param_groups = [{"lr": lr, "momentum": momentum, **group} for group in groups]
        self.velocities = [[torch.zeros_like(p) for p in group["params"]] for group in self.param_groups]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """g = gradient + weight_decay * weight; velocity = momentum * velocity + g; weight -= lr * (g + momentum * velocity)."""
        for group, velocities in zip(self.param_groups, self.velocities, strict=True):
            fused = isinstance(group["lr"], torch.Tensor)  # only the fused kernel can read it without waiting
            sgd(
                group["params"], [p.grad for p in group["params"]], [*velocities], fused=fused, foreach=not fused,
                lr=group["lr"], momentum=group["momentum"], nesterov=True, dampening=0.0,
                weight_decay=group["weight_decay"], maximize=False,
            )  # fmt: skip

    def state_dict(self) -> dict[str, Any]:
        """The velocities and the learning rates, as tensors and plain numbers."""
        return {"velocities": self.velocities, "rates": [float(group["lr"]) for group in self.param_groups]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` returned. Raises `ValueError` or `RuntimeError` if that belongs to another network."""
        for group, rate in zip(self.param_groups, state_dict["rates"], strict=True):
            set_rate([group], rate)
        for mine, saved in zip(self.velocities, state_dict["velocities"], strict=True):
            for velocity, value in zip(mine, saved, strict=True):
                velocity.copy_(value)


Optimizer = SGD | torch.optim.Optimizer


def make_optimizer(model: NeuralNet, settings: OptimisationSettings) -> Optimizer:
    """The optimizer: SGD with Nesterov momentum, or AdamW.

    Weight decay applies to matrices and kernels, not to biases and batch norm.
    """
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(settings.momentum, 0.999), fused=True)
    return SGD([group for group in groups if group["params"]], lr=settings.learning_rate, momentum=settings.momentum)


def set_rate(groups: Iterable[dict[str, Any]], rate: float) -> None:
    """Set the learning rate of an optimizer's groups; a tensor that holds a rate is changed in place."""
    for group in groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def learning_rate(settings: OptimisationSettings, step: int, steps: int) -> float:
    """The learning rate of a step: within a training run, it depends on the step's number only.

    Parameters
    ----------
    settings
        Its `learning_rate` is the peak, its `warmup` the fraction of the steps before the peak.
    step
        The number of steps already done, from 0 to `steps`.
    steps
        The number of steps in the whole training run.
    """
    return settings.learning_rate * one_cycle(step, steps, settings.warmup)


def one_cycle(step: int, steps: int, warmup: float) -> float:
    """The learning rate at `step` as a fraction of its peak: it rises for the fraction `warmup` of the steps, then falls.

    The result goes from 1/25 up to 1 and down to 1/25,000, both times along half a cosine: the schedule of Smith & Topin (2017)
    as fastai shapes it.
    """
    peak = warmup * steps
    if step < peak:
        return 1 / 25 + (1 - 1 / 25) * (1 - math.cos(math.pi * step / peak)) / 2
    down = min(1.0, (step - peak) / max(1.0, steps - peak))
    return 1 / 25_000 + (1 - 1 / 25_000) * (1 + math.cos(math.pi * down)) / 2
