"""Export the finder as one file for other programs, checked against PyTorch on pictures of several sizes."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mnistlab.dependencies import cache_of_its_own, import_onnxruntime
from mnistlab.errors import Failure, UserError
from mnistlab.evaluation.finder import saved_finder
from mnistlab.evaluation.finds import THRESHOLD
from mnistlab.export.onnx_file import OPSET
from mnistlab.export.result import FinderExport, Parity
from mnistlab.files import check_target, given_path, write_output
from mnistlab.networks.finder import FinderNet, SavedFinder
from mnistlab.runs.run import Run

__all__ = ["export_finder"]


OUTPUTS = ("kinds", "boxes", "ink")
SIZES = ((96, 192), (64, 64), (4, 12), (100, 52), (256, 320))
"""Heights and widths of the pictures on which the file is tried."""
TOLERANCE = 1e-4
"""How far an answer may be from PyTorch's; the order of summation in fp32 makes a difference of about 1e-6."""


class Whole(nn.Module):
    """The network in the file, which computes the kinds' probabilities, the boxes, and the ink of digits from the contrast."""

    def __init__(self, model: FinderNet) -> None:
        super().__init__()
        self.model = model

    def forward(self, contrast: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Like `FinderNet`, but with kinds and ink as probabilities, 0 to 1."""
        kinds, boxes, ink = self.model(contrast)
        return kinds.sigmoid(), boxes, ink.sigmoid()


def export_finder(run: Run, output: str | Path | None, to: str, *, int8: bool, coverage: float) -> FinderExport:
    """Write the network of a finished run as ONNX or safetensors, for `export_model`, which has checked the request.

    The ONNX file takes `contrast`, float32 (1, 1, H, W), as `mnistlab.reading.finder.contrast` computes it; H and W must be
    multiples of 4. The file returns `kinds`, float32 (1, classes, H/4, W/4), 0 to 1; `boxes`, float32 (1, 4, H/4, W/4); and
    `ink`, float32 (1, 1, H, W), 0 to 1. The same run exported with the same versions of all packages gives the same file, byte
    for byte.
    """
    for field, given in (("int8", int8), ("coverage", coverage != 0.99)):
        if given:
            raise UserError("export.not_for_finders", field=field, run=run.path)
    path = given_path(output, "output") if output else run.path / f"finder.{to}"
    check_target(path, f"finder.{to}")
    saved = saved_finder(run)
    recipe = run.recipe.to_dict()
    recipe["start"] = Path(recipe["start"]).name  # a whole path would tell where the exporter's files are
    facts = {
        "mnistlab": metadata.version("mnistlab"),
        "dataset": Path(saved.dataset).name,
        "data": saved.data,
        "classes": json.dumps(saved.classes),
        "recipe": json.dumps(recipe),
        "commit": run.environment.get("commit") or "unknown",
        "torch": torch.__version__,
    }
    content = onnx_content(saved, facts) if to == "onnx" else safetensors_content(saved, facts)
    parity = check_answers(saved, content, to)
    write_output(path, content)
    return FinderExport(
        path=path, bytes=len(content), to=to, temperature=1.0, threshold=THRESHOLD, coverage=1.0, calibration=None,
        parity=parity, accuracy=None, int8_loss=None,
    )  # fmt: skip


def onnx_content(saved: SavedFinder, facts: dict[str, str]) -> bytes:
    """The network as ONNX, with `facts` as its metadata; batch norm is merged into the convolutions before it."""
    import onnx
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass

    whole = Whole(saved.model).eval().to(memory_format=torch.contiguous_format)
    height, width = (4 * torch.export.Dim(name, min=1) for name in ("h", "w"))
    with cache_of_its_own("TORCHINDUCTOR_CACHE_DIR"):  # PyTorch's compiler creates a folder
        program: Any = torch.onnx.export(
            whole, (torch.zeros(1, 1, *SIZES[0]),), input_names=["contrast"], output_names=list(OUTPUTS), dynamo=True,
            opset_version=OPSET, dynamic_shapes={"contrast": {2: height, 3: width}}, verbose=False,
        )  # fmt: skip
    ClearMetadataAndDocStringPass()(program.model)  # otherwise each node would record the file and line that made it
    graph: onnx.ModelProto = program.model_proto
    del graph.graph.value_info[:]
    for output in graph.graph.output[:2]:
        for dim, name in zip(output.type.tensor_type.shape.dim[2:], ("h", "w"), strict=True):
            dim.dim_param = name
    graph.producer_name, graph.producer_version = "mnistlab", facts["mnistlab"]
    onnx.helper.set_model_props(graph, {**facts, "onnx": onnx.__version__, "opset": str(OPSET)})
    onnx.checker.check_model(graph, full_check=True)
    return bytes(graph.SerializeToString(deterministic=True))


def safetensors_content(saved: SavedFinder, facts: dict[str, str]) -> bytes:
    """The weights as safetensors, with `facts` and a description of the network in the header."""
    from safetensors.torch import save

    model = saved.model
    network = json.dumps({"widths": model.widths, "apart": model.apart, "classes": model.classes})
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    return save(weights, {**facts, "network": network})


def check_answers(saved: SavedFinder, content: bytes, to: str) -> Parity:
    """How closely the file's answers match PyTorch's. Raises `Failure` if they differ too much."""
    random = np.random.default_rng(0)
    pictures = [random.standard_normal((1, 1, *size)).astype(np.float32) for size in SIZES]
    answer = run_onnx(content) if to == "onnx" else run_safetensors(saved, content)
    expected = run_torch(saved.model)
    differences = [
        float(np.abs(mine - theirs).max())
        for picture in pictures
        for mine, theirs in zip(answer(picture), expected(picture), strict=True)
    ]
    if not max(differences) <= TOLERANCE:
        raise Failure("export.finder_answers_differ", difference=max(differences), tolerance=TOLERANCE)
    return Parity(len(pictures), max(differences))


def run_torch(model: FinderNet) -> Any:
    """A function that takes a picture, float32 (1, 1, H, W), and returns the network's own answer."""
    whole = Whole(model).eval()

    def answer(picture: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        with torch.no_grad():
            return [value.numpy() for value in whole(torch.from_numpy(picture))]

    return answer


def run_onnx(content: bytes) -> Any:
    """A function that takes a picture and returns the ONNX file's answer."""
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda picture: session.run(None, {"contrast": picture})


def run_safetensors(saved: SavedFinder, content: bytes) -> Any:
    """A function that takes a picture and returns the network's answer with the weights read back from the file's content."""
    from safetensors.torch import load

    model = FinderNet(len(saved.classes), saved.model.widths, saved.model.apart)
    model.load_state_dict(load(content))
    return run_torch(model)
