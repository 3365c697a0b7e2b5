"""Export a finder or a line reader as one file for other programs, checked against PyTorch on inputs of several sizes."""

from __future__ import annotations

import copy
import json
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mnistlab.dependencies import cache_of_its_own, import_onnxruntime
from mnistlab.errors import Failure, UserError
from mnistlab.evaluation.papers import saved_network
from mnistlab.export.finder import FINDER_FILE
from mnistlab.export.line_reader import LINE_READER_FILE
from mnistlab.export.onnx_file import OPSET
from mnistlab.export.paper_file import PaperFile
from mnistlab.export.result import PaperExport, Parity
from mnistlab.files import check_target, given_path, write_output
from mnistlab.networks.papers import SavedNetwork
from mnistlab.recipes.finder import FinderRecipe
from mnistlab.recipes.line_reader import LineReaderRecipe
from mnistlab.runs.run import Run

if TYPE_CHECKING:
    import onnx

__all__ = ["export_network", "onnx_content"]

FILES = {FinderRecipe.kind: FINDER_FILE, LineReaderRecipe.kind: LINE_READER_FILE}
"""A description of the exported file for each kind of network for pages, by the `kind` of the network's recipe."""
TOLERANCE = 1e-4
"""How far an answer may be from PyTorch's; the order of summation in fp32 makes a difference of about 1e-6."""


def export_network(run: Run, output: str | Path | None, to: str, *, int8: bool, coverage: float) -> PaperExport:
    """Write the network of a finished run as ONNX or safetensors, for `export_model`, which has checked the request.

    The ONNX file takes `contrast`, float32 (N, 1, H, W), as `mnistlab.reading.finder.contrast` computes it; `FINDER_FILE` (for
    which N is 1) and `LINE_READER_FILE` say what the file returns. The same run exported with the same versions of all
    packages gives the same file, byte for byte.
    """
    for field, given in (("int8", int8), ("coverage", coverage != 0.99)):
        if given:
            raise UserError("export.only_for_classifiers", field=field, run=run.path, does=run.recipe.does)
    form = FILES[run.kind]
    path = given_path(output, "output") if output else run.path / f"{form.name}.{to}"
    check_target(path, f"{form.name}.{to}")
    saved = saved_network(run)
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
    if to == "onnx":
        whole = form.in_file(saved.model)
        content = onnx_content(form, whole, facts)
        parity = check_answers(form, run_onnx(content), whole)
    else:
        content = safetensors_content(saved, facts)
        parity = check_answers(form, run_safetensors(form, saved, content), form.whole(saved.model))
    write_output(path, content)
    return form.result(
        path=path, bytes=len(content), to=to, temperature=1.0, threshold=form.threshold, coverage=1.0, calibration=None,
        parity=parity, accuracy=None, int8_loss=None,
    )  # fmt: skip


def onnx_content(form: PaperFile, whole: nn.Module, facts: dict[str, str]) -> bytes:
    """The network `whole`, made by `form.in_file`, as ONNX with `facts` as metadata; batch norm is merged into convolutions."""
    import onnx
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass

    dims = {axis: torch.export.Dim(name, min=1) for axis, (name, _) in form.sides.items()}
    shapes = {axis: dim if form.sides[axis][1] == 1 else form.sides[axis][1] * dim for axis, dim in dims.items()}
    with cache_of_its_own("TORCHINDUCTOR_CACHE_DIR"):  # PyTorch's compiler creates a folder
        program: Any = torch.onnx.export(
            whole.eval().to(memory_format=torch.contiguous_format),
            (torch.zeros(form.sizes[0]),), input_names=["contrast"], output_names=list(form.outputs), dynamo=True,
            opset_version=OPSET, dynamic_shapes={"contrast": shapes}, verbose=False,
        )  # fmt: skip
    ClearMetadataAndDocStringPass()(program.model)  # otherwise each node would record the file and line that made it
    model: onnx.ModelProto = program.model_proto
    del model.graph.value_info[:]
    for output, names in zip(model.graph.output, form.outputs.values(), strict=True):
        for axis, name in names.items():
            output.type.tensor_type.shape.dim[axis].dim_param = name
    if form.halved:
        halve(model.graph)
    model.producer_name, model.producer_version = "mnistlab", facts["mnistlab"]
    onnx.helper.set_model_props(model, {**facts, "onnx": onnx.__version__, "opset": str(OPSET)})
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def halve(graph: onnx.GraphProto) -> None:
    """Store the graph's float32 values with two or more dimensions as float16, each with a node that casts it back to float32."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for value in graph.initializer:
        if value.data_type == TensorProto.FLOAT and len(value.dims) > 1:
            name, halves = value.name, numpy_helper.to_array(value).astype(np.float16)
            value.CopyFrom(numpy_helper.from_array(halves, f"{name}.half"))
            casts.append(helper.make_node("Cast", [value.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def safetensors_content(saved: SavedNetwork[Any], facts: dict[str, str]) -> bytes:
    """The weights as safetensors, with `facts` and a description of the network in the header."""
    from safetensors.torch import save

    network = json.dumps({**saved.model.design, "classes": len(saved.classes)})
    weights = {name: value.contiguous() for name, value in saved.model.state_dict().items()}
    return save(weights, {**facts, "network": network})


def check_answers(form: PaperFile, answer: Any, expected: nn.Module) -> Parity:
    """How closely a file's answers match those of a network in PyTorch. Raises `Failure` if they differ too much."""
    random = np.random.default_rng(0)
    pictures = [random.standard_normal(size).astype(np.float32) for size in form.sizes]
    theirs = run_torch(expected)
    differences = [
        float(np.abs(one - other).max())
        for picture in pictures
        for one, other in zip(answer(picture), theirs(picture), strict=True)
    ]
    if not max(differences) <= TOLERANCE:
        raise Failure("export.network_answers_differ", difference=max(differences), tolerance=TOLERANCE)
    return Parity(len(pictures), max(differences))


def run_torch(whole: nn.Module) -> Any:
    """A function that takes pictures, float32 (N, 1, H, W), and returns the list of the answers that `whole` gives."""
    whole.eval()

    def answer(pictures: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        with torch.no_grad():
            return [value.numpy() for value in whole(torch.from_numpy(pictures))]

    return answer


def run_onnx(content: bytes) -> Any:
    """A function that takes pictures and returns the list of the ONNX file's answers."""
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda pictures: session.run(None, {"contrast": pictures})


def run_safetensors(form: PaperFile, saved: SavedNetwork[Any], content: bytes) -> Any:
    """A function that takes pictures and returns the answers of the network with the weights that the file's content holds."""
    from safetensors.torch import load

    model = copy.deepcopy(saved.model)
    model.load_state_dict(load(content))
    return run_torch(form.whole(model))
