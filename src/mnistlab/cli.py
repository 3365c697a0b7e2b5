"""The command line: arguments in, one call, output."""

from __future__ import annotations

import dataclasses
import importlib
import json
import logging
import sys
import threading
from pathlib import Path
from typing import Any, Literal, NoReturn

import click

from mnistlab.errors import MnistlabError, UserError
from mnistlab.options import (
    DATA_HELP,
    FOLDER,
    RUNS_HELP,
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
from mnistlab.output import StandardErrorHandler, percent, print_checks, print_json, print_score, side_by_side
from mnistlab.read_command import read
from mnistlab.recipes import RECIPES, find_recipe, override, read_overrides
from mnistlab.serve_command import serve
from mnistlab.wording import counted, place

__all__ = ["app", "main"]


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=examples("mnistlab train", "mnistlab train three-conv --seed 1", "mnistlab read photo.jpg", "mnistlab runs")
    + "\n\nExit codes: 0 done, 1 failed, 2 your input, 130 interrupted.",
)
@click.version_option(package_name="mnistlab", message="mnistlab %(version)s")
@click.pass_context
def app(context: click.Context) -> None:
    """Handwritten digits: from data to a trained, honestly measured, safely saved classifier."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


app.add_command(read)
app.add_command(serve)

OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory")
"""What torch's allocators say in a RuntimeError; "memory" alone would hide errors about memory formats."""

FIGURES = json.loads(Path(__file__).with_name("figures.json").read_text(encoding="utf-8"))
"""What was measured of each recipe; benchmarks/report.py writes the file."""

RECIPE_LIST = (
    "\b\nRecipes; below each its accuracy on MNIST's test images\n(mean ± std over n seeds) and its time on 2 cores:\n"
    + "\n".join(f"  {r.name:<11}{r.summary}\n  {'':<11}{FIGURES.get(r.name, '')}".rstrip() for r in RECIPES.values())
)


