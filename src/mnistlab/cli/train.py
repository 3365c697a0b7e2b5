"""`mnistlab train`: train a network according to a recipe, test it, and keep everything in a run folder."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.options import (
    ValueType,
    data_option,
    device_option,
    download_option,
    examples,
    json_option,
    runs_option,
    runs_typed,
)
from mnistlab.cli.output import print_json, print_score
from mnistlab.cli.training_options import TrainingCommand, dataset_option, fields_of, recipe_options
from mnistlab.cli.words import tell
from mnistlab.dependencies import check_torch, require
from mnistlab.errors import UserError
from mnistlab.messages.sentences import Clause
from mnistlab.recipes.catalog import find_recipe
from mnistlab.recipes.toml_file import read_overrides
from mnistlab.training.processes import here, joined, writes

if TYPE_CHECKING:
    from mnistlab.cli.progress import TerminalDisplay
    from mnistlab.data.dataset import Dataset
    from mnistlab.evaluation.result import Evaluation
    from mnistlab.runs.run import Run


@click.command(
    cls=TrainingCommand,
    help="Train a network, test it once, and keep everything in a run folder.",
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
@click.option(
    "--seed",
    type=ValueType(int),
    default=0,
    show_default=True,
    help="Seed of the weights, the data's order and dropout.",
)
@click.option("--resume", "resume_run", metavar="RUN", help="Continue a run that was interrupted or killed.")
@click.option("--config", type=click.Path(path_type=Path), help="TOML file with fields of the recipe.")
@click.option("--track", metavar="TRACKER", help="Tool for following the training run: tensorboard.")
@device_option
@data_option
@download_option
@runs_option
@json_option
@recipe_options
@joined()
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
    require("train")
    if processes := here():
        processes.compare({"training.differing_command": resume_run})
    changed = {name: value for name, value in fields.items() if value is not None}
    if resume_run is not None:
        run, evaluation = go_on(resume_run, runs_dir, data_dir, track, changed)
    else:
        if recipe is not None and recipe.endswith(".toml") and config is None:
            config, recipe = Path(recipe), None
        named = find_recipe(recipe or "default")
        if foreign := [name for name in changed if name not in fields_of(named)]:
            raise UserError("cli.option_of_another_recipe", recipe=named.name, options=options_of(foreign))
        chosen = named.override(read_overrides(config) if config else {}, changed)
        opened = open_early(dataset, data_dir, download)
        from mnistlab.training import experiment

        run, evaluation = experiment.train(
            chosen, dataset=dataset, data_dir=data_dir, runs_dir=runs_dir, seed=seed, device=device, track=track,
            display=terminal_display(), opened=opened,
        )  # fmt: skip
    if writes(processes):
        report(run, evaluation, as_json)


def options_of(fields: Iterable[str]) -> list[str]:
    """The options for these fields of a recipe, as they are typed on the command line."""
    params = (param for param in click.get_current_context().command.params if param.name in fields)
    return sorted(param.opts[0] for param in params)


def go_on(
    name: str, runs_dir: Path, data_dir: Path, track: str | None, changed: dict[str, Any]
) -> tuple[Run, Evaluation]:
    """Resume a run. Raises `UserError` if an option on the command line would change the run."""
    from mnistlab.runs.store import find_run

    context = click.get_current_context()

    def is_given(option: str) -> bool:
        return context.get_parameter_source(option) != click.core.ParameterSource.DEFAULT

    fixed = {"dataset", "download", "seed", "config", "device", *changed}
    options: list[str | Clause] = [Clause("cli.argument_recipe")] * is_given("recipe")
    options += options_of({name for name in fixed if is_given(name)})
    if options:
        raise UserError("cli.resume_with_changes", options=options)
    run = name if here() else find_run(name, runs_dir)  # if there are several processes, the first one finds the run
    from mnistlab.training import experiment

    moved_data = data_dir if is_given("data_dir") else None
    return experiment.resume(run, data_dir=moved_data, runs_dir=runs_dir, track=track, display=terminal_display())


def open_early(dataset: str, data_dir: Path, download: bool) -> Dataset:
    """The dataset, which is read while torch is being imported, because the import takes seconds."""
    from mnistlab.data.dataset import open_dataset

    opened = open_dataset(dataset, data_dir, download=download)
    if opened.at_hand:
        check_torch()  # an error in the thread would go unnoticed
        threading.Thread(target=importlib.import_module, args=("torch",)).start()
        opened.read("train")
    return opened


def terminal_display() -> TerminalDisplay:
    """A display that shows the training run on standard error."""
    from rich.console import Console

    from mnistlab.cli.progress import TerminalDisplay

    return TerminalDisplay(Console(stderr=True))


def report(run: Run, evaluation: Evaluation, as_json: bool) -> None:
    """Print the results of a training run."""
    last = run.metrics[-1]
    if not as_json:
        print_score(evaluation)
        tell("cli.trained", seconds=last["seconds"], run=run.path)
        tell("cli.look_next", picture=run.path / run.recipe.picture, runs=runs_typed(run.path.parent))
        return
    print_json(
        {
            "run": str(run.path),
            "recipe": run.recipe.name,
            "dataset": run.dataset,
            "seed": run.seed,
            "parameters": parameters_of(run),
            "seconds": last["seconds"],
            "val_accuracy": last["val_accuracy"],
            "test": evaluation.score(),
        }
    )


def parameters_of(run: Run) -> int:
    """How many parameters the run's network has."""
    from mnistlab.evaluation.papers import saved_network
    from mnistlab.networks.checkpoint import read_model

    if not run.is_classifier:
        return sum(weight.numel() for weight in saved_network(run).model.parameters())
    return int(read_model(run.model_path).model.parameters_count)
