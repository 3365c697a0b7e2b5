"""Several networks as one run: trained one after the other, or combined from finished runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from mnistlab.data.dataset import Dataset, open_dataset
from mnistlab.data.loader import MNISTDataLoader
from mnistlab.data.splits import Split, read_split, split_writers
from mnistlab.dependencies import require
from mnistlab.devices import pick_device, pick_precision
from mnistlab.errors import UserError, shown
from mnistlab.evaluation.evaluate import evaluate
from mnistlab.evaluation.result import Evaluation
from mnistlab.files import check_folder, given_path, resolved
from mnistlab.networks.checkpoint import SavedModel, read_model, save_model
from mnistlab.networks.ensemble import Ensemble, Member
from mnistlab.recipes.catalog import member_of
from mnistlab.recipes.recipe import EnsembleRecipe, Recipe
from mnistlab.runs.run import Run
from mnistlab.runs.store import begin_run, create_run, find_run, list_runs
from mnistlab.training.display import Silent
from mnistlab.training.environment import describe_environment
from mnistlab.training.single import (
    Circumstances,
    explain_how_to_resume,
    going_on,
    measure_and_draw,
    resume_single,
    train_single,
)
from mnistlab.training.state import TrainingState

__all__ = ["combine", "resume_ensemble", "train_ensemble"]


def train_ensemble(recipe: EnsembleRecipe, seed: int, runs_dir: Path, given: Circumstances) -> tuple[Run, Evaluation]:
    """Train the members as runs inside a new run's folder, with seeds starting at `seed`, and combine them."""
    precision = pick_precision(recipe.optimisation.precision, given.device)
    for number in range(kinds_of(recipe)):  # before a folder is made, finds members that do not fit the data
        TrainingState(member_of(recipe, number), given.dataset, seed, given.device, precision)
    environment = describe_environment(given.device, precision)
    with (
        begin_run(create_run(runs_dir, recipe, given.dataset.spec.name, given.data_dir, seed, environment)) as run,
        explain_how_to_resume(run),
    ):
        return carry_out_members(run, recipe, given)


def resume_ensemble(run: Run, recipe: EnsembleRecipe, given: Circumstances) -> tuple[Run, Evaluation]:
    """Continue the run (call this inside `going_on`): train the members that are not finished yet, then combine all members."""
    if run.members:  # it was combined from existing runs
        members = [Run.open(Path(path)) for path in run.members]
        return finish(run, members, check_members(members), given)
    return carry_out_members(run, recipe, given)


def kinds_of(recipe: EnsembleRecipe) -> int:
    """How many kinds of networks the recipe's members alternate between."""
    return max(1, len(recipe.ensemble.networks))


def carry_out_members(run: Run, recipe: EnsembleRecipe, given: Circumstances) -> tuple[Run, Evaluation]:
    """Train the members that are not finished yet, then combine all members."""
    folder, members = run.path / "members", []
    for number in range(recipe.ensemble.members):
        own = member_of(recipe, number)
        seed = run.seed + number // kinds_of(recipe)  # networks of different kinds may share a seed
        there = [found for found in list_runs(folder) if isinstance(found, Run)]
        begun = [found for found in there if found.seed == seed and found.recipe.name == own.name]
        if not begun:
            member, _ = train_single(own, seed, folder, given)
        elif not begun[0].is_finished or not is_measured(begun[0], given):  # perhaps measured only on another split
            with going_on(begun[0]):
                member, _ = resume_single(begun[0], given)
        else:
            member = begun[0]
        members.append(member)
    return finish(run, members, check_members(members, given.test), given)


def is_measured(run: Run, given: Circumstances) -> bool:
    """Whether the run has been measured on the split that `given` asks for, test or validation."""
    return (run.test if given.test else run.validation) is not None


def combine(
    members: Sequence[Run | str | Path],
    *,
    runs_dir: str | Path = "runs",
    data_dir: str | Path | None = None,
    device: str | torch.device = "auto",
) -> tuple[Run, Evaluation]:
    """Combine finished runs into an ensemble in a new run folder, and test the ensemble once.

    An ensemble averages the probabilities of its networks.

    Parameters
    ----------
    members : sequence of Run, str or Path
        At least two finished runs. Names and paths are looked up in `runs_dir`, as by `find_run`.
    runs_dir : str or Path
        The folder in which the new run folder is made.
    data_dir : str or Path, optional
        Where the data is; by default, where the first of the members found it.
    device : str or torch.device
        The device to test the ensemble on: "auto", "cpu", "cuda", "cuda:1" or "mps".

    Returns
    -------
    Run, Evaluation
        The new run, and the ensemble's results on the test split.

    Raises
    ------
    UserError
        If `members` is not a list of runs, holds fewer than two runs, or holds the same run twice; if a run is not finished
        and tested; or if the runs differ in their dataset, classes or normalisation.
    Failure, Interrupted
        If the disk is full (Failure), or after Ctrl-C (Interrupted).
    """
    require("train")
    runs_dir = given_path(runs_dir, "runs_dir")
    if isinstance(members, Run | str | Path) or not isinstance(members, Iterable):
        raise UserError("training.members_not_a_list", value=shown(members))
    runs = [find_run(member, runs_dir) for member in members]
    if len(runs) < 2:
        raise UserError("training.too_few_members", count=len(runs))
    paths = [str(resolved(member.path)) for member in runs]
    if twice := sorted({path for path in paths if paths.count(path) > 1}):
        raise UserError("training.member_given_twice", twice=twice[0])
    models = check_members(runs)
    check_folder(runs_dir)
    first = runs[0]
    folder = resolved(first.find_data(data_dir))
    dataset = open_dataset(first.dataset, folder)
    target = pick_device(device)
    recipe, environment = recipe_of(runs), environment_of(runs, target)
    check_data(dataset, recipe.data.validation)
    with (
        begin_run(create_run(runs_dir, recipe, dataset.spec.name, folder, first.seed, environment, paths)) as run,
        explain_how_to_resume(run),
    ):
        return finish(run, runs, models, Circumstances(dataset, folder, target, None, Silent()))