@app.command(
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
        from mnistlab.runs import find_run

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
        chosen = override(find_recipe(recipe or "default"), read_overrides(config) if config else {}, changed)
        from mnistlab.datasets import open_dataset

        opened = open_dataset(dataset, data_dir, download=download)
        if opened.at_hand:  # importing torch takes seconds: read the data meanwhile
            threading.Thread(target=importlib.import_module, args=("torch",)).start()
            opened.read("train")

    from rich.console import Console

    from mnistlab import experiments
    from mnistlab.progress import TerminalDisplay

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
        from mnistlab.checkpoints import load_model

        print_json(
            {
                "run": str(run.path),
                "recipe": run.recipe.name,
                "dataset": run.dataset,
                "seed": run.seed,
                "parameters": load_model(run.model_path).model.parameters_count,
                "seconds": last["seconds"],
                "val_accuracy": last["val_accuracy"],
                "test": evaluation.score(),
            }
        )
        return
    print_score(evaluation)
    click.echo(f"Trained in {last['seconds']:.1f} s. Model, metrics and pictures: {run.path}")
    click.echo(f"Next: look at {run.path / 'mistakes.png'}, or compare your runs: mnistlab runs")


@app.command(
    short_help="Combine finished runs into one model.",
    epilog=examples("mnistlab ensemble RUN-A RUN-B RUN-C", "mnistlab train ensemble"),
)
@click.argument("names", nargs=-1, required=True, metavar="RUN RUN...")
@click.option("--data-dir", type=FOLDER, default=None, help="Folder that holds the data.  [default: the first run's]")
@device_option
@runs_option
@json_option
def ensemble(names: tuple[str, ...], data_dir: Path | None, device: str, runs_dir: Path, as_json: bool) -> None:
    """Combine finished runs into one model, the mean of their probabilities, as a new run; test it once."""
    from mnistlab.runs import find_run

    found = [find_run(name, runs_dir) for name in names]
    from mnistlab.experiments import combine

    run, evaluation = combine(found, runs_dir=runs_dir, data_dir=data_dir, device=device)
    if as_json:
        print_json(
            {"run": str(run.path), "members": [str(member.path) for member in found], "test": evaluation.score()}
        )
        return
    print_score(evaluation)
    click.echo(f"An ensemble of {len(found)} runs: {run.path}")


@app.command(
    short_help="Measure a run's saved model, class by class.",
    epilog=examples("mnistlab evaluate", "mnistlab evaluate runs/20261122-101500-two-conv-seed0 --json",
                    "mnistlab evaluate latest --split val"),
)  # fmt: skip
@click.argument("run", default="latest")
@click.option(
    "--split", type=click.Choice(["val", "test"]), default="test", show_default=True, help="What to measure on."
)
@click.option("--data-dir", type=FOLDER, default=None, help="Folder that holds the data.  [default: the run's]")
@device_option
@runs_option
@json_option
def evaluate(run: str, split: str, data_dir: Path | None, device: str, runs_dir: Path, as_json: bool) -> None:
    """Measure a run's saved model: accuracy, 95 % interval, each class, calibration; draw its pictures anew.

    RUN is a run's folder, its name, or "latest" (the default).
    """
    from mnistlab.runs import find_run

    found = find_run(run, runs_dir)
    from mnistlab import plots
    from mnistlab.evaluation import evaluate_run

    evaluation = evaluate_run(found, "val" if split == "val" else "test", device=device, data_dir=data_dir)
    if split == "test":
        plots.draw_run(found, evaluation)
    if as_json:
        print_json({"run": str(found.path), "split": split, "test": evaluation.score()})
        return
    print_score(evaluation)
    click.echo(
        f"mean loss {evaluation.mean_loss:.4f} nats, calibration error {100 * evaluation.calibration_error:.2f} %"
    )
    click.echo("\nclass         precision   recall  examples")
    counts = evaluation.confusion.sum(axis=1).tolist()
    rows = zip(evaluation.classes, evaluation.precision, evaluation.recall, counts, strict=True)
    for name, precision, recall, count in rows:
        click.echo(f"{name:<12} {percent(precision):>10} {percent(recall):>8} {count:>9,}")
    known = [m for m in evaluation.mistakes if m.label_known_wrong]
    if known:
        click.echo(
            f"\n{counted(len(evaluation.mistakes), 'mistake')}, of which {len(known)} on labels known to be wrong: "
            + ", ".join(f"#{m.index}" for m in known)
        )


@app.command(
    short_help="Fetch a dataset, describe it and draw a gallery.",
    epilog=examples("mnistlab data", "mnistlab data --dataset kmnist",
                    "mnistlab data --dataset fashion --from /usr/share/datasets/fashion-mnist",
                    "mnistlab data --dataset path/to/folder-of-pictures"),
)  # fmt: skip
@dataset_option
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    help="Import the raw files (plain or .gz) in this folder first.",
)
@click.option(
    "--split", type=click.Choice(["train", "val"]), default="train", show_default=True, help="What to look at."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to save the gallery.  [default: DATA-DIR/NAME-gallery.png]",
)
@click.option("--batch-size", type=int, help="Images in the batch that is shown.  [default: 64]")
@data_option
@download_option
@json_option
def data(
    dataset: str,
    source: Path | None,
    split: str,
    out: Path | None,
    batch_size: int | None,
    data_dir: Path,
    download: bool,
    as_json: bool,
) -> None:
    """Fetch a dataset, say what a batch of it is, and save a gallery of it before and after augmentation."""
    from mnistlab.datasets import find_spec, import_files

    if source is not None:
        import_files(find_spec(dataset), source, data_dir)
        click.echo(f"Imported {dataset} from {source}: all files verified.", err=True)
    from mnistlab import gallery

    facts = gallery.describe_data(
        dataset, data_dir, "val" if split == "val" else "train", batch_size, out, download=download
    )
    if as_json:
        print_json(facts)
        return
    images, labels = facts["images"], facts["labels"]
    click.echo(f"{facts['title']}, split {split}: {facts['total']:,} images in {len(facts['classes'])} classes")
    click.echo(
        f"a batch   images {images['dtype']} {tuple(images['shape'])}, labels {labels['dtype']} {tuple(labels['shape'])}"
    )
    click.echo(f"values    {images['min']:.3f} to {images['max']:.3f}, mean {images['mean']:.3f}, std {images['std']:.3f}"
               f" (normalised by mean {facts['mean']}, std {facts['std']})")  # fmt: skip
    width = max(map(len, facts["classes"]))
    click.echo(
        "examples  "
        + "\n          ".join(f"{n:<{width}} {c:>7,}" for n, c in zip(facts["classes"], facts["counts"], strict=True))
    )
    click.echo(f"Gallery: {facts['gallery']}")


