"""A network as one ONNX file that includes its preprocessing."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mnistlab.data.batches import BATCH
from mnistlab.dependencies import cache_of_its_own, import_onnxruntime
from mnistlab.errors import StorageFailure
from mnistlab.evaluation.calibration import Probabilities, at_temperature
from mnistlab.messages.sentences import Clause
from mnistlab.networks.checkpoint import SavedModel

if TYPE_CHECKING:
    import onnx


OPSET = 18
"""The version of ONNX's operators that torch writes without conversion. It has all operators that the networks need, and every
onnxruntime since 1.14 runs it, in the browser too; onnxruntime 1.20 and later run at least all versions up to 21."""
INT8_IMAGES = 1000
"""How many training images are used to determine the range of activations that 8 bits have to cover."""
INT8_OPERATORS = ["Conv", "MaxPool", "Gemm"]
"""The operators that are converted to 8 bits; converting the others as well made files no smaller and answers no faster."""


class Whole(nn.Module):
    """The network in the ONNX file, which takes uint8 images and returns probabilities."""

    def __init__(self, saved: SavedModel, temperature: float) -> None:
        super().__init__()
        self.model = saved.model
        self.normalisation = saved.normalisation
        self.temperature = temperature

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The probabilities, float32 (N, classes), for images, uint8 (N, 1, H, W)."""
        logits: torch.Tensor = self.model(self.normalisation(images.float()))
        return at_temperature(logits, self.temperature)


class OnnxFile:
    """The model as ONNX: one file that holds all weights and takes batches of any size."""

    def __init__(self, saved: SavedModel, temperature: float) -> None:
        from onnx_ir.passes.common import ClearMetadataAndDocStringPass

        images = torch.zeros(2, 1, *saved.model.architecture.image_size, dtype=torch.uint8)
        # In channels_last, the mean over a map would be traced with strides, which other programs cannot handle.
        whole = Whole(saved, temperature).eval().to(memory_format=torch.contiguous_format)
        with cache_of_its_own("TORCHINDUCTOR_CACHE_DIR"):  # PyTorch's compiler creates a folder
            program: Any = torch.onnx.export(
                whole, (images,), input_names=["images"], output_names=["probabilities"], opset_version=OPSET, dynamo=True,
                dynamic_shapes={"images": {0: torch.export.Dim("N", min=1)}}, verbose=False,
            )  # fmt: skip
        # Otherwise each node would record the file and line on this machine that made it.
        ClearMetadataAndDocStringPass()(program.model)
        self.graph: onnx.ModelProto = program.model_proto

    def answer(self, images: NDArray[np.uint8]) -> Probabilities:
        """The probabilities, float32 (N, classes), that ONNX Runtime gives for images, uint8 (N, H, W)."""
        onnxruntime = import_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors only
        session = onnxruntime.InferenceSession(
            self.graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        batches = (images[first : first + BATCH, None] for first in range(0, len(images), BATCH))
        return np.concatenate([session.run(None, {"images": batch})[0] for batch in batches])

    def quantise(self, images: NDArray[np.uint8]) -> None:
        """Convert `INT8_OPERATORS` to 8 bits.

        Weights are scaled by their range in each channel, activations by their range over `images`.
        """
        import onnx

        quantization = import_onnxruntime("quantization")
        shape_inference = import_onnxruntime("quantization.shape_inference")

        class Reader(quantization.CalibrationDataReader):  # type: ignore[misc, name-defined]
            batches = iter([images[first : first + BATCH // 10, None] for first in range(0, len(images), BATCH // 10)])

            def get_next(self) -> dict[str, Any] | None:
                batch = next(self.batches, None)
                return None if batch is None else {"images": batch}

        with temporary_folder(room=10 * self.graph.ByteSize()) as folder:
            # The graph goes through files, because the quantiser would move the weights out of a graph in memory.
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
        """The file's content, with `facts` as its metadata."""
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
    """A folder that is deleted after the `with` block. Raises `StorageFailure` if nothing can be written to the folder.

    ONNX Runtime writes to this folder too, and does not notice a full disk until it reads a file that was cut off. An error in
    the block is therefore put down to lack of space if fewer than `room` bytes were free when the folder was created.
    """
    free = room
    try:
        with tempfile.TemporaryDirectory() as name:
            free = shutil.disk_usage(name).free
            yield Path(name)
    except Exception as error:
        if not isinstance(error, OSError) and free >= room:
            raise
        why: str | Clause = Clause("export.bytes_free", free=free)
        if isinstance(error, OSError):
            why = error.strerror or str(error)
        if tempfile.tempdir is None:
            raise StorageFailure("export.no_folder_for_temporary_files", why=why) from error
        raise StorageFailure("export.no_room_for_temporary_files", folder=tempfile.tempdir, why=why) from error
