from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mnistlab.data.dataset import open_dataset
from mnistlab.recipes.catalog import RECIPES
from mnistlab.recipes.recipe import Recipe
from mnistlab.training import cuda_graphs as graphs
from mnistlab.training import loop as training
from mnistlab.training.cuda_graphs import CannotRecordError, RecordedStep, as_recorded, rehearsal
from mnistlab.training.experiment import resume, train
from mnistlab.training.loop import train_step
from mnistlab.training.optimizers import learning_rate, set_rate
from mnistlab.training.state import TrainingState
from tests.support.comparing import same, weights

pytestmark = pytest.mark.usefixtures("no_drawing")

CPU = torch.device("cpu")
NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
SMALL = RECIPES["default"].override(
    {"epochs": 2, "batch_size": 16, "widths": (4,), "depth": 1, "kernel_size": 3, "padding": "same", "precision": "fp32"},
)  # fmt: skip


def state_of(recipe: Recipe, pictures: Path) -> TrainingState:
    return TrainingState(recipe, open_dataset(str(pictures)), 3, CPU, "fp32")


class WaitError(AssertionError):
    pass


class NoWaiting(TorchDispatchMode):
    """Refuses whatever makes Python wait for a GPU: a number taken from a tensor, or a size that depends on values."""

    refused = ("_local_scalar_dense", "item", "nonzero", "masked_select", "equal", "unique", "is_nonzero")

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(func._schema.name.partition("::")[2].startswith(name) for name in self.refused):
            raise WaitError(str(func))
        return func(*args, **(kwargs or {}))


class StandIn:
    """Stands for a CUDA graph without a GPU: a replay takes the recorded step again, on the same tensors, into the same loss."""

    recording: StandIn | None = None

    def replay(self) -> None:
        self.loss.copy_(self.step(*self.arguments))


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch.cuda as far as a recording needs it, on the CPU."""

    class Stream:
        def __init__(self, *_: object) -> None:
            pass

        def wait_stream(self, _: object) -> None:
            pass

    @contextlib.contextmanager
    def graph(recorded: StandIn, stream: Stream) -> Iterator[None]:
        StandIn.recording = recorded
        yield
        StandIn.recording = None

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "set_stream", lambda _: None)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", StandIn)
    monkeypatch.setattr(torch.cuda, "graph", graph)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda _: torch.get_rng_state())
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda random, _: torch.set_rng_state(random))


def recordable(state: TrainingState, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The training's own step; where a stand-in records, it learns what to replay."""
    loss = train_step(state, images, labels)
    if StandIn.recording:
        StandIn.recording.step, StandIn.recording.arguments, StandIn.recording.loss = (
            train_step, (state, images, labels), loss,
        )  # fmt: skip
    return loss


# what a recording asks of the step


@pytest.mark.parametrize("name", ["quick", "default", "best", "tiny-1k", "reader", "two-conv", "three-conv"])
def test_a_step_never_waits_for_the_device(name: str, pictures: Path) -> None:
    state = state_of(RECIPES[name].override({"batch_size": 16}), pictures)
    images, labels = next(iter(state.loader))
    with NoWaiting():
        train_step(state, images, labels)


@pytest.mark.parametrize("name", ["quick", "default", "best", "tiny-1k"])
def test_nor_does_the_making_of_a_batch_without_pens_and_rejects(name: str, pictures: Path) -> None:
    state = state_of(RECIPES[name].override({"batch_size": 16}), pictures)
    with NoWaiting():
        state.loader.dataset.batch(torch.arange(16))


@pytest.mark.parametrize("waits", [lambda x: x.item(), lambda x: x[x > 1], float, lambda x: bool(x > 1)])
def test_waiting_would_be_seen(waits: Any) -> None:
    with pytest.raises(WaitError), NoWaiting():
        waits(torch.tensor(2.0))


@pytest.mark.parametrize("name", ["default", "reader"])
def test_a_rehearsal_has_the_sizes_of_every_batch(name: str, pictures: Path) -> None:
    state = state_of(RECIPES[name].override({"batch_size": 16}), pictures)
    for rehearsed, batch in zip(rehearsal(state), next(iter(state.loader)), strict=True):
        assert (rehearsed.shape, rehearsed.dtype) == (batch.shape, batch.dtype)


# where steps are recorded


@pytest.mark.parametrize("changes", [{}, {"optimizer": "adamw", "learning_rate": 0.01}])
def test_a_cpu_takes_the_step_itself(changes: dict[str, Any], pictures: Path) -> None:
    state = state_of(SMALL.override(changes), pictures)
    assert as_recorded(train_step, state) is train_step
    assert all(isinstance(group["lr"], float) for group in state.optimizer.param_groups)


