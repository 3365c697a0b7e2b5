"""Find out what is wrong with a run or a model file; the result is a list of checks, each with a verdict and a remedy."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mnistlab.data.dataset import open_dataset
from mnistlab.data.splits import Split, read_split
from mnistlab.doctor.check import Check
from mnistlab.doctor.code import import_model
from mnistlab.doctor.examination import examine
from mnistlab.doctor.papers import check_network
from mnistlab.errors import UserError, last_line
from mnistlab.files import given_path
from mnistlab.messages.sentences import Clause
from mnistlab.networks.checkpoint import SavedModel, load_tensors, read_model, strip_prefix
from mnistlab.networks.deskew import Deskewed, upright
from mnistlab.networks.ensemble import Ensemble
from mnistlab.networks.shifts import Shifted
from mnistlab.recipes.papers import PaperRecipe
from mnistlab.runs.run import Run
from mnistlab.runs.store import find_run

__all__ = ["check_model", "check_run"]

IMAGES = 1000
"""The largest number of validation images used to examine a model."""


def check_run(
    run: Run | str | Path, data_dir: str | Path | None = None, *, runs_dir: str | Path = "runs"
) -> list[Check]:
    """Check the run's files, its losses, and its model. Raises `UserError` if a file is missing or damaged."""
    run = find_run(run, runs_dir)
    metrics = run.metrics
    done, planned = run.progress
    seen = Clause("doctor.run_progress", run=run.path, progress=run.told_progress)
    checks = [Check(Clause("names.run"), "warning" if done < planned else "ok", seen, run.how_to_finish)]
    if isinstance(run.recipe, PaperRecipe):
        return checks + check_network(run, run.recipe, run.find_data(data_dir))
    if metrics and metrics[-1]["train_loss"] > 1.4 and (metrics[-1]["val_accuracy"] or 0) > 0.9:
        seen = Clause("doctor.softmax_before_loss", loss=metrics[-1]["train_loss"])
        checks.append(Check(Clause("names.course"), "problem", seen))
    split = run.recipe.data.validation or "val"
    return checks + check_model(run.model_path, run.find_data(data_dir), dataset=run.dataset, split=split)


def check_model(
    path: str | Path,
    data_dir: str | Path,
    *,
    dataset: str | Path = "mnist",
    code: str | None = None,
    split: Split = "val",
) -> list[Check]:
    """Examine a model file with validation images.

    Parameters
    ----------
    path : str or Path
        A file that mnistlab saved, or a state_dict that torch.save wrote. Prefixes that wrappers put before weight names are
        removed (see `strip_prefix`).
    data_dir : str or Path
        The folder that holds the data.
    dataset : str or Path
        The dataset to examine the network with if `code` is given; otherwise, the dataset that the file names is used.
    code : str, optional
        "FILE.py:CLASS", the class of the state_dict's network. FILE.py is run, and CLASS is called without arguments.
    split : {"val", "val-random"}
        The validation images to examine the model with; "val-random" for a run that was validated on that split.

    Raises
    ------
    UserError
        If the file is missing or unsafe, or the weights do not fit the network.
    """
    path = given_path(path, "path")
    checks = []
    if code is None:
        saved = load_described(path)
        model: nn.Module = saved.model
        opened = open_dataset(saved.dataset, data_dir)
        mean, std = saved.mean, saved.std
    else:
        model = import_model(code)
        if prefix := load_weights(model, path):
            checks.append(Check(Clause("names.weights"), "ok", Clause("doctor.prefix_left_off", prefix=prefix)))
        opened = open_dataset(dataset, data_dir)
        mean, std = opened.spec.mean, opened.spec.std
    images, labels = read_split(opened, split)
    pictures = torch.tensor(images[:IMAGES]).unsqueeze(1)
    truth = torch.tensor(labels[:IMAGES])
    if isinstance(model, Ensemble):
        return [
            dataclasses.replace(check, subject=Clause("names.of_member", number=number, subject=check.subject))
            for number, member in enumerate(model.members, 1)
            for check in examine_layers(member, pictures, truth, mean, std)
        ]
    return checks + examine_layers(model, pictures, truth, mean, std)


def examine_layers(
    model: nn.Module, pictures: torch.Tensor, labels: torch.Tensor, mean: float, std: float
) -> list[Check]:
    """Examine the trained network without its wrappers: only the network itself takes images like those it was trained on and
    returns logits for them.
    """
    while isinstance(model, Deskewed | Shifted):
        if isinstance(model, Deskewed):
            pictures = upright(pictures)
        model = model.network
    return examine(model, pictures, labels, mean, std)


def load_described(path: Path) -> SavedModel:
    """A model that mnistlab saved. If the file holds only weights, raises a `UserError` that asks for the code."""
    try:
        return read_model(path)
    except UserError as error:
        content = load_tensors(path, "remedies.give_run_or_saved_file")
        if isinstance(content, dict) and not is_mnistlab(content):
            raise UserError("doctor.weights_without_code", path=path) from None
        if error.key == "networks.not_our_model":  # its own remedy is to ask the doctor
            error.with_remedy("remedies.give_run_or_model")
        raise error from None


def is_mnistlab(content: dict[str, Any]) -> bool:
    return str(content.get("format", "")).startswith("mnistlab")


def load_weights(model: nn.Module, path: Path) -> str:
    """Load the state_dict in the file into the network. Returns the prefix removed from the weights' names; "" if they had none.

    Raises `UserError` if the state_dict does not fit the network.
    """
    content = load_tensors(path, "remedies.give_state_dict")
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    try:
        prefix = strip_prefix(content, model.state_dict())
        model.load_state_dict(content)
        return prefix
    except (RuntimeError, TypeError, AttributeError) as error:
        raise UserError("doctor.weights_misfit", path=path, reason=last_line(error)) from None
