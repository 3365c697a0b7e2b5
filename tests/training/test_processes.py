"""One training by several processes: the same as by one; stopped, killed and begun anew; refused where it cannot be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from mnistlab.data.batches import BatchDataset
from mnistlab.data.dataset import open_dataset
from mnistlab.errors import Failure, Interrupted, UserError
from mnistlab.evaluation.result import Evaluation
from mnistlab.files import sha256
from mnistlab.networks.checkpoint import load_tensors
from mnistlab.recipes.recipe import Recipe
from mnistlab.runs.run import Run
from mnistlab.runs.store import list_runs
from mnistlab.training import loop
from mnistlab.training.experiment import resume, train
from mnistlab.training.loop import train_step
from mnistlab.training.optimizers import make_optimizer
from mnistlab.training.processes import Processes, joined
from mnistlab.training.replica import Part
from mnistlab.training.state import TrainingState
from tests.support.comparing import same, weights, without_times
from tests.support.launched import Group, group, said_by
from tests.support.noting import take_steps
from tests.training.small import RECIPE, STEPS

pytestmark = pytest.mark.usefixtures("no_drawing")

LONG = RECIPE.override(dropout=0, epochs=13, rotate=10, scale=0.1, shift=2)
KINDS = {
    LONG.override(batch_norm=False, learning_rate=0.02, rejects=0.25): torch.float32,
    LONG.override(batch_norm=False, learning_rate=0.02, dropout=0.3, hidden=8): torch.float32,
    LONG.override(hidden=8, depth=2, dropout=0.3): torch.float64,
}
"""Trainings, and what they are computed in: steps with batch norm make much of the last bits of float32, in one process too."""
FILES = {
    "config.json", "environment.json", "metrics.jsonl", "model.pth", "resume.pt", "snapshots.npz", "test.json", "training.png",
    "confusion.png", "mistakes.png", ".lock",
}  # fmt: skip


@pytest.fixture
def others() -> Iterator[Group]:
    with group() as made:
        yield made


@pytest.fixture(scope="module")
def whole(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Run, Evaluation]]:
    """What each of two processes gave that trained together, undisturbed."""
    with group() as made:
        return made.run(*[partial(trained, pictures, tmp_path_factory.mktemp("whole"))] * 2)


def trained(pictures: Path, runs: Path, recipe: Recipe = RECIPE) -> tuple[Run, Evaluation]:
    return train(recipe, dataset=str(pictures), runs_dir=runs, seed=3)


def hit(number: int, pictures: Path, runs: Path) -> tuple[Run, Evaluation]:
    """Like `trained`, but this process gets a signal in the second step of the second epoch."""

    def step(state: TrainingState, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if state.steps_done == STEPS + 1:
            os.kill(os.getpid(), number)
        return train_step(state, images, labels)

    loop.train_step = step
    return trained(pictures, runs)


def fifty_steps(pictures: Path) -> list[tuple[list[float], str, list[int]]]:
    """The losses of the first fifty steps of each kind, the weights' digest and the random generator's state after them."""
    given = []
    for recipe, dtype in KINDS.items():
        with joined() as processes:
            state = TrainingState(recipe, open_dataset(str(pictures)), 3, torch.device("cpu"), "fp32")
            state.model.to(dtype)
            state.optimizer = make_optimizer(state.model, recipe.optimisation)
            if processes:
                state.share(processes)
            state.val_loader = None
            widen(state.loader.dataset, dtype)
            losses = take_steps(state, 50)
            digest = sha256(b"".join(value.numpy().tobytes() for value in state.final_model.state_dict().values()))
            given.append((losses, digest, torch.get_rng_state().tolist()))
    return given


def widen(dataset: BatchDataset, dtype: torch.dtype) -> None:
    """Let it give images of this type."""
    draw = dataset.batch

    def batch(indices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        images, labels = draw(indices)
        return images.to(dtype), labels

    dataset.batch = batch  # type: ignore[method-assign]


# the same training run


@pytest.fixture(scope="module")
def alone(pictures: Path) -> list[tuple[list[float], str, list[int]]]:
    return fifty_steps(pictures)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_several_processes_take_the_steps_of_one(count: int, alone: list[Any], others: Group, pictures: Path) -> None:
    each = others.run(*[partial(fifty_steps, pictures)] * count)

    for expected, *given in zip(alone, *each, strict=True):
        for losses, digest, random in given:
            assert losses == pytest.approx(expected[0], rel=1e-4)
            assert random == expected[2]  # so that the data of all steps to come is the same too
            assert digest == given[0][1]


@pytest.mark.parametrize(("count", "total"), [(1, 1), (2, 16), (3, 16), (4, 21), (7, 7)])
def test_parts_are_alike_and_make_up_the_batch(count: int, total: int) -> None:
    rows = torch.arange(total)
    parts = [Part.of(rank, count, total) for rank in range(count)]

    assert torch.equal(torch.cat([part(rows) for part in parts]), rows)
    assert {len(part(rows)) for part in parts} <= {total // count, total // count + 1}
    assert sum(part.share for part in parts) == pytest.approx(1)


def test_one_folder_is_written_and_all_get_what_came_of_it(whole: list[tuple[Run, Evaluation]], finished: Run) -> None:
    (run, evaluation), (other, told) = whole

    assert run == other
    assert evaluation.confusion.tolist() == told.confusion.tolist()
    assert [path.name for path in run.path.parent.iterdir()] == [run.path.name]
    assert {path.name for path in run.path.iterdir()} == FILES
    assert run.environment["processes"] == 2
    assert run.environment["device_title"].startswith("2 x ")
    assert "processes" not in finished.environment
    for row, expected in zip(run.metrics, finished.metrics, strict=True):
        assert set(row) == set(expected)
        assert row["train_loss"] == pytest.approx(expected["train_loss"], rel=1e-4)
        assert row["val_loss"] == pytest.approx(expected["val_loss"], rel=1e-3)


# stopped, killed, begun anew


def test_a_signal_to_any_process_stops_all_and_they_go_on_where_they_were(
    whole: list[tuple[Run, Evaluation]], others: Group, pictures: Path, tmp_path: Path
) -> None:
    first, second = others.run(partial(trained, pictures, tmp_path), partial(hit, signal.SIGTERM, pictures, tmp_path))

    for stop, elsewhere in (first, second):
        assert isinstance(stop, Interrupted)
        assert stop.message.startswith("Stopped after step 6 of 8")
        assert stop.exit_code == 128 + signal.SIGTERM
        assert elsewhere is (stop is second[0])
    (run,) = list_runs(tmp_path)
    assert isinstance(run, Run)
    assert f"torchrun --nproc-per-node 2 -m mnistlab train --resume {run.path}" in first[0].command_remedy
    state = load_tensors(run.resume_path, "remedies.cannot_be_resumed")

    with group() as three:
        copies = [tmp_path / "copies" / str(count) for count in (2, 3)]
        for copy in copies:
            copy_of_run(run, copy)
        (again, _), _ = others.run(*[partial(resume, copies[0])] * 2)
        (by_three, _), *_ = three.run(*[partial(resume, copies[1])] * 3)
    by_one, _ = resume(run)
    expected = whole[0][0]
    assert same(weights(again), weights(expected))
    assert without_times(again.metrics) == without_times(expected.metrics)
    assert state["steps_done"] == 6
    for other in (by_three, by_one):
        end = load_tensors(other.resume_path, "remedies.cannot_be_resumed")
        assert torch.equal(end["random"]["cpu"], expected_random(expected))
        assert other.metrics[-1]["train_loss"] == pytest.approx(expected.metrics[-1]["train_loss"], rel=1e-4)


def copy_of_run(run: Run, folder: Path) -> None:
    folder.mkdir(parents=True)
    for path in run.path.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())


def expected_random(run: Run) -> torch.Tensor:
    random: torch.Tensor = load_tensors(run.resume_path, "remedies.cannot_be_resumed")["random"]["cpu"]
    return random


@pytest.mark.parametrize("rank", [0, 1])
def test_where_a_process_is_killed_the_other_says_how_to_go_on_and_begun_anew_they_do(
    rank: int, whole: list[tuple[Run, Evaluation]], others: Group, pictures: Path, tmp_path: Path
) -> None:
    calls = [partial(trained, pictures, tmp_path), partial(trained, pictures, tmp_path)]
    calls[rank] = partial(hit, signal.SIGKILL, pictures, tmp_path)
    given = others.run(*calls)

    assert given[rank] is None
    lost, elsewhere = given[1 - rank]
    (run,) = list_runs(tmp_path)
    assert isinstance(run, Run)
    assert isinstance(lost, Failure)
    assert lost.message == "Another process of this training run has ended, or the connection to it has been lost."
    assert f"torchrun --nproc-per-node 2 -m mnistlab train --resume {run.path}" in lost.command_remedy
    assert not elsewhere
    assert len(run.metrics) == 1

    (again, _), _ = others.run(*[partial(trained, pictures, tmp_path)] * 2)  # the same, as torchrun does
    assert again == run
    assert same(weights(again), weights(whole[0][0]))
    assert without_times(again.metrics) == without_times(whole[0][0].metrics)
    assert len(list(list_runs(tmp_path))) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="one start of torchrun is enough")
def test_torchrun_begins_anew_by_itself_where_a_process_is_killed(
    whole: list[tuple[Run, Evaluation]], pictures: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--max-restarts", "1"]
    arguments = ["--dataset", str(pictures), "--runs", str(tmp_path), "--seed", "3"]
    done = subprocess.run(
        [*command, "-m", "tests.support.dies_once", *options_of(RECIPE), *arguments],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip

    (run,) = list_runs(tmp_path)
    assert isinstance(run, Run), done.stderr
    assert done.returncode == 0, done.stderr
    assert (
        done.stderr.count("error: ")
        == done.stderr.count(f"--nproc-per-node 2 -m mnistlab train --resume {run.path}")
        == 1
    )
    assert done.stdout.count("Test accuracy") == 1
    assert same(weights(run), weights(whole[0][0]))
    assert without_times(run.metrics) == without_times(whole[0][0].metrics)


def options_of(recipe: Recipe) -> list[str]:
    """The command that trains such a recipe, for the fields in which those of the tests differ from two-conv."""
    fields = {name: getattr(recipe.optimisation, name) for name in ("epochs", "precision")}
    fields |= {"batch-size": 16, "widths": 4, "kernel-size": 3, "hidden": 0}
    return ["train", "two-conv", *(word for name, value in fields.items() for word in (f"--{name}", str(value)))]


# what cannot be


def said_by_all(commands: list[list[str]]) -> list[tuple[int, str, str]]:
    return [said_by(command) for command in commands]


def test_what_processes_cannot_do_together_is_said_once(
    others: Group, pictures: Path, tmp_path: Path, whole: list[tuple[Run, Evaluation]]
) -> None:
    fewer = tmp_path / "fewer"
    for label in ("0", "1", "2"):
        (fewer / label).mkdir(parents=True)
        for path in sorted((pictures / label).iterdir())[1:]:
            (fewer / label / path.name).write_bytes(path.read_bytes())
    base = [*options_of(RECIPE), "--runs", str(tmp_path / "runs"), "--dataset"]
    given, run = [*base, str(pictures)], str(whole[0][0].path)
    cases = [
        (
            [*given, "--seed", "1"],
            [*given, "--seed", "2"],
            2,
            "The processes of ranks 0 and 1 have different seeds.",
        ),
        (given, [*given, "--momentum", "0.8"], 2, "have different recipes."),
        (given, [*base, str(fewer)], 2, "have different training data."),
        (given, ["train", "--resume", run], 2, "have different runs to resume."),
        ([*given, "--batch-size", "1", "--no-batch-norm"],) * 2
        + (2, "2 processes cannot share a batch of 1 image: each process needs at least one image"),
        (["train", "ensemble"],) * 2 + (2, "the recipe ensemble has 3 networks. Train the recipe without torchrun"),
        (["train", "finder"],) * 2 + (2, "The recipe finder cannot be trained by several processes"),
        (["train", "four-conv"],) * 2 + (2, "Unknown recipe 'four-conv'"),
        (["train", "--no-such-option"],) * 2 + (2, "--no-such-option"),
        (["sweep", "quick"],) * 2 + (2, "With torchrun, all processes train one network together"),
        ([*given, "--learning-rate", "100", "--momentum", "0.99"],) * 2 + (1, "became"),
    ]
    each = others.run(*[partial(said_by_all, [case[rank] for case in cases]) for rank in (0, 1)])

    for case, *ends in zip(cases, *each, strict=True):
        said = [line for _, _, err in ends for line in err.splitlines() if line.startswith("error: ")]
        assert len(said) == 1, (case, ends)
        assert case[-1] in said[0]
        assert {code for code, _, _ in ends} == {case[-2]}
        assert not any(out for _, out, _ in ends)
    assert len(list(list_runs(tmp_path / "runs"))) == 1  # that of the broken loss


def test_only_several_processes_may_not_name_one_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda number: None)
    one = object.__new__(Processes)
    one.local_rank, one.local_count = 0, 1
    assert one.device(torch.device("cuda:1"), automatic=False) == torch.device("cuda:1")
    assert one.device(torch.device("cuda"), automatic=True) == torch.device("cuda:0")
    one.local_rank, one.local_count = 1, 2
    assert one.device(torch.device("cuda"), automatic=True) == torch.device("cuda:1")
    with pytest.raises(UserError, match="cuda:1 is one GPU, but each of the 2 processes needs one of its own"):
        one.device(torch.device("cuda:1"), automatic=False)
    with pytest.raises(UserError, match="With torchrun, a network cannot be trained on MPS"):
        one.device(torch.device("mps"), automatic=False)


def test_a_group_of_the_callers_own_is_left_alone(others: Group, pictures: Path, tmp_path: Path) -> None:
    first, second = others.run(*[partial(each_alone, pictures, tmp_path / name) for name in "ab"])

    assert same(weights(first), weights(second))
    assert first.path != second.path
    assert "processes" not in first.environment


def each_alone(pictures: Path, runs: Path) -> Run:
    torch.distributed.init_process_group("gloo")
    run, _ = trained(pictures, runs, RECIPE.override(steps=1))
    torch.distributed.destroy_process_group()
    return run
