"""A training step recorded once as a CUDA graph and replayed: one launch instead of hundreds.

The networks here are small: a GPU runs one of their kernels in less time than Python takes to launch the next. On an H200,
the recipe `quick` trains in 0.141 s if its step is recorded, and in 1.07 s otherwise (docs/RESULTS.md).
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable

import torch

from mnistlab.messages.sentences import Clause
from mnistlab.training.optimizers import SGD
from mnistlab.training.state import TrainingState

__all__ = ["RecordedStep", "Step", "as_recorded", "rehearsal"]


Step = Callable[[TrainingState, torch.Tensor, torch.Tensor], torch.Tensor]
"""Takes a state, images (float, (B, 1, H, W)) and labels (int64, (B,)). Changes the weights, and returns the loss in nats, a
float tensor of shape ()."""
WARM_UP = 3
"""The number of steps before the recording: in these steps, CUDA's libraries choose their kernels and allocate their memory."""


def as_recorded(step: Step, state: TrainingState) -> Step:
    """The recorded step if the device is CUDA, the optimizer is SGD and this process trains alone; otherwise the step itself.

    torch's AdamW can be recorded only if it is created with `capturable=True`, and communication between processes only if
    every process records it. If the device cannot record the step, a warning says so, and the step itself is returned.
    """
    if state.device.type != "cuda" or not isinstance(state.optimizer, SGD) or state.processes:
        return step
    try:
        return RecordedStep(step, state)
    except CannotRecordError as error:
        warnings.warn(str(Clause("training.no_cuda_graph", error=error)), stacklevel=2)
        return step


class CannotRecordError(RuntimeError):
    """The device could not record the step; the state is as it was before the attempt."""


class RecordedStep:
    """A `Step` that replays a CUDA graph recorded from another step; nothing in that step may wait for the device.

    Making a `RecordedStep` changes nothing in the state, except that the learning rates become tensors on the device, because a
    plain number would be recorded as a constant.

    Parameters
    ----------
    step
        The step to record.
    state
        The state that the step trains; every batch must have the shape that the state's loader gives.

    Raises
    ------
    CannotRecordError
        If the device cannot record the step; the state is then as it was before the attempt.
    """

    def __init__(self, step: Step, state: TrainingState) -> None:
        groups = state.optimizer.param_groups
        rates = [group["lr"] for group in groups]
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = torch.tensor(float(rate), device=state.device)
        self.images, self.labels = rehearsal(state)
        weights, velocities = copy.deepcopy((state.model.state_dict(), state.optimizer.state_dict()))
        random = torch.cuda.get_rng_state(state.device)
        try:
            self.graph, self.loss = self.record(step, state)
        except RuntimeError as error:
            for group, rate in zip(groups, rates, strict=True):
                group["lr"] = rate
            raise CannotRecordError(str(error)) from error
        finally:
            state.model.load_state_dict(weights)  # into the same tensors, which the graph uses
            state.optimizer.load_state_dict(velocities)
            torch.cuda.set_rng_state(random, state.device)

    def record(self, step: Step, state: TrainingState) -> tuple[torch.cuda.CUDAGraph, torch.Tensor]:
        """The graph, and the tensor that will hold each replay's loss. Recording takes training steps, which change the state."""
        current = torch.cuda.current_stream(state.device)
        stream = torch.cuda.Stream(state.device)  # type: ignore[no-untyped-call]
        stream.wait_stream(current)
        state.model.train()
        try:
            with torch.cuda.stream(stream):
                for _ in range(WARM_UP):
                    step(state, self.images, self.labels)
            state.optimizer.zero_grad()  # so that the recording allocates its own gradients, which stay where they are
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, stream=stream):
                loss = step(state, self.images, self.labels)
        finally:
            torch.cuda.set_stream(current)  # older versions of torch stay on the other stream if recording fails
            current.wait_stream(stream)
        return graph, loss

    def __call__(self, state: TrainingState, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Take the step on this batch. Returns the loss in nats, a float tensor of shape () that the next step overwrites."""
        self.images.copy_(images)
        self.labels.copy_(labels)
        self.graph.replay()
        return self.loss


def rehearsal(state: TrainingState) -> tuple[torch.Tensor, torch.Tensor]:
    """Blank images with label 0, in the shape of a batch from the state's loader; the loader itself is not used."""
    images = torch.zeros(state.rows, 1, *state.loader.spec.image_size, device=state.device)
    return images, torch.zeros(state.rows, dtype=torch.int64, device=state.device)
