"""mnistlab: handwritten digits, from data to a trained, honestly measured, safely saved classifier.

    from mnistlab import train
    run, evaluation = train("default")

Importing mnistlab does not import torch; each name is loaded when it is first used. A name that needs an extra's packages can be
imported without them, but using it then raises an error that names the extra. mnistlab's own packages:

    data          datasets: the catalogue, raw files, download, folders of pictures, writers, splits, batches
    augmentation  random changes to training images: geometry, pens, other people's handwriting, clutter, non-digits
    papers        filled-in pages generated from MNIST's digits, for training the networks that find digits and read lines
    networks      the description of a network, its layers, ensembles, and how networks are saved
    recipes       what to train and how
    runs          run folders: the only output of training
    evaluation    how well a model reads a split; calibration, comparison, pictures
    training      from a recipe to a tested run folder
    export        a run as one ONNX or safetensors file
    doctor        checks of this machine, of runs and of any network
    reading       from a picture to digits, without torch
    serving       the page and the API
    learn         the course: days in two languages, exercises that are checked, the learner's diary
    cli           the command line
    pictures      any file or array as pixels
    messages      the sentences of errors, the server's problem responses, the doctor's checks and the log
    bundled       a copy of MNIST, the writers of its digits, and the pretrained reader

The modules at the base, which these packages share: errors, files, locks, devices, geometry, dependencies.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnistlab.augmentation.affine import Augmentation
    from mnistlab.data.dataset import DATASETS, open_dataset
    from mnistlab.data.loader import MNISTDataLoader
    from mnistlab.doctor.examination import examine
    from mnistlab.errors import MnistlabError, UserError
    from mnistlab.evaluation.comparison import compare_runs
    from mnistlab.evaluation.evaluate import evaluate, evaluate_run
    from mnistlab.evaluation.models import load_model
    from mnistlab.evaluation.result import Evaluation
    from mnistlab.export.export import export_model
    from mnistlab.networks.ensemble import Ensemble
    from mnistlab.networks.network import NeuralNet
    from mnistlab.reading.page import Digit, Line, Page
    from mnistlab.reading.reader import Reader
    from mnistlab.recipes.catalog import RECIPES
    from mnistlab.recipes.recipe import Recipe
    from mnistlab.runs.run import Run
    from mnistlab.runs.store import find_run, list_runs
    from mnistlab.training.ensembles import combine
    from mnistlab.training.experiment import resume, train

__all__ = [
    "DATASETS",
    "RECIPES",
    "Augmentation",
    "Digit",
    "Ensemble",
    "Evaluation",
    "Line",
    "MNISTDataLoader",
    "MnistlabError",
    "NeuralNet",
    "Page",
    "Reader",
    "Recipe",
    "Run",
    "UserError",
    "combine",
    "compare_runs",
    "evaluate",
    "evaluate_run",
    "examine",
    "export_model",
    "find_run",
    "list_runs",
    "load_model",
    "open_dataset",
    "resume",
    "train",
]

HOMES = {
    "augmentation.affine": ("Augmentation",),
    "data.dataset": (
        "DATASETS",
        "open_dataset",
    ),
    "data.loader": ("MNISTDataLoader",),
    "doctor.examination": ("examine",),
    "errors": (
        "MnistlabError",
        "UserError",
    ),
    "evaluation.comparison": ("compare_runs",),
    "evaluation.evaluate": (
        "evaluate",
        "evaluate_run",
    ),
    "evaluation.models": ("load_model",),
    "evaluation.result": ("Evaluation",),
    "export.export": ("export_model",),
    "networks.ensemble": ("Ensemble",),
    "networks.network": ("NeuralNet",),
    "reading.page": (
        "Digit",
        "Line",
        "Page",
    ),
    "reading.reader": ("Reader",),
    "recipes.catalog": ("RECIPES",),
    "recipes.recipe": ("Recipe",),
    "runs.run": ("Run",),
    "runs.store": (
        "find_run",
        "list_runs",
    ),
    "training.ensembles": ("combine",),
    "training.experiment": (
        "resume",
        "train",
    ),
}
HOME = {name: home for home, names in HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in HOME:
        raise AttributeError(f"module 'mnistlab' has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"mnistlab.{HOME[name]}"), name)
    except ModuleNotFoundError as error:
        from mnistlab.dependencies import stand_in

        return stand_in(HOME[name].partition(".")[0], error)


def __dir__() -> list[str]:
    return [*__all__, *globals()]
