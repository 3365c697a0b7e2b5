"""From a recipe to a run folder that holds everything: train, test once, draw; go on after an interruption; ensembles."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from mnistlab import plots
from mnistlab.arguments import whole_number
from mnistlab.checkpoints import SavedModel, load_model, load_tensors, save_model
from mnistlab.datasets import Dataset, open_dataset
from mnistlab.devices import GENERATOR, pick_device, pick_precision
from mnistlab.environment import describe_environment
from mnistlab.errors import Interrupted, StorageFailure, UserError
from mnistlab.evaluation import Evaluation, evaluate, evaluate_run
from mnistlab.files import check_folder, local_text
from mnistlab.loader import MNISTDataLoader
from mnistlab.model import Ensemble, NeuralNet
from mnistlab.recipes import Recipe, find_recipe, member_of
from mnistlab.runs import Run, begin_run, find_run, list_runs
from mnistlab.tracking import check_tracker, make_tracker
from mnistlab.training import Display, Silent, fit
from mnistlab.training_state import TrainingState
from mnistlab.wording import counted

__all__ = ["combine", "resume", "train"]


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


@contextlib.contextmanager
def told_how_to_go_on(run: Run) -> Iterator[None]:
    """What stops the work inside `with` is told with the command that goes on with `run`; the outermost one counts."""
    go_on = f"mnistlab train --resume {run.path}"
    try:
        yield
    except StorageFailure as failure:
        failure.remedy = f"Nothing that was saved is lost; free some space, then go on with: {go_on}"
        raise
    except Interrupted as stop:
        stop.remedy = f"Go on with: {go_on}"
        raise
    except KeyboardInterrupt:
        raise Interrupted(f"Interrupted; what was done is in {run.path}.", f"Go on with: {go_on}") from None


def carry_out(
    run: Run, state: TrainingState, track: str | None, display: Display, data_dir: Path
) -> tuple[Run, Evaluation]:
    """Train, test, draw."""
    tracker = make_tracker(track, run.path, run.metrics)
    try:
        fit(run, state, display, tracker)
    finally:
        display.stop()
        if tracker:
            tracker.close()
    evaluation = evaluate_run(run, "test", device=str(state.device), data_dir=data_dir)
    plots.draw_run(run, evaluation)
    return run, evaluation


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


def combine(
    members: Sequence[Run | str | Path],
    *,
    runs_dir: str | Path = "runs",
    data_dir: str | Path | None = None,
    device: str | torch.device = "auto",
) -> tuple[Run, Evaluation]:
    """An ensemble of finished runs, as a new run folder: the mean of their networks' probabilities, tested once.

    `find_run` finds the members in `runs_dir`, and the new run is put there. `data_dir` is where the data is, if not where the
    first run had it. Raises `UserError` for fewer than two runs, one given twice, runs that are not finished, or of different
    datasets, classes or normalisation.
    """
    runs = [find_run(member, runs_dir) for member in ([members] if isinstance(members, Run | str | Path) else members)]
    if len(runs) < 2:
        raise UserError(f"An ensemble needs at least 2 runs, not {len(runs)}.", "Name more: mnistlab ensemble RUN RUN")
    paths = [str(member.path.resolve()) for member in runs]
    if twice := sorted({path for path in paths if paths.count(path) > 1}):
        raise UserError(f"{twice[0]} is given twice, and would count twice.", "Give each run once.")
    models = check_members(runs)
    check_folder(Path(runs_dir))
    first = runs[0]
    folder = first.find_data(data_dir).resolve()
    dataset = open_dataset(first.dataset, folder)
    dataset.read("test")  # what cannot be read is to be known before there is a folder
    target = pick_device(device)
    environments = [member.environment for member in runs]
    environment = {**describe_environment(target, "fp32"), "members": paths}
    for key in ("precision", "commit"):  # those of the training, not of the combining
        found = {env.get(key) for env in environments}
        environment[key] = found.pop() if len(found) == 1 else "mixed"
    unseen = all(member.recipe.split == "train" for member in runs)
    recipe = dataclasses.replace(
        first.recipe,
        name="ensemble",
        summary=f"of {', '.join(member.path.name for member in runs)}",
        members=len(runs),
        networks=(),
        split="train" if unseen else "train+val",
    )
    with (
        begin_run(Path(runs_dir), recipe, dataset.spec.name, folder, first.seed, environment) as run,
        told_how_to_go_on(run),
    ):
        return finish(run, runs, models, dataset, folder)


def check_members(members: Sequence[Run]) -> list[SavedModel]:
    """The members' models. Raises `UserError` where one is missing or their answers cannot be averaged."""
    models: list[SavedModel] = []
    for member in members:
        for file, there in (
            ("model.pth", member.model_path.exists()),
            ("metrics.jsonl", member.metrics),
            ("test.json", member.test),
        ):
            if not there:
                raise UserError(
                    f"{member.path} is not a finished run: it has no {file}.",
                    member.how_to_finish,
                )
        model = load_model(member.model_path)
        models.append(model)
        first = models[0]
        if (model.dataset, model.classes) != (first.dataset, first.classes):
            raise UserError(
                f"{members[0].path} was trained on {first.dataset} ({counted(len(first.classes), 'class')}) and {member.path} on"
                f" {model.dataset} ({counted(len(model.classes), 'class')}): their answers cannot be averaged.",
                "Give runs of one dataset.",
            )
        if (model.mean, model.std) != (first.mean, first.std):
            raise UserError(
                f"{members[0].path} normalises its input by mean {first.mean:.4f} and std {first.std:.4f}, and"
                f" {member.path} by {model.mean:.4f} and {model.std:.4f}.",
                "Give runs that were trained on the same data.",
            )
    return models


def finish(
    run: Run, members: Sequence[Run], models: Sequence[SavedModel], dataset: Dataset, data_dir: Path
) -> tuple[Run, Evaluation]:
    """Save the members' ensemble, with a line of metrics for each member; test it, draw."""
    device = pick_device(run.environment["device"])
    spec = dataclasses.replace(dataset.spec, mean=models[0].mean, std=models[0].std)  # what they were trained with
    val = None
    if run.recipe.split == "train":  # no member has seen the validation images
        normalise = (spec.mean, spec.std)
        val = MNISTDataLoader("val", dataset=dataset, batch_size=None, device=device, normalise=normalise)
    networks: list[NeuralNet] = []
    rows: list[dict[str, Any]] = []
    seconds, steps = 0.0, 0
    for number, (member, saved) in enumerate(zip(members, models, strict=True), 1):
        model, last = saved.model.to(device), member.metrics[-1]
        networks += model.members if isinstance(model, Ensemble) else [model]  # type: ignore[arg-type]
        measured = evaluate(Ensemble(networks), val) if val else None
        seconds, steps = seconds + last["seconds"], steps + last.get("step", 0)
        rows.append(
            {
                "epoch": number,
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
    evaluation = evaluate_run(run, "test", device=str(device), data_dir=data_dir)
    plots.draw_run(run, evaluation)
    return run, evaluation
