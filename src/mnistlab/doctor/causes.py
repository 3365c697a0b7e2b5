"""Recognise common mistakes from the call that failed or from a loss's arguments; a `Clause` says what the mistake is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from mnistlab.messages.sentences import Clause

__all__ = ["Witness", "alike", "cause_of", "what_is_wrong_with"]

FLATTENING = {"flatten", "view", "reshape"}
LOSSES = {"cross_entropy", "nll_loss"}
WEIGHED = LOSSES | {"linear", "conv1d", "conv2d", "conv3d", "matmul", "mm", "addmm", "bmm", "__matmul__", "batch_norm"}
"""Functions whose floating-point arguments must all have the same dtype."""
NEAR = 1e-3
"""How far from 1 a sum of values may be for the values to count as probabilities."""


class Call(NamedTuple):
    """A call of one of torch's functions: its name, the tensors among its arguments, and what it returned or raised."""

    name: str
    tensors: list[torch.Tensor]
    outcome: Any


class Witness(TorchFunctionMode):
    """Inside `with`, records the calls of torch's losses, the last call that failed, and the last result of flattening."""

    def __init__(self, model: nn.Module, batch: int) -> None:
        super().__init__()
        self.layers = {id(value): name.rpartition(".")[0] for name, value in model.named_parameters()}
        self.batch = batch
        """Batch size."""
        self.failed: Call | None = None
        self.losses: list[Call] = []
        self.flattened: Any = None
        """The result of the last flatten, view or reshape."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given, name = kwargs or {}, getattr(func, "__name__", "")
        tensors = [value for value in (*args, *given.values()) if isinstance(value, torch.Tensor)]
        try:
            result = func(*args, **given)
        except Exception as error:
            self.failed = Call(name, tensors, error)
            raise
        if name in LOSSES:
            self.losses.append(Call(name, [value.detach() for value in tensors[:2]], result))
        elif name in FLATTENING:
            self.flattened = result
        return result


def cause_of(error: BaseException, witness: Witness | None = None) -> Clause | None:
    """The mistake that led to this error; None if the error does not come from one of the known mistakes.

    `witness`, if given, is the `Witness` that was active when the error was raised.
    """
    if witness is not None and witness.failed is not None and witness.failed.outcome is error:
        found = next(causes_in(witness.failed, witness), None)
        if found is not None:
            return found
    text = str(error)
    if two := re.search(r"on(?: the)? device (\S+) is not on the expected device (\S+?)!", text):
        return Clause("doctor.two_devices", first=two[1], second=two[2])
    if two := re.search(r"at least two devices, (\S+) and (\S+?)[!, ]", text):
        return Clause("doctor.two_devices", first=two[1], second=two[2])
    known = {
        "Weights only load failed": Clause("doctor.whole_model_file"),
        "before Module.__init__() call": Clause("doctor.super_forgotten"),
        "does not require grad": Clause("doctor.loss_cut_off"),
        "backward through the graph a second time": Clause("doctor.graph_used_twice"),
        "NVIDIA driver": Clause("doctor.no_such_device"),
        "not compiled with CUDA": Clause("doctor.no_such_device"),
        "No CUDA GPUs": Clause("doctor.no_such_device"),
    }
    return next((clause for words, clause in known.items() if words in text), None)


def causes_in(call: Call, witness: Witness) -> Iterator[Clause]:
    """The mistakes in the arguments of the call that failed."""
    first, *others = call.tensors or [torch.empty(0)]
    if devices := sorted({str(value.device) for value in others} - {str(first.device)}):
        yield Clause("doctor.two_devices", first=str(first.device), second=devices[0])
    if call.name in LOSSES and others:
        yield from label_causes(call.name, first, others[0])
    if call.name in WEIGHED and call.name not in LOSSES:
        for other in others:
            if other.dtype != first.dtype:
                yield Clause("doctor.two_dtypes", first=dtype(first), second=dtype(other))
    if call.name == "conv2d" and others:
        yield from convolution_causes(first, others[0], witness)
    if call.name in ("linear", "matmul", "mm", "__matmul__") and others and others[0].ndim == 2:
        weight = others[0] if call.name == "linear" else others[0].t()
        yield from linear_causes(first, weight, layer(others[0], witness), witness)
    if call.name == "batch_norm" and others and first.ndim > 1 and first.shape[1] != len(others[0]):
        yield Clause("doctor.norm_misfit", gets=first.shape[1], takes=len(others[0]))
    if call.name in FLATTENING and first.ndim > 2 and len(first) == witness.batch:
        each = math.prod(first.shape[1:])
        yield Clause("doctor.view_misfit", batch=witness.batch, shape=tuple(first.shape[1:]), each=each)


def convolution_causes(images: torch.Tensor, weight: torch.Tensor, witness: Witness) -> Iterator[Clause]:
    """The mistake in a convolution's input: the wrong number of channels for the layer, or the wrong number of dimensions."""
    if images.ndim != weight.ndim:
        if weight.ndim == 4:
            yield Clause("doctor.maps_lost", layer=layer(weight, witness), shape=tuple(images.shape))
    elif images.shape[1] == 1 and len(images) == witness.batch and weight.shape[1] == 3:
        yield Clause("doctor.three_channels", layer=layer(weight, witness), width=weight.shape[0])
    elif images.shape[1] != weight.shape[1]:
        gets, takes, width = images.shape[1], weight.shape[1], weight.shape[0]
        yield Clause("doctor.channels_misfit", layer=layer(weight, witness), gets=gets, takes=takes, width=width)


