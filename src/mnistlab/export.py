"""A trained model as one file that is used without mnistlab: ONNX or safetensors, calibrated, and checked before it is there."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import importlib.util
import json
import logging
import math
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mnistlab.arguments import number
from mnistlab.calibration import (
    UNCALIBRATED_THRESHOLD,
    Calibration,
    Probabilities,
    find_logits,
    find_threshold,
    fit_temperature,
    measure,
)
from mnistlab.checkpoints import SavedModel, load_model
from mnistlab.datasets import Dataset, open_dataset
from mnistlab.dependencies import cache_of_its_own, import_onnxruntime
from mnistlab.errors import Failure, StorageFailure, UserError, install
from mnistlab.evaluation import check_fit
from mnistlab.files import check_folder, explain_os_errors, is_folder, shorten, write_bytes
from mnistlab.loader import read_split
from mnistlab.model import make_network
from mnistlab.runs import Run, find_model
from mnistlab.wording import counted

if TYPE_CHECKING:
    import onnx

__all__ = ["FORMATS", "Calibration", "Export", "Parity", "export_model"]

logger = logging.getLogger("mnistlab.export")

FORMATS = {"onnx": ("onnx", "onnxscript"), "safetensors": ("safetensors",)}
"""What can be written, and the packages of the extra `export` that it takes."""
OPSET = 18
"""The version of ONNX's operators: the one that torch writes without converting; it has all that the networks need, and each
onnxruntime since 1.14 runs it, in the browser too (1.20 and later read up to 21)."""
TOLERANCE = 1e-4
"""How far a probability may be from PyTorch's; the order of fp32's sums makes about 1e-6."""
BATCH = 1000
INT8_IMAGES = 1000
"""Training images whose activations say which range 8 bits have to cover."""
INT8_OPERATORS = ["Conv", "MaxPool", "Gemm"]
"""With the others in 8 bits too, files were no smaller and no faster."""


@dataclass(frozen=True)
class Parity:
    """Over so many test images the file gave PyTorch's digits, and probabilities that differ by no more than this."""

    images: int
    largest_difference: float


