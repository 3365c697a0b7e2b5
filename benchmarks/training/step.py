"""Where a training step's time goes, and what fraction of the machine's peak it reaches:
uv run python -m benchmarks.training.step

For each recipe: the median time of a step and of its four parts (making the batch, including augmentation; forward pass and
loss; backward pass; optimizer), images per second, and the floating-point operations per second of its convolutions and linear
layers. The peak is this machine's own, in the recipe's precision: the speed of a product of two large matrices, measured before
and after each recipe. The column "training" is the median step time multiplied by the recipe's number of steps. Let nothing else
run meanwhile.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

import click
import torch

from benchmarks import records
from benchmarks.command import Command
from mnistlab.data.dataset import open_dataset
from mnistlab.devices import autocast, pick_device, pick_precision
from mnistlab.recipes.catalog import RECIPES
from mnistlab.recipes.recipe import Recipe
from mnistlab.training.loop import cross_entropy
from mnistlab.training.optimizers import learning_rate, set_rate
from mnistlab.training.state import TrainingState

SIDE = 2048
"""The side of the square matrices whose product measures the peak."""
WARM_UP = 5
"""How many warm-up steps are taken first; they are not counted."""
PARTS = ("batch", "forward", "backward", "optimizer")


def peak(precision: str, repeats: int = 8) -> float:
    """Floating-point operations per second of a matrix product in this precision ("fp32" or "bf16"), the best of several."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    first, second = (torch.randn(SIDE, SIDE, dtype=dtype) for _ in range(2))
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        torch.mm(first, second)
        best = min(best, time.perf_counter() - start)
    return 2 * SIDE**3 / best


def operations(state: TrainingState) -> int:
    """Floating-point operations of a step's convolutions and linear layers: forward, and twice as many backward.

    The first convolution takes fewer, because its input needs no gradient.
    """
    work = [row.multiply_adds for row in state.model.describe() if row.multiply_adds]
    return int(2 * (3 * sum(work) - work[0]) * state.recipe.data.batch_size)


def measure(recipe: Recipe, data_dir: Path, most: float) -> dict[str, Any]:
    """Take training steps for at least `most` seconds, the first few to warm up. The result has medians in milliseconds."""
    device = pick_device("cpu")
    precision = pick_precision(recipe.optimisation.precision, device)
    state = TrainingState(recipe, open_dataset("mnist", data_dir), 0, device, precision)
    state.model.train()
    set_rate(
        state.optimizer.param_groups, learning_rate(recipe.optimisation, 0, state.steps)
    )  # only the learning rate is set: nothing should be learnt
    data = state.loader.dataset
    raw, named = data.images[: recipe.data.batch_size].float(), data.labels[: recipe.data.batch_size]
    before = peak(precision)
    times: dict[str, list[float]] = {name: [] for name in (*PARTS, "step", "augmentation")}
    begun, batches = time.perf_counter(), iter(state.loader)
    while time.perf_counter() - begun < most or len(times["step"]) < 3 * WARM_UP:
        marks = [time.perf_counter()]
        try:
            images, labels = next(batches)
        except StopIteration:
            batches = iter(state.loader)
            continue
        marks.append(time.perf_counter())
        with autocast(device, precision):
            logits = state.model(images)
        loss = cross_entropy(
            logits.float(), labels, recipe.optimisation.label_smoothing, rejects=recipe.data.rejects > 0
        )
        marks.append(time.perf_counter())
        state.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        marks.append(time.perf_counter())
        state.optimizer.step()
        marks.append(time.perf_counter())
        if data.augment:
            data.augment(raw, named)
        times["augmentation"].append(time.perf_counter() - marks[-1] if data.augment else 0.0)
        for name, start, end in zip(PARTS, marks, marks[1:], strict=False):
            times[name].append(end - start)
        times["step"].append(marks[-1] - marks[0])
    top = max(before, peak(precision))
    medians = {name: median(values[WARM_UP:]) for name, values in times.items()}
    speed = operations(state) / medians["step"]
    return {
        "recipe": recipe.to_dict(),
        "precision": precision,
        "steps_measured": len(times["step"]) - WARM_UP,
        "milliseconds": {name: round(1e3 * value, 3) for name, value in medians.items()},
        "augmentation_share": round(medians["augmentation"] / medians["step"], 4),
        "images_per_second": round(recipe.data.batch_size / medians["step"]),
        "gflops": round(speed / 1e9, 1),
        "peak_gflops": round(top / 1e9, 1),
        "fraction_of_peak": round(speed / top, 4),
        "training_seconds": round(state.steps * medians["step"], 2),
    }


@click.command(cls=Command, help=__doc__)
@click.argument("names", nargs=-1, metavar="[RECIPE...]")
@click.option("--seconds", type=click.FloatRange(min=1), default=10.0, show_default=True, help="For each recipe.")
@click.option("--precision", type=click.Choice(["fp32", "bf16"]), help="[default: the recipe's]")
@click.option("--data-dir", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
@click.option("--record", is_flag=True, help="Add the results to docs/results/step.jsonl.")
def main(names: tuple[str, ...], seconds: float, precision: str | None, data_dir: Path, record: bool) -> None:
    single = [
        name for name, recipe in RECIPES.items() if recipe.kind == "single"
    ]  # an ensemble's steps are those of its members
    if unknown := sorted(set(names) - set(single)):
        raise click.UsageError(f"No recipe of one network is called {unknown[0]!r}: choose from {', '.join(single)}.")
    click.echo(
        "recipe         step ms  batch  (augm.)  forward  backward  optim.  images/s  GFLOP/s  of peak  training"
    )
    for name in names or single:
        recipe = RECIPES[name].override(precision=precision) if precision else RECIPES[name]
        row = measure(recipe, data_dir, seconds)
        ms = row["milliseconds"]
        click.echo(
            f"{name:<13} {ms['step']:>8.2f} {ms['batch']:>6.2f} {ms['augmentation']:>8.2f} {ms['forward']:>8.2f}"
            f" {ms['backward']:>9.2f} {ms['optimizer']:>7.2f} {row['images_per_second']:>9,} {row['gflops']:>8.1f}"
            f" {100 * row['fraction_of_peak']:>6.1f} % {row['training_seconds']:>7.1f} s"
        )
        if record:
            records.append("step", row)


if __name__ == "__main__":
    main()