def linear_causes(
    values: torch.Tensor, weight: torch.Tensor, named: str | Clause, witness: Witness
) -> Iterator[Clause]:
    """The mistake in a linear layer's input: unflattened maps, a whole batch in one row, or the wrong number of values."""
    outputs, takes = weight.shape
    gets = values.shape[-1] if values.ndim else 1
    if gets == takes:
        return
    if values.ndim > 2 and len(values) == witness.batch:
        each = math.prod(values.shape[1:])
        yield Clause("doctor.flatten_missing", layer=named, shape=tuple(values.shape), gets=each, outputs=outputs)
    elif values.ndim == 1 or len(values) != witness.batch:
        yield Clause("doctor.batch_lost", rows=len(values) if values.ndim > 1 else 1, batch=witness.batch)
    elif values is witness.flattened:
        yield Clause("doctor.flatten_misfit", layer=named, gets=gets, takes=takes, outputs=outputs)
    else:
        yield Clause("doctor.linear_misfit", layer=named, gets=gets, takes=takes, outputs=outputs)


def label_causes(loss: str, logits: torch.Tensor, labels: torch.Tensor) -> Iterator[Clause]:
    """The mistake in a loss's arguments: labels that the loss cannot take, or something else in place of the logits."""
    classes = logits.shape[1] if logits.ndim > 1 else 0
    if not logits.is_floating_point():
        yield Clause("doctor.loss_of_classes", dtype=dtype(logits))
    elif labels.shape == logits.shape and logits.ndim == 2:
        yield Clause("doctor.one_hot", shape=tuple(labels.shape))
    elif labels.ndim == 2 and labels.shape[1] == 1:
        yield Clause("doctor.labels_in_a_column", shape=tuple(labels.shape))
    elif labels.dtype not in (torch.int64, torch.uint8):
        yield Clause("doctor.labels_dtype", dtype=dtype(labels))
    elif len(labels) != len(logits):
        yield Clause("doctor.batch_lost", rows=len(logits), batch=len(labels))
    elif classes and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        low, high = int(labels.min()), int(labels.max())
        yield Clause("doctor.labels_out_of_range", low=low, high=high, classes=classes)


def alike(values: torch.Tensor) -> str:
    """What `values`, float (B, C), look like: "probabilities" if each row sums to 1, "log" if they are logarithms of such rows;
    " of the batch" is appended if each column, not each row, sums to 1. If `values` look like neither, the result is ""."""
    if values.ndim != 2 or 1 in values.shape or not values.is_floating_point() or not values.isfinite().all():
        return ""
    for dim, where in ((1, ""), (0, " of the batch")):
        if values.min() >= 0 and (values.sum(dim) - 1).abs().max() < NEAR:
            return f"probabilities{where}"
        if values.max() <= NEAR and (values.exp().sum(dim) - 1).abs().max() < NEAR:
            return f"log{where}"
    return ""


def what_is_wrong_with(loss: Call) -> Clause | None:
    """The mistake in arguments that one of torch's losses accepted without an error; None if there is no mistake."""
    kind = alike(loss.tensors[0].float()) if loss.tensors else ""
    if kind.endswith("of the batch"):
        return Clause("doctor.softmax_over_batch")
    if loss.name == "nll_loss" and kind != "log" and loss.tensors and loss.tensors[0].ndim == 2:
        return Clause("doctor.nll_of_logits")
    if loss.name == "cross_entropy" and kind:
        return Clause("doctor.softmax_then_loss" if kind == "probabilities" else "doctor.log_softmax_then_loss")
    return None


def layer(weight: torch.Tensor, witness: Witness) -> str | Clause:
    """The name of the layer to which this weight belongs, such as "conv1", "layer 3" (in an `nn.Sequential`) or "a layer"."""
    name = witness.layers.get(id(weight), "")
    if not name:
        return Clause("doctor.a_layer")
    return Clause("doctor.layer_number", number=name) if name.isdecimal() else name


def dtype(value: torch.Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")
