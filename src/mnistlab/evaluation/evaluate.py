"""Measure a model on a split: right answers are counted over all batches, and fractions are computed only at the end."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from mnistlab.data.dataset import Dataset, DatasetSpec, open_dataset
from mnistlab.data.loader import MNISTDataLoader
from mnistlab.data.splits import Split
from mnistlab.devices import pick_device
from mnistlab.errors import UserError
from mnistlab.evaluation.calibration import check_finite
from mnistlab.evaluation.papers import evaluate_network, saved_network
from mnistlab.evaluation.result import Evaluation
from mnistlab.messages.sentences import Clause
from mnistlab.networks.checkpoint import SavedModel, read_model
from mnistlab.networks.network import evaluating
from mnistlab.recipes.papers import PaperRecipe
from mnistlab.runs.run import Run
from mnistlab.runs.store import find_run

__all__ = ["evaluate", "evaluate_run"]


logger = logging.getLogger("mnistlab.evaluation")


def evaluate(model: nn.Module, loader: MNISTDataLoader) -> Evaluation:
    """Measure a model on all of a loader's split in fp32, without gradients, in evaluation mode (the model's mode is restored).

    Parameters
    ----------
    model : torch.nn.Module
        Takes normalised images, float32 (B, 1, H, W), and returns logits, float (B, classes).
    loader : MNISTDataLoader
        The split's batches in file order, without augmentation, on the model's device.

    Returns
    -------
    Evaluation
        What the model got right and wrong, in counts.

    Raises
    ------
    UserError
        If the loader shuffles or augments, because indices would then not identify examples of the split; or if the loader's
        classes do not fit the logits.
    Failure
        If a logit is NaN or infinite.
    """
    if loader.sampler.shuffle or loader.dataset.augment:
        raise UserError("evaluation.loader_shuffles")
    probabilities, truth = [], []
    loss_sum = 0.0
    with evaluating(model):
        for images, labels in loader:
            logits = model(images).float()
            check_logits(logits, len(labels), loader.spec)
            loss_sum += float(F.cross_entropy(logits, labels, reduction="sum"))
            probabilities.append(logits.softmax(dim=1).cpu().numpy())
            truth.append(labels.cpu().numpy())
    return Evaluation.of(
        loader.split,
        loader.spec.classes,
        np.concatenate(probabilities),
        np.concatenate(truth),
        loss_sum=loss_sum,
        images=loader.dataset.images[:, 0].cpu().numpy(),
        corrected=loader.spec.corrected_test_labels if loader.split == "test" else {},
        writers=loader.writers,
    )


def check_logits(logits: torch.Tensor, count: int, spec: DatasetSpec) -> None:
    """Raise `UserError` if the logits do not have the shape (count, classes), and `Failure` if they are not finite."""
    if logits.shape != (count, len(spec.classes)):
        raise UserError(
            "evaluation.logits_misfit", logits_shape=tuple(logits.shape), spec_name=spec.name, count=len(spec.classes)
        )
    check_finite(logits)


def evaluate_run(
    run: Run | str | Path,
    split: Split = "test",
    *,
    device: str | torch.device = "auto",
    data_dir: str | Path | None = None,
    runs_dir: str | Path = "runs",
) -> Evaluation:
    """Evaluate the saved model of a run.

    For the test split, test.json is written too, unless another process is training the run. An unfinished run is
    evaluated as well; the log then says after which epoch its model was saved.

    Parameters
    ----------
    run : Run, str or Path
        The run, as `find_run` finds it: a Run, its folder, its name in `runs_dir`, or "latest".
    split : {"test", "val"}
        "val" means the images that the run kept for validation: for a run of mnistlab 0.1, the split "val-random".
        A run of the recipe `finder` or `line-reader` is measured on pictures drawn with digits of the split.
    device : str or torch.device
        "auto", "cpu", "cuda", "cuda:1" or "mps".
    data_dir : str or Path, optional
        The folder that holds the data, if it is not the one that the run used.
    runs_dir : str or Path
        The folder that holds the runs.

    Returns
    -------
    Evaluation
        What the model got right and wrong, in counts; a `FinderEvaluation` for a run that was trained with the recipe `finder`,
        and a `LineEvaluation` for the recipe `line-reader`.

    Raises
    ------
    UserError
        If `split` is neither "test" nor "val"; if the model is missing, damaged or made for another dataset; or if the validation
        split is asked for and the run was trained on it.
    Failure
        If a logit is NaN or infinite.
    """
    if split not in ("val", "test"):
        raise UserError("data.unknown_split", split=split, splits=("val", "test"))
    run = find_run(run, runs_dir)
    evaluation: Evaluation
    if isinstance(run.recipe, PaperRecipe):
        network, busy = saved_network(run), tell_unfinished(run)
        dataset = open_dataset(run.dataset, run.find_data(data_dir))
        evaluation = evaluate_network(network, run.recipe, dataset, split, device)
    else:
        saved = saved_model(run)
        measured: Split = "test" if split == "test" else validation_of(run)
        busy = tell_unfinished(run)
        evaluation = evaluate_saved(saved, open_fitting(run, saved, data_dir), measured, device)
    if split == "test" and not busy:
        run.write_test(evaluation.to_dict())
    return evaluation


def tell_unfinished(run: Run) -> bool:
    """If the run is not finished, say so in the log. Returns whether another process is training the run."""
    if run.is_finished:
        return False
    busy = run.is_being_trained
    key = "evaluation.run_being_trained" if busy else "evaluation.run_not_finished"
    logger.info(Clause(key, run=run.path, progress=run.told_progress))
    return busy


def saved_model(run: Run) -> SavedModel:
    """The run's model. Raises `UserError` if the run has no model yet, or a damaged one."""
    if not run.model_path.exists():
        raise UserError("runs.model_missing", remedy=run.how_to_finish, run=run.path)
    return read_model(run.model_path)


