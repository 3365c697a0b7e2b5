"""One training run: from a recipe, or from where the run was stopped, until the network is measured and pictures are drawn."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mnistlab.data.dataset import Dataset
from mnistlab.devices import pick_precision
from mnistlab.errors import Failure, Interrupted, StorageFailure, UserError
from mnistlab.evaluation import plots
from mnistlab.evaluation.evaluate import evaluate_run
from mnistlab.evaluation.result import Evaluation
from mnistlab.files import resolved
from mnistlab.networks.checkpoint import load_tensors, save_tensors
from mnistlab.recipes.finder import FinderRecipe
from mnistlab.recipes.line_reader import LineReaderRecipe
from mnistlab.recipes.papers import AnyRecipe, PaperRecipe
from mnistlab.recipes.recipe import Recipe
from mnistlab.runs.run import Run
from mnistlab.runs.store import begin_run, create_run
from mnistlab.training.display import Display
from mnistlab.training.environment import describe_environment
from mnistlab.training.film import Film
from mnistlab.training.finder import FinderState
from mnistlab.training.line_reader import LineReaderState
from mnistlab.training.loop import fit
from mnistlab.training.papers import PaperState, fit_pages
from mnistlab.training.processes import Processes, noticing_the_lost, of_first, writes
from mnistlab.training.state import TrainingState
from mnistlab.training.together import watching_together
from mnistlab.training.watch import watching

__all__ = [
    "Circumstances",
    "explain_how_to_resume",
    "going_on",
    "measure_and_draw",
    "resume_single",
    "train_single",
]

PAPER_STATES: dict[str, type[PaperState[Any, Any]]] = {
    FinderRecipe.kind: FinderState,
    LineReaderRecipe.kind: LineReaderState,
}
"""The class of the training state of each network for pages, by the kind of the network's recipe."""


@dataclass(frozen=True)
class Circumstances:
    """What a training run is given besides its recipe and seed: the same for all members of an ensemble."""

    dataset: Dataset
    data_dir: Path
    device: torch.device
    track: str | None
    display: Display
    test: bool = True
    """Whether the network is measured on the test images at the end; if not, it is measured on the validation split."""
    processes: Processes | None = None
    """The processes that train together; None without torchrun."""


def train_single(recipe: AnyRecipe, seed: int, runs_dir: Path, given: Circumstances) -> tuple[Run, Evaluation]:
    """Train the recipe's network, measure the network once and draw the run's pictures, all in a new folder in `runs_dir`."""
    settings = recipe.optimisation if isinstance(recipe, Recipe) else recipe
    precision = pick_precision(settings.precision, given.device)
    state = begin(recipe, given, seed, precision)  # before a folder is made, reports a misfit of recipe and data
    start = recipe.start if isinstance(recipe, PaperRecipe) else ""
    if isinstance(state, PaperState) and start:
        state.start_from(Path(start))
    environment = describe_environment(given.device, precision, given.processes.count if given.processes else 0)

    def new_run() -> contextlib.AbstractContextManager[Run]:
        run = create_run(runs_dir, recipe, given.dataset.spec.name, given.data_dir, seed, environment)
        if given.processes:
            given.processes.begin(str(resolved(run.path)))
        return begin_run(run)

    with of_the_first(new_run, given) as run, explain_how_to_resume(run, given.processes):
        if start:  # so that resuming the run does not need the file
            save_tensors(run.resume_path, state.state_dict())
        return carry_out(run, state, given)


def resume_single(run: Run, given: Circumstances) -> tuple[Run, Evaluation]:
    """Continue the run (call this inside `going_on`). A finished run is measured again, and its pictures are drawn again."""
    state = begin(run.recipe, given, run.seed, run.environment["precision"])
    if (saved := of_first(given.processes, lambda: saved_state(run))) is not None:
        state.load_state_dict(saved)
    if writes(given.processes):
        run.write_metrics(state.metrics)
        if state.steps_done == state.steps:
            state.save_model(run.model_path)  # a crash may have come before this was done
    return carry_out(run, state, given)


def saved_state(run: Run) -> Any:
    """The run's last saved state, or None if none has been saved yet. Raises `UserError` if that state is lost or damaged."""
    if run.resume_path.exists():
        return load_tensors(run.resume_path, "remedies.cannot_be_resumed")
    if run.metrics or run.model_path.exists():
        raise UserError("training.state_missing", resume_path=run.resume_path)
    return None


