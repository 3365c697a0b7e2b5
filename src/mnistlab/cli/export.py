"""`mnistlab export`: write a model as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from mnistlab.cli.options import (
    FOLDER,
    ValueType,
    examples,
    json_option,
    runs_option,
)
from mnistlab.cli.output import print_json
from mnistlab.cli.words import tell
from mnistlab.dependencies import require


@click.command(
    epilog=examples(
        "mnistlab export", "mnistlab export latest --int8", "mnistlab export model.pth --to safetensors --output PATH"
    ),
)
@click.argument("run", metavar="[RUN|MODEL.pth]", default="latest")
@click.option(
    "--to", metavar="FORMAT", default="onnx", show_default=True, help="Format of the file: onnx or safetensors."
)
@click.option("--int8", is_flag=True, help="Compute convolutions and linear layers in 8 bits.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="The file to write.  [default, beside the model: model.onnx (.int8.onnx, .safetensors); finder.onnx for a"
    " finder, lines.onnx for a line reader]",
)
@click.option(
    "--coverage",
    type=ValueType(float),
    default=0.99,
    show_default=True,
    help="Share of digits that the threshold should accept.",
)
@click.option("--data-dir", type=FOLDER, default=None, help="Folder that holds the data.  [default: the run's]")
@runs_option
@json_option
def export(
    run: str,
    to: Literal["onnx", "safetensors"],
    int8: bool,
    output: Path | None,
    coverage: float,
    data_dir: Path | None,
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Write a model as one file for other programs, after checking that the file's answers match PyTorch's.

    RUN is a run's folder, its name, or "latest" (the default). A model.pth outside a run is not calibrated, because
    nothing says which images it was trained on.
    """
    require("export", "torch", "scipy")
    from mnistlab.runs.store import find_model

    source = find_model(run, runs_dir)
    from mnistlab.export.export import export_model
    from mnistlab.export.result import PaperExport

    done = export_model(source, output, to=to, int8=int8, coverage=coverage, data_dir=data_dir)
    if as_json:
        print_json(done.to_dict())
        return
    tell("cli.exported", path=done.path, megabytes=done.bytes / 1e6)
    if isinstance(done, PaperExport):
        tell("cli.network_answers_the_same", count=done.parity.images, within=done.parity.largest_difference)
        return
    same = "cli.answers_the_same_before_int8" if int8 else "cli.answers_the_same"
    tell(same, count=done.parity.images, within=done.parity.largest_difference)
    if done.calibration is not None:
        before, after = 100 * done.calibration.before, 100 * done.calibration.after
        tell("cli.calibrated", before=before, after=after, temperature=done.temperature)
        count = done.calibration.images
        tell("cli.threshold_accepts", threshold=done.threshold, share=100 * coverage, count=count)
    if done.int8_loss is not None:
        tell("cli.int8_changes", points=-100 * done.int8_loss)
