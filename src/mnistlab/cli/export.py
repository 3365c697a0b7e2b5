"""`mnistlab export`: a model as one file."""

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
from mnistlab.dependencies import require


@click.command(
    epilog=examples(
        "mnistlab export", "mnistlab export latest --int8", "mnistlab export model.pth --to safetensors --output PATH"
    ),
)
@click.argument("run", metavar="[RUN|MODEL.pth]", default="latest")
@click.option("--to", metavar="FORMAT", default="onnx", show_default=True, help="onnx or safetensors.")
@click.option("--int8", is_flag=True, help="Convolutions and linear layers in 8 bits.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="The file.  [default: model.onnx beside the model, or finder.onnx]",
)
@click.option(
    "--coverage",
    type=ValueType(float),
    default=0.99,
    show_default=True,
    help="Share of digits that the threshold is to accept.",
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
    """Write a model as one file for other programs, calibrated, after checking that it answers as PyTorch does.

    RUN is a run's folder, its name, or "latest" (the default). A model.pth outside a run is not calibrated: nothing says
    which images it has seen.
    """
    require("export", "torch", "scipy")
    from mnistlab.runs.store import find_model

    source = find_model(run, runs_dir)
    from mnistlab.export.export import export_model
    from mnistlab.export.result import FinderExport

    done = export_model(source, output, to=to, int8=int8, coverage=coverage, data_dir=data_dir)
    if as_json:
        print_json(done.to_dict())
        return
    click.echo(f"Exported {done.path} ({done.bytes / 1e6:.2f} MB)")
    if isinstance(done, FinderExport):
        pictures, within = done.parity.images, done.parity.largest_difference
        click.echo(f"PyTorch's answers on {pictures} pictures of several sizes, within {within:.1e}")
        return
    click.echo(
        f"PyTorch's answer on all {done.parity.images:,} test images,"
        f" probabilities within {done.parity.largest_difference:.1e}{' before 8 bits' * int8}"
    )
    if done.calibration is not None:
        before, after = 100 * done.calibration.before, 100 * done.calibration.after
        click.echo(f"Calibration error {before:.2f} % -> {after:.2f} % at temperature {done.temperature:.3f}")
        click.echo(f"Threshold {done.threshold:.4f} accepts {100 * coverage:g} % of {done.calibration.images:,}"
                   " validation images")  # fmt: skip
    if done.int8_loss is not None:
        click.echo(f"8 bits change the validation accuracy by {-100 * done.int8_loss:+.2f} points")