@contextlib.contextmanager
def going_on(run: Run, processes: Processes | None = None) -> Iterator[None]:
    """Inside `with`, this process, or the first of several, holds the run's lock.

    Files that an earlier process left half-written are deleted before the body of `with` runs.
    """
    locked = run.lock() if writes(processes) else contextlib.nullcontext()
    with locked, explain_how_to_resume(run, processes):
        if writes(processes):
            run.clear_leftovers()
        yield


@contextlib.contextmanager
def of_the_first(make: Callable[[], contextlib.AbstractContextManager[Run]], given: Circumstances) -> Iterator[Run]:
    """The run that `make` opens. Of several processes, the first one opens it and tells the others which run it is."""
    with contextlib.ExitStack() as stack:
        yield of_first(given.processes, lambda: stack.enter_context(make()))


@contextlib.contextmanager
def explain_how_to_resume(run: Run, processes: Processes | None = None) -> Iterator[None]:
    """Add the command that resumes `run` to the error that an interruption, a full disk or a lost process raises inside `with`.

    If such `with` blocks are nested, the outermost one decides which command is added.
    """
    values: dict[str, Any] = {"run": run.path}
    go_on, free_space = "training.interrupted", "remedies.free_space_and_go_on"
    if processes:
        go_on, free_space = "remedies.go_on_together", "remedies.free_space_and_go_on_together"
        values |= {"processes": processes.local_count}
    try:
        with noticing_the_lost() if processes else contextlib.nullcontext():
            yield
    except StorageFailure as failure:
        failure.with_remedy(free_space, **values)
        raise
    except Interrupted as stop:
        stop.with_remedy(go_on, **values)
        raise
    except Failure as failure:
        if failure.key == "training.process_lost":
            failure.with_remedy(go_on, **values)
        raise
    except KeyboardInterrupt:
        raise Interrupted("training.interrupted", remedy=go_on, **values) from None


def begin(recipe: AnyRecipe, given: Circumstances, seed: int, precision: str) -> TrainingState | PaperState[Any, Any]:
    """The state from which the recipe's training starts.

    Raises `UserError` if the recipe and the dataset do not fit each other, or if processes that train together differ
    in their versions, recipe, seed, data, precision or kind of device.
    """
    if isinstance(recipe, PaperRecipe):
        return PAPER_STATES[recipe.kind](recipe, given.dataset, seed, given.device, precision)
    state = TrainingState(recipe, given.dataset, seed, given.device, precision)
    if given.processes:
        given.processes.compare(
            {
                "training.differing_versions": describe_environment(given.device, precision)["packages"],
                "training.differing_recipe": recipe.to_dict(),
                "training.differing_seed": seed,
                "training.differing_data": state.data,
                "training.differing_precision": precision,
                "training.differing_device": given.device.type,
            }
        )
        state.share(given.processes)
    return state


def carry_out(run: Run, state: TrainingState | PaperState[Any, Any], given: Circumstances) -> tuple[Run, Evaluation]:
    """Train to the end, measure once, draw the pictures.

    Parameters
    ----------
    run
        The folder of the run, locked by the caller.
    state
        What to train, from its current step on.
    given
        How to report the progress, and where the images are that the network is measured on.

    Returns
    -------
    tuple of Run and Evaluation
        The finished run, and its result on the test images or, if `given.test` is False, on those kept for validation.
    """
    if isinstance(state, PaperState):
        with watching(run, state, given.display, given.track) as watch:
            fit_pages(state, watch)
    elif given.processes:
        with watching_together(given.processes, run, state, given.display, given.track) as together:
            fit(state, together)
    else:
        with watching(run, state, given.display, given.track, Film(state, run.path)) as watch:
            fit(state, watch)
    return run, of_first(given.processes, lambda: measure_and_draw(run, given))


def measure_and_draw(run: Run, given: Circumstances) -> Evaluation:
    """Measure the run on the test split (if `given.test` is False, the validation split), save the result, and draw pictures."""
    evaluation = evaluate_run(run, "test" if given.test else "val", device=str(given.device), data_dir=given.data_dir)
    if not given.test:
        run.write_validation(evaluation.to_dict())
    plots.draw_run(run, evaluation)
    return evaluation
