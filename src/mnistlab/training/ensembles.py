"""Several networks as one run: trained one after the other, or combined from finished runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from mnistlab.data.dataset import Dataset, open_dataset
from mnistlab.data.loader import MNISTDataLoader
from mnistlab.devices import pick_device
from mnistlab.errors import UserError, counted
from mnistlab.evaluation import plots
from mnistlab.evaluation.evaluate import evaluate, evaluate_run
from mnistlab.evaluation.result import Evaluation
from mnistlab.files import check_folder
from mnistlab.networks.checkpoint import SavedModel, load_model, save_model
from mnistlab.networks.ensemble import Ensemble, Member
from mnistlab.runs.run import Run
from mnistlab.runs.store import begin_run, find_run
from mnistlab.training.environment import describe_environment
from mnistlab.training.single import told_how_to_go_on

__all__ = ["combine"]


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
        if model.normalisation != first.normalisation:
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
        val = MNISTDataLoader("val", dataset=dataset, batch_size=None, device=device, normalise=spec.normalisation)
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
