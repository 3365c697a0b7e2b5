"""The server that is measured, and the digits that are sent to it."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.command import MNISTLAB
from mnistlab.data.dataset import open_dataset
from mnistlab.data.splits import validation_mask

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


def validation_digits(data_dir: Path) -> tuple[Images, Labels]:
    """The images of MNIST's split `val-random`, uint8 (N, 28, 28) with ink 255 on 0, and their labels."""
    images, labels = open_dataset("mnist", data_dir).read("train")
    chosen = validation_mask(labels, 10)
    return images[chosen], labels[chosen]


def encoded(picture: Images, format_: str) -> bytes:
    """The picture as the bytes of a file."""
    file = BytesIO()
    Image.fromarray(picture).save(file, format_)
    return file.getvalue()


@contextmanager
def running(*command: str) -> Iterator[tuple[str, int]]:
    """Run a server that prints its address when it is ready; yields the address and the process's id."""
    log = subprocess.DEVNULL  # it would get a line for each refusal
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, encoding="utf-8")
    assert process.stdout is not None  # noqa: S101 - for mypy
    try:
        address = re.search(r"http://[\w.:]+", process.stdout.readline())
        if address is None:
            raise click.ClickException(f"The server did not start. See why: {' '.join(command)}")
        yield address[0], process.pid
    finally:
        process.terminate()
        process.communicate()


def serving(*options: str) -> AbstractContextManager[tuple[str, int]]:
    """Run `mnistlab serve`; yields what `running` yields."""
    return running(*MNISTLAB, "serve", "--no-browser", "--port", "0", *options)


@contextmanager
def offering() -> Iterator[tuple[str, int]]:
    """Write the page with `mnistlab site`, and serve it with a plain file server; yields what `running` yields."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*MNISTLAB, "site", folder], check=True, stdout=subprocess.DEVNULL)
        options = ("--bind", "127.0.0.1", "--directory", folder)
        with running(sys.executable, "-u", "-m", "http.server", "0", *options) as server:
            yield server


def check_program(program: str) -> None:
    """Raise `click.UsageError` if a program that this measurement needs is not installed."""
    if shutil.which(program) is None:
        raise click.UsageError(
            f"This needs the program {program}, which is not installed. Install it (Debian: apt install {program})."
        )


def check_browser() -> None:
    """Raise `click.UsageError` if Chromium or playwright is not installed."""
    check_program("chromium")
    if importlib.util.find_spec("playwright") is None:
        raise click.UsageError("This needs playwright, which is not installed. Install it: uv sync.")
