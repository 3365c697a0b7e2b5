"""Many training runs, one for every setting of a grid with each of several seeds; each has an ordinary run folder.

A sweep's progress is recorded in its runs folder and nowhere else: any run in that folder with the same recipe, seed and dataset
counts as one of the sweep's training runs, whoever started it. So a sweep that was stopped continues when it is started again,
and one with more seeds or more settings than before trains only what is new.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import torch

from mnistlab.data.dataset import open_dataset
from mnistlab.devices import GENERATOR, pick_device, pick_precision
from mnistlab.errors import (
    Failure,
    Interrupted,
    StorageFailure,
    UserError,
    is_out_of_memory,
    whole_number,
)
from mnistlab.evaluation.evaluate import evaluate_run
from mnistlab.files import check_folder
from mnistlab.messages.sentences import Clause
from mnistlab.recipes.catalog import member_of
from mnistlab.recipes.grid import Setting, seed_of
from mnistlab.recipes.recipe import EnsembleRecipe, Recipe
from mnistlab.runs.run import Run
from mnistlab.runs.store import list_runs
from mnistlab.training.display import Display, Silent
from mnistlab.training.experiment import check_validation, resume, train
from mnistlab.training.processes import started_with_others
from mnistlab.training.state import TrainingState

__all__ = ["Engine", "Follower", "Outcome", "Sweep", "Trial", "carry_out", "find_runs", "one_after_the_other", "sweep"]


@dataclass(frozen=True)
class Trial:
    """One training run of a sweep."""

    setting: Setting
    number: int
    """The run's number among the runs of its setting, from 0. Runs with the same number are compared with one another."""

    @property
    def seed(self) -> int:
        """The seed of the training run."""
        return seed_of(self.setting.recipe, self.number)


@dataclass(frozen=True)
class Sweep:
    """What to train, on which data, and where to put the runs."""

    settings: tuple[Setting, ...]
    seeds: int
    """The number of training runs of each setting."""
    first: int = 0
    """The `number` of the first training run of each setting; the numbers of its other runs count up from this one."""
    dataset: str = "mnist"
    data_dir: Path = Path("data")
    runs_dir: Path = Path("runs")
    device: str = "auto"
    cores: int = 0
    """The number of threads with which a training run computes; 0 for torch's default."""
    test: bool = False
    """Whether each run is also measured, once, on the test images."""
    download: bool = False
    """Whether to try torchvision's mirrors first for missing files, as for `open_dataset`."""

    @property
    def trials(self) -> list[Trial]:
        """All training runs, seed by seed, so that settings can be compared even before all runs are done."""
        return [Trial(setting, n) for n in range(self.first, self.first + self.seeds) for setting in self.settings]


Outcome = Run | Failure
"""How a trial ends: with its finished run, or with the error that explains why there is no finished run."""


class Follower(Protocol):
    """A listener to a sweep's progress."""

    def begin(self, trial: Trial) -> Display:
        """Called when a trial begins. The returned display follows the trial's training if that takes place in this process."""

    def at(self, trial: Trial, share: float) -> None:
        """Called while a trial is trained in another process: `share` of the trial, 0 to 1, is done."""

    def end(self, trial: Trial, outcome: Outcome) -> None:
        """Called when a trial is over; for a trial that was done before the sweep began, called before any other trial begins."""


Engine = Callable[[Sweep, Sequence[Trial], Follower], Iterator[tuple[Trial, Outcome]]]
"""Carries out the trials in any order, and yields each trial with its outcome as soon as the trial ends."""


def one_after_the_other(plan: Sweep, trials: Sequence[Trial], follower: Follower) -> Iterator[tuple[Trial, Outcome]]:
    """Carry out the trials in the given order, in this process."""
    for trial in trials:
        yield trial, outcome_of(plan, trial, follower.begin(trial))


def sweep(plan: Sweep, follower: Follower, engine: Engine = one_after_the_other) -> dict[Trial, Outcome]:
    """Carry out all trials of a sweep that are not done yet.

    Returns
    -------
    dict of Trial to Outcome
        The outcome of each trial, in the order of `plan.trials`.

    Raises
    ------
    UserError
        If something cannot be done as asked; most such errors are found before anything is trained.
    StorageFailure, Interrupted
        If the disk is full, or after a signal. What was trained is kept, and the same sweep, started again, continues from there.
    """
    check(plan)
    outcomes: dict[Trial, Outcome] = {}
    for trial, run in find_runs(plan, plan.trials).items():
        if is_done(plan, run):
            outcomes[trial] = run
            follower.end(trial, run)
    try:
        for trial, outcome in engine(plan, [trial for trial in plan.trials if trial not in outcomes], follower):
            outcomes[trial] = outcome
            follower.end(trial, outcome)
    except StorageFailure as failure:
        failure.with_remedy("training.sweep_disk_full")
        raise
    except Interrupted as stop:
        stop.with_remedy("training.sweep_interrupted")
        raise
    except KeyboardInterrupt:  # between two training runs
        done, total = len(outcomes), len(plan.trials)
        raise Interrupted("training.sweep_interrupted", done=done, total=total) from None
    return {trial: outcomes[trial] for trial in plan.trials}