def check_data(dataset: Dataset, validation: Split | None) -> None:
    """Read what `finish` will read, so that unreadable data is found before a folder is made."""
    splits: tuple[Split, ...] = ("test", validation) if validation else ("test",)
    for split in splits:
        read_split(dataset, split)
        split_writers(dataset, split)


def recipe_of(members: Sequence[Run]) -> Recipe:
    """The recipe of the combined run: the first member's, with the number of members and the split adapted to all of them."""
    splits = {member.classifier.data.split for member in members}
    return members[0].classifier.override(
        name="ensemble",
        summary=f"of {', '.join(member.path.name for member in members)}",
        members=len(members),
        networks=(),
        split=splits.pop() if len(splits) == 1 else "train+val",  # one was trained on images that another held out
    )


def environment_of(members: Sequence[Run], device: torch.device) -> dict[str, Any]:
    """The combined run's environment. Precision and commit are those of the training runs, or "mixed" where these runs differ."""
    environments = [member.environment for member in members]
    environment = describe_environment(device, "fp32")
    for key in ("precision", "commit"):
        found = {env.get(key) for env in environments}
        environment[key] = found.pop() if len(found) == 1 else "mixed"
    return environment


def check_members(members: Sequence[Run], test: bool = True) -> list[SavedModel]:
    """The members' models. Raises `UserError` if a run is unfinished or, with `test`, untested, or if the models do not match."""
    models: list[SavedModel] = []
    for member in members:
        for file, there in (
            ("model.pth", member.model_path.exists()),
            ("metrics.jsonl", member.metrics),
            ("test.json", member.test or not test),
        ):
            if not there:
                how = "runs.test_missing" if file == "test.json" and member.is_finished else member.how_to_finish
                raise UserError("training.member_not_finished", remedy=how, run=member.path, file=file)
        model = read_model(member.model_path)
        models.append(model)
        first = models[0]
        if (model.dataset, model.classes) != (first.dataset, first.classes):
            raise UserError(
                "training.members_of_several_datasets",
                path=members[0].path,
                dataset=first.dataset,
                count=len(first.classes),
                member_path=member.path,
                other_dataset=model.dataset,
                other_count=len(model.classes),
            )
        if model.normalisation != first.normalisation:
            raise UserError(
                "training.members_of_several_normalisations",
                path=members[0].path,
                mean=first.mean,
                std=first.std,
                member_path=member.path,
                other_mean=model.mean,
                other_std=model.std,
            )
    return models


def finish(
    run: Run, members: Sequence[Run], models: Sequence[SavedModel], given: Circumstances
) -> tuple[Run, Evaluation]:
    """Save the ensemble of the members, with a line of metrics for each member; measure the ensemble and draw its pictures."""
    dataset, device = given.dataset, given.device
    spec = dataclasses.replace(dataset.spec, mean=models[0].mean, std=models[0].std)  # as the members were trained
    val = None
    if unseen := run.classifier.data.validation:  # which no member was trained on
        val = MNISTDataLoader(unseen, dataset=dataset, batch_size=None, device=device, normalise=spec.normalisation)
    networks: list[Member] = []
    rows: list[dict[str, Any]] = []
    seconds, steps = 0.0, 0
    for number, (member, saved) in enumerate(zip(members, models, strict=True), 1):
        model, last = saved.model.to(device), member.metrics[-1]
        networks += model.members if isinstance(model, Ensemble) else [model]  # type: ignore[arg-type]
        measured = evaluate(Ensemble(networks), val) if val else None
        seconds, steps = seconds + last["seconds"], steps + last.get("step", 0)
        rows.append(
            {
                "member": number,
                "step": steps,
                "train_loss": last["train_loss"],
                "images_per_second": last.get("images_per_second", 0.0),
                "seconds": seconds,
                "val_loss": measured.mean_loss if measured else None,
                "val_accuracy": measured.accuracy if measured else None,
            }
        )
    save_model(run.model_path, Ensemble(networks), spec)
    run.write_metrics(rows)
    return run, measure_and_draw(run, given)
