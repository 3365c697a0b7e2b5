"""From a recipe to a run folder that holds everything: train, test once, draw; go on after an interruption; ensembles."""

from __future__ import annotations

from pathlib import Path

import torch

from mnistlab.data.dataset import Dataset, open_dataset
from mnistlab.devices import GENERATOR, pick_device, pick_precision
from mnistlab.errors import UserError, whole_number
from mnistlab.evaluation.result import Evaluation
from mnistlab.files import check_folder, local_text
from mnistlab.networks.checkpoint import load_tensors, save_model
from mnistlab.recipes.catalog import find_recipe, member_of
from mnistlab.recipes.recipe import Recipe
from mnistlab.runs.run import Run
from mnistlab.runs.store import begin_run, find_run, list_runs
from mnistlab.training.display import Display, Silent
from mnistlab.training.ensembles import check_members, finish
from mnistlab.training.environment import describe_environment
from mnistlab.training.single import carry_out, told_how_to_go_on
from mnistlab.training.state import TrainingState
from mnistlab.training.tracking import check_tracker

__all__ = ["resume", "train"]


def train(
    recipe: Recipe | str = "default",
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
) -> tuple[Run, Evaluation]:
    """Train `recipe` on `dataset`, test the result once, draw its pictures; the run folder that comes back holds it all.

    A recipe of several `members` trains them one after the other, with the seeds from `seed` on, as runs inside the run's
    folder, and combines them; `seed` is from 0 to 2**32 less their number. `opened` is `dataset` in `data_dir` where it has
    been opened, and perhaps read, already. `download`: see `open_dataset`.

    Trainings in several threads of one process take turns, for torch's random generator is one for all of them; what else
    draws from it during a training (`torch.rand`, a new network) changes that training's result. Trainings in processes of
    their own run at once.

    Raises `UserError` for what cannot be done as asked, before a folder is made; `Failure` where the loss becomes NaN or
    the disk fills up, `Interrupted` after a signal: the run can then be resumed.
    """
    recipe = recipe if isinstance(recipe, Recipe) else find_recipe(recipe)
    seed = whole_number(seed, "Seed", 0, 2**32 - recipe.members)  # each member has a seed of its own
    check_tracker(track)
    check_folder(Path(runs_dir))
    target = pick_device(device)
    precision = pick_precision(recipe.precision, target)
    opened = opened or open_dataset(dataset, data_dir, download=download)
    kinds = [member_of(recipe, n) for n in range(max(1, len(recipe.networks)))] if recipe.members > 1 else [recipe]
    folder = Path(data_dir).resolve()
    with GENERATOR:
        for kind in kinds:  # what does not fit is to be known before there is a folder
            state = TrainingState(kind, opened, seed, target, precision)
        environment = describe_environment(target, precision)
        with (
            begin_run(Path(runs_dir), recipe, opened.spec.name, folder, seed, environment) as run,
            told_how_to_go_on(run),
        ):
            if recipe.members > 1:
                del state  # it has shown that recipe and data fit; each member makes its own
                return carry_out_members(run, opened, folder, track, display or Silent())
            return carry_out(run, state, track, display or Silent(), folder)


def resume(
    run: Run | str | Path,
    *,
    data_dir: str | Path | None = None,
    runs_dir: str | Path = "runs",
    track: str | None = None,
    display: Display | None = None,
) -> tuple[Run, Evaluation]:
    """Go on with a run that was interrupted or killed, as if it never had been: the model ends bit-identical.

    That holds on the same machine with the same versions. A run that is finished is tested and drawn again. The run is what
    `find_run` finds in `runs_dir`; `data_dir` is where the data is now, if not where it was. Raises as `train` does, and
    `UserError` where a file of the run is missing or damaged, its device is not there or its data has changed.
    """
    check_tracker(track)
    run = find_run(run, runs_dir)
    environment = run.environment
    try:
        target = pick_device(environment["device"])
    except UserError as error:
        raise UserError(error.message, "Resume the run on the machine that it was begun on, or train anew.") from None
    folder = run.find_data(data_dir)
    with GENERATOR, run.lock(), told_how_to_go_on(run):
        torch.set_num_threads(environment["threads"])  # sums are split by threads, and their last bits with them
        run.clear_leftovers()
        dataset = open_dataset(run.dataset, folder)
        if run.recipe.members > 1:
            return carry_out_members(run, dataset, folder, track, display or Silent())
        state = TrainingState(run.recipe, dataset, run.seed, target, environment["precision"])
        if run.resume_path.exists():
            state.load_state_dict(load_tensors(run.resume_path, "Train again: this run cannot be resumed."))
        elif run.metrics or run.model_path.exists():
            raise UserError(
                f"{run.resume_path} is missing, and nothing else says where to go on.", "Restore it, or train anew."
            )
        run.write_metrics(state.metrics)
        if state.steps_done == state.steps:
            save_model(run.model_path, state.final_model, state.loader.spec)  # a crash may have come before it
        return carry_out(run, state, track, display or Silent(), folder)


def carry_out_members(
    run: Run, opened: Dataset, data_dir: Path, track: str | None, display: Display
) -> tuple[Run, Evaluation]:
    """Train the members that are not finished yet, then combine them."""
    if "members" in run.environment:  # it was made of runs that were there before
        members = [Run.open(Path(local_text(path))) for path in run.environment["members"]]
        return finish(run, members, check_members(members), opened, data_dir)
    folder, device = run.path / "members", run.environment["device"]
    members = []
    for number in range(run.recipe.members):
        recipe = member_of(run.recipe, number)
        seed = run.seed + number // max(1, len(run.recipe.networks))  # networks of two kinds may share one
        there = [found for found in list_runs(folder) if isinstance(found, Run)]
        begun = [found for found in there if found.seed == seed and found.recipe.name == recipe.name]
        if not begun:
            member, _ = train(
                recipe, dataset=run.dataset, data_dir=data_dir, runs_dir=folder, seed=seed, device=device, track=track,
                display=display, opened=opened,
            )  # fmt: skip
        elif begun[0].test is None or not begun[0].is_finished:  # it may have been tested by hand before
            member, _ = resume(begun[0], data_dir=data_dir, track=track, display=display)
        else:
            member = begun[0]
        members.append(member)
    return finish(run, members, check_members(members), opened, data_dir)