def check(plan: Sweep) -> None:
    """Before anything is trained, raise `UserError` if any part of the sweep cannot be carried out."""
    if started_with_others():
        raise UserError("training.sweep_together")
    check_folder(plan.runs_dir)
    recipes = [setting.recipe for setting in plan.settings]
    for recipe in recipes:
        check_validation(recipe, plan.test)
        last = seed_of(recipe, plan.first + plan.seeds - 1)
        high = 2**32 - recipe.trainings
        whole_number(last, Clause("names.seed"), 0, high, wrong="training.last_seed_out_of_range")
    device, dataset = pick_device(plan.device), open_dataset(plan.dataset, plan.data_dir, download=plan.download)
    for recipe in recipes:
        precision = pick_precision(recipe.optimisation.precision, device)
        with GENERATOR:
            for member in members_of(recipe):
                TrainingState(member, dataset, 0, device, precision)


def members_of(recipe: Recipe) -> list[Recipe]:
    """The recipes of the networks that this recipe trains, each of them once."""
    if not isinstance(recipe, EnsembleRecipe):
        return [recipe]
    return [member_of(recipe, number) for number in range(max(1, len(recipe.ensemble.networks)))]


def find_runs(plan: Sweep, trials: Sequence[Trial]) -> dict[Trial, Run]:
    """The existing runs of these trials, finished or not; if a trial has several, the one that has got furthest."""
    dataset = open_dataset(plan.dataset, plan.data_dir).spec.name
    wanted = {(without_words(trial.setting.recipe), trial.seed): trial for trial in trials}
    found: dict[Trial, Run] = {}
    for run in list_runs(plan.runs_dir):
        if not isinstance(run, Run) or not isinstance(run.recipe, Recipe) or run.dataset != dataset:
            continue
        trial = wanted.get((without_words(run.recipe), run.seed))
        if trial and (trial not in found or how_far(plan, run) > how_far(plan, found[trial])):
            found[trial] = run
    return found


def without_words(recipe: Recipe) -> Recipe:
    """The recipe without its summary, which has no influence on training."""
    return replace(recipe, summary="")


def how_far(plan: Sweep, run: Run) -> tuple[bool, bool]:
    """How far the run has got, as a value that can be compared with that of another run of the same trial."""
    return is_done(plan, run), run.is_finished


def is_done(plan: Sweep, run: Run) -> bool:
    """Whether there is nothing left to do for the run."""
    validated = run.classifier.data.validation is None or run.validation is not None
    return run.is_finished and validated and not (plan.test and run.test is None)


def outcome_of(plan: Sweep, trial: Trial, display: Display) -> Outcome:
    """Carry out the trial. If its loss becomes NaN or memory runs out, this trial fails without stopping the other trials."""
    try:
        return carry_out(plan, trial, display)
    except StorageFailure:
        raise
    except Failure as failure:
        return failure
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return Failure("cli.out_of_memory")


def carry_out(plan: Sweep, trial: Trial, display: Display | None = None) -> Run:
    """The trial's run, trained from its beginning or from where it was stopped, and measured."""
    run, display = find_runs(plan, [trial]).get(trial), display or Silent()
    with computing_on(plan.cores):
        if run is None:
            run, _ = train(
                trial.setting.recipe, dataset=plan.dataset, data_dir=plan.data_dir, runs_dir=plan.runs_dir,
                seed=trial.seed, device=plan.device, display=display, test=plan.test,
            )  # fmt: skip
        elif not run.is_finished or (plan.test and run.test is None):
            run, _ = resume(run, data_dir=plan.data_dir, display=display, test=plan.test)
        if run.classifier.data.validation and run.validation is None:
            run.write_validation(evaluate_run(run, "val", device=plan.device, data_dir=plan.data_dir).to_dict())
    return run


@contextlib.contextmanager
def computing_on(cores: int) -> Iterator[None]:
    """Inside `with`, torch uses `cores` threads, or its default number of threads if `cores` is 0.

    A run that is resumed sets the number of threads itself.
    """
    before = torch.get_num_threads()
    try:
        if cores:
            torch.set_num_threads(cores)
        yield
    finally:
        torch.set_num_threads(before)
