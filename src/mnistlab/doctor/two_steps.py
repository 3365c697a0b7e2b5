"""Watch two steps of a learner's training: the loss's arguments, the gradients, the optimizer's steps, and the evaluation."""

from __future__ import annotations

import contextlib
import functools
from types import TracebackType
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils.data import DataLoader, TensorDataset

from mnistlab.doctor.causes import Witness, what_is_wrong_with
from mnistlab.doctor.check import Check
from mnistlab.messages.sentences import Clause

__all__ = ["Counted", "TwoSteps"]

LOSS, TRAINING, MODES = Clause("names.loss"), Clause("names.training"), Clause("names.modes")
STEPS = 2
"""The number of steps for which training is watched; a forgotten zero_grad shows in the second step."""
PASSES = 3
"""How many times the training may iterate over the two batches without taking a step."""


class Enough(BaseException):
    """Raised to end the training once enough has been seen; the learner's `except Exception` does not catch it."""


class TwoSteps:
    """Inside `with`, watches the training of the model, and ends the training before any optimizer's third step.

    Parameters
    ----------
    model
        The model that is trained.
    modes_differ
        Whether the model's answers differ between training and evaluation mode.
    """

    def __init__(self, model: nn.Module, *, modes_differ: bool) -> None:
        self.model, self.modes_differ = model, modes_differ
        self.before = [value.detach().clone() for value in model.parameters()]
        self.witness = Witness(model, 0)
        self.found: dict[str, Clause] = {}
        """The mistakes seen so far, by key."""
        self.steps: dict[int, int] = {}
        """The number of steps that each optimizer, by its id, has taken."""
        self.fresh: dict[int, float] = {}
        """For each parameter, by its id, the largest absolute gradient that has reached it since its last step."""
        self.backwards = False
        """Whether any gradient has reached the model."""
        self.mine = False
        """Whether an optimizer has parameters of the model."""
        self.on = contextlib.ExitStack()

    def __enter__(self) -> TwoSteps:
        for parameter in self.model.parameters():
            if parameter.requires_grad:
                hook = parameter.register_hook(functools.partial(self.receive, parameter))  # type: ignore[no-untyped-call]
                self.on.callback(hook.remove)
        for hook in (
            self.model.register_forward_pre_hook(lambda model, _: self.answer(model)),
            register_optimizer_step_pre_hook(lambda optimizer, *_: self.begin_step(optimizer)),
            register_optimizer_step_post_hook(lambda optimizer, *_: self.end_step(optimizer)),
        ):
            self.on.callback(hook.remove)
        self.on.enter_context(self.witness)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.on.close()
        return isinstance(error, Enough)

    def note(self, key: str, **values: Any) -> None:
        """Record a mistake."""
        self.found.setdefault(key, Clause(key, **values))

    def answer(self, model: nn.Module) -> None:
        """Called when the model is about to answer."""
        if model.training and not torch.is_grad_enabled() and self.modes_differ:
            self.note("doctor.eval_forgotten")

    def receive(self, parameter: nn.Parameter, gradient: torch.Tensor) -> None:
        """Called when a gradient is about to be added to a parameter's `grad`."""
        old = parameter.grad
        if id(parameter) not in self.fresh and any(self.steps.values()) and old is not None and bool(old.any()):
            self.note("doctor.zero_grad_forgotten")
        self.backwards = True
        self.fresh[id(parameter)] = max(self.fresh.get(id(parameter), 0.0), float(gradient.abs().max()))

    def begin_step(self, optimizer: Optimizer) -> None:
        """Called when an optimizer is about to take a step. Raises `Enough` at the optimizer's third step."""
        if self.steps.get(id(optimizer), 0) >= STEPS:
            raise Enough

    def end_step(self, optimizer: Optimizer) -> None:
        """Called when an optimizer has taken a step."""
        self.steps[id(optimizer)] = self.steps.get(id(optimizer), 0) + 1
        own = {id(value) for value in self.model.parameters()}
        held = [value for group in optimizer.param_groups for value in group["params"] if id(value) in own]
        if not held:
            return
        self.mine = True
        reached = [self.fresh.pop(id(value), None) for value in held]
        if all(most is None for most in reached):
            self.note("doctor.backward_forgotten")
        elif any(reached) and not any(value.grad is not None and bool(value.grad.any()) for value in held):
            self.note("doctor.gradients_wiped")

    @property
    def trained(self) -> bool:
        """Whether the weights have changed since the training began."""
        return any(not torch.equal(old, new) for old, new in zip(self.before, self.model.parameters(), strict=True))

    def checks(self) -> list[Check]:
        """A check for each mistake seen; if none is a "problem", then also a check which says that the training works."""
        for loss in self.witness.losses:
            if wrong := what_is_wrong_with(loss):
                self.found.setdefault(wrong.key, wrong)
        if any(self.steps.values()) and not self.mine and not self.trained:
            self.note("doctor.other_parameters")
        elif self.backwards and not any(self.steps.values()) and not self.trained:
            self.note("doctor.step_forgotten")
        elif not self.backwards and not self.trained:
            self.note("doctor.backward_forgotten")
        checks = [Check(subject_of(key), verdict_of(key), clause) for key, clause in self.found.items()]
        if not any(check.verdict == "problem" for check in checks):
            steps = max(self.steps.values(), default=0)
            seen = Clause("doctor.trains", steps=steps) if steps else Clause("doctor.trains_by_hand")
            checks.append(Check(TRAINING, "ok", seen))
        return checks


def subject_of(key: str) -> Clause:
    """The name of the check that the mistake `key` belongs to."""
    if key == "doctor.eval_forgotten":
        return MODES
    return LOSS if key.endswith("_loss") or key in ("doctor.softmax_over_batch", "doctor.nll_of_logits") else TRAINING


def verdict_of(key: str) -> Any:
    """ "warning" for a log-softmax applied twice, which changes nothing; "problem" for every other mistake."""
    return "warning" if key == "doctor.log_softmax_then_loss" else "problem"


class Counted(DataLoader[tuple[torch.Tensor, ...]]):
    """A loader of two batches of normalised images, float32 (B, 1, H, W), and labels, int64 (B,).

    It counts how often the two batches are iterated over.
    """

    def __init__(self, images: torch.Tensor, labels: torch.Tensor, batch: int, steps: TwoSteps) -> None:
        super().__init__(TensorDataset(images, labels), batch_size=batch)
        self.training, self.passes = steps, 0
        steps.witness.batch = batch

    def __iter__(self) -> Any:
        """The batches. Raises `Enough` if they have been iterated over `PASSES` times without a step."""
        self.passes += 1
        if self.passes > PASSES and not any(self.training.steps.values()):
            raise Enough
        return super().__iter__()
