"""A model and a split in, an honest account of what it got right out: counts first, division last."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from mnistlab.data.dataset import open_dataset
from mnistlab.data.loader import MNISTDataLoader
from mnistlab.data.splits import Split
from mnistlab.devices import pick_device
from mnistlab.errors import Failure, UserError, counted
from mnistlab.evaluation.result import BINS, Evaluation, Mistake, add_to_bins
from mnistlab.networks.checkpoint import read_model
from mnistlab.networks.network import evaluating
from mnistlab.runs.run import Run
from mnistlab.runs.store import find_run

__all__ = ["evaluate", "evaluate_run"]


logger = logging.getLogger("mnistlab.evaluation")


def evaluate(model: nn.Module, loader: MNISTDataLoader) -> Evaluation:
    """Run `model` over all of `loader`, in fp32, without gradients, in evaluation mode (its mode is put back after).

    `model` takes images float32 (B, 1, H, W) and returns logits (B, classes). Raises `UserError` for a loader that shuffles
    (its indices would name other examples) or whose classes do not fit the logits, `Failure` where a logit is NaN or infinite.
    """
    if loader.sampler.shuffle or loader.dataset.augment:
        raise UserError(
            "This loader shuffles or augments, so its examples cannot be counted by index.",
            'Make it with split "val" or "test", or shuffle=False and no augmentation.',
        )
    classes = len(loader.spec.classes)
    wrong_labels = set(loader.spec.wrong_test_labels) if loader.split == "test" else set()
    confusion = np.zeros((classes, classes), np.int64)
    bins = np.zeros((BINS, 3))
    loss_sum = 0.0
    mistakes: list[Mistake] = []
    first = 0
    with evaluating(model):
        for images, labels in loader:
            logits = model(images).float()
            if logits.shape != (len(labels), classes):
                raise UserError(
                    f"The model gives logits of shape {tuple(logits.shape)}, and {loader.spec.name} has {classes} classes.",
                    "Evaluate it on the dataset that it was trained on.",
                )
            if not logits.isfinite().all():
                raise Failure(
                    "The model's outputs are not all finite numbers.", "Train it again with a smaller learning rate."
                )
            loss_sum += float(F.cross_entropy(logits, labels, reduction="sum"))
            probabilities = logits.softmax(dim=1).cpu().numpy()
            predicted, truth = logits.argmax(dim=1).cpu().numpy(), labels.cpu().numpy()
            np.add.at(confusion, (truth, predicted), 1)
            add_to_bins(bins, probabilities.max(axis=1), predicted == truth)
            for position in np.flatnonzero(predicted != truth).tolist():
                index, label = first + position, int(truth[position])
                mistakes.append(
                    Mistake(
                        index=index,
                        label=label,
                        predicted=int(predicted[position]),
                        probability=float(probabilities[position].max()),
                        label_probability=float(probabilities[position, label]),
                        label_known_wrong=index in wrong_labels,
                        image=loader.dataset.images[index, 0].cpu().numpy(),
                    )
                )
            first += len(labels)
    return Evaluation(loader.split, loader.spec.classes, confusion, loss_sum, bins, tuple(mistakes))


def evaluate_run(
    run: Run | str | Path,
    split: Split = "test",
    *,
    device: str | torch.device = "auto",
    data_dir: str | Path | None = None,
    runs_dir: str | Path = "runs",
) -> Evaluation:
    """Evaluate the saved model of a run, which `find_run` finds; for the test split test.json is written too, unless another
    process trains the run.

    Of a run that is not finished it is said after which epoch its model was saved.

    Raises `UserError` where the model is missing, damaged, or was made for another dataset.
    """
    run = find_run(run, runs_dir)
    if not run.model_path.exists():
        raise UserError(f"{run.path} has no model.pth.", run.how_to_finish)
    if split == "val" and run.recipe.data.split == "train+val":
        raise UserError(
            f"{run.path} was trained on the validation split too, so it measures nothing there.", "Use the test split."
        )
    busy = not run.is_finished and run.is_being_trained
    saved = read_model(run.model_path)
    if not run.is_finished:
        state = "is being trained now" if busy else "is not finished"
        logger.info("%s %s: this is its model after %s %d of %d.", run.path, state, run.unit, *run.progress)
    dataset = open_dataset(run.dataset, run.find_data(data_dir))
    check_fit(run, saved.dataset, saved.classes, dataset.spec.classes)
    target = pick_device(device)
    loader = MNISTDataLoader(
        split, dataset=dataset, batch_size=None, shuffle=False, device=target, normalise=saved.normalisation
    )
    model = saved.model.to(target, memory_format=torch.channels_last)  # type: ignore[call-overload]
    evaluation = evaluate(model, loader)
    if split == "test" and not busy:
        run.write_test(evaluation.to_dict())
    return evaluation


def check_fit(run: Run, dataset: str, classes: Sequence[str], expected: Sequence[str]) -> None:
    if dataset != run.dataset or tuple(classes) != tuple(expected):
        raise UserError(
            f"{run.model_path} was trained on {dataset} ({counted(len(classes), 'class')}), and the run is on {run.dataset}"
            f" ({counted(len(expected), 'class')}).",
            "Put back the model.pth that belongs to this run, or train again.",
        )