def open_fitting(run: Run, saved: SavedModel, data_dir: str | Path | None) -> Dataset:
    """The run's dataset. Raises `UserError` if the model was made for another dataset."""
    dataset = open_dataset(run.dataset, run.find_data(data_dir))
    check_fit(run, saved.dataset, saved.classes, dataset.spec.classes)
    return dataset


def evaluate_saved(saved: SavedModel, dataset: Dataset, split: Split, device: str | torch.device) -> Evaluation:
    """Measure the model on all of the split, on this device, with the normalisation that the model was trained with."""
    target = pick_device(device)
    loader = MNISTDataLoader(
        split, dataset=dataset, batch_size=None, shuffle=False, device=target, normalise=saved.normalisation
    )
    return evaluate(saved.model.to(target, memory_format=torch.channels_last), loader)  # type: ignore[call-overload]


def validation_of(run: Run) -> Split:
    """The split that the run kept for validation. Raises `UserError` if the run kept none."""
    validation = run.classifier.data.validation
    if validation is None:
        raise UserError("evaluation.validation_was_trained_on", run_path=run.path)
    if validation == "val-random" and run.dataset == "mnist":
        logger.info(Clause("evaluation.validation_of_0_1", run=run.path))
    return validation


def check_fit(run: Run, dataset: str, classes: Sequence[str], expected: Sequence[str]) -> None:
    """Raise `UserError` if the run's model was made for a dataset other than the run's, or for classes other than `expected`."""
    model, count, now = run.model_path, len(classes), len(expected)
    if dataset != run.dataset:
        raise UserError(
            "evaluation.model_of_other_dataset",
            model_path=model,
            dataset=dataset,
            count=count,
            other_dataset=run.dataset,
            other_count=now,
        )
    if tuple(classes) != tuple(expected):
        raise UserError("export.classes_changed", model_path=model, count=count, dataset=dataset, classes_now=now)
