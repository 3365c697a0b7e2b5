"""Find out what is wrong with a run of a network for pages: a finder or a line reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from mnistlab.data.dataset import open_dataset
from mnistlab.doctor.check import Check
from mnistlab.doctor.examination import ReluWatch, check_relus
from mnistlab.evaluation.alphabet import alphabet_of
from mnistlab.evaluation.finds import FinderEvaluation
from mnistlab.evaluation.papers import KINDS, saved_network
from mnistlab.messages.sentences import Clause
from mnistlab.networks.network import evaluating
from mnistlab.reading.finder import contrast
from mnistlab.recipes.papers import PaperRecipe
from mnistlab.runs.run import Run

__all__ = ["check_network"]

PICTURES = 48
"""The number of pictures, with digits of validation writers, on which the network is examined."""
ENOUGH = 50
"""The lowest percentage, of digits found and read correctly or of lines read exactly, that a trained network should reach."""


def check_network(run: Run, recipe: PaperRecipe, data_dir: Path) -> list[Check]:
    """Check that the run's network reads digits well enough, and that it has no dead ReLUs.

    Raises `UserError` if a file is missing or damaged.
    """
    saved, kind = saved_network(run), KINDS[recipe.kind]
    drawn = kind.drawn(recipe, alphabet_of(open_dataset(run.dataset, data_dir), "val"), 0)
    pictures = [drawn[number] for number in range(PICTURES)]
    seen = np.stack([contrast(picture.pixels) for picture in pictures])[:, None]
    with evaluating(saved.model), ReluWatch() as watch:
        answers = saved.model(torch.from_numpy(seen))
    if not all(answer.isfinite().all() for answer in (answers if isinstance(answers, tuple) else [answers])):
        return [Check(Clause("names.output"), "problem", Clause("doctor.output_not_finite"))]
    measured: Any = kind.measure(saved.model, recipe, pictures, "val", torch.device("cpu"))
    right = 100 * measured.accuracy
    if isinstance(measured, FinderEvaluation):
        told = Clause(
            "doctor.digits_found", right=right, count=measured.total, scenes=PICTURES, false=measured.false_finds
        )
    else:
        told = Clause("doctor.lines_read", right=right, strips=PICTURES, wrong=100 * measured.character_error_rate)
    return [Check(Clause("names.digits"), "ok" if right >= ENOUGH else "problem", told), *check_relus(watch.alive)]