@dataclass(frozen=True)
class Export:
    """A file that was written, and what is known of the model in it.

    An answer whose probability is at least `threshold` is to be accepted; of the validation images the fraction `coverage` is.
    Where the model has seen those, or nothing says that it has not, `calibration` and `accuracy` (in fp32) are None.
    `parity` is that of fp32. `int8_loss` is the accuracy on the validation images that 8 bits cost, None for fp32.
    """

    path: Path
    bytes: int
    to: str
    temperature: float
    threshold: float
    coverage: float
    calibration: Calibration | None
    parity: Parity
    accuracy: float | None
    int8_loss: float | None

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain types, for JSON."""
        return {**dataclasses.asdict(self), "path": str(self.path)}


def export_model(
    source: Run | str | Path,
    output: str | Path | None = None,
    *,
    to: Literal["onnx", "safetensors"] = "onnx",
    int8: bool = False,
    coverage: float = 0.99,
    data_dir: str | Path | None = None,
    runs_dir: str | Path = "runs",
) -> Export:
    """Write the model of a finished run, or a lone model.pth, to `output` (default: model.onnx beside the model).

    A run is what `find_run` finds in `runs_dir`. `coverage`, above 0 and up to 1, is the fraction of digits that the threshold
    is to accept.

    The ONNX file takes `images`, uint8 (N, 1, H, W) as the dataset has them, and gives `probabilities`, float32 (N, classes):
    normalisation, temperature (Guo et al. 2017) and softmax are in it. Temperature and threshold are fitted to the validation
    split. The safetensors file holds the weights. Both say in their metadata what they are. With `int8` the ONNX file holds
    and does convolutions and linear layers in 8 bits.

    Raises `UserError` for what cannot be done as asked, `Failure` where the file would not answer as PyTorch does, or the disk
    is full. Then nothing is written, and a file that was there stays as it was.
    """
    coverage = check_request(to, int8, coverage)
    run, model_path = find_finished(source, runs_dir)
    output = Path(output) if output else model_path.with_name(f"model.int8.{to}" if int8 else f"model.{to}")
    check_output(output, to)
    saved = load_model(model_path)
    dataset = open_fitting_dataset(run, saved, model_path, data_dir)
    images, labels = read_split(dataset, "val")
    logits = find_logits(saved, images)
    plain = measure(logits.softmax(dim=1).numpy(), labels, saved.classes)
    seen = why_seen(run)
    temperature = 1.0 if seen else fit_temperature(logits, labels)

    file = OnnxFile(saved, temperature) if to == "onnx" else SafetensorsFile(saved, temperature)
    # The official test set is for `evaluate`, and its labels are not looked at here: its images show that two programs give
    # the same answers, and nothing is chosen by them.
    test_images = dataset.read("test")[0]
    expected = (find_logits(saved, test_images) / temperature).softmax(dim=1).numpy()
    parity = compare(file.answer(test_images), expected)
    if int8 and isinstance(file, OnnxFile):
        file.quantise(read_split(dataset, "train")[0][:INT8_IMAGES])

    probabilities = file.answer(images)
    measured = measure(probabilities, labels, saved.classes)
    if seen:
        logger.warning("Not calibrated: %s. The threshold is %s.", seen, UNCALIBRATED_THRESHOLD)
        threshold, calibration = UNCALIBRATED_THRESHOLD, None
    else:
        threshold = find_threshold(probabilities.max(axis=1), coverage)
        calibration = Calibration(plain.calibration_error, measured.calibration_error, len(labels))
    content = file.content(describe(run, saved, temperature, threshold, coverage, calibration))
    write_bytes(output, content)
    return Export(
        output, len(content), to, temperature, threshold, coverage, calibration, parity,
        accuracy=None if seen else plain.accuracy,
        int8_loss=plain.accuracy - measured.accuracy if int8 else None,
    )  # fmt: skip


def check_request(to: str, int8: bool, coverage: float) -> float:
    """The coverage, checked. Raises `UserError` that names the first thing that cannot be done, or is not installed."""
    if to not in FORMATS:
        raise UserError(f"Unknown format {shorten(to)!r}.", f"Choose one of {', '.join(FORMATS)}.")
    if int8 and to != "onnx":
        raise UserError(f"8 bits are for ONNX, not for {to}.", "Leave int8 out, or export to onnx.")
    remedy = "Choose a fraction above 0 and up to 1, such as 0.99."
    coverage = number(coverage, "Coverage", math.ulp(0), 1, remedy)
    if missing := [name for name in FORMATS[to] if importlib.util.find_spec(name) is None]:
        raise UserError(
            f"Exporting to {to} needs packages that are not installed: {', '.join(missing)}.",
            install("export"),
        )
    return coverage


def find_finished(source: Run | str | Path, runs_dir: str | Path) -> tuple[Run | None, Path]:
    """The run, if there is one, and its model's path. Raises `UserError` for a run that is not finished."""
    if not isinstance(source, Run):
        path = find_model(source, runs_dir)
        if path.name != "model.pth" or not (path.parent / "config.json").exists():
            return None, path
        source = Run.open(path.parent)
    done, planned = source.progress
    if done < planned:
        what = "members" if source.recipe.members > 1 else "epochs"
        raise UserError(
            f"{source.path} is not a finished run: it has {done} of {planned} {what}.",
            source.how_to_finish,
        )
    return source, source.model_path


def check_output(output: Path, to: str) -> None:
    """Raise `UserError` where the file could not be written there, or should not."""
    if is_folder(output):
        raise UserError(f"'{output}' is a folder, not a file.", f"Give a file's name: {output / f'model.{to}'}")
    if output.suffix != f".{to}":  # model.pth, most of all
        raise UserError(f"{shorten(output)} does not end in .{to}.", f"Name it so: {output.stem or 'model'}.{to}")
    check_folder(output.parent)
    with explain_os_errors(output), contextlib.suppress(FileNotFoundError):
        output.lstat()  # a name that is too long shows here


def open_fitting_dataset(run: Run | None, saved: SavedModel, model_path: Path, data_dir: str | Path | None) -> Dataset:
    """The dataset that the model was trained on. Raises `UserError` where it has changed since."""
    dataset = open_dataset(saved.dataset, run.find_data(data_dir) if run else data_dir or "data")
    if run:
        check_fit(run, saved.dataset, saved.classes, dataset.spec.classes)
    elif saved.classes != dataset.spec.classes:
        raise UserError(
            f"{model_path} knows {counted(len(saved.classes), 'class')}, and {saved.dataset} now has {len(dataset.spec.classes)}"
            " or others.",
            "Put back the pictures that it was trained on.",
        )
    return dataset


