"""Describe a split of a dataset: one of its batches in numbers, and a gallery of its images as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from mnistlab.augmentation.affine import Augmentation
from mnistlab.data.dataset import open_dataset
from mnistlab.data.loader import MNISTDataLoader
from mnistlab.data.splits import Split, read_split
from mnistlab.devices import GENERATOR
from mnistlab.evaluation.figures import save_figure
from mnistlab.evaluation.plots import data_gallery
from mnistlab.files import check_folder, link_target
from mnistlab.recipes.catalog import RECIPES

__all__ = ["describe_data"]


COLUMNS, ROWS = 6, 10


def describe_data(
    dataset: str, data_dir: Path, split: Split, batch_size: int | None, out: Path | None, *, download: bool = False
) -> dict[str, Any]:
    """Facts, in plain types, about a split and about one of its batches, and the path of the split's gallery.

    `download`: see `open_dataset`.

    Raises `UserError` for an unknown dataset, a batch size under 1 or over the split's size, or data that cannot be read or
    downloaded, and `UserError` or `Failure` if the gallery cannot be written.
    """
    if out is not None:
        check_folder(link_target(out).parent)
    opened = open_dataset(dataset, data_dir, download=download)
    if batch_size is None:
        batch_size = min(64, len(read_split(opened, split)[1]))
    loader = MNISTDataLoader(split, dataset=opened, batch_size=batch_size)
    spec = loader.spec
    images, labels = next(iter(loader))
    out = out or data_dir / f"{Path(spec.name).name}-gallery.png"
    draw_gallery(loader, out, spec.title)
    return {
        "dataset": spec.name,
        "title": spec.title,
        "split": split,
        "total": len(loader.dataset),
        "classes": list(spec.classes),
        "counts": torch.bincount(loader.dataset.labels, minlength=len(spec.classes)).tolist(),
        "mean": spec.mean,
        "std": spec.std,
        "images": {
            "dtype": str(images.dtype).removeprefix("torch."),
            "shape": list(images.shape),
            "min": images.min().item(),
            "max": images.max().item(),
            "mean": images.mean().item(),
            "std": images.std().item(),
        },
        "labels": {"dtype": str(labels.dtype).removeprefix("torch."), "shape": list(labels.shape)},
        "gallery": str(out),
    }


def draw_gallery(loader: MNISTDataLoader, out: Path, title: str) -> None:
    """Draw examples of all classes in turn, as they are and as the recipe `default` augments them; save the picture to `out`."""
    columns = min(COLUMNS, len(loader.dataset))
    count = min(ROWS * columns, len(loader.dataset) // columns * columns)
    labels = loader.dataset.labels.numpy()
    rank = np.zeros(len(labels), int)  # for each example, how many of the same class come before it
    for label in np.unique(labels):
        where = np.flatnonzero(labels == label)
        rank[where] = np.arange(len(where))
    chosen = torch.from_numpy(np.sort(np.lexsort((labels, rank))[:count]))
    chosen = chosen[np.argsort(labels[chosen.numpy()], kind="stable")]
    data = RECIPES["default"].data
    augment = Augmentation(data.rotate, data.scale, data.shift, data.shear, data.elastic)
    pictures = loader.dataset.images[chosen]
    with GENERATOR, torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        augmented = augment(pictures.float()).round().clamp(0, 255).to(torch.uint8)
    names = [loader.spec.classes[label] for label in labels[chosen.numpy()]]
    save_figure(data_gallery(pictures[:, 0].numpy(), augmented[:, 0].numpy(), names, title, columns), out)
