"""Images per second of MNISTDataLoader and of a plain DataLoader: uv run python -m benchmarks.training.loader

The plain one is that of every tutorial: torchvision's MNIST with ToTensor and Normalize, batch size 64, shuffled. Both,
and MNISTDataLoader with augmentation too, go over the training images in this one process, in turn, several times. What counts
is each loader's median, and the median of the ratios of MNISTDataLoader without augmentation to the plain one.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

import click
import torch
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from benchmarks import records
from benchmarks.command import Command
from mnistlab import MNISTDataLoader
from mnistlab.data.catalog import find_spec
from mnistlab.recipes.catalog import find_classifier
from mnistlab.training.state import pipeline_of

BATCH_SIZE = 64


def images_per_second(loader: DataLoader[Any], most: float = 10.0) -> float:
    """Iterate over the loader once, or until `most` seconds have passed, and return its images per second."""
    images, start = 0, time.perf_counter()
    for batch, _ in loader:
        images += len(batch)
        if time.perf_counter() - start > most:
            break
    return images / (time.perf_counter() - start)


@click.command(cls=Command, help=__doc__)
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--data-dir", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
@click.option("--record", is_flag=True, help="Add the result to docs/results/loader.jsonl.")
def main(rounds: int, data_dir: Path, record: bool) -> None:
    augment = pipeline_of(find_classifier("default"), find_spec("mnist"))
    ours = MNISTDataLoader("train+val", data_dir=data_dir, batch_size=BATCH_SIZE)
    augmented = MNISTDataLoader("train+val", data_dir=data_dir, batch_size=BATCH_SIZE, augment=augment)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    plain = DataLoader(datasets.MNIST(str(data_dir), transform=transform), batch_size=BATCH_SIZE, shuffle=True)
    loaders = {"plain": plain, "ours": ours, "augmented": augmented}
    measured: dict[str, list[float]] = {name: [] for name in loaders}
    for _ in range(rounds):
        for name, loader in loaders.items():
            measured[name].append(images_per_second(loader))
    medians = {name: median(values) for name, values in measured.items()}
    ratios = [a / b for a, b in zip(measured["ours"], measured["plain"], strict=True)]
    for name, value in medians.items():
        click.echo(f"{name:<10} {value:>12,.0f} images/s")
    click.echo(f"ours / plain: {median(ratios):.1f} (from {min(ratios):.1f} to {max(ratios):.1f}, {rounds} rounds)")
    if record:
        row = {"rounds": rounds, "threads": torch.get_num_threads(), "ratios": ratios, "images_per_second": measured}
        records.append("loader", row)


if __name__ == "__main__":
    main()
