"""What a network does with pictures that tells how it was built and trained; any `torch.nn.Module` can be examined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from mnistlab.data.normalisation import Normalisation
from mnistlab.dependencies import cache_of_its_own
from mnistlab.errors import UserError
from mnistlab.evaluation.calibration import fit_temperature
from mnistlab.messages.sentences import counted
from mnistlab.networks.network import evaluating

__all__ = ["Check", "examine"]


CLEARLY_BETTER = 0.02
"""By how much more of the images another kind of input must be read right to be called the one the model expects."""
TOO_SURE = 2.0
"""Temperature from which a model is far too sure: small networks trained for 3 epochs need 0.95 to 1.0, and 1.3 (with batch
norm) or 2.2 (without) where a softmax stood before cross-entropy."""
RELUS = {name + suffix for name in ("relu", "threshold", "clamp_min", "clamp", "hardtanh") for suffix in ("", "_")}


@dataclass(frozen=True)
class Check:
    """One thing looked at: its name, a verdict, what was seen, and what to do about it where it is not ok."""

    name: str
    verdict: Literal["ok", "warning", "problem"]
    detail: str
    remedy: str = ""


class ReluWatch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Inside `with`, notes for each ReLU, in the order of the calls, which of its channels were ever above 0."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.alive: list[torch.Tensor] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func.__name__.partition(".")[0] in RELUS and isinstance(result, torch.Tensor) and result.ndim >= 2:
            self.alive.append((result.transpose(0, 1).flatten(1) > 0).any(dim=1))
        return result


def examine(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, mean: float, std: float) -> list[Check]:
    """Look for a softmax in the model, for input that it was not trained on, and for dead ReLUs.

    Parameters
    ----------
    model : any network that takes images float32 (N, 1, H, W), normalised; its mode, training or evaluation, is put back
    images : uint8 (N, 1, H, W), bright ink on dark; a tensor or an array, as the labels
    labels : int64 (N,)
    mean, std : what the images, scaled to [0, 1], are normalised with

    Raises
    ------
    UserError
        where the images and labels do not fit each other, or the model cannot take the images; what its code raised is the
        error's cause

    """
    normalisation = Normalisation(mean, std)
    images, labels = torch.as_tensor(images), torch.as_tensor(labels)
    if images.ndim != 4 or len(images) == 0 or labels.shape != images.shape[:1]:
        raise UserError(
            "doctor.images_and_labels_misfit", images_shape=tuple(images.shape), labels_shape=tuple(labels.shape)
        )
    pixels = images.float()
    with evaluating(model), cache_of_its_own("TORCHINDUCTOR_CACHE_DIR"):  # PyTorch's compiler makes itself a folder
        with ReluWatch() as watch:
            output = answer(model, normalisation(pixels))
        checks = check_output(output, labels)
        if checks[0].verdict == "problem" and checks[0].name == "output":
            return checks
        checks.append(check_input(model, pixels, labels, normalisation))
    return [*checks, *check_relus(watch.alive)]


def answer(model: nn.Module, images: torch.Tensor) -> Any:
    """What the model gives. Raises `UserError` for whatever its own code raises, with that as its cause."""
    try:
        return model(images)
    except Exception as error:  # that code is not ours: it may raise anything
        reason = ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]]).rstrip(".")
        raise UserError("doctor.model_refuses_batch", images_shape=tuple(images.shape), reason=reason) from error


def check_output(output: Any, labels: torch.Tensor) -> list[Check]:
    """Whether the outputs are logits."""
    if not isinstance(output, torch.Tensor) or output.ndim != 2 or len(output) != len(labels):
        shape = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        detail = f"{shape} for {counted(len(labels), 'image')}"
        return [Check("output", "problem", detail, "Return logits of shape (B, classes).")]
    if not output.isfinite().all():
        return [Check("output", "problem", "NaN or infinite values", "Train with a smaller learning rate.")]
    if output.shape[1] <= int(labels.max()):
        detail = f"{counted(output.shape[1], 'value')} an image for {counted(int(labels.max()) + 1, 'class')}"
        return [Check("output", "problem", detail, "Give the last layer one output per class.")]
    output = output.float()
    if output.min() >= 0 and (output.sum(dim=1) - 1).abs().max() < 1e-3:
        return [
            Check("softmax", "problem", "the model ends in a softmax: with cross-entropy, which holds one, it is applied twice",
                  "Return logits; take softmax only where probabilities are shown.")
        ]  # fmt: skip
    if (output.exp().sum(dim=1) - 1).abs().max() < 1e-3:
        return [Check("softmax", "warning", "the model ends in a log-softmax: right for nll_loss, needless for cross-entropy",
                      "Return logits and use cross-entropy.")]  # fmt: skip
    return [Check("softmax", "ok", "none in the model: it returns logits"), check_confidence(output, labels)]


def check_confidence(logits: torch.Tensor, labels: torch.Tensor) -> Check:
    """Whether the probabilities can be believed: the temperature that fits them best is near 1."""
    best = fit_temperature(logits, labels)
    detail = f"temperature {best:.2f} fits the logits best (1 would be ideal)"
    if best > TOO_SURE:
        return Check("confidence", "warning", f"{detail}: far too sure of itself",
                     "Look for a softmax before cross-entropy in the training; else train shorter or smooth labels.")  # fmt: skip
    return Check("confidence", "ok", detail)


def check_input(model: nn.Module, pixels: torch.Tensor, labels: torch.Tensor, normalisation: Normalisation) -> Check:
    """Which kind of input the model reads best; it should be the normalised one with bright ink on dark."""

    def accuracy(images: torch.Tensor) -> float:
        return float((answer(model, images).argmax(dim=1) == labels).float().mean())

    inverted = 255 - pixels
    kinds = {
        "normalised": normalisation(pixels),
        "scaled to [0, 1], not normalised": pixels / 255,
        "scaled to [-1, 1]": pixels / 127.5 - 1,
        "raw 0 to 255, not scaled": pixels,
        "inverted (dark ink on bright), normalised": normalisation(inverted),
        "inverted (dark ink on bright), scaled to [0, 1]": inverted / 255,
        "inverted (dark ink on bright), scaled to [-1, 1]": inverted / 127.5 - 1,
        "inverted (dark ink on bright), raw 0 to 255": inverted,
    }
    read = {kind: accuracy(images) for kind, images in kinds.items()}
    best = max(read, key=lambda kind: read[kind])
    normal = read["normalised"]
    if read[best] < 0.5:
        return Check("input", "problem", f"it reads at most {100 * read[best]:.1f} % of the images, whatever their scale or ink",
                     "Was it trained, and on this dataset?")  # fmt: skip
    if read[best] > normal + CLEARLY_BETTER:
        return Check("input", "problem", f"the model reads {100 * read[best]:.1f} % of images that are {best},"
                     f" and {100 * normal:.1f} % of normalised ones", f"It was trained on images that are {best}: give it"
                     " those, or train it on normalised ones.")  # fmt: skip
    return Check(
        "input",
        "ok",
        f"normalised, bright ink on dark: {100 * normal:.1f} % of {len(labels):,} validation images right",
    )


def check_relus(alive: list[torch.Tensor]) -> list[Check]:
    """How many channels never get above 0 on any image."""
    if not alive:
        return [Check("ReLUs", "ok", "the model has none")]
    checks = []
    for place, channels in enumerate(alive, 1):
        dead, total = int((~channels).sum()), len(channels)
        detail = f"{dead} of {total} channels never active" if dead else f"all {total} channels active"
        share = dead / total
        verdict: Literal["ok", "warning", "problem"] = "problem" if share > 0.5 else "warning" if share > 0.1 else "ok"
        remedy = "Train with a smaller learning rate or with batch norm." if verdict != "ok" else ""
        checks.append(Check(f"ReLU {place}", verdict, detail, remedy))
    return checks
