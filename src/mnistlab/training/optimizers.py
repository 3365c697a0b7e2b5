"""Nesterov SGD and the one-cycle schedule of its learning rate.

torch.optim has the same SGD, but its first optimizer of a process imports torch._dynamo: 2 to 6 s, for nothing that is used here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Protocol

import torch

from mnistlab.networks.network import NeuralNet
from mnistlab.recipes.recipe import Recipe

__all__ = ["SGD", "OneCycle", "Optimizer", "make_optimizer", "one_cycle"]


class Optimizer(Protocol):
    """What training needs of an optimizer; torch.optim's have it."""

    param_groups: list[dict[str, Any]]

    def zero_grad(self) -> None:
        """Forget the gradients."""

    def step(self) -> Any:
        """Change the weights by their gradients."""

    def state_dict(self) -> dict[str, Any]:
        """What the next step depends on, as tensors and plain types."""

    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any:
        """Put back what `state_dict` gave."""


class SGD:
    """Stochastic gradient descent with Nesterov momentum and weight decay, as torch.optim.SGD computes it.

    `groups` are dictionaries with `params` and `weight_decay`; `lr` is put into each, and may be changed there. As in
    torch.optim it may be a tensor on the parameters' device too, which a recorded step reads anew each time.
    Each parameter must have a gradient at each step.
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
        """velocity = momentum * velocity + gradient; weight -= lr * (gradient + momentum * velocity)."""
        for group, velocities in zip(self.param_groups, self.velocities, strict=True):
            weights, momentum = group["params"], group["momentum"]
            gradients = torch._foreach_add([p.grad for p in weights], weights, alpha=group["weight_decay"])
            torch._foreach_mul_(velocities, momentum)
            torch._foreach_add_(velocities, gradients)
            torch._foreach_add_(gradients, velocities, alpha=momentum)
            if isinstance(group["lr"], torch.Tensor):
                torch._foreach_mul_(gradients, group["lr"])
                torch._foreach_sub_(weights, gradients)
            else:
                torch._foreach_add_(weights, gradients, alpha=-group["lr"])

    def state_dict(self) -> dict[str, Any]:
        """The velocities and the learning rates."""
        return {"velocities": self.velocities, "rates": [float(group["lr"]) for group in self.param_groups]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Put back what `state_dict` gave. Raises `ValueError` or `RuntimeError` where it is of another network."""
        for group, rate in zip(self.param_groups, state_dict["rates"], strict=True):
            set_rate(group, rate)
        for mine, saved in zip(self.velocities, state_dict["velocities"], strict=True):
            for velocity, value in zip(mine, saved, strict=True):
                velocity.copy_(value)


def make_optimizer(model: NeuralNet, recipe: Recipe) -> Optimizer:
    """SGD with Nesterov momentum, or AdamW; weight decay on matrices and kernels, not on biases and batch norm."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(recipe.momentum, 0.999), fused=True)
    return SGD([group for group in groups if group["params"]], lr=recipe.learning_rate, momentum=recipe.momentum)


def set_rate(group: dict[str, Any], rate: float) -> None:
    """Put the learning rate into an optimizer's group: into the tensor that is there, if one is."""
    if isinstance(group["lr"], torch.Tensor):
        group["lr"].fill_(rate)
    else:
        group["lr"] = rate


class OneCycle:
    """The optimizer's learning rate over `steps` steps: `step` after each of the optimizer's own."""

    def __init__(self, optimizer: Optimizer, peak: float, steps: int, warmup: float) -> None:
        self.optimizer, self.peak, self.steps, self.warmup = optimizer, peak, steps, warmup
        self.go_to(0)

    def go_to(self, step: int) -> None:
        """Set the rate that holds when `step` steps are done."""
        self.steps_done = step
        self.rate = self.peak * one_cycle(step, self.steps, self.warmup)
        for group in self.optimizer.param_groups:
            set_rate(group, self.rate)

    def step(self) -> None:
        """One more step is done."""
        self.go_to(self.steps_done + 1)


def one_cycle(step: int, steps: int, warmup: float) -> float:
    """The learning rate at `step` as a fraction of its peak: up for `warmup` of the steps, then down, in half cosines.

    From 1/25 to 1 to 1/25,000, the shape of Smith & Topin 2017 with fastai's cosines and ends.
    """
    peak = warmup * steps
    if step < peak:
        return 1 / 25 + (1 - 1 / 25) * (1 - math.cos(math.pi * step / peak)) / 2
    down = min(1.0, (step - peak) / max(1.0, steps - peak))
    return 1 / 25_000 + (1 - 1 / 25_000) * (1 + math.cos(math.pi * down)) / 2
