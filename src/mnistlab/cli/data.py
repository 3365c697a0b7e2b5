"""`mnistlab data`: show what a dataset looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mnistlab.cli.options import (
    ValueType,
    data_option,
    download_option,
    examples,
    json_option,
)
from mnistlab.cli.output import print_json
from mnistlab.cli.training_options import dataset_option
from mnistlab.cli.words import figure, tell, words
from mnistlab.dependencies import require
from mnistlab.errors import UserError
from mnistlab.files import is_folder, printable
from mnistlab.messages.sentences import Clause, locales_language


@click.command(
    epilog=examples("mnistlab data", "mnistlab data --dataset kmnist",
                    "mnistlab data --dataset fashion --from /usr/share/datasets/fashion-mnist",
                    "mnistlab data --dataset path/to/folder-of-pictures",
                    "mnistlab data --from-corrections checked.csv --to corrected"),
)  # fmt: skip
@dataset_option
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    help="First import the raw files (plain or .gz) from this folder.",
)
@click.option(
    "--from-corrections",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Make a folder of pictures from a file that `mnistlab read` wrote with --to, using the rows that have the "
    "right digit in a column 'correct'.",
)
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where --from-corrections makes the folder of pictures.",
)
@click.option(
    "--split", type=click.Choice(["train", "val"]), default="train", show_default=True, help="Images to look at."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to save the gallery.  [default: DATA-DIR/NAME-gallery.png]",
)
@click.option("--batch-size", type=ValueType(int), help="Images in the batch.  [default: 64]")
@data_option
@download_option
@json_option
def data(
    dataset: str,
    source: Path | None,
    from_corrections: Path | None,
    to: Path | None,
    split: str,
    out: Path | None,
    batch_size: int | None,
    data_dir: Path,
    download: bool,
    as_json: bool,
) -> int:
    """Fetch a dataset, describe a batch of its images, and save a gallery of examples before and after augmentation."""
    if from_corrections is not None or to is not None:
        return make_folder(from_corrections, to, as_json)
    require("train")
    from mnistlab.data.dataset import DATASETS, find_spec, import_files

    if source is not None:
        if dataset not in DATASETS and is_folder(Path(dataset)):
            raise UserError("cli.import_into_pictures", dataset=dataset)
        import_files(find_spec(dataset), source, data_dir)
        tell("cli.imported", dataset=dataset, source=source, err=True)
    from mnistlab.evaluation import gallery

    facts = gallery.describe_data(
        dataset, data_dir, "val" if split == "val" else "train", batch_size, out, download=download
    )
    if as_json:
        print_json(facts)
    else:
        print_facts(facts, split)
    return 0


def make_folder(corrections: Path | None, folder: Path | None, as_json: bool) -> int:
    """Make a folder of pictures from corrected rows. Returns the exit code."""
    from mnistlab.cli.corrections import read_corrections, write_corrections
    from mnistlab.reading.reader import Reader

    if corrections is None or folder is None:
        raise UserError("cli.corrections_alone")
    failed: list[UserError] = []
    counts = write_corrections(read_corrections(corrections), corrections, folder, Reader(), failed.append)
    for error in failed:
        tell("cli.error", said=error.for_command_line(locales_language()), err=True)
    if as_json:
        print_json({"folder": str(folder), "pictures": counts})
    else:
        told = [words("cli.pictures_of_class", count=count, value=value) for value, count in counts.items()]
        tell("cli.folder_made", folder=printable(folder), count=sum(counts.values()), told=told)
    return UserError.exit_code if failed else 0


def print_facts(facts: dict[str, Any], split: str) -> None:
    """Print how many images the split has, what a batch of them looks like, and where the gallery is."""
    from mnistlab.data.catalog import DATASETS

    images, labels, name = facts["images"], facts["labels"], facts["dataset"]
    title = facts["title"] if name in DATASETS else Clause("cli.pictures_in", folder=printable(Path(name).name))
    tell("cli.data_holds", title=title, split=split, total=facts["total"], classes=len(facts["classes"]))
    shapes = {"images_shape": tuple(images["shape"]), "labels_shape": tuple(labels["shape"])}
    line("columns.batch", words("cli.data_batch", images=images["dtype"], labels=labels["dtype"], **shapes))
    range_of = {name: images[name] for name in ("min", "max", "mean", "std")}
    line("columns.values", words("cli.data_values", by_mean=facts["mean"], by_std=facts["std"], **range_of))
    width = max(map(len, facts["classes"]))
    counts = (f"{n:<{width}} {figure(c, '>7,')}" for n, c in zip(facts["classes"], facts["counts"], strict=True))
    line("columns.examples", f"\n{'':<10}".join(counts))
    tell("cli.gallery", path=facts["gallery"])


def line(key: str, said: str) -> None:
    """Print a line that begins with the message `key` as a heading and goes on with `said`."""
    click.echo(f"{words(key):<9} {said}")
