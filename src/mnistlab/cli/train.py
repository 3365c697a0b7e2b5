"""`mnistlab train`: a recipe in, a tested run folder out."""

from __future__ import annotations

import importlib
import json
import threading
from pathlib import Path
from typing import Any

import click

from mnistlab.cli.options import (
    TrainingCommand,
    data_option,
    dataset_option,
    device_option,
    download_option,
    examples,
    json_option,
    recipe_options,
    runs_option,
)
from mnistlab.cli.output import print_json, print_score
from mnistlab.errors import UserError
from mnistlab.recipes.catalog import RECIPES, find_recipe
from mnistlab.recipes.toml_file import read_overrides

FIGURES = json.loads(Path(__file__).parents[1].joinpath("recipes", "figures.json").read_text(encoding="utf-8"))
"""What was measured of each recipe; benchmarks/report/write.py writes the file."""

RECIPE_LIST = (
    "\b\nRecipes; below each its accuracy on MNIST's test images\n(mean ± std over n seeds) and its time on 2 cores:\n"
    + "\n".join(f"  {r.name:<11}{r.summary}\n  {'':<11}{FIGURES.get(r.name, '')}".rstrip() for r in RECIPES.values())
)


@click.command(
    cls=TrainingCommand,
    short_help="Train a network, test it once, keep all in a run folder.",
    help=f"Train a network, test it once, and keep everything in a run folder.\n\n{RECIPE_LIST}",
    epilog=examples(
        "mnistlab train",
        "mnistlab train three-conv --seed 1",
        "mnistlab train --dataset fashion --epochs 4",
        "mnistlab train --widths 16,32,64 --learning-rate 0.05",
        "mnistlab train --config my.toml",
        "mnistlab train --resume latest",
    ),
)
@click.argument("recipe", required=False)
@dataset_option
@click.option("--seed", type=int, default=0, show_default=True, help="Of the weights, the data's order and dropout.")
@click.option("--resume", "resume_run", metavar="RUN", help="Go on with a run that was interrupted or killed.")
@click.option("--config", type=click.Path(path_type=Path), help="TOML file with fields of the recipe.")
@click.option("--track", metavar="TRACKER", help="Follow the training in: tensorboard.")
@device_option
@data_option
@download_option
@runs_option
@json_option
@recipe_options
def train(
    recipe: str | None,
    dataset: str,
    seed: int,
    resume_run: str | None,
    config: Path | None,
    track: str | None,
    device: str,
    data_dir: Path,
    download: bool,
    runs_dir: Path,
    as_json: bool,
    **fields: Any,
) -> None:
    """Train a network; see the command's help."""
    changed = {name: value for name, value in fields.items() if value is not None}
    if resume_run is not None:
        from mnistlab.runs.store import find_run

        context = click.get_current_context()
        given = {"recipe", "dataset", "download", "seed", "config", "device", *changed}
        default = click.core.ParameterSource.DEFAULT
        if extra := sorted(name for name in given if context.get_parameter_source(name) != default):
            raise UserError(
                f"--resume goes on with the run as it was begun, and {', '.join(extra)} would change it.",
                "Leave that out, or train anew.",
            )
        run = find_run(resume_run, runs_dir)
        moved_data = data_dir if context.get_parameter_source("data_dir") != default else None
    else:
        if recipe is not None and recipe.endswith(".toml") and config is None:
            config, recipe = Path(recipe), None
        chosen = find_recipe(recipe or "default").override(read_overrides(config) if config else {}, changed)
        from mnistlab.data.dataset import open_dataset

        opened = open_dataset(dataset, data_dir, download=download)
        if opened.at_hand:  # importing torch takes seconds: read the data meanwhile
            threading.Thread(target=importlib.import_module, args=("torch",)).start()
            opened.read("train")

    from rich.console import Console

    from mnistlab.cli.progress import TerminalDisplay
    from mnistlab.training import experiment as experiments

    display = TerminalDisplay(Console(stderr=True))
    if resume_run is not None:
        run, evaluation = experiments.resume(run, data_dir=moved_data, track=track, display=display)
    else:
        run, evaluation = experiments.train(
            chosen, dataset=dataset, data_dir=data_dir, runs_dir=runs_dir, seed=seed, device=device, track=track,
            display=display, opened=opened,
        )  # fmt: skip
    last = run.metrics[-1]
    if as_json:
        from mnistlab.networks.checkpoint import read_model

        print_json(
            {
                "run": str(run.path),
                "recipe": run.recipe.name,
                "dataset": run.dataset,
                "seed": run.seed,
                "parameters": read_model(run.model_path).model.parameters_count,
                "seconds": last["seconds"],
                "val_accuracy": last["val_accuracy"],
                "test": evaluation.score(),
            }
        )
        return
    print_score(evaluation)
    click.echo(f"Trained in {last['seconds']:.1f} s. Model, metrics and pictures: {run.path}")
    click.echo(f"Next: look at {run.path / 'mistakes.png'}, or compare your runs: mnistlab runs")