def test_so_does_a_gpu_with_adamw(pictures: Path) -> None:
    state = state_of(SMALL.override({"optimizer": "adamw", "learning_rate": 0.01}), pictures)
    state.device = torch.device("cuda")
    assert as_recorded(train_step, state) is train_step


def test_a_gpu_that_cannot_record_trains_all_the_same(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise CannotRecordError("operation not permitted when stream is capturing")

    state = state_of(SMALL, pictures)
    state.device = torch.device("cuda")
    monkeypatch.setattr(graphs, "RecordedStep", refuse)
    with pytest.warns(UserWarning, match="Training without a CUDA graph, and so more slowly: operation not permitted"):
        assert as_recorded(train_step, state) is train_step


# a recorded training run


@pytest.mark.usefixtures("cuda")
def test_making_a_recording_changes_nothing(pictures: Path) -> None:
    state, untouched = state_of(SMALL, pictures), state_of(SMALL, pictures)
    torch.manual_seed(8)
    RecordedStep(recordable, state)
    drawn = torch.rand(3)
    torch.manual_seed(8)
    assert torch.equal(drawn, torch.rand(3))
    before, after = untouched.state_dict(), state.state_dict()
    assert same(before["model"], after["model"])
    assert before["optimizer"]["rates"] == pytest.approx(after["optimizer"]["rates"])
    assert all(not v.any() for velocities in after["optimizer"]["velocities"] for v in velocities)
    assert (before["steps_done"], before["loader"]) == (after["steps_done"], after["loader"])


@pytest.mark.usefixtures("cuda")
def test_nor_does_one_that_fails(pictures: Path) -> None:
    state, untouched = state_of(SMALL, pictures), state_of(SMALL, pictures)
    steps = 0

    def fails(*arguments: Any) -> torch.Tensor:
        nonlocal steps
        steps += 1
        if StandIn.recording:
            StandIn.recording = None
            raise RuntimeError("capture failed")
        return train_step(*arguments)

    with pytest.raises(CannotRecordError, match="capture failed"):
        RecordedStep(fails, state)
    assert steps > 1
    assert all(isinstance(group["lr"], float) for group in state.optimizer.param_groups)
    assert same(untouched.state_dict()["model"], state.state_dict()["model"])
    batch = next(iter(state.loader))
    for each in (untouched, state):
        torch.manual_seed(8)  # of the dropout
        train_step(each, *batch)
    for key, weight in untouched.model.state_dict().items():
        torch.testing.assert_close(state.model.state_dict()[key], weight)


@pytest.mark.usefixtures("cuda")
def test_a_recorded_training_is_the_same_training(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, _ = train(SMALL, dataset=str(pictures), runs_dir=tmp_path / "plain", seed=3, device="cpu")
    monkeypatch.setattr(training, "train_step", recordable)
    monkeypatch.setattr(training, "as_recorded", RecordedStep)
    recorded, _ = train(SMALL, dataset=str(pictures), runs_dir=tmp_path / "recorded", seed=3, device="cpu")
    for key, weight in weights(plain).items():
        torch.testing.assert_close(weights(recorded)[key], weight, rtol=1e-4, atol=1e-5)
    again, _ = resume(recorded)  # its state, with the rates' tensors, is read like any other
    assert again.metrics == recorded.metrics


@NEEDS_CUDA
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", ["quick", "default", "best"])
def test_a_gpu_s_recorded_steps_are_its_steps(name: str, precision: str, pictures: Path) -> None:
    recipe = RECIPES[name].override({"batch_size": 16})
    dataset = open_dataset(str(pictures))
    states = [TrainingState(recipe, dataset, 3, torch.device("cuda"), precision) for _ in range(2)]
    recorded = as_recorded(train_step, states[1])
    assert isinstance(recorded, RecordedStep)
    generator = torch.Generator().manual_seed(0)
    within = {"rtol": 1e-2, "atol": 1e-3} if precision == "fp32" else {"rtol": 0.05, "atol": 0.05}
    for number in range(6):
        images = torch.randn(16, 1, 28, 28, generator=generator).cuda()
        labels = torch.randint(3, (16,), generator=generator).cuda()
        losses = []
        for step, state in zip((train_step, recorded), states, strict=True):
            torch.manual_seed(number)  # of the dropout
            set_rate(state.optimizer.param_groups, learning_rate(recipe.optimisation, number, state.steps))
            losses.append(step(state, images, labels).clone())
        torch.testing.assert_close(losses[1], losses[0], **within)
    for one, other in zip(states[0].model.parameters(), states[1].model.parameters(), strict=True):
        torch.testing.assert_close(other, one, **within)
