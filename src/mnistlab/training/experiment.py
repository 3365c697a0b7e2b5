"""From a recipe to a run folder that holds everything: train, measure once and draw pictures; resume after an interruption."""

from __future__ import annotations

from pathlib import Path

import torch

from mnistlab.data.dataset import Dataset, open_dataset
from mnistlab.devices import GENERATOR, pick_device
from mnistlab.errors import UserError, whole_number
from mnistlab.evaluation.result import Evaluation
from mnistlab.files import check_folder, given_path, resolved
from mnistlab.messages.sentences import Clause
from mnistlab.recipes.catalog import find_recipe
from mnistlab.recipes.papers import AnyRecipe
from mnistlab.recipes.recipe import EnsembleRecipe, Recipe
from mnistlab.runs.run import Run
from mnistlab.runs.store import find_run
from mnistlab.training.display import Display, Silent
from mnistlab.training.ensembles import resume_ensemble, train_ensemble
from mnistlab.training.processes import Processes, here, joined, of_first
from mnistlab.training.single import Circumstances, going_on, resume_single, train_single
from mnistlab.training.tracking import check_packages

__all__ = ["resume", "train"]


@joined()
def train(
    recipe: AnyRecipe | str = "default",
    *,
    dataset: str | Path = "mnist",
    data_dir: str | Path = "data",
    download: bool = False,
    runs_dir: str | Path = "runs",
    seed: int = 0,
    device: str | torch.device = "auto",
    track: str | None = None,
    display: Display | None = None,
    opened: Dataset | None = None,
    test: bool = True,
) -> tuple[Run, Evaluation]:
    """Train `recipe` on `dataset`, test the network once and draw pictures; the returned run's folder holds all that is made.

    The members of an ensemble are trained one after the other, as runs inside the run's folder, and then combined.
    If several threads of one process train, they take turns, as they share torch's random generator; anything else that draws
    from it meanwhile (`torch.rand`, a new network) changes the result. Unless torch.distributed is already initialised,
    processes started by torchrun train one network together: the first process writes the folder; all return the same run.

    Parameters
    ----------
    recipe : Recipe, PaperRecipe or str
        The recipe, or its name.
    dataset, data_dir, download
        As for `open_dataset`.
    runs_dir : str or Path
        The folder in which the run folder is made.
    seed : int
        Decides all that is random; 0 to 2**32 minus the number of networks, because an ensemble's further seeds count up from it.
    device, track, display : optional
        The device: "auto", "cpu", "cuda", "cuda:1" or "mps"; the tracker: "tensorboard" or None; what shows the progress.
    opened, test : optional
        The `dataset` in `data_dir`, if already opened; whether to measure on the test split rather than the validation split.

    Returns
    -------
    Run, Evaluation
        The run, and the result of its network on the split that `test` chooses.

    Raises
    ------
    UserError
        If something cannot be done as asked; this is raised before a folder is made.
    Failure, Interrupted
        If the loss becomes NaN or the disk is full (Failure), or after a signal (Interrupted).
    """
    chosen, seed, processes = checked(recipe, seed, track, test)
    runs_dir, data_dir = given_path(runs_dir, "runs_dir"), given_path(data_dir, "data_dir")
    check_folder(runs_dir)
    if begun := processes and of_first(processes, processes.begun):  # torchrun has restarted the processes
        return resume(begun, data_dir=data_dir, track=track, display=display, test=test)
    target = device_here(device, processes)
    opened = opened or open_dataset(dataset, data_dir, download=download)
    given = Circumstances(opened, resolved(data_dir), target, track, display or Silent(), test, processes)
    with GENERATOR:
        if isinstance(chosen, EnsembleRecipe):
            return train_ensemble(chosen, seed, runs_dir, given)
        return train_single(chosen, seed, runs_dir, given)


def checked(
    recipe: AnyRecipe | str, seed: int, track: str | None, test: bool
) -> tuple[AnyRecipe, int, Processes | None]:
    """The recipe, the seed, and the processes that train together. Raises `UserError` if an argument is not allowed."""
    chosen = recipe if isinstance(recipe, AnyRecipe) else find_recipe(recipe)
    seed = whole_number(seed, Clause("names.seed"), 0, 2**32 - chosen.trainings)  # each network has a seed of its own
    check_packages(track)
    check_validation(chosen, test)
    return chosen, seed, processes_for(chosen)


def processes_for(recipe: AnyRecipe) -> Processes | None:
    """The processes that train the recipe together, or None. Raises `UserError` if several cannot train this recipe together."""
    processes = here()
    if type(recipe) is Recipe or processes is None:
        return processes
    if processes.count > 1:
        key = "training.ensemble_together" if isinstance(recipe, EnsembleRecipe) else "training.papers_together"
        raise UserError(key, recipe=recipe.name, count=processes.count, networks=recipe.trainings)
    return None


def device_here(name: str | torch.device, processes: Processes | None) -> torch.device:
    """The device called `name`; if several processes train, this process's own. Raises `UserError` if there is no such device."""
    target = pick_device(name)
    return processes.device(target, automatic=name == "auto") if processes else target


def check_validation(recipe: AnyRecipe, test: bool) -> None:
    """Raise `UserError` if the test split is not to be used and the recipe keeps no images for validation either."""
    if not test and isinstance(recipe, Recipe) and recipe.data.validation is None:
        raise UserError("training.nothing_to_validate", recipe=recipe.name, split=recipe.data.split)


@joined()
def resume(
    run: Run | str | Path,
    *,
    data_dir: str | Path | None = None,
    runs_dir: str | Path = "runs",
    track: str | None = None,
    display: Display | None = None,
    test: bool = True,
) -> tuple[Run, Evaluation]:
    """Continue a run that was interrupted or killed, as if that had not happened: the final model is the same, bit for bit.

    That holds on the same machine with the same versions and, with torchrun, the same number of processes; with another number
    of processes, only the batches are the same. A finished run is measured again, and its pictures are drawn again.

    Parameters
    ----------
    run : Run, str or Path
        The run, as for `find_run`.
    data_dir : str or Path, optional
        Where the data is now, if it has moved.
    runs_dir, track, display, test
        As for `train`.

    Returns
    -------
    Run, Evaluation
        As for `train`.

    Raises
    ------
    UserError
        If a file of the run is missing or damaged, its device is not available, or its data has changed.
    Failure, Interrupted
        As for `train`.
    """
    check_packages(track)
    found = of_first(here(), lambda: find_run(run, runs_dir))
    check_validation(found.recipe, test)
    processes = processes_for(found.recipe)
    environment = of_first(processes, lambda: found.environment)
    try:
        name = environment["device"]
        target = device_here(name.partition(":")[0] if processes else name, processes)
    except UserError as error:
        error.with_remedy("remedies.same_machine")
        raise
    folder = found.find_data(data_dir)
    with GENERATOR, going_on(found, processes):
        if environment.get("processes", 0) == (processes.count if processes else 0):
            torch.set_num_threads(environment["threads"])  # their number decides the last bits of sums
        dataset = open_dataset(found.dataset, folder)
        given = Circumstances(dataset, folder, target, track, display or Silent(), test, processes)
        if isinstance(found.recipe, EnsembleRecipe):
            return resume_ensemble(found, found.recipe, given)
        return resume_single(found, given)
