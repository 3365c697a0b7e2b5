"""Export a trained model as one file for use without mnistlab: ONNX or safetensors, calibrated and checked."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import logging
import math
from importlib import metadata
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from mnistlab.data.dataset import Dataset, open_dataset
from mnistlab.data.splits import Split, read_split
from mnistlab.dependencies import check_callers_for_torch, require
from mnistlab.errors import Failure, UserError, number
from mnistlab.evaluation.calibration import (
    UNCALIBRATED_THRESHOLD,
    Calibration,
    Probabilities,
    at_temperature,
    find_logits,
    find_threshold,
    fit_temperature,
)
from mnistlab.evaluation.evaluate import check_fit
from mnistlab.evaluation.result import Evaluation
from mnistlab.export.onnx_file import INT8_IMAGES, OnnxFile
from mnistlab.export.papers import export_network
from mnistlab.export.result import Export, Parity
from mnistlab.export.safetensors_file import SafetensorsFile
from mnistlab.files import check_target, given_path, shorten, write_output
from mnistlab.messages.sentences import Clause
from mnistlab.networks.checkpoint import SavedModel, read_model
from mnistlab.recipes.papers import PaperRecipe
from mnistlab.runs.run import Run
from mnistlab.runs.store import find_model

__all__ = ["FORMATS", "Export", "Parity", "export_model"]


logger = logging.getLogger("mnistlab.export")

FORMATS = {"onnx": ("onnx", "onnxscript"), "safetensors": ("safetensors",)}
"""The formats of exported files and, for each format, the packages from the extra `export` that are needed to write it."""
TOLERANCE = 1e-4
"""How far a probability may be from PyTorch's; the order of summation in fp32 makes a difference of about 1e-6."""


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
    """Write the model of a finished run, or a model.pth without a run folder, as one file for other programs.

    A classifier's ONNX file takes `images`, uint8 (N, 1, H, W) as in the dataset, and returns `probabilities`, float32
    (N, classes): it includes normalisation, temperature (Guo et al. 2017) and softmax. Temperature and threshold are fitted to
    the validation split, unless the model may have been trained on it. A safetensors file holds only the weights and a header.

    Parameters
    ----------
    source : Run, str or Path
        A model.pth, or anything that `find_run` accepts: a Run, its folder, its name in `runs_dir`, or "latest".
    output : str or Path, optional
        The file; by default, beside the model: model, model.int8, finder or lines, with the ending of the format.
    to : {"onnx", "safetensors"}
        The file's format.
    int8 : bool
        Whether the ONNX file stores and computes convolutions and linear layers in 8 bits.
    coverage : float
        The fraction of digits that the threshold should accept, above 0 and up to 1.
    data_dir, runs_dir : str or Path, optional
        The folder that holds the data, by default the run's data folder; and the folder that holds the runs.

    Returns
    -------
    Export
        Where the file is, its temperature and threshold, and how closely its answers match PyTorch's; see `Export`.

    Raises
    ------
    UserError
        If the model cannot be exported as asked, for example because the run is not finished or a package is missing.
    Failure
        If the file's answers do not match PyTorch's, or if the disk is full. After any error, all files are as they were.
    """
    coverage = check_request(to, int8, coverage)
    run, model_path = find_finished(source, runs_dir)
    if run and isinstance(run.recipe, PaperRecipe):
        return export_network(run, output, to, int8=int8, coverage=coverage)
    output = given_path(output, "output") if output else model_path.with_name(f"model{'.int8' * int8}.{to}")
    check_target(output, f"model.{to}")  # above all, it must not be model.pth
    saved = read_model(model_path)
    dataset = open_fitting_dataset(run, saved, model_path, data_dir)
    unseen = run.classifier.data.validation if run else None
    if unseen is None:
        reason = Clause("export.trained_on_validation" if run else "export.training_unknown")
        logger.warning(Clause("export.not_calibrated", reason=reason, threshold=UNCALIBRATED_THRESHOLD))
    file, made = convert(saved, dataset, output, to, unseen, int8=int8, coverage=coverage)
    content = file.content(metadata_of(run, saved, made))
    write_output(output, content)
    return dataclasses.replace(made, bytes=len(content))


