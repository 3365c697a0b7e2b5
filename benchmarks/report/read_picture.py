"""Draw README's picture of a page that was read: uv run python -m benchmarks.report.read_picture

A page of squared paper from tests/support/pages.py with validation digits of MNIST, as `mnistlab read --annotate` shows it.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import click

from benchmarks import records
from mnistlab import Reader, open_dataset
from mnistlab.data.splits import read_split
from mnistlab.reading.annotation import annotate

pages: Any = importlib.import_module("tests.support.pages")

SEED = 21
PICTURE = records.ROOT / "docs" / "images" / "read.jpg"


@click.command(cls=records.Command, help=__doc__)
@click.option("--data-dir", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
def main(data_dir: Path) -> None:
    images, labels = read_split(open_dataset("mnist", data_dir), "val")
    page = pages.make_page(
        SEED, images[:40], labels[:40], size=(1300, 800), paper="white", ruling="squared", pen="blue ballpoint",
        height=62, tilt=-6, per_line=10, without=("show-through",),
    )  # fmt: skip
    found = Reader().read(page.picture)
    annotate(page.picture, found).save(PICTURE, quality=88)
    click.echo(f"{found.text}\n{PICTURE}")


if __name__ == "__main__":
    sys.exit(main())