def why_seen(run: Run | None) -> str:
    """Why the validation images cannot be taken for pictures that the model has not seen; empty where they can."""
    if run is None:
        return "nothing says what the model was trained on"
    return "" if run.recipe.split == "train" else "the model was trained on the validation images too"


# files


class Whole(nn.Module):
    """All that stands in the ONNX file: uint8 images in, probabilities out."""

    def __init__(self, saved: SavedModel, temperature: float) -> None:
        super().__init__()
        self.model = saved.model
        self.scale, self.shift = 1 / (255 * saved.std), -saved.mean / saved.std
        self.temperature = temperature

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Probabilities float32 (N, classes) of images uint8 (N, 1, H, W)."""
        logits: torch.Tensor = self.model(images.float() * self.scale + self.shift)
        return (logits / self.temperature).softmax(dim=1)


class OnnxFile:
    """The model as ONNX: one file, all weights in it, any batch size."""

    def __init__(self, saved: SavedModel, temperature: float) -> None:
        from onnx_ir.passes.common import ClearMetadataAndDocStringPass

        members = saved.model.architecture.get("members") or [saved.model.architecture]
        images = torch.zeros(2, 1, *members[0]["image_size"], dtype=torch.uint8)
        # In channels_last the mean over a map would be traced as strides, which other programs cannot follow.
        whole = Whole(saved, temperature).eval().to(memory_format=torch.contiguous_format)
        with cache_of_its_own("TORCHINDUCTOR_CACHE_DIR"):  # PyTorch's compiler makes itself a folder
            program: Any = torch.onnx.export(
                whole, (images,), input_names=["images"], output_names=["probabilities"], opset_version=OPSET, dynamo=True,
                dynamic_shapes={"images": {0: torch.export.Dim("N", min=1)}}, verbose=False,
            )  # fmt: skip
        # Else each node says in which line of which file of this machine it was called.
        ClearMetadataAndDocStringPass()(program.model)
        self.graph: onnx.ModelProto = program.model_proto

    def answer(self, images: NDArray[np.uint8]) -> Probabilities:
        """Probabilities float32 (N, classes) that ONNX Runtime gives for images uint8 (N, H, W)."""
        onnxruntime = import_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors only
        session = onnxruntime.InferenceSession(
            self.graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        batches = (images[first : first + BATCH, None] for first in range(0, len(images), BATCH))
        return np.concatenate([session.run(None, {"images": batch})[0] for batch in batches])

    def quantise(self, images: NDArray[np.uint8]) -> None:
        """Put `INT8_OPERATORS` into 8 bits: weights for each channel, activations by their range over `images`."""
        import onnx

        quantization = import_onnxruntime("quantization")
        shape_inference = import_onnxruntime("quantization.shape_inference")

        class Reader(quantization.CalibrationDataReader):  # type: ignore[misc, name-defined]
            batches = iter([images[first : first + BATCH // 10, None] for first in range(0, len(images), BATCH // 10)])

            def get_next(self) -> dict[str, Any] | None:
                batch = next(self.batches, None)
                return None if batch is None else {"images": batch}

        with temporary_folder(room=10 * self.graph.ByteSize()) as folder:
            # By way of files: given a graph in memory, the quantiser moves its weights out of it.
            plain, prepared, done = (folder / name for name in ("plain.onnx", "prepared.onnx", "done.onnx"))
            onnx.save(self.graph, plain)
            shape_inference.quant_pre_process(plain, prepared, skip_symbolic_shape=True)
            quantization.quantize_static(
                prepared, done, Reader(), quant_format=quantization.QuantFormat.QDQ, op_types_to_quantize=INT8_OPERATORS,
                per_channel=True, activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8,
            )  # fmt: skip
            self.graph = onnx.load(done)
        used = {node.domain for node in self.graph.graph.node}
        for domain in [entry for entry in self.graph.opset_import if entry.domain not in used]:
            self.graph.opset_import.remove(domain)  # ONNX Runtime's own, which another runtime may not know

    def content(self, facts: dict[str, str]) -> bytes:
        """The file, with `facts` as its metadata."""
        import onnx

        self.graph.producer_name, self.graph.producer_version = "mnistlab", facts["mnistlab"]
        self.graph.doc_string = (
            f"A classifier of {facts['dataset']} pictures that mnistlab trained: uint8 images in, probabilities out."
        )
        facts = {**facts, "onnx": onnx.__version__, "opset": str(OPSET)}
        onnx.helper.set_model_props(self.graph, facts)
        onnx.checker.check_model(self.graph, full_check=True)
        return bytes(self.graph.SerializeToString())


@contextlib.contextmanager
def temporary_folder(room: int) -> Iterator[Path]:
    """A folder that is gone behind `with`. Raises `StorageFailure` where it cannot be written.

    ONNX Runtime writes there too, and does not notice a full disk before it reads a file that was cut off: what goes wrong where
    there were less than `room` bytes goes wrong for the lack of them.
    """
    free = room
    try:
        with tempfile.TemporaryDirectory() as name:
            free = shutil.disk_usage(name).free
            yield Path(name)
    except Exception as error:
        if not isinstance(error, OSError) and free >= room:
            raise
        why = error.strerror if isinstance(error, OSError) else f"{free:,} bytes are free"
        raise StorageFailure(
            f"Temporary files cannot be written in {tempfile.tempdir or 'any folder'} ({why}).",
            "Free some space there, or name another folder in TMPDIR.",
        ) from error


class SafetensorsFile:
    """The weights as safetensors; what network they belong to stands in the header."""

    def __init__(self, saved: SavedModel, temperature: float) -> None:
        self.saved, self.temperature = saved, temperature

    def answer(self, images: NDArray[np.uint8]) -> Probabilities:
        """Probabilities float32 (N, classes) that the weights, read back, give for images uint8 (N, H, W)."""
        from safetensors.torch import load

        model = make_network(self.saved.model.architecture)
        model.load_state_dict(load(self.content({})))
        logits = find_logits(dataclasses.replace(self.saved, model=model), images)
        probabilities: Probabilities = (logits / self.temperature).softmax(dim=1).numpy()
        return probabilities

    def content(self, facts: dict[str, str]) -> bytes:
        """The file, with `facts` and what the weights need to be used in its header."""
        from safetensors.torch import save

        needed = {
            "architecture": json.dumps(self.saved.model.architecture),
            "mean": str(self.saved.mean),
            "std": str(self.saved.std),
        }
        return save({k: v.contiguous() for k, v in self.saved.model.state_dict().items()}, {**facts, **needed})


def compare(answers: Probabilities, expected: Probabilities) -> Parity:
    """Raise `Failure` where the file does not answer as PyTorch does."""
    others = int((answers.argmax(axis=1) != expected.argmax(axis=1)).sum())
    difference = float(np.abs(answers - expected).max())
    if others or not difference <= TOLERANCE:
        raise Failure(
            f"The exported model gives another answer than PyTorch for {others:,} of {len(expected):,} test images, and"
            f" probabilities up to {difference:.1e} away (allowed: {TOLERANCE:g}): nothing was written.",
            "Please report it, with the recipe and the versions of torch, onnx and onnxruntime.",
        )
    return Parity(len(expected), difference)


def describe(
    run: Run | None,
    saved: SavedModel,
    temperature: float,
    threshold: float,
    coverage: float,
    calibration: Calibration | None,
) -> dict[str, str]:
    """What the file says of itself: text, or JSON where it is more than a word."""
    trained_at = None
    if run:
        with contextlib.suppress(UserError):  # a model can be used without knowing what it was trained on
            trained_at = run.environment.get("commit")
    return {
        "mnistlab": metadata.version("mnistlab"),
        "dataset": Path(saved.dataset).name,  # of a folder of pictures its name: where it lies is nobody's business
        "classes": json.dumps(saved.classes),
        "recipe": json.dumps(run.recipe.to_dict() if run else None),
        "temperature": str(temperature),
        "threshold": str(threshold),
        "coverage": str(coverage),
        "calibration": json.dumps({"split": "val", **dataclasses.asdict(calibration)} if calibration else None),
        "commit": trained_at or "unknown",
        "torch": torch.__version__,
        "created": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
    }
