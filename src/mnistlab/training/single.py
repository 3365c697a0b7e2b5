"""One training, from a recipe or where it was stopped to a measured run folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from mnistlab.data.dataset import Dataset
from mnistlab.devices import pick_precision
from mnistlab.errors import Interrupted, StorageFailure, UserError
from mnistlab.evaluation import plots
from mnistlab.evaluation.evaluate import evaluate_run
from mnistlab.evaluation.result import Evaluation
from mnistlab.networks.checkpoint import load_tensors
from mnistlab.recipes.finder import AnyRecipe, FinderRecipe
from mnistlab.recipes.recipe import Recipe
from mnistlab.runs.run import Run
from mnistlab.runs.store import begin_run, create_run
from mnistlab.training.display import Display
from mnistlab.training.environment import describe_environment
from mnistlab.training.film import Film
from mnistlab.training.finder import FinderState, fit_finder
from mnistlab.training.loop import fit
from mnistlab.training.state import TrainingState
from mnistlab.training.watch import watching

__all__ = [
    "Circumstances",
    "explain_how_to_resume",
    "going_on",
    "measure_and_draw",
    "resume_single",
    "train_single",
]


@dataclass(frozen=True)
class Circumstances:
    """What a training is given beside its recipe and seed, the same for all members of an ensemble."""

    dataset: Dataset
    data_dir: Path
    device: torch.device
    track: str | None
    display: Display
    test: bool = True
    """Whether the test images are read at the end; if not, those of the validation split are."""


def train_single(recipe: AnyRecipe, seed: int, runs_dir: Path, given: Circumstances) -> tuple[Run, Evaluation]:
    """Train the recipe's network, measure it once, draw, all in a new folder in `runs_dir`."""
    settings = recipe.optimisation if isinstance(recipe, Recipe) else recipe
    precision = pick_precision(settings.precision, given.device)
    state = begin(recipe, given, seed, precision)  # what does not fit shows here, before there is a folder
    environment = describe_environment(given.device, precision)
    with (
        begin_run(create_run(runs_dir, recipe, given.dataset.spec.name, given.data_dir, seed, environment)) as run,
        explain_how_to_resume(run),
    ):
        return carry_out(run, state, given)


def resume_single(run: Run, given: Circumstances) -> tuple[Run, Evaluation]:
    """Go on with the run inside `going_on`; one that is finished is measured and drawn again."""
    state = begin(run.recipe, given, run.seed, run.environment["precision"])
    if run.resume_path.exists():
        state.load_state_dict(load_tensors(run.resume_path, "remedies.cannot_be_resumed"))
    elif run.metrics or run.model_path.exists():
        raise UserError("training.state_missing", resume_path=run.resume_path)
    run.write_metrics(state.metrics)
    if state.steps_done == state.steps:
        state.save_model(run.model_path)  # a crash may have come before it
    return carry_out(run, state, given)


@contextlib.contextmanager
def going_on(run: Run) -> Iterator[None]:
    """Inside `with` the run is this process's, and what another one left half written is gone."""
    with run.lock(), explain_how_to_resume(run):
        run.clear_leftovers()
        yield


@contextlib.contextmanager
def explain_how_to_resume(run: Run) -> Iterator[None]:
    """Add to whatever stops the work inside `with` the command that resumes `run`; if nested, the outermost counts."""
    try:
        yield
    except StorageFailure as failure:
        failure.with_remedy("remedies.free_space_and_go_on", run=run.path)
        raise
    except Interrupted as stop:
        stop.with_remedy("training.interrupted", run=run.path)
        raise
    except KeyboardInterrupt:
        raise Interrupted("training.interrupted", run=run.path) from None


def begin(recipe: AnyRecipe, given: Circumstances, seed: int, precision: str) -> TrainingState | FinderState:
    """The recipe's training at its beginning. Raises `UserError` where recipe and dataset do not fit each other."""
    if isinstance(recipe, FinderRecipe):
        return FinderState(recipe, given.dataset, seed, given.device, precision)
    return TrainingState(recipe, given.dataset, seed, given.device, precision)


def carry_out(run: Run, state: TrainingState | FinderState, given: Circumstances) -> tuple[Run, Evaluation]:
    """Train to the end, measure once, draw the pictures.

    Parameters
    ----------
    run
        The folder of the run, locked by the caller.
    state
        What to train, from wherever it is.
    given
        How to follow it, and where the images are that it is measured on.

    Returns
    -------
    tuple of Run and Evaluation
        The run, finished, and its result on the test images, or on those kept for validation.
    """
    film = Film(state, run.path) if isinstance(state, TrainingState) else None
    with watching(run, state, given.display, given.track, film) as watch:
        if isinstance(state, FinderState):
            fit_finder(state, watch)
        else:
            fit(state, watch)
    return run, measure_and_draw(run, given)


def measure_and_draw(run: Run, given: Circumstances) -> Evaluation:
    """Measure the run on the test split, or on the validation split where nothing is tested, write that down, draw."""
    evaluation = evaluate_run(run, "test" if given.test else "val", device=str(given.device), data_dir=given.data_dir)
    if not given.test:
        run.write_validation(evaluation.to_dict())
    plots.draw_run(run, evaluation)
    return evaluation