@app.command(
    short_help="Write a model as one ONNX or safetensors file.",
    epilog=examples(
        "mnistlab export", "mnistlab export latest --int8", "mnistlab export model.pth --to safetensors --output PATH"
    ),
)
@click.argument("run", metavar="[RUN|MODEL.pth]", default="latest")
@click.option("--to", metavar="FORMAT", default="onnx", show_default=True, help="onnx or safetensors.")
@click.option("--int8", is_flag=True, help="Convolutions and linear layers in 8 bits.")
@click.option("--output", type=click.Path(path_type=Path), help="The file.  [default: model.onnx beside the model]")
@click.option(
    "--coverage", type=float, default=0.99, show_default=True, help="Share of digits that the threshold is to accept."
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
    from mnistlab.runs import find_model

    source = find_model(run, runs_dir)
    from mnistlab.export import export_model

    done = export_model(source, output, to=to, int8=int8, coverage=coverage, data_dir=data_dir)
    if as_json:
        print_json(done.to_dict())
        return
    click.echo(f"Exported {done.path} ({done.bytes / 1e6:.2f} MB)")
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


@app.group(
    invoke_without_command=True,
    short_help="List, compare and delete runs.",
    epilog=examples("mnistlab runs", "mnistlab runs compare RUN-A RUN-B", "mnistlab runs delete RUN"),
)
@runs_option
@json_option
@click.pass_context
def runs(context: click.Context, runs_dir: Path, as_json: bool) -> None:
    """List all runs by day, the oldest first: recipe, seed, validation and test accuracy, seconds.

    Where a command takes "latest", it is the run that was created last; one dated in the future, by a clock that was wrong,
    counts only where there is no other.
    """
    if context.invoked_subcommand is not None:
        return
    from mnistlab.runs import Run, list_runs

    summaries = []
    for run in list_runs(runs_dir):
        try:
            if not isinstance(run, Run):
                raise run
            summaries.append(run.summary())
        except UserError as error:
            click.echo(f"warning: {error}", err=True)
    if as_json:
        print_json({"runs": summaries})
        return
    if not summaries:
        click.echo(f"There is no run in {place(runs_dir)} yet. Make one: mnistlab train")
    day = ""
    for row in summaries:
        if row["created"][:10] != day:
            day = row["created"][:10]
            click.echo(f"{day}\n  time   recipe        dataset         seed    val %   test %  seconds  run")
        state = percent(row["test_accuracy"]) if row["test_accuracy"] is not None else "{}/{}".format(*row["epochs"])
        seconds = f"{row['seconds']:.1f}" if row["seconds"] is not None else "-"
        click.echo(
            f"  {row['created'][11:16]}  {row['recipe']:<12}  {Path(row['dataset']).name:<14}  {row['seed']:>4}"
            f"  {percent(row['val_accuracy']):>7}  {state:>7}  {seconds:>7}  {Path(row['run']).name}"
        )


def runs_folder(context: click.Context, runs_dir: Path | None) -> Path:
    parent: Path = context.parent.params["runs_dir"] if context.parent else Path("runs")
    return runs_dir or parent


inner_runs_option = click.option("--runs", "runs_dir", type=FOLDER, default=None, help=f"{RUNS_HELP}  [default: runs]")


@runs.command(
    short_help="Put two runs side by side, with McNemar's test.",
    epilog=examples("mnistlab runs compare 20261122-101500-two-conv-seed0 latest"),
)
@click.argument("first", metavar="RUN-A")
@click.argument("second", metavar="RUN-B")
@inner_runs_option
@json_option
@click.pass_context
def compare(context: click.Context, first: str, second: str, runs_dir: Path | None, as_json: bool) -> None:
    """Put two runs side by side, with McNemar's exact test on their test predictions."""
    from mnistlab.comparison import compare_runs
    from mnistlab.runs import find_run

    folder = runs_folder(context, runs_dir)
    pair = [find_run(name, folder) for name in (first, second)]
    comparison = compare_runs(*pair)
    if as_json:
        print_json({"runs": [run.summary() for run in pair], **dataclasses.asdict(comparison)})
        return
    for label, value in side_by_side(*pair):
        click.echo(f"{label:<18} {value[0]:<36} {value[1]}")
    click.echo(
        f"\nwrong only in A: {comparison.only_first_wrong}, only in B: {comparison.only_second_wrong},"
        f" in both: {comparison.both_wrong}"
    )
    verdict = (
        "a real difference" if comparison.p_value < 0.05 else "no difference that this test set can tell from chance"
    )
    click.echo(f"McNemar's exact test: p = {comparison.p_value:.3g}, {verdict} (at the 5 % level)")


@runs.command(epilog=examples("mnistlab runs delete 20261122-101500-two-conv-seed0 --yes"))
@click.argument("names", nargs=-1, required=True, metavar="RUN...")
@click.option("--yes", is_flag=True, help="Do not ask.")
@inner_runs_option
@json_option
@click.pass_context
def delete(context: click.Context, names: tuple[str, ...], yes: bool, runs_dir: Path | None, as_json: bool) -> None:
    """Delete runs, after asking."""
    from mnistlab.runs import delete_run, find_run

    found = list({(run := find_run(name, runs_folder(context, runs_dir))).path: run for name in names}.values())
    if not yes:
        if not sys.stdin.isatty():
            raise UserError(
                f"Nobody is there to confirm the deletion of {counted(len(found), 'run')}.", "Say it with --yes."
            )
        click.confirm(f"Delete {', '.join(str(run.path) for run in found)}?", abort=True, err=True)
    for run in found:
        delete_run(run)
        click.echo(f"Deleted {run.path}", err=True)
    if as_json:
        print_json({"deleted": [str(run.path) for run in found]})


@app.command(
    short_help="Check this machine, a run or a saved model.",
    epilog=examples(
        "mnistlab doctor", "mnistlab doctor latest", "mnistlab doctor model.pth --code network.py:NeuralNet"
    ),
)
@click.argument("target", metavar="[RUN|MODEL.pth]", required=False)
@click.option(
    "--code", metavar="FILE.py:CLASS", help="The class of the network whose state_dict MODEL.pth holds; FILE.py is run."
)
@dataset_option
@device_option
@click.option("--data-dir", type=FOLDER, help=f"{DATA_HELP}  [default: data, or the run's]")
@runs_option
@json_option
def doctor(
    target: str | None,
    code: str | None,
    dataset: str,
    device: str,
    data_dir: Path | None,
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Check this machine; or a run or a saved model: double softmax, wrong input, dead ReLUs.

    A softmax that stands in the network is seen in its outputs, one that stands in the training loop in the run's losses;
    in weights alone it can only be suspected, where they are far too sure. Exit code 1 where there is a problem.
    """
    from mnistlab import doctor as checks
    from mnistlab.runs import find_run

    if target is None:
        if code is not None:
            raise UserError(
                "--code says what a saved model is, and no model is named.",
                "Name it: mnistlab doctor MODEL.pth --code FILE.py:CLASS",
            )
        found = checks.check_machine(data_dir or Path("data"), runs_dir, device)
    elif Path(target).is_file() or target.endswith((".pth", ".pt")):
        found = checks.check_model(Path(target), data_dir or Path("data"), dataset=dataset, code=code)
    else:
        found = checks.check_run(find_run(target, runs_dir), data_dir)
    if as_json:
        print_json({"checks": [dataclasses.asdict(check) for check in found]})
    else:
        print_checks(found)
    if any(check.verdict == "problem" for check in found):
        click.get_current_context().exit(1)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 failed, 2 the user's mistake, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console without Unicode shows "?" and goes on
    logger = logging.getLogger("mnistlab")
    logger.setLevel(logging.INFO)
    logger.addHandler(StandardErrorHandler())
    sys.exit(run_app(arguments))


def run_app(arguments: list[str] | None) -> int:
    try:
        result = app(arguments, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except MnistlabError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "mnistlab"
        click.echo(f"error: {error.format_message()} See: {path} --help", err=True)
        return 2
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        return 2
    except (KeyboardInterrupt, click.Abort):  # click.Abort is a RuntimeError, too
        click.echo("Interrupted.", err=True)
        return 130
    except OSError as error:
        click.echo(f"error: {error}. Check the disk and where the output goes.", err=True)
        return 1
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not any(words in str(error) for words in OUT_OF_MEMORY):
            raise
        click.echo("error: The memory is not enough. Choose a smaller --batch-size or smaller --widths.", err=True)
        return 1
