"""Find out what is wrong with a run of the recipe `finder`."""

from __future__ import annotations

from pathlib import Path

import torch

from mnistlab.data.dataset import open_dataset
from mnistlab.doctor.check import Check
from mnistlab.doctor.examination import ReluWatch, check_relus
from mnistlab.evaluation.finder import alphabet_of, measure, saved_finder
from mnistlab.messages.sentences import Clause
from mnistlab.networks.network import evaluating
from mnistlab.papers.scene import Scenes
from mnistlab.papers.targets import batch_of, example
from mnistlab.recipes.finder import FinderRecipe
from mnistlab.runs.run import Run

__all__ = ["check_finder"]

SCENES = 48
"""The number of scenes, with digits of validation writers, on which the network is examined."""
ENOUGH = 50
"""The lowest percentage of digits that a trained network should find."""


def check_finder(run: Run, recipe: FinderRecipe, data_dir: Path) -> list[Check]:
    """Whether the run's network finds digits, and has no dead ReLUs. Raises `UserError` if a file is missing or damaged."""
    saved = saved_finder(run)
    drawn = Scenes(alphabet_of(open_dataset(run.dataset, data_dir), "val"), recipe.height, recipe.width)
    scenes = [drawn[number] for number in range(SCENES)]
    contrast, *_ = batch_of([example(scene) for scene in scenes])
    with evaluating(saved.model), ReluWatch() as watch:
        answers = saved.model(torch.from_numpy(contrast))
    if not all(answer.isfinite().all() for answer in answers):
        return [Check(Clause("names.output"), "problem", Clause("doctor.output_not_finite"))]
    measured = measure(saved.model, recipe, scenes, "val", torch.device("cpu"))
    right = 100 * measured.accuracy
    seen = Clause("doctor.digits_found", right=right, count=measured.total, scenes=SCENES, false=measured.false_finds)
    verdict = Check(Clause("names.digits"), "ok" if right >= ENOUGH else "problem", seen)
    return [verdict, *check_relus(watch.alive)]
