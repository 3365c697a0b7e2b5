"""mnistlab: handwritten digits, from data to a trained, honestly measured, safely saved classifier.

    from mnistlab import train
    run, evaluation = train("default")

Importing mnistlab imports no torch; its names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnistlab.augment import Augmentation
    from mnistlab.checkpoints import load_model
    from mnistlab.comparison import compare_runs
    from mnistlab.datasets import DATASETS, open_dataset
    from mnistlab.errors import MnistlabError, UserError
    from mnistlab.evaluation import Evaluation, evaluate, evaluate_run
    from mnistlab.examination import examine
    from mnistlab.experiments import combine, resume, train
    from mnistlab.export import export_model
    from mnistlab.loader import MNISTDataLoader
    from mnistlab.model import Ensemble, NeuralNet
    from mnistlab.reader import Digit, Line, Page, Reader
    from mnistlab.recipes import RECIPES, Recipe, override
    from mnistlab.runs import Run, find_run, list_runs

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
    "override",
    "resume",
    "train",
]

HOMES = {
    "augment": ("Augmentation",),
    "checkpoints": ("load_model",),
    "comparison": ("compare_runs",),
    "datasets": ("DATASETS", "open_dataset"),
    "errors": ("MnistlabError", "UserError"),
    "evaluation": ("Evaluation", "evaluate", "evaluate_run"),
    "examination": ("examine",),
    "experiments": ("combine", "resume", "train"),
    "export": ("export_model",),
    "loader": ("MNISTDataLoader",),
    "model": ("Ensemble", "NeuralNet"),
    "reader": ("Digit", "Line", "Page", "Reader"),
    "recipes": ("RECIPES", "Recipe", "override"),
    "runs": ("Run", "find_run", "list_runs"),
}
HOME = {name: home for home, names in HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in HOME:
        raise AttributeError(f"module 'mnistlab' has no attribute {name!r}")
    return getattr(importlib.import_module(f"mnistlab.{HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, *globals()]
