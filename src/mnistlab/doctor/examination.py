"""Infer from a network's answers to images how it was built and trained; any `torch.nn.Module` can be examined."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from mnistlab.data.normalisation import Normalisation
from mnistlab.dependencies import cache_of_its_own
from mnistlab.doctor.causes import Witness, cause_of
from mnistlab.doctor.check import Check, Verdict
from mnistlab.errors import UserError
from mnistlab.evaluation.calibration import fit_temperature
from mnistlab.messages.sentences import Clause
from mnistlab.networks.network import evaluating

__all__ = ["Check", "examine"]


OUTPUT = Clause("names.output")
CLEARLY_BETTER = 0.02
"""How much higher the accuracy on another kind of input must be for that kind to count as what the model expects."""
TOO_SURE = 2.0
"""A model that needs a higher temperature than this is far too confident. Small networks trained for 3 epochs need 0.95 to 1.0;
if a softmax comes before the cross-entropy, they need 1.3 with batch norm, or 2.2 without it."""
RELUS = {name + suffix for name in ("relu", "threshold", "clamp_min", "clamp", "hardtanh") for suffix in ("", "_")}


class ReluWatch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Inside `with`, records for each ReLU, in the order of the calls, which of its channels were above 0 at least once."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.alive: list[torch.Tensor] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func.__name__.partition(".")[0] in RELUS and isinstance(result, torch.Tensor) and result.ndim >= 2:
            self.alive.append((result.transpose(0, 1).flatten(1) > 0).any(dim=1))
        return result


def examine(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, mean: float, std: float) -> list[Check]:
    """Look for a softmax in the model, for a kind of input that it classifies better than the expected one, and for dead ReLUs.

    Parameters
    ----------
    model : torch.nn.Module
        Any network that takes images float32 (N, 1, H, W), normalised. Its mode, training or evaluation, is restored.
    images : tensor or ndarray of uint8, shape (N, 1, H, W)
        Pixels with bright ink on a dark background.
    labels : tensor or ndarray of int64, shape (N,)
        The class of each image, from 0.
    mean, std : float
        Mean and standard deviation to normalise the images with, after scaling them to [0, 1].

    Returns
    -------
    list of Check
        The checks made, each with a `name`, a `verdict`, a `detail` (what was seen) and a `remedy`.

    Raises
    ------
    UserError
        If the images and labels do not fit each other, or the model cannot take the images. In the latter case the exception
        from the model's code is the error's cause.
    """
    normalisation = Normalisation(mean, std)
    images, labels = torch.as_tensor(images), torch.as_tensor(labels)
    if images.ndim != 4 or len(images) == 0 or labels.shape != images.shape[:1]:
        raise UserError(
            "doctor.images_and_labels_misfit", images_shape=tuple(images.shape), labels_shape=tuple(labels.shape)
        )
    pixels = images.float()
    with evaluating(model), cache_of_its_own("TORCHINDUCTOR_CACHE_DIR"):  # PyTorch's compiler creates a folder
        with ReluWatch() as watch:
            output = answer(model, normalisation(pixels))
        checks = check_output(output, labels, int(labels.max()) + 1)
        if checks[0].verdict == "problem" and checks[0].subject == OUTPUT:
            return checks
        checks.append(check_input(model, pixels, labels, normalisation))
    return [*checks, *check_relus(watch.alive)]


def answer(model: nn.Module, images: torch.Tensor) -> Any:
    """The model's output. Raises `UserError` for any exception from the model's code, with that exception as its cause."""
    witness = Witness(model, len(images))
    try:
        with witness:
            return model(images)
    except Exception as error:  # the user's own code may raise anything
        shape, cause = tuple(images.shape), cause_of(error, witness)
        if cause is not None:
            remedy = "remedies.network_or_images" if cause.key == "doctor.flatten_misfit" else cause.key
            raise UserError(
                "doctor.model_refuses_batch", remedy=remedy, images_shape=shape, reason=cause, **cause.values
            ) from error
        reason = ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]]).rstrip(".")
        raise UserError("doctor.model_refuses_batch", images_shape=shape, reason=reason) from error


def check_output(output: Any, labels: torch.Tensor, classes: int) -> list[Check]:
    """Whether the outputs are logits for at least this many classes and, if so, whether their probabilities can be trusted."""
    if not isinstance(output, torch.Tensor):
        return [Check(OUTPUT, "problem", Clause("doctor.output_no_tensor", name=type(output).__name__))]
    if output.ndim != 2 or len(output) != len(labels):
        shape = tuple(output.shape)
        return [Check(OUTPUT, "problem", Clause("doctor.output_misfit", shape=shape, count=len(labels)))]
    if not output.isfinite().all():
        return [Check(OUTPUT, "problem", Clause("doctor.output_not_finite"))]
    if output.shape[1] < classes:
        count = output.shape[1]
        return [Check(OUTPUT, "problem", Clause("doctor.too_few_outputs", count=count, classes=classes))]
    output = output.float()
    softmax = Clause("names.softmax")
    if output.min() >= 0 and (output.sum(dim=1) - 1).abs().max() < 1e-3:
        return [Check(softmax, "problem", Clause("doctor.softmax_twice"))]
    if (output.exp().sum(dim=1) - 1).abs().max() < 1e-3:
        return [Check(softmax, "warning", Clause("doctor.log_softmax"))]
    return [Check(softmax, "ok", Clause("doctor.no_softmax")), check_confidence(output, labels)]


def check_confidence(logits: torch.Tensor, labels: torch.Tensor) -> Check:
    """Whether the probabilities can be trusted, that is, whether the temperature that fits best is at most `TOO_SURE`."""
    best = fit_temperature(logits, labels)
    if best > TOO_SURE:
        return Check(Clause("names.confidence"), "warning", Clause("doctor.too_sure", temperature=best))
    return Check(Clause("names.confidence"), "ok", Clause("doctor.temperature", temperature=best))


def check_input(model: nn.Module, pixels: torch.Tensor, labels: torch.Tensor, normalisation: Normalisation) -> Check:
    """The kind of input that the model classifies best. It should be normalised images, with bright ink on a dark background."""

    def percentage(images: torch.Tensor) -> float:
        return 100 * float((answer(model, images).argmax(dim=1) == labels).float().mean())

    inverted = 255 - pixels
    kinds = {
        "doctor.normalised": normalisation(pixels),
        "doctor.from_0_to_1": pixels / 255,
        "doctor.from_minus_1_to_1": pixels / 127.5 - 1,
        "doctor.raw": pixels,
        "doctor.inverted_normalised": normalisation(inverted),
        "doctor.inverted_from_0_to_1": inverted / 255,
        "doctor.inverted_from_minus_1_to_1": inverted / 127.5 - 1,
        "doctor.inverted_raw": inverted,
    }
    read = {kind: percentage(images) for kind, images in kinds.items()}
    best = max(read, key=lambda kind: read[kind])
    most, normal, name = read[best], read["doctor.normalised"], Clause("names.input")
    if most < 50:
        return Check(name, "problem", Clause("doctor.input_unread", most=most))
    if most > normal + 100 * CLEARLY_BETTER:
        return Check(name, "problem", Clause("doctor.other_input", most=most, kind=Clause(best), normal=normal))
    return Check(name, "ok", Clause("doctor.input_right", normal=normal, count=len(labels)))


def check_relus(alive: list[torch.Tensor]) -> list[Check]:
    """For each ReLU, how many of its channels do not rise above 0 for any image."""
    if not alive:
        return [Check(Clause("names.relus"), "ok", Clause("doctor.no_relus"))]
    checks = []
    for place, channels in enumerate(alive, 1):
        dead, total = int((~channels).sum()), len(channels)
        seen = (
            Clause("doctor.channels_dead", dead=dead, total=total)
            if dead
            else Clause("doctor.channels_active", total=total)
        )
        share = dead / total
        verdict: Verdict = "problem" if share > 0.5 else "warning" if share > 0.1 else "ok"
        checks.append(Check(Clause("names.relu", place=place), verdict, seen))
    return checks