def convert(
    saved: SavedModel,
    dataset: Dataset,
    path: Path,
    to: str,
    unseen: Split | None,
    *,
    int8: bool,
    coverage: float,
) -> tuple[OnnxFile | SafetensorsFile, Export]:
    """The model as a file yet to be written, and facts about that file.

    `unseen` is the validation split, or None if training used it or may have used it.
    """
    split = unseen or "val"
    images, labels = read_split(dataset, split)
    logits = find_logits(saved, images)
    plain = Evaluation.of(split, saved.classes, at_temperature(logits, 1).numpy(), labels)
    temperature = fit_temperature(logits, labels) if unseen else 1.0
    file = OnnxFile(saved, temperature) if to == "onnx" else SafetensorsFile(saved, temperature)
    # The official test set is for `evaluate`. Its labels are not used here: its images only show that two programs give the
    # same answers, and no choice is made on them.
    test_images = dataset.read("test")[0]
    parity = check_parity(
        file.answer(test_images), at_temperature(find_logits(saved, test_images), temperature).numpy()
    )
    if int8 and isinstance(file, OnnxFile):
        file.quantise(read_split(dataset, "train-random" if split == "val-random" else "train")[0][:INT8_IMAGES])
    probabilities = file.answer(images)
    measured = Evaluation.of(split, saved.classes, probabilities, labels)
    calibration = Calibration(plain.calibration_error, measured.calibration_error, len(labels)) if unseen else None
    return file, Export(
        path=path,
        bytes=0,
        to=to,
        temperature=temperature,
        threshold=find_threshold(probabilities.max(axis=1), coverage) if unseen else UNCALIBRATED_THRESHOLD,
        coverage=coverage,
        calibration=calibration,
        parity=parity,
        accuracy=plain.accuracy if unseen else None,
        int8_loss=plain.accuracy - measured.accuracy if int8 else None,
    )


def check_request(to: str, int8: bool, coverage: float) -> float:
    """The checked `coverage`, as a float. Raises `UserError` if the export is impossible or a package is missing."""
    if to not in FORMATS:
        raise UserError("export.unknown_format", to=shorten(to), formats=FORMATS)
    if int8 and to != "onnx":
        raise UserError("export.int8_needs_onnx", to=to)
    coverage = number(coverage, Clause("names.coverage"), math.ulp(0), 1, wrong="export.coverage_out_of_range")
    if to == "onnx":
        check_callers_for_torch()
    require("export", "scipy", *FORMATS[to])
    return coverage


def find_finished(source: Run | str | Path, runs_dir: str | Path) -> tuple[Run | None, Path]:
    """The run (None for a model outside a run) and the model's path. Raises `UserError` if the run is not finished."""
    if not isinstance(source, Run):
        path = find_model(source, runs_dir)
        if path.name != "model.pth" or not (path.parent / "config.json").exists():
            return None, path
        source = Run.open(path.parent)
    done, planned = source.progress
    if done < planned:
        raise UserError(
            "runs.not_finished",
            remedy=source.how_to_finish,
            run=source.path,
            progress=source.told_progress,
        )
    return source, source.model_path


def open_fitting_dataset(run: Run | None, saved: SavedModel, model_path: Path, data_dir: str | Path | None) -> Dataset:
    """The dataset that the model was trained on. Raises `UserError` if the dataset has changed since the training."""
    dataset = open_dataset(saved.dataset, run.find_data(data_dir) if run else data_dir or "data")
    if run:
        check_fit(run, saved.dataset, saved.classes, dataset.spec.classes)
    elif saved.classes != dataset.spec.classes:
        raise UserError(
            "export.classes_changed",
            model_path=model_path,
            count=len(saved.classes),
            dataset=saved.dataset,
            classes_now=len(dataset.spec.classes),
        )
    return dataset


def check_parity(answers: Probabilities, expected: Probabilities) -> Parity:
    """How closely the file's answers match PyTorch's. Raises `Failure` if they differ too much."""
    others = int((answers.argmax(axis=1) != expected.argmax(axis=1)).sum())
    difference = float(np.abs(answers - expected).max())
    if others or not difference <= TOLERANCE:
        raise Failure(
            "export.answers_differ", others=others, count=len(expected), difference=difference, tolerance=TOLERANCE
        )
    return Parity(len(expected), difference)


def metadata_of(run: Run | None, saved: SavedModel, made: Export) -> dict[str, str]:
    """The file's metadata by name: plain text, or JSON for anything longer than a word."""
    trained_at = None
    if run:
        with contextlib.suppress(UserError):  # a model can be used without knowing which commit it was trained with
            trained_at = run.environment.get("commit")
    return {
        "mnistlab": metadata.version("mnistlab"),
        "dataset": Path(saved.dataset).name,  # only the name of a folder of pictures: its path is private
        "classes": json.dumps(saved.classes),
        "recipe": json.dumps(run.recipe.to_dict() if run else None),
        "temperature": str(made.temperature),
        "threshold": str(made.threshold),
        "coverage": str(made.coverage),
        "calibration": json.dumps(
            {"split": run.classifier.data.validation, **dataclasses.asdict(made.calibration)}
            if run and made.calibration
            else None
        ),
        "commit": trained_at or "unknown",
        "torch": torch.__version__,
        "created": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
    }
