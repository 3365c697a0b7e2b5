"""What the journeys share: pictures that are trained on in a second, and processes that start in a tenth of one."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mnistlab.datasets import open_dataset

COMMAND = str(Path(sys.executable).parent / "mnistlab")
Start = Callable[..., BaseProcess]


@pytest.fixture(scope="session")
def pictures(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 pictures each of three digits of MNIST: 69 to train on, 6 for validation, 15 to test on."""
    folder = tmp_path_factory.mktemp("pictures") / "digits"
    images, labels = open_dataset("mnist", data_dir).read("train")
    for digit in range(3):
        (folder / str(digit)).mkdir(parents=True)
        for index in np.flatnonzero(labels == digit)[:30]:
            Image.fromarray(images[index]).save(folder / str(digit) / f"{index:05}.png")
    return folder


@pytest.fixture(scope="session")
def start() -> Iterator[Start]:
    """Starts `target(*arguments)` as a process of its own, with `mnistlab.cli.main`'s imports done already.

    They come from a server that has imported torch and computed nothing, so that each start takes no time.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mnistlab.training", "mnistlab.progress"])
    begun: list[BaseProcess] = []

    def begin(target: Callable[..., None], *arguments: object) -> BaseProcess:
        process = context.Process(target=target, args=arguments)
        process.start()
        begun.append(process)
        return process

    yield begin
    for process in begun:
        if process.is_alive():
            process.kill()
        process.join()


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks only wait for a second thread; the processes that are started inherit it."""
    before, torch_threads = os.environ.get("OMP_NUM_THREADS"), torch.get_num_threads()
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(torch_threads)
    if before is None:
        del os.environ["OMP_NUM_THREADS"]
    else:
        os.environ["OMP_NUM_THREADS"] = before
